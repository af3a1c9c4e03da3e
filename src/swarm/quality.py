"""How sound an answer is in itself: it parses, is complete, follows the schema, does not loop, and
is in the script of the question. Pure.

Defects lower the score and nothing raises it: neither length nor markdown is ever worth anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from .canonical import code_python, json_value
from .canonical.fences import Block, blocks
from .canonical.span import strip_thoughts

# What each defect leaves of the score; several multiply.
UNPARSED = 0.2
VIOLATES = 0.4  # JSON that its schema does not admit
CUT = 0.3
LOOPS = 0.3
UNCLOSED = 0.5
DANGLING = 0.6
FOREIGN = 0.6
GARBLED = 0.7

_LONGEST = 32_000  # characters that are looked at, at the end of the answer
_LITTER = re.compile(r"<\|[\w ]{1,30}\|>|</?s>|\[/?INST\]")
_RULE = re.compile(r"([-=_*#.~+|\s:])\1{2,}")
_TRANSLATES = re.compile(
    r"translat|\u00fcbersetz|traduc|tradui|\b(?:in|into|to|auf|en)\s+(?:chinese|mandarin|russian|"
    r"japanese|korean|arabic|hebrew|greek|hindi|thai|ukrainian|english|german|french|spanish)\b",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"(?:[,;(\[{&\u2013]|\b(?:a|an|the|and|or|but|of|with|for|by|from|because|which|are|were|if|as|than|"
    r"into|its|their|und|oder|der|et|le|la|el))$",
    re.IGNORECASE,
)
_PYTHON = frozenset({"", "py", "python", "python3"})


def score(
    text: str,
    kind: str,
    schema: object = None,
    question: str = "",
    *,
    cut: bool = False,
) -> float:
    """From 0 (empty) to 1 (no defect found). `kind` is what was asked for ("json", "code", others
    are prose); `cut` says that the engine stopped it at its limit of tokens."""
    said, unthought = _answer(text)
    if not said:
        return 0.0
    found = CUT if cut else 1.0
    found *= UNCLOSED if unthought else 1.0
    if kind == "json":
        found *= _json(said, schema)
    elif kind == "code":
        found *= _code(said)
    else:
        found *= _prose(said, question)
    found *= LOOPS if loops(said) else 1.0
    found *= GARBLED if "\ufffd" in said or _LITTER.search(text) else 1.0
    return round(found, 6)


@lru_cache(maxsize=128)
def loops(text: str) -> bool:
    """Whether `text` says the same over and over: a phrase 5 times in a row, the same long line
    6 times, or one character group without end. Counts, not shares: padding hides no loop."""
    bare = _RULE.sub(r"\1", text[-_LONGEST:])
    words = bare.split()
    if any(_run(words, period) >= max(5 * period, 8) for period in range(1, 33)):
        return True
    lines = Counter(line for raw in bare.splitlines() if len((line := raw.strip()).split()) >= 4)
    if lines and max(lines.values()) >= 6:
        return True
    letters = "".join(words)
    return any(_run(letters, period) >= max(8 * period, 40) for period in range(1, 13))


def _answer(text: str) -> tuple[str, bool]:
    """The answer without thoughts, and whether the last thought was never ended."""
    low = text.casefold()
    return strip_thoughts(text).strip(), low.rfind("<think>") > low.rfind("</think>")


def _json(said: str, schema: object) -> float:
    if json_value.key(said, schema) is not None:
        return 1.0
    return UNPARSED if json_value.key(said) is None else VIOLATES


def _code(said: str) -> float:
    fenced = blocks(said)
    if fenced and not fenced[-1].closed:
        return UNCLOSED
    block = fenced[-1] if fenced else Block("", said, 0, closed=True)
    if block.language in _PYTHON and _parses(block.text):
        return 1.0
    sound = _balanced(block.text) and block.language not in _PYTHON - {""}
    return 1.0 if sound else UNPARSED


def _parses(code: str) -> bool:
    return code_python.parse(code[:_LONGEST]) is not None


def _balanced(code: str) -> bool:
    """Whether brackets outside of strings and comments to the end of a line close in order."""
    waiting, quote, skip = [], "", False
    for letter, after in zip(code[:_LONGEST], code[1:_LONGEST] + " ", strict=False):
        if letter == "\n":
            quote = "" if quote in "\"'#" else quote
        elif skip or quote:
            skip, quote = not skip and letter == "\\", "" if letter == quote and not skip else quote
        elif letter in "\"'`":
            quote = letter
        elif letter == "#" or letter + after == "//":
            quote = "#"
        elif letter in "([{":
            waiting.append(letter)
        elif letter in ")]}" and (not waiting or waiting.pop() + letter not in ("()", "[]", "{}")):
            return False
    return not waiting


def _prose(said: str, question: str) -> float:
    fenced = blocks(said)
    if fenced and not fenced[-1].closed:
        return UNCLOSED
    found = 1.0
    if _DANGLING.search(said) or said.count("(") > said.count(")") + said.count(":("):
        found *= DANGLING
    asked, answered = _script(question), _script(said)
    if asked and answered and asked != answered and not _TRANSLATES.search(question):
        found *= FOREIGN
    return found


def _script(text: str) -> str | None:
    """The script of most letters (LATIN, CJK, CYRILLIC, ...); None where there are few letters."""
    names = Counter(
        unicodedata.name(letter, "?").split()[0] for letter in text[:2000] if letter.isalpha()
    )
    if names.total() < 4:
        return None
    for east in ("HIRAGANA", "KATAKANA"):
        names["CJK"] += names.pop(east, 0)
    name, count = names.most_common(1)[0]
    return name if count > names.total() / 2 else None


def _run(items: list[str] | str, period: int) -> int:
    """The longest stretch in which every item equals the one `period` before it."""
    longest = current = 0
    for at in range(period, len(items)):
        current = current + 1 if items[at] == items[at - period] else 0
        longest = max(longest, current)
    return longest + period if longest else 0
