# ruff: noqa: SIM905 - word lists read best as text
"""What a user asks of each tool, the call, a result, and the closing answer."""

from __future__ import annotations

from random import Random

from .. import words
from ..sample import folder, path, phrase

Args = dict[str, object]
Step = tuple[str, Args, str]
"""A tool, its arguments, its result."""

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
RUN = "run {c}|run the command {c}|execute {c}|execute the command {c}|run {c} in the shell".split(
    "|"
)


def quoted(r: Random, text: str) -> str:
    """Text in quotes of one kind."""
    mark = r.choice("'''\"\"`")
    return f"{mark}{text}{mark}"


def content(r: Random) -> str:
    """A file's text: mostly one line."""
    lines = [phrase(r, 1, 5) for _ in range(r.choices([1, 2, 3], [0.9, 0.07, 0.03])[0])]
    return "\n".join(lines)


def _read(r: Random, p: str) -> tuple[str, Step, str]:
    ask, args = r.choice(READ).format(p=p), {"path": p}
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


def _write(r: Random, p: str) -> tuple[str, Step, str]:
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


def _edit(r: Random, p: str) -> tuple[str, Step, str]:
    a, b = phrase(r, 1, 2), phrase(r, 1, 2)
    qa, qb = (quoted(r, a), quoted(r, b)) if r.random() < 0.7 else (a, b)
    ask = r.choice(EDIT).format(p=p, a=qa, b=qb)
    step = ("edit_file", {"path": p, "old": a, "new": b}, r.choice(["ok", "done", f"edited {p}"]))
    return ask, step, f"I changed the file {p}."


def _list(r: Random, p: str) -> tuple[str, Step, str]:
    d, x = folder(r), r.random()
    ask, args = r.choice(LIST).format(d=d), {"path": d}
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


def _search(r: Random, p: str) -> tuple[str, Step, str]:
    word, d = phrase(r, 1, 2), folder(r)
    shown = quoted(r, word) if r.random() < 0.75 else word
    ask, args = r.choice(FIND).format(a=shown, d=d), {"pattern": word, "path": d}
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


def _bash(r: Random, p: str) -> tuple[str, Step, str]:
    d, w = folder(r), r.choice(words.WORDS + words.STEMS)
    if r.random() < 0.6:
        command = r.choice(
            [
                "ls",
                "ls -la",
                "pwd",
                "date",
                "whoami",
                "git status",
                "git log",
                "df -h",
                f"python {p}",
                f"cat {p}",
                f"echo {phrase(r, 1, 3)}",
                "pytest",
                "uname -a",
                f"make {d}",
                f"ls -l {d}",
                f"python3 {p}",
                f"bash {p}",
                f"head {p}",
                f"pip install {w}",
                f"du -sh {d}",
                f"touch {p}",
                "git diff",
            ]
        )
        ask = r.choice(RUN).format(c=quoted(r, command) if r.random() < 0.35 else command)
    else:
        ask, command = r.choice(
            [
                (f"count the lines of {p}", f"wc -l {p}"),
                (f"make a folder named {d}", f"mkdir -p {d}"),
                (f"create the folder {d}", f"mkdir -p {d}"),
                (f"delete the file {p}", f"rm {p}"),
                (f"delete {p}", f"rm {p}"),
                (f"copy {p} to {d}", f"cp {p} {d}"),
                (f"move {p} to {d}", f"mv {p} {d}"),
                ("run the tests", "pytest"),
                ("what time is it", "date"),
                ("print the current folder", "pwd"),
                (f"run the script {p}", f"bash {p}"),
                (f"run the python file {p}", f"python {p}"),
            ]
        )
    if r.random() < 0.2:
        return ask, ("execute_bash", {"command": command}, r.choice(["", "ok"])), "Done."
    out = phrase(r, 1, 4)
    return ask, ("execute_bash", {"command": command}, out), f"The command printed: {out}"


MAKERS = {
    "read_file": _read,
    "write_file": _write,
    "edit_file": _edit,
    "list_files": _list,
    "search_files": _search,
    "execute_bash": _bash,
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
    first = _edit(r, p) if kind == 2 else _write(r, p)
    while first[1][2].startswith("error"):
        first = _write(r, p)
    out, verb = phrase(r, 1, 4), r.choice(["python", "bash"])
    ask = f"{first[0]} {r.choice(['and', 'then', 'and then'])} run {verb} {p}"
    return (
        ask,
        [first[1], ("execute_bash", {"command": f"{verb} {p}"}, out)],
        (f"The command printed: {out}"),
    )
