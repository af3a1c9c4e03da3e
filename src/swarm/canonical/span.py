"""Finds the part of an answer that is meant as the answer."""

from __future__ import annotations

import re

_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(
    r"(?:^|\s)####(?!#)[ \t]*(?P<hash>[^\n]+)"
    r"|\bfinal\s+answer\b(?:\s+is)?\**[ \t]*:?\**(?P<final>[^\n]+)"
    r"|\banswer\b(?:[ \t]+is\b[ \t]*:?|\**[ \t]*[:=])\**(?P<answer>[^\n]+)",
    re.IGNORECASE,
)
_LONGEST = 400  # a final answer is short; a longer span is prose


def strip_thoughts(words: str) -> str:
    """`words` without `<think>` blocks, an unclosed one included."""
    return _THOUGHTS.sub("", words)


def final_span(words: str) -> str | None:
    r"""The last `\boxed{}`, else the last `#### x`, `final answer: x` or `answer: x`; or None."""
    boxed = _boxed(words)
    if boxed is not None:
        return boxed
    last = None
    for match in _MARK.finditer(words):
        last = match
    if last is None:
        return None
    span = next(part for part in last.groups() if part is not None).strip().strip("*_`$ ")
    if not span or len(span) > _LONGEST:
        return None
    return final_span(span) or span  # "Final answer: the answer is 42"


def _boxed(words: str) -> str | None:
    start = words.rfind("\\boxed{")
    if start < 0:
        return None
    depth, begin = 0, start + len("\\boxed")
    for at in range(begin, len(words)):
        depth += {"{": 1, "}": -1}.get(words[at], 0)
        if depth == 0:
            return words[begin + 1 : at].strip()[:_LONGEST] or None
    return None
