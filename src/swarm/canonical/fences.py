"""Fenced blocks of Markdown (https://spec.commonmark.org/0.31.2/#fenced-code-blocks)."""

from __future__ import annotations

import re
from typing import NamedTuple

_OPEN = re.compile(r"([ \t>]*)(`{3,}+|~{3,}+)[ \t]*([^`\n]*)$")


class Block(NamedTuple):
    """One fenced block: its language in lower case (empty: not told), its text, its place."""

    language: str
    text: str
    start: int
    closed: bool


def blocks(words: str) -> list[Block]:
    """The fenced blocks of an answer in their order; one that is never closed runs to the end."""
    found: list[Block] = []
    fence, indent, language, start, at = "", 0, "", 0, 0
    lines: list[str] = []
    for line in words.splitlines(keepends=True):
        marks = "```" in line or "~~~" in line
        if not fence:
            opening = _OPEN.match(line.rstrip()) if marks else None
            if opening:
                fence, indent, start = opening[2], len(opening[1].expandtabs()), at
                language = (opening[3].split() or [""])[0].strip("{}.").lower()
                lines = []
        elif marks and _closes(line, fence):
            found.append(Block(language, "".join(lines), start, closed=True))
            fence = ""
        else:
            lines.append(_outdented(line, indent))
        at += len(line)
    if fence:
        found.append(Block(language, "".join(lines), start, closed=False))
    return found


def _closes(line: str, fence: str) -> bool:
    bare = line.strip(" \t\r\n>")
    return bare.startswith(fence) and not bare.strip(fence[0])


def _outdented(line: str, indent: int) -> str:
    """`line` without the indentation of its fence."""
    if not indent:
        return line
    head = re.match(r"[ \t>]*", line)
    have = head[0] if head else ""
    return have.expandtabs()[indent:] + line[len(have) :]
