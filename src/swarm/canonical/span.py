r"""Finds the part of an answer that is meant as the answer.

Marks are `\boxed{}`, `#### x`, `<answer>`, "final answer: x", "the answer is x", "Answer: x" and
the same in a few other languages. The last one counts, but "the answer is" inside a sentence
takes nothing back that a box, a rule or a label said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from .thoughts import strip_thoughts

__all__ = ["final_span", "strip_thoughts"]

_LONGEST = 400  # a final answer is short; a longer span is prose
_MOST = 24  # marks that are looked at, from the end

_NAMES = (
    *("answers?", "ans", "antwort", "r[e\u00e9]ponse", "respuesta", "risposta", "resposta"),
    *("antwoord", "svar", "\u043e\u0442\u0432\u0435\u0442", "odpowied\u017a"),
)
_LABEL = rf"(?<!\w)(?P<final>final[ \t]+)?(?:{'|'.join(_NAMES)})(?!\w)|\u7b54\u6848|\u7b54\u3048"
_TO = r"(?:[ \t]+(?:to|for|of|in)\b[^\n.:=?!]{1,48}?)?"
_BE = (
    r"[ \t]+(?:is|are|was|would[ \t]+be|should[ \t]+be|must[ \t]+be|will[ \t]+be|equals|becomes"
    r"|comes[ \t]+out[ \t]+(?:to|as)|ist|lautet|est|es|\u00e8|\u00e9)(?!\w)|[\u662f\u4e3a\u306f]"
)
_MARK = re.compile(
    r"(?P<hash>(?:^|(?<=[\s.!?]))####(?!#)[ \t]*)"
    r"|(?P<tag><(?:final_)?answer>)"
    rf"|(?P<label>(?:{_LABEL})[*_`]*{_TO}"
    rf"(?:[ \t]*[*_`]*[ \t]*(?P<colon>[:=\uff1a]|$)|(?P<be>{_BE}|(?=[ \t]+[-$(\d\\]))[ \t]*:?))",
    re.IGNORECASE | re.MULTILINE,
)
# Where a mark may begin, in lower case. Each alternative begins with a letter of its own, so that
# the search leaps from one to the next; what stands before a label is looked at afterwards.
_SPOT = re.compile(
    "|".join(
        ["####", "<answer>", "<final_answer>", "\u7b54\u6848", "\u7b54\u3048"]
        + [rf"{name}(?!\w)" for name in _NAMES]
        + [rf"final[ \t]+(?:{'|'.join(_NAMES)})(?!\w)"]
    )
)
_HEADING = re.compile(r"(?:step|part|case|solution|approach|method|explanation|conclusion|summary"
    r"|analysis|calculation|answer|final|given|\d+[.)]\s+[a-z])|.*:$", re.IGNORECASE)  # fmt: skip
_BOX = re.compile(r"\\(?:boxed|fbox)\s?(?=[{\w\\])")
_LEAD = re.compile(
    r"(?:^|[.!?:;\n)\]}>*])[\s*_`#>$]*(?:(?:so|thus|hence|therefore|then|and|now|i think"
    r"|in conclusion|finally|we get|in short|actually|wait|no|my|our|your|the|correct|right|final"
    r"|die|la|der|a|\u6240\u4ee5|\u56e0\u6b64|\u6b63\u786e)[,\s]*){0,6}\Z",
    re.IGNORECASE,
)
_IF = re.compile(
    r"(?:\bif|\bwhether|\bsuppose|\bassume|\bwhen)\s+(?:the\s+)?(?:\w+\s+)?\Z", re.IGNORECASE
)
_SOFT = re.compile(
    r"[\s*_`:=\uff1a]*(?:(?:therefore|thus|hence|then|so|simply|just|indeed|clearly|definitely|likely"
    r"|probably|actually|still|now|in fact|of course|obviously|certainly|that)\b[,:\s]*)*",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"(?:as follows|below|above|given (?:by|below|above|as)|found (?:by|in)|obtained by|correct\b"
    r"|wrong\b|incorrect\b|clear\b|obvious\b|here\b|shown\b|based on\b|in the (?:box|form))",
    re.IGNORECASE,
)
_NOT = re.compile(r"(?:not|n't|nicht)\s+(.{1,80}?)(?:[,;]?\s(?:but(?:\s+rather)?|sondern)\s"
    r"|[,;.]\s*(?:it is|it's|rather)\s)", re.IGNORECASE)  # fmt: skip
_DENIED = re.compile(r"(?:not|n't)\b", re.IGNORECASE)
_ASIDE = re.compile(
    r"\s*\((?:not|rather than|instead of)\s[^)]*\)|,?\s(?:not|rather than|instead of|and not)\s.*",
    re.IGNORECASE | re.DOTALL,
)
_END = re.compile(r"[.!?](?=[\s*_\"')\]]|$)|[\u3002\uff01\uff1f]")
_SHORTENED = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|st|prof|jr|sr|vs|approx|ca|e\.g|i\.e|no|inc|ltd|u\.s|u\.k|a\.m|p\.m"
    r"|rs|fig|eq|sq|cu|ft|mt|gen|col|(?<!\d )[A-Z])\.$",
    re.IGNORECASE,
)
_ON = re.compile(
    r"\s+(?:this|it|the|because|that|therefore|so|thus|since|which|these|here|we|i|as)\b",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*[-*\u2022]\s+(?=\S)")
_MARKUP = re.compile(r"[*_`]+(?=[.!?]?$)")
_EDGES = " \t\r\n*_`>"


class _Found(NamedTuple):
    at: int
    text: str
    rank: int  # 2 a box, a rule or a label; 1 opens a sentence; 0 inside one


def final_span(words: str) -> str | None:
    """The last span that is marked as the answer, without marks around it; or None."""
    best: _Found | None = None
    for found in sorted([*_boxes(words), *_marks(words)]):
        if best is None or found.rank > 0 or best.rank < 2:
            best = found
    if best is None:
        return None
    inner = final_span(best.text) if len(best.text) < len(words) else None
    return inner or best.text  # "Final answer: the answer is 42"


def is_open(words: str) -> bool:
    r"""Whether `words` end inside of a `\boxed{`."""
    tail = words[-_LONGEST:]
    boxes = [box.end() for box in _BOX.finditer(tail)]
    return bool(boxes) and tail[boxes[-1]] == "{" and not _balanced(tail, boxes[-1])


def _boxes(words: str) -> Iterator[_Found]:
    boxes = [box.end() for box in _BOX.finditer(words)][-_MOST:]
    for begin in boxes:
        if words[begin] != "{":  # \boxed 5
            end = begin
            while end < len(words) and words[end] not in " \n$.,;":
                end += 1
            text = words[begin:end]
        else:
            text = _balanced(words, begin)
        if text.strip():
            yield _Found(begin, text.strip()[:_LONGEST], 2)


def _balanced(words: str, begin: int) -> str:
    """What stands in the brace at `begin`; nothing when it is never closed."""
    depth = 0
    for at in range(begin, min(len(words), begin + 2 * _LONGEST)):
        depth += {"{": 1, "}": -1}.get(words[at], 0)
        if depth == 0:
            return words[begin + 1 : at]
    return ""


def _marks(words: str) -> Iterator[_Found]:
    low = words.lower()
    if len(low) != len(words):  # of few letters the small one is longer
        low = "".join(sign.lower()[:1] for sign in words)
    spots = [spot.start() for spot in _SPOT.finditer(low)]
    first = islice((at for at in spots if _begins(low, at)), 4)
    last = islice((at for at in reversed(spots) if _begins(low, at)), _MOST)
    for at in sorted({*first, *last}):
        mark = _MARK.match(words, at)
        if mark and (found := _marked(words, mark)):
            yield found


def _begins(low: str, at: int) -> bool:
    """Whether what stands at `at` begins there, and is no end of a longer word."""
    before = low[at - 1 : at] if low[at].isalpha() and low[at] != "\u7b54" else ""
    return not (before.isalnum() or before == "_")


def _marked(words: str, mark: re.Match[str]) -> _Found | None:
    before = words[max(0, mark.start() - 60) : mark.start()]
    if _IF.search(before):
        return None
    if mark["tag"]:
        text = words[mark.end() : mark.end() + 2 * _LONGEST].partition("</")[0].strip()
        return _Found(mark.start(), text, 2) if text and len(text) <= _LONGEST else None
    opens = mark.start() == 0 or bool(_LEAD.search(before))
    if mark["label"] and not (opens or mark["final"]) and not (mark["colon"] or mark["be"]):
        return None  # a line that happens to end in "answer"
    if mark["be"] == "" and not mark["final"]:
        return None  # "answer 5 questions"
    text = _line(words, mark.end())
    if mark["hash"] and _is_heading(text, words[mark.end() + len(text) :]):
        return None
    said = _answer(text)
    if not said:
        return None
    strong = opens and bool(mark["hash"] or mark["colon"])
    return _Found(mark.start(), said, 2 if strong or mark["final"] else int(opens))


def _is_heading(text: str, behind: str) -> bool:
    """Whether `#### text` opens a section and gives no answer."""
    text = text.strip(_EDGES)
    if _HEADING.match(text):
        return True
    prose = len(text) > 3 and not any(sign.isdigit() for sign in text)
    return prose and bool(behind.strip())


def _line(words: str, at: int) -> str:
    """The rest of the line at `at`, or the next line with words when nothing is left of it."""
    for line in words[at : at + 2 * _LONGEST].split("\n")[:5]:
        if line.strip(_EDGES + ":$|-[]\\("):
            return _BULLET.sub("", line)
    return ""


def _answer(line: str) -> str | None:
    """The answer in what follows a mark: one sentence without its marks; None when it is none."""
    soft = _SOFT.match(line)
    text = line[soft.end() if soft else 0 :].strip(_EDGES)
    if turned := _NOT.match(text):
        text = text[turned.end() :]
    if _DENIED.match(text) or _EMPTY.match(text):
        return None
    text = _MARKUP.sub("", _ASIDE.sub("", _sentence(text)).strip(_EDGES))
    return text if text and len(text) <= _LONGEST else None


def _sentence(text: str) -> str:
    for end in _END.finditer(text):
        said = text[: end.end()]
        behind = text[end.end() :]
        if _SHORTENED.search(said) and not (len(said) <= 3 and _ON.match(behind)):
            continue
        if (
            re.fullmatch(r"[(\[*\"']*\d{1,2}\.", said)
            and re.match(r" [A-Za-z]", behind)
            and len(behind) < 40
        ):
            continue  # "2. Paris" of numbered options
        return said
    return text
