"""Literals and calls inside prose: `f([1, 2]) returns 3`."""

from __future__ import annotations

import ast
import re

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_LEAD = 2000  # characters looked at, at most
_SIMPLE = re.compile(r"(?:True|False|None)\b|[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def value_at(text: str, start: int = 0) -> tuple[str, int] | None:
    """The literal that begins at `start`, and where it ends; None when none does."""
    text = text[: start + _LEAD]
    if start >= len(text):
        return None
    if text[start] in _CLOSING or text[start] in "\"'":
        end = closing(text, start)
    else:
        found = _SIMPLE.match(text, start)
        end = found.end() if found else None
    if end is None or end == start:
        return None
    literal = text[start:end]
    if literal.endswith(".") and literal[:-1].lstrip("+-").isdigit():  # the end of a sentence
        literal, end = literal[:-1], end - 1
    return (literal, end) if is_literal(literal) else None


def is_literal(source: str) -> bool:
    """True for the source of a value made of constants."""
    try:
        ast.literal_eval(source.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return False
    return True


def closing(text: str, start: int) -> int | None:
    """The position after the bracket or quote that closes the one at `start`."""
    waiting: list[str] = []
    at = start
    while at < min(len(text), start + _LEAD):
        sign = text[at]
        if sign in "\"'":
            end = _end_of_string(text, at)
            if end is None:
                return None
            at = end
        else:
            at += 1
            if sign in _CLOSING:
                waiting.append(_CLOSING[sign])
            elif sign in ")]}" and (not waiting or waiting.pop() != sign):
                return None
        if not waiting:
            return at
    return None


def _end_of_string(text: str, start: int) -> int | None:
    quote = text[start]
    at = start + 1
    while at < len(text) and text[at] != "\n":
        if text[at] == "\\":
            at += 1
        elif text[at] == quote:
            return at + 1
        at += 1
    return None
