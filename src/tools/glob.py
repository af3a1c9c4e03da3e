"""Names by pattern: `*.py` at any depth, `src/**/*.py` by the whole path, `*.{js,ts}`.

Matched name by name (fnmatch has no runaway patterns since Python 3.11), in bounded time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..errors import ToolError

_BRACES = re.compile(r"\{([^{}]*)\}")
_ALTERNATIVES, _PARTS = 64, 20


class Glob:
    """Raises ToolError for a pattern with too many alternatives or folders."""

    def __init__(self, pattern: str) -> None:
        self._ways = [each.removeprefix("./").split("/") for each in _expanded(pattern)]
        if any(len(way) > _PARTS for way in self._ways) or len(pattern) > 1000:
            raise ToolError("The glob is too long.")

    def matches(self, path: str) -> bool:
        """Whether a file has the pattern; `path` begins where the pattern does."""
        parts = path.split("/")
        return any(
            _matches(parts if len(way) > 1 else parts[-1:], way) for way in self._ways if way
        )


def _expanded(pattern: str) -> list[str]:
    done, todo = list[str](), [pattern]
    while todo:
        if len(done) + len(todo) > _ALTERNATIVES:
            raise ToolError("The glob has too many alternatives.")
        each = todo.pop()
        braces = _BRACES.search(each)
        if braces is None:
            done.append(each)
        else:
            todo += [
                each[: braces.start()] + one + each[braces.end() :] for one in braces[1].split(",")
            ]
    return done


def _matches(parts: Sequence[str], way: Sequence[str]) -> bool:
    """`**` stands for any number of folders: `reached` are the positions that `way` got to."""
    reached = {0}
    for step in way:
        if step == "**":
            reached = set(range(min(reached), len(parts) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(parts) and fnmatchcase(parts[at], step)}
    return len(parts) in reached
