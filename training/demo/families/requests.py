# ruff: noqa: SIM905 - word lists read best as text
"""What a user asks of the tools for files: the request, the call, a result, the closing answer."""

from __future__ import annotations

from random import Random

from .. import words
from ..sample import folder, path, phrase

Args = dict[str, object]
Step = tuple[str, Args, str]
"""A tool, its arguments, its result."""
Made = tuple[str, Step, str]
"""A request, its one step, the closing answer."""

READ = (
    "read the file {p}|read {p}|open {p}|show me {p}|tell me what is in {p}|print {p}|show {p}|"
    "what does {p} say|what is in {p}|what is in the file {p}|show the content of {p}|"
    "look at {p}|display {p}|give me the content of {p}"
).split("|")
WRITE = (
    "write {c} to {p}|create the file {p} with the text {c}|save {c} in {p}|put {c} into {p}|"
    "write the file {p} with {c}|create {p} with the content {c}|store {c} in the file {p}|"
    "make a file {p} that says {c}|write {c} into the file {p}|save {c} to {p}"
).split("|")
EDIT = (
    "replace {a} with {b} in {p}|change {a} to {b} in {p}|in {p}, replace {a} with {b}|"
    "edit {p}: change {a} to {b}|in the file {p} change {a} to {b}|"
    "edit {p} and replace {a} by {b}"
).split("|")
LIST = (
    "list the files in {d}|list {d}|what files are in {d}|show the files in {d}|"
    "which files are in {d}|list all files in the folder {d}|what is in the folder {d}"
).split("|")
FIND = (
    "search for {a} in {d}|find {a} in {d}|look for {a} in {d}|which files in {d} contain {a}|"
    "search {d} for {a}|find the text {a} in {d}"
).split("|")


def quoted(r: Random, text: str) -> str:
    """Text in quotes of one kind."""
    mark = r.choice("'''\"\"`")
    return f"{mark}{text}{mark}"


def content(r: Random) -> str:
    """A file's text: mostly one line."""
    lines = [phrase(r, 1, 5) for _ in range(r.choices([1, 2, 3], [0.9, 0.07, 0.03])[0])]
    return "\n".join(lines)


def read(r: Random, p: str) -> Made:
    args: Args = {"path": p}
    ask = r.choice(READ).format(p=p)
    x, n, start = r.random(), r.randint(2, 80), r.randint(2, 200)
    if x < 0.08:
        ask, args = (
            r.choice([f"read the first {n} lines of {p}", f"show {n} lines of {p}"]),
            {"path": p, "max_lines": n},
        )
    elif x < 0.14:
        ask = r.choice([f"read {p} from line {start}", f"show {p} starting at line {start}"])
        args = {"path": p, "start_line": start}
    elif x < 0.2:
        ask = f"read {n} lines of {p} from line {start}"
        args = {"path": p, "start_line": start, "max_lines": n}
    if r.random() < 0.08:
        error = r.choice([f"error: {p} not found", f"error: no such file: {p}", "error: not found"])
        return ask, ("read_file", args, error), f"The file {p} was not found."
    got = content(r)
    return ask, ("read_file", args, got), f"The file {p} says: {got}"


def write(r: Random, p: str) -> Made:
    text = phrase(r, 1, 6)
    ask = r.choice(WRITE).format(p=p, c=quoted(r, text))
    if r.random() < 0.07:
        return (
            ask,
            ("write_file", {"path": p, "content": text}, "error: permission denied"),
            f"I could not write {p}: permission denied.",
        )
    done = r.choice(["ok", "done", f"wrote {p}", f"wrote {len(text)} bytes to {p}"])
    return ask, ("write_file", {"path": p, "content": text}, done), f"I wrote the file {p}."


def edit(r: Random, p: str) -> Made:
    a, b = phrase(r, 1, 2), phrase(r, 1, 2)
    qa, qb = (quoted(r, a), quoted(r, b)) if r.random() < 0.7 else (a, b)
    ask = r.choice(EDIT).format(p=p, a=qa, b=qb)
    step: Step = (
        "edit_file",
        {"path": p, "old": a, "new": b},
        r.choice(["ok", "done", f"edited {p}"]),
    )
    return ask, step, f"I changed the file {p}."


def list_files(r: Random, p: str) -> Made:
    d, x = folder(r), r.random()
    args: Args = {"path": d}
    ask = r.choice(LIST).format(d=d)
    if x < 0.2:
        ask, args = (
            r.choice(
                [
                    "list the files",
                    "what files are here",
                    "show all files",
                    "list the files here",
                    "which files are there",
                ]
            ),
            {"path": "."},
        )
    elif x < 0.4:
        e = r.choice(words.EXTS)
        ask = r.choice(
            [f"list the {e} files in {d}", f"find all {e} files in {d}", f"list *.{e} in {d}"]
        )
        args = {"path": d, "glob": f"*.{e}"}
    files = [path(r).rpartition("/")[2] for _ in range(r.randint(1, 4))]
    return ask, ("list_files", args, "\n".join(files)), f"The files are: {', '.join(files)}"


def search(r: Random, p: str) -> Made:
    word, d = phrase(r, 1, 2), folder(r)
    shown = quoted(r, word) if r.random() < 0.75 else word
    args: Args = {"pattern": word, "path": d}
    ask = r.choice(FIND).format(a=shown, d=d)
    if r.random() < 0.3:
        ask = r.choice([f"search for {shown}", f"find {shown} in the files", f"grep {shown}"])
        args = {"pattern": word}
    if r.random() < 0.2:
        return ask, ("search_files", args, r.choice(["", "no matches"])), "Nothing was found."
    hit = f"{d}/{path(r).rpartition('/')[2]}"
    line = r.randint(1, 300)
    return (
        ask,
        ("search_files", args, f"{hit}:{line}: {word} {phrase(r, 1, 2)}"),
        (f"Found in {hit} at line {line}."),
    )
