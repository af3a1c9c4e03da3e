"""The options of a multiple choice, as the question lists them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .fold import fold

_LONGEST = 4000  # characters of a question, from its end
_ROMANS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII")
_OPTION = re.compile(
    r"(?:^|(?<=[\s,;]))(?:[-\u2022][ \t])?[*_]{0,2}(?P<open>[(\[])?"
    r"(?P<name>[A-Ja-j]|[1-9]|[ivIV]{1,4})(?P<close>[).:\]])[*_]{0,2}(?=[ \t]+\S|[$\\])",
    re.MULTILINE,
)
_CUE = re.compile(
    r"\?|\b(?:which|choose|select|pick|options?|correct|best|multiple.choice|following)\b",
    re.IGNORECASE,
)
_PICK = re.compile(r"\b(?:which|choose|select|pick|options?)\b", re.IGNORECASE)


def options(question: str) -> dict[str, str]:
    """The options of a question and their texts, by "A", "1" or "II"; empty when it has none.

    Of several lists (an example before the question) the last one counts. Numbers are options
    only where the question says so: a list of steps is no choice.
    """
    asked = fold(question[-_LONGEST:])
    marks = list(_OPTION.finditer(asked))
    if len(marks) < 2:
        return {}
    if letters := _run(marks, _letter):
        first = letters[0]
        # "A: Hi, how are you?" begins a dialogue, where nothing was asked before it.
        area = asked[: first.start()] if first["close"] == ":" else asked
        if (_PICK if first["name"].islower() else _CUE).search(area):
            return _texts(asked, letters)
    if _PICK.search(asked):
        for rank in (_roman, _digit):
            if found := _run(marks, rank):
                return _texts(asked, found)
    return {}


def _run(marks: Sequence[re.Match[str]], rank: Callable[[str], int]) -> list[re.Match[str]]:
    """The last run of marks that counts up from the first name, in one style."""
    best: list[re.Match[str]] = []
    run: list[re.Match[str]] = []
    for mark in marks:
        place = rank(mark["name"])
        if place == 0:
            run = [mark]
        elif run and place == len(run) and _style(mark) == _style(run[0]):
            run.append(mark)
            best = run
    return best


def _style(mark: re.Match[str]) -> tuple[str | None, str, bool]:
    return mark["open"], mark["close"], mark["name"].isupper()


def _letter(name: str) -> int:
    return ord(name.upper()) - ord("A") if len(name) == 1 and name.isalpha() else -1


def _roman(name: str) -> int:
    return _ROMANS.index(name.upper()) if name.upper() in _ROMANS else -1


def _digit(name: str) -> int:
    return int(name) - 1 if name.isdigit() else -1


def _texts(asked: str, run: Sequence[re.Match[str]]) -> dict[str, str]:
    found = {}
    ends = [mark.start() for mark in run[1:]] + [len(asked)]
    for mark, end in zip(run, ends, strict=True):
        line = asked[mark.end() : end].strip().partition("\n")[0]
        line = line[:400].rstrip(" ,;*_")
        found[mark["name"].upper()] = line.removesuffix(" or").removesuffix(" and").rstrip(" ,;")
    return found
