"""The words around a number: what can be taken off, and where a list or an equation parts."""

from __future__ import annotations

import re

LONGEST = 240  # characters of a span; no number takes more
_ABOUT = re.compile(
    r"[\s:*_`\"'~\u2248]+|\(?[A-Ja-j]\)\s|[a-zA-Z]\s?\u2208|(?:equal to|either|approximately"
    r"|approx\.?|about|around|roughly|nearly|almost|exactly|precisely|just|only|circa|ca\.|equals?"
    r"|is|are|was|were|be|it is|it's|a total of|the number|simply|therefore|thus|answer|=)"
    r"(?=[\s:\u2248]|$)",
    re.IGNORECASE,
)


def head(span: str) -> str:
    """The first words of a long span, never a part of one word."""
    if len(span) <= LONGEST:
        return span
    return span[:LONGEST].rpartition(" ")[0] or (span if len(span) <= 4 * LONGEST else "")


def bare(words: str) -> tuple[str, str]:
    """Without "about", marks and brackets around the whole; and the pair of brackets."""
    words, brackets = words.strip(), ""
    for _ in range(8):
        if found := _ABOUT.match(words):
            words = words[found.end() :]
        elif words[:1] in ("(", "[", "{") and words.rstrip(' .*`"$')[-1:] in (")", "]", "}"):
            words = words.rstrip(' .*`"$')
            if not _encloses(words):
                break
            words, brackets = words[1:-1], words[0] + words[-1]
        else:
            break
        words = words.strip()
    return words, brackets


def _encloses(words: str) -> bool:
    """Whether the bracket that opens `words` is closed by their last sign."""
    depth = 0
    for at, sign in enumerate(words):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            return at == len(words) - 1
    return False


def split(words: str) -> list[str]:
    """`words` parted by commas, semicolons, "and", "or" outside of brackets."""
    parts, depth, begin = [], 0, 0
    for mark in re.finditer(r"[(\[{]|[)\]}]|[,;]\s*|\s(?:and|or)\s", words):
        depth += (mark[0] in "([{") - (mark[0] in ")]}")
        if depth == 0 and mark[0] not in ")]}":
            parts.append(words[begin : mark.start()])
            begin = mark.end()
    return [*parts, words[begin:]]


def sides(words: str) -> list[str]:
    """The sides of an equation, last first, those that begin with a number before the others."""
    numbers: list[str] = []
    for part in words.split("\u2248"):  # of "2/3 \u2248 0.667" the exact side counts
        sides = [side.strip() for side in re.split(r"(?<![<>!])[=\u2192](?!>)", part)][::-1]
        numbers += [side for side in sides if re.match(r"[^\w(]{0,6}[\d\u03c0\u221a(]", side)]
    return numbers[:4] or [re.split(r"[=\u2192\u2248]", words)[-1].strip()]
