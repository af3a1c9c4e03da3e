# ruff: noqa: SIM905 - word lists read best as text
"""What a user asks of the shell: the request, the call, a result, the closing answer."""

from __future__ import annotations

from random import Random

from .. import words
from ..sample import folder, phrase
from .requests import Made, quoted

RUN = "run {c}|run the command {c}|execute {c}|execute the command {c}|run {c} in the shell".split(
    "|"
)


def command(r: Random, p: str) -> Made:
    d, w = folder(r), r.choice(words.WORDS + words.STEMS)
    if r.random() < 0.6:
        typed = r.choice(
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
        ask = r.choice(RUN).format(c=quoted(r, typed) if r.random() < 0.35 else typed)
    else:
        ask, typed = r.choice(
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
        return ask, ("execute_bash", {"command": typed}, r.choice(["", "ok"])), "Done."
    out = phrase(r, 1, 4)
    return ask, ("execute_bash", {"command": typed}, out), f"The command printed: {out}"
