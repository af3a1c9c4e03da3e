"""Reading, writing and editing one file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from ..errors import ToolError
from .arguments import Says
from .atomic import File
from .base import Call, Kind, Risk, TypedTool
from .diff import diff
from .result import LARGEST, result, shortened
from .sensitive import runs_unasked, secret
from .text import Text, binary, decoded
from .visible import on_one_line
from .workspace import Workspace

_HEAD = 4096  # bytes in which a private key is looked for


@dataclass(frozen=True, slots=True)
class ReadFileCall(Call):
    path: str
    start_line: Annotated[int, Says(least=1)] = 1
    max_lines: Annotated[int | None, Says(least=1)] = None


class ReadFile(TypedTool[ReadFileCall]):
    name = "read_file"
    description = "Read a text file, or max_lines of it from start_line on."
    changes = False
    arguments = ReadFileCall

    def risk(self, call: ReadFileCall, workspace: Workspace) -> Risk:
        found = workspace.read(call.path, _HEAD)
        if secret(found.path, found.data) or secret(call.path):
            return Risk(Kind.SECRET, f"reads {found.path}, which may hold secrets")
        return Risk(Kind.READ, f"reads {found.path}")

    def preview(self, call: ReadFileCall, workspace: Workspace) -> str:
        return f"read {_named(call.path, workspace.read(call.path, 0).path)}\n"

    async def run(self, call: ReadFileCall, workspace: Workspace) -> str:
        found = await asyncio.to_thread(workspace.read, call.path)
        return result(_excerpt(found, call), LARGEST + 1024)


def _excerpt(found: File, call: ReadFileCall) -> str:
    """The lines that were asked for, as many of them as fit, and how to read on."""
    lines = decoded(found, strict=False).text.replace("\r\n", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    first = call.start_line - 1
    if not lines and first == 0:
        return "[the file is empty]"
    if first >= len(lines):
        raise ToolError(f"{found.path} has only {len(lines)} lines.")
    last, room = first, LARGEST
    wanted = len(lines) if call.max_lines is None else min(len(lines), first + call.max_lines)
    while last < wanted and (room := room - len(lines[last].encode("utf-8", "replace")) - 1) >= 0:
        last += 1
    text = "\n".join(lines[first:last])
    if last == first:  # one line alone is too long
        last += 1
        text = shortened(lines[first], LARGEST)
    notes = []
    if (first, last) != (0, len(lines)):
        more = "" if last == len(lines) else f"; go on with start_line {last + 1}"
        notes.append(f"[lines {first + 1} to {last} of {len(lines)}{more}]")
    if not found.whole:
        notes.append(f"[only the first {len(found.data)} of {found.size} bytes were looked at]")
    return "\n".join([text, *notes])


@dataclass(frozen=True, slots=True)
class WriteFileCall(Call):
    path: str
    content: str


class WriteFile(TypedTool[WriteFileCall]):
    name = "write_file"
    description = "Create a file, or replace all of it with content."
    changes = True
    arguments = WriteFileCall

    def risk(self, call: WriteFileCall, workspace: Workspace) -> Risk:
        return _risk(call.path, workspace)

    def preview(self, call: WriteFileCall, workspace: Workspace) -> str:
        before, after = _rewritten(call, workspace)
        where = _named(call.path, workspace.where(call.path))
        if before is None:
            return f"new file {where}\n{diff(None, after.decode())}"
        if binary(before.data):
            old = f"-[{before.size} bytes that are no text]\n"
            return f"replace {where}\n{old}{diff(None, after.decode())}"
        return f"replace {where}\n{diff(_shown(before.data), _shown(after))}"

    async def run(self, call: WriteFileCall, workspace: Workspace) -> str:
        return await asyncio.to_thread(self._run, call, workspace)

    def _run(self, call: WriteFileCall, workspace: Workspace) -> str:
        before, after = _rewritten(call, workspace)
        if before is not None and before.data == after:
            return f"{before.path} has this content already"
        return f"wrote {len(after)} bytes to {workspace.write(call.path, after, over=before)}"


def _rewritten(call: WriteFileCall, workspace: Workspace) -> tuple[File | None, bytes]:
    """The file as it is and as it will be: mark and line endings of the old one stay."""
    before = workspace.writable(call.path)
    if before is None or binary(before.data):
        return before, call.content.encode()
    old = decoded(before, strict=False)
    return before, old.encoded(old.fitted(call.content))


@dataclass(frozen=True, slots=True)
class EditFileCall(Call):
    path: str
    old: Annotated[str, Says("must occur exactly once in the file")]
    new: str


class EditFile(TypedTool[EditFileCall]):
    name = "edit_file"
    description = "Replace the text old by new in a file."
    changes = True
    arguments = EditFileCall

    def risk(self, call: EditFileCall, workspace: Workspace) -> Risk:
        return _risk(call.path, workspace)

    def preview(self, call: EditFileCall, workspace: Workspace) -> str:
        before, after = _edited(call, workspace)
        return f"edit {_named(call.path, before.path)}\n{diff(_shown(before.data), _shown(after))}"

    async def run(self, call: EditFileCall, workspace: Workspace) -> str:
        return await asyncio.to_thread(self._run, call, workspace)

    def _run(self, call: EditFileCall, workspace: Workspace) -> str:
        before, after = _edited(call, workspace)
        return f"edited {workspace.write(call.path, after, over=before)}"


def _edited(call: EditFileCall, workspace: Workspace) -> tuple[File, bytes]:
    before = workspace.writable(call.path)
    if before is None:
        raise ToolError(f"{call.path} not found.")
    text = decoded(before, strict=True)
    old, new = call.old, call.new
    if not old:
        raise ToolError("The argument 'old' is empty.", hint="write_file makes new files.")
    new = text.fitted(new)
    if old not in text.text:
        old = text.fitted(old)
    if old == new:
        raise ToolError("'old' and 'new' are the same: nothing would change.")
    places = _places(text, old)
    if not places:
        hint = "Read the file, and copy the text exactly, with its spaces and line ends."
        raise ToolError(f"The text 'old' is not in {before.path}.", hint=hint)
    if len(places) > 1:
        lines = ", ".join(str(text.text.count("\n", 0, at) + 1) for at in places[:5])
        many = "more than 100" if len(places) > 100 else str(len(places))
        raise ToolError(
            f"The text 'old' is {many} times in {before.path} (lines {lines}).",
            hint="Give more of the lines around the one that you mean.",
        )
    at = places[0]
    return before, text.encoded(text.text[:at] + new + text.text[at + len(old) :])


def _places(text: Text, old: str) -> list[int]:
    """Where `old` begins, overlapping ones too; 101 are enough."""
    found: list[int] = []
    at = text.text.find(old)
    while at >= 0 and len(found) <= 100:
        found.append(at)
        at = text.text.find(old, at + 1)
    return found


def _risk(path: str, workspace: Workspace) -> Risk:
    """Of changing a file, by its real path."""
    real = workspace.where(path)
    if runs_unasked(real):
        return Risk(Kind.COMMAND, f"writes {real}, which programs run or obey unasked")
    if secret(real) or secret(path):
        return Risk(Kind.SECRET, f"writes {real}, which may hold secrets")
    return Risk(Kind.EDIT, f"writes {real}")


def _named(given: str, real: str) -> str:
    """A path for a person, and where it really leads."""
    plain = given.removeprefix("./")
    if plain == real:
        return on_one_line(real)
    return f"{on_one_line(real)} (asked for as {on_one_line(given)})"


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "replace")
