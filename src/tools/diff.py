"""A diff for the person who is asked: whole, however long, and in bounded time."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from .visible import visible

_CONTEXT = 3  # lines around a change
_WORK = 1_000_000  # pairs of lines; larger changes are shown as removed and added
_Change = tuple[int, int, int, int]


def diff(before: str | None, after: str) -> str:
    """What turns `before` (None: there is no file) into `after`, in unified form."""
    if before is None:
        return "".join(f"+{line}\n" for line in _lines(after))
    old, new = _lines(before), _lines(after)
    out: list[str] = []
    for group in _groups(_changes(old, new)):
        first, last = group[0], group[-1]
        start, end = max(0, first[0] - _CONTEXT), min(len(old), last[1] + _CONTEXT)
        out.append(f"@@ line {start + 1} @@")
        at = start
        for low, high, new_low, new_high in group:
            out += [f" {line}" for line in old[at:low]]
            out += [f"-{line}" for line in old[low:high]]
            out += [f"+{line}" for line in new[new_low:new_high]]
            at = high
        out += [f" {line}" for line in old[at:end]]
    return "".join(f"{line}\n" for line in out)


def _lines(text: str) -> list[str]:
    lines = visible(text).split("\n")
    if lines[-1]:
        lines[-1] += "  (no line end)"
    else:
        lines.pop()
    return lines


def _changes(old: Sequence[str], new: Sequence[str]) -> list[_Change]:
    """Old lines low to high become new lines low to high."""
    head, most = 0, min(len(old), len(new))
    while head < most and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < most - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(left) * len(right) > _WORK:
        return [(head, head + len(left), head, head + len(right))]
    codes = difflib.SequenceMatcher(None, left, right).get_opcodes()
    return [(head + a, head + b, head + c, head + d) for tag, a, b, c, d in codes if tag != "equal"]


def _groups(changes: list[_Change]) -> Iterator[list[_Change]]:
    group: list[_Change] = []
    for change in changes:
        if group and change[0] - group[-1][1] > 2 * _CONTEXT:
            yield group
            group = []
        group.append(change)
    if group:
        yield group
