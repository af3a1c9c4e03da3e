"""What a text asserts and what it denies: yes or no, negations, opposites. Pure."""

from __future__ import annotations

import re

from . import lexicon


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_OPENING = re.compile(
    r"\W*(?:(?:the\s+)?(?:short\s+)?answer(?:\s+is)?\W+)?"
    r"(?:(?P<no>no|nope|nein|non|false|incorrect|wrong|not\s+(?:really|quite|exactly|at\s+all)|"
    r"absolutely\s+not|certainly\s+not|of\s+course\s+not|that(?:'s|\s+is)\s+(?:not|false|wrong)\b"
    r"[^,.;:!\n]{0,12})"
    r"|(?P<yes>yes|yeah|yep|ja|oui|s\u00ed|si|true|correct|right|sure|certainly|absolutely|exactly|"
    r"of\s+course|indeed|that(?:'s|\s+is)\s+(?:true|right|correct))"
    r"|(?P<depends>(?:it|that)\s+depends|maybe|perhaps|possibly))"
    r"(?P<end>\s*(?:[,.;:!\n\u2014*]|-\s|$)|\s+(?=(?:it|you|that|this|they|there|we|he|she|i)\b))"
    r"|\W*(?P<depending>it\s+depends)\b",
    re.IGNORECASE,
)


def opening(words: str) -> str | None:
    """How a plain text begins: "yes", "no", "depends", or None."""
    match = _OPENING.match(words)
    if match is None:
        return None
    return "depends" if match["depending"] or match["depends"] else "no" if match["no"] else "yes"


def bare(words: str) -> str | None:
    """ "yes" or "no" for a plain text that says nothing else, in whatever words; else None."""
    if len(words) > 60 or set(lexicon.content(words)) - _BARE:
        return None
    return opening(words)


_NEGATION = _set(
    "not no never none neither nor cannot hardly barely rarely seldom nobody nothing nowhere non "
    "nicht kein keine keinen nie niemals jamais ne pas nunca \u4e0d \u6ca1 \u7121 \u65e0"
)
_ABSENCE = _set("without lack lacks lacking except unlike sans sin ohne")
_PAIRED = re.compile(
    r"(?P<verb>\b(?:fail(?:s|ed|ing)?|refus(?:e|es|ed|ing)|unable)\s+to\b|\bno\s+longer\b"
    r"|\bfar\s+from\b)|\b(?:instead|devoid)\s+of\b|\brather\s+than\b"
    r"|(?<=\bkeep\b)[^.,;\n]{0,30}?\b(?:out\s+of|away\s+from)\b",
    re.IGNORECASE,
)
_NOT_ONLY = re.compile(r"\bnot\s+(?:only|just|merely|simply)\b|\bno\s+(?:doubt|matter)\b", re.I)
_SWITCHED = re.compile(
    r"\b(?:turn|switch|power|go|goes|is|are|was|stay|stays)(?:s|ed|ing)?\s+(?:[\w']+\s+){0,3}?(on|off)\b"
    r"(?=\s*(?:[.,;:!?]|$))",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;:()\u3002\uff0c]|\s-\s|\b(?:but|because|so|which|that|when|if|although|unless|while|since"
    r"|and|or|than|whereas|until)\b",
    re.IGNORECASE,
)
_REACH = 5  # words after a negation that it denies
_SHORT_REACH = 2  # after "without" and its like
_BARE = frozenset(map(lexicon.stem, _set("yes no true correct right false incorrect wrong")))
_QUANTIFIERS = _set("all any every each both much many very")
_AUXILIARIES = _set("is are was were has have had will can would")
# What these say, they say of their whole clause: "division by zero is not possible".
_VERDICTS = frozenset(map(lexicon.stem, _set("possible allowed permitted supported recommended")))
_LACKING = frozenset(map(lexicon.stem, _set("missing absent nonexistent impossible illegal")))
_NOT_THERE = re.compile(r"\b(?:is|are|was|were)(?:n't|\s+not)\s+(?:there|here)\b", re.IGNORECASE)
_NO_EVIDENCE = re.compile(
    r"\b(?:there\s+is\s+)?no\s+(?:evidence|proof|sign|indication|reason\s+to\s+believe)\s+(?:that|of|for)\b"
    r"|\bit\s+is\s+(?:not\s+(?:true|correct|the\s+case)|untrue|false|wrong)\s+that\b"
    r"|\b(?:don't|do\s+not|doesn't|does\s+not)\s+(?:think|believe)\s+(?:that\b)?",
    re.IGNORECASE,
)


def claims(parts: list[str]) -> tuple[frozenset[str], tuple[frozenset[str], ...]]:
    """The concepts that are asserted and never denied, and for each clause those that it denies."""
    asserted: set[str] = set()
    denied: list[set[str]] = [set()]
    for part in parts:
        begun = _OPENING.match(part)
        rest = part[begun.end() :] if begun else part
        rest = _NO_EVIDENCE.sub(" not ", _NOT_THERE.sub(" missing", rest))
        rest = _PAIRED.sub(
            lambda m: " not " if m["verb"] else " without ", _NOT_ONLY.sub(" ", rest)
        )
        rest = _SWITCHED.sub(lambda m: f"{m[0]} switch{m[1]}", rest)
        for clause in _CLAUSE.split(rest):
            denied.append(set())
            _weigh(clause, asserted, denied)
    if not asserted and not any(denied):  # "It can not be done" has words of grammar only
        (denied[-1] if any(map(_negates, parts)) else asserted).add("it")
    groups = {frozenset(group - asserted) for group in denied}
    return frozenset(asserted - set().union(*denied)), tuple(
        sorted(groups - {frozenset()}, key=sorted)
    )


def _negates(part: str) -> bool:
    return any(_is_negation(token.casefold()) for token in lexicon.tokens(part))


def _is_negation(word: str) -> bool:
    return word in _NEGATION or word.endswith("n't") or word.startswith("n'")


def _weigh(clause: str, asserted: set[str], denied: list[set[str]]) -> None:
    reach, absent, said = 0, False, set[str]()
    whole = False
    for token in lexicon.tokens(clause):
        word = token.casefold()
        if _is_negation(word):
            reach, absent = _REACH, False
        elif word in _ABSENCE:
            reach, absent = _SHORT_REACH, True
        elif word in _AUXILIARIES and absent:
            reach = 0
        elif word not in lexicon.STOP and word not in _QUANTIFIERS:
            root = lexicon.stem(word)
            negative = reach > 0
            whole |= root in (_VERDICTS if negative else _LACKING)
            for concept, sign in lexicon.polarities(word):
                if negative != (sign > 0):
                    said.add(concept)
                elif negative or root in _LACKING:
                    denied[-1].add(concept)
                else:  # what opposites deny stands for itself, not for its clause
                    denied.append({concept})
                    denied[-1], denied[-2] = denied[-2], denied[-1]
            reach = 0 if negative and root in lexicon.PREFIXED else max(0, reach - 1)
    if whole:
        denied[-1].update(said)
    else:
        asserted.update(said)
