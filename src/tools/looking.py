"""Looking around: what a folder holds, and which lines hold a text."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated

from ..errors import ToolError
from .arguments import Says
from .base import Call, Kind, Risk, TypedTool
from .glob import Glob
from .policy import MiB
from .result import LARGEST, result
from .sensitive import secret
from .text import binary
from .visible import visible
from .workspace import Entry, Workspace

# Not looked into from above: large, made by programs, and hardly ever meant.
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".mypy_cache",
     ".ruff_cache", ".pytest_cache", ".tox", ".nox", ".hypothesis", ".cache"}
)  # fmt: skip
_SECONDS, _ENTRIES, _BYTES = 10.0, 100_000, 256 * MiB
_FILE, _LINE, _HITS = 4 * MiB, 300, 200


@dataclass(slots=True)
class _Tour:
    """Walks a folder in bounded time, and remembers what it passed by."""

    workspace: Workspace
    skipped: set[str] = field(default_factory=set)
    cut: bool = False
    _deadline: float = field(default_factory=lambda: time.monotonic() + _SECONDS)
    _left: int = _ENTRIES

    def files(self, folder: str) -> Iterator[tuple[str, Entry]]:
        """Every file below `folder`, with its path from the root, folder by folder."""
        todo = [folder]
        while todo:
            at = todo.pop()
            try:
                entries = self.workspace.entries(at)
            except ToolError:
                if at == folder:
                    raise
                continue  # it went away, or may not be read
            below = []
            for entry in entries:
                self._left -= 1
                if self.over:
                    return
                path = entry.name if at == "." else f"{at}/{entry.name}"
                if not entry.is_folder:
                    yield path, entry
                elif entry.name in _SKIPPED:
                    self.skipped.add(entry.name)
                else:
                    below.append(path)
            todo += reversed(below)

    @property
    def over(self) -> bool:
        self.cut = self.cut or self._left < 0 or time.monotonic() > self._deadline
        return self.cut

    def notes(self) -> list[str]:
        told = []
        if self.skipped:
            told.append(f"[not looked into: {', '.join(sorted(self.skipped))}]")
        if self.cut:
            told.append("[there is too much to look through: name a subfolder]")
        return told


@dataclass(frozen=True, slots=True)
class ListFilesCall(Call):
    path: str = "."
    glob: Annotated[str | None, Says("as *.py; looks into all subfolders")] = None


class ListFiles(TypedTool[ListFilesCall]):
    name = "list_files"
    description = "List a folder, or the files in and below it that match glob."
    changes = False
    arguments = ListFilesCall

    def risk(self, call: ListFilesCall, workspace: Workspace) -> Risk:
        return Risk(Kind.READ, f"lists {workspace.where(call.path)}")

    def preview(self, call: ListFilesCall, workspace: Workspace) -> str:
        return (
            f"list {visible(workspace.where(call.path))} {visible(call.glob or '')}".rstrip() + "\n"
        )

    async def run(self, call: ListFilesCall, workspace: Workspace) -> str:
        return await asyncio.to_thread(self._run, call, workspace)

    def _run(self, call: ListFilesCall, workspace: Workspace) -> str:
        where = workspace.where(call.path)
        if not workspace.is_folder(call.path):
            return where
        if call.glob is None:
            start = "" if where == "." else f"{where}/"
            found = [
                f"{start}{entry.name}{'/' if entry.is_folder else ''}"
                for entry in workspace.entries(call.path)
            ]
            return _listed(found, []) if found else "[the folder is empty]"
        glob, tour = Glob(call.glob), _Tour(workspace)
        start = "" if where == "." else f"{where}/"
        found = [path for path, _ in tour.files(where) if glob.matches(path.removeprefix(start))]
        return _listed(found, tour.notes()) if found else "\n".join(["no matches", *tour.notes()])


def _listed(lines: list[str], notes: list[str]) -> str:
    """As many lines as fit, and how many do not."""
    room, shown = LARGEST, list[str]()
    for line in map(visible, lines):
        room -= len(line.encode("utf-8", "replace")) + 1
        if room < 0:
            notes = [f"[{len(lines) - len(shown)} more: name a subfolder or a glob]", *notes]
            break
        shown.append(line.replace("\n", "\\n"))
    return result("\n".join([*shown, *notes]), LARGEST + 1024)


@dataclass(frozen=True, slots=True)
class SearchFilesCall(Call):
    pattern: Annotated[str, Says("text or regular expression")]
    path: str = "."


class SearchFiles(TypedTool[SearchFilesCall]):
    name = "search_files"
    description = "Find the lines that hold pattern, in a file or in all files of a folder."
    changes = False
    arguments = SearchFilesCall

    def risk(self, call: SearchFilesCall, workspace: Workspace) -> Risk:
        return Risk(Kind.READ, f"searches {workspace.where(call.path)}")

    def preview(self, call: SearchFilesCall, workspace: Workspace) -> str:
        return f"search {visible(workspace.where(call.path))} for {visible(call.pattern)}\n"

    async def run(self, call: SearchFilesCall, workspace: Workspace) -> str:
        return await asyncio.to_thread(self._run, call, workspace)

    def _run(self, call: SearchFilesCall, workspace: Workspace) -> str:
        if not call.pattern:
            raise ToolError("The pattern is empty.")
        holds, tour = _test(call.pattern), _Tour(workspace)
        hits, hidden, left = list[str](), 0, _BYTES
        for path in self._paths(call.path, workspace, tour):
            if tour.over or left < 0 or len(hits) > _HITS:
                tour.cut = True
                break
            try:
                found = workspace.find(path, _FILE)
            except ToolError:
                continue
            if found is None or binary(found.data):
                continue
            if secret(found.path, found.data[:4096]):
                hidden += 1
                continue
            left -= len(found.data)
            for number, line in enumerate(found.data.decode("utf-8", "replace").split("\n"), 1):
                if len(hits) <= _HITS and holds(line):
                    hits.append(f"{path}:{number}: {line.strip()[:_LINE]}")
        notes = tour.notes()
        if hidden:
            notes.append(f"[{hidden} files that may hold secrets were not searched]")
        return _listed(hits, notes) if hits else "\n".join(["no matches", *notes])

    def _paths(self, path: str, workspace: Workspace, tour: _Tour) -> Iterator[str]:
        where = workspace.where(path)
        if not workspace.is_folder(path):
            yield where
            return
        for each, entry in tour.files(where):
            if entry.kind == stat.S_IFREG:  # a link leads to what is found anyway, or outside
                yield each


def _test(pattern: str) -> Callable[[str], bool]:
    """Whether a line holds `pattern`, as it stands or as a regular expression.

    The expressions are those of Rust's `regex`, which takes linear time: no pattern can hang us.
    """
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        rule = core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
        matches = SchemaValidator(rule).isinstance_python
    except SchemaError:
        return lambda line: pattern in line
    return lambda line: pattern in line or matches(line)
