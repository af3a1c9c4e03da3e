"""Text: equal but for case, spaces, quotes and the punctuation around it."""

from __future__ import annotations

import hashlib
import re

from . import fold as folding
from . import number
from .asking import prose
from .fold import fold
from .key import Key

_SHORT = 60
_EXACT = 4000  # characters of a text that is compared in NFKC
_SENTENCE = 160  # characters of a sentence that may tell a short answer
_ARTICLE = re.compile(r"(?:the|an?)\s+(?=\S)")
_AGREES = (
    "yes yeah yep yup true correct affirmative indeed absolutely certainly definitely"
    " ja oui si s\u00ed sim \u0434\u0430 \u662f \u662f\u7684 \u5bf9 \u306f\u3044"
)
_YES = frozenset(_AGREES.split())
_DENIES = (
    "no nope nah false incorrect wrong negative nein non n\u00e3o \u043d\u0435\u0442"
    " \u4e0d \u4e0d\u662f \u5426 \u3044\u3044\u3048"
)
_NO = frozenset(_DENIES.split())
_OPENING = re.compile(
    r"[\s*_`\"'(]*([^\W\d_]+)([\s*_`\"')]*(?:[,.;:!\n]|- |$)"
    r"|\s(?=(?:it|they|he|she|this|that|there|we|you|i|the|is|not|because|since)\b))",
    re.IGNORECASE,
)
_YES_NO = re.compile(
    r"\b(?:yes or no|true or false|yes/no|true/false|y/n)\b"
    r"|(?:^|[.!?:\n]\s*)(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should"
    r"|may|must)(?:n't)?\s(?!you\b|we\b|i\b)[^?\n]{2,160}\?\s*\Z",
    re.IGNORECASE,
)
_EITHER = re.compile(r"\bor\b(?! (?:no|false|not)\b)", re.IGNORECASE)
_BRIEF = re.compile(
    r"\b(?:in|with) (?:one|a single|1|two|a few) words?\b|\b(?:one|single)[- ]word\b"
    r"|\b(?:just|only) (?:the |a |its |his |her |their )?(?:name|word|answer|city|country|title)\b"
    r"|(?:^|[.!?\n]\s*)(?:who|whose|where)\s[^?\n]{2,120}\?\s*\Z"
    r"|(?:^|[.!?\n]\s*)(?:in )?(?:which|what) (?:\w+ ){1,3}"
    r"(?:is|was|are|were|did|does|do|has|have)\b[^?\n]{2,120}\?\s*\Z"
    r"|\bwhat(?:'s| is| was) the (?:\w+ ){0,2}(?:capital|name|title|currency|colou?r|symbol"
    r"|language|city|country|author|word|opposite|antonym|plural|largest|smallest|tallest"
    r"|longest)\b[^?\n]{0,120}\?\s*\Z"
    r"|(?:^|[.!?\n]\s*)name (?:the|a|an|one)\b[^\n]{2,120}\Z",
    re.IGNORECASE,
)
_LONG = re.compile(
    r"\b(?:why|how|explain|describe|list|write|steps?|detail|compare|essay|i|we|you|your|my|me)\b",
    re.IGNORECASE,
)
_NAME = 5  # words of a name
_WHICH = re.compile(
    r",?\s(?:which|who|whose|located|known|situated)\s|,\s(?:an?|the|and|where|in)\s", re.IGNORECASE
)
_WORD = re.compile(r"\w+(?:'\w+)?")
_FUNCTION = (
    "the a an of in is are was were it it's its this that these those to for by on at as he she"
    " they his her their who which what answer correct called named known located written wrote"
    " invented painted discovered founded composed directed made"
)
_EMPTY = frozenset(_FUNCTION.split())
_LINKS = frozenset(("of", "the", "de", "la", "van", "von", "and", "da", "del", "di"))


def plain(words: str) -> str:
    """`words` in NFKC, lower case, single spaces, without punctuation around it."""
    folded = " ".join(fold(words).casefold().split())
    inner = folded.lstrip("\"'`*_ ").rstrip(" .,;:!?\"'`*_")
    return inner[1:-1] if inner.startswith("(") and inner.endswith(")") else inner


def bare(words: str) -> str:
    """`plain`, without LaTeX and without an article before it."""
    return _ARTICLE.sub("", plain(folding.plain(words)), count=1)


def key(words: str) -> Key | None:
    """The key of a text: itself when short, its hash when long; None when nothing is left."""
    if "\\" in words and len(words) <= 4 * _SHORT:
        words = folding.plain(words) or words
    said = (plain(words) if len(words) <= _EXACT else "") or " ".join(words.casefold().split())
    if not said:
        return None
    if len(said) <= _SHORT:
        return Key(f"text:{said}")
    return Key(f"text:{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:32]}")


def is_short(question: str) -> bool:
    """Whether `question` asks for a word, a name, or yes or no."""
    if is_yes_no(question):
        return True
    asked = fold(question[-2000:]).strip()
    return bool(_BRIEF.search(asked)) and not _LONG.search(asked) and not prose(question)


def is_yes_no(question: str) -> bool:
    """Whether `question` asks for yes or no, or true or false."""
    found = _YES_NO.search(fold(question[-2000:]).strip())
    return found is not None and not _EITHER.search(found[0])


def short(words: str, span: str | None, question: str) -> Key | None:
    """The key of a short answer: yes or no, the marked span, or what one sentence tells.

    "The capital of France is Paris." says "Paris" to who asked for the capital of France: the
    other words are the question's own. Where more than one thing is new, the text is the key.
    """
    said = span if span is not None else words
    if is_yes_no(question) and (verdict := _verdict(said)):
        return Key(f"text:{verdict}")
    said = _told(said, question) or said
    if pure := number.key(said, strict=True):
        return pure
    name = bare(said) if len(said) <= 4 * _SHORT else ""
    return Key(f"text:{name}") if name and len(name) <= _SHORT else key(said)


def _verdict(said: str) -> str | None:
    opening = _OPENING.match(fold(said[:200]))
    word = opening[1].casefold() if opening else ""
    if word in _YES:
        return "yes"
    alone = opening is not None and not opening[2].isspace()  # "no one knows" is no "no"
    return "no" if word in _NO and (alone or word not in ("no", "non", "wrong")) else None


def _told(words: str, question: str) -> str | None:
    """The one new thing that the first sentence tells beside the words of the question."""
    first = re.split(r"(?<=[.!?])\s|\n", fold(words).strip()[: 2 * _SENTENCE], maxsplit=1)[
        0
    ].rstrip(" .")
    first = _WHICH.split(first.replace("*", ""), maxsplit=1)[0]
    if not 0 < len(first) <= _SENTENCE:
        return None
    asked = set(_WORD.findall(fold(question[-2000:]).casefold())) | _EMPTY
    runs: list[list[re.Match[str]]] = [[]]
    end = 0
    for word in _WORD.finditer(first):
        said = word[0].casefold()
        apart = first[end : word.start()].strip() not in ("", "-", ".")  # "Paris, Texas"
        if runs[-1] and (apart or (said in asked and said not in _LINKS)):
            runs.append([])
        if said not in asked or (runs[-1] and said in _LINKS):
            runs[-1].append(word)
        end = word.end()
    for run in runs:
        while run and run[-1][0].casefold() in _LINKS:
            run.pop()
    told = [run for run in runs if run]
    if len(told) != 1 or len(told[0]) > _NAME:
        return None
    name = first[told[0][0].start() : told[0][-1].end()]
    return name if len(name) > 1 else None
