"""One request of any tool, and requests of two calls."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ..sample import path, phrase
from .requests import Made, Step, edit, list_files, read, search, write
from .shell import command

MAKERS: dict[str, Callable[[Random, str], Made]] = {
    "read_file": read,
    "write_file": write,
    "edit_file": edit,
    "list_files": list_files,
    "search_files": search,
    "execute_bash": command,
}


def several(r: Random) -> tuple[str, list[Step], str]:
    """A request of two or three calls."""
    p, q, kind = path(r), path(r), r.randrange(4)
    if kind == 0:
        got = phrase(r, 1, 5)
        ask = r.choice(
            [
                f"copy the text of {p} into {q}",
                f"read {p} and write its text to {q}",
                f"read {p} and save the content in {q}",
            ]
        )
        return (
            ask,
            [("read_file", {"path": p}, got), ("write_file", {"path": q, "content": got}, "ok")],
            f"I wrote the file {q}.",
        )
    if kind == 1:
        one, two = phrase(r, 1, 4), phrase(r, 1, 4)
        ask = r.choice([f"read {p} and {q}", f"show me {p} and {q}", f"read {p} and then {q}"])
        return (
            ask,
            [("read_file", {"path": p}, one), ("read_file", {"path": q}, two)],
            (f"The file {p} says: {one}\nThe file {q} says: {two}"),
        )
    first = edit(r, p) if kind == 2 else write(r, p)
    while first[1][2].startswith("error"):
        first = write(r, p)
    out, verb = phrase(r, 1, 4), r.choice(["python", "bash"])
    ask = f"{first[0]} {r.choice(['and', 'then', 'and then'])} run {verb} {p}"
    return (
        ask,
        [first[1], ("execute_bash", {"command": f"{verb} {p}"}, out)],
        (f"The command printed: {out}"),
    )
