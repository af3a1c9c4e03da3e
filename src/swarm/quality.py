"""How sound an answer is in itself: it parses, is complete, follows the schema, does not loop, and
is in the script of the question. Pure.

Defects lower the score and nothing raises it: neither length nor markdown is ever worth anything.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Any

# What each defect leaves of the score; several multiply.
UNPARSED = 0.2
CUT = 0.3
LOOPS = 0.3
UNCLOSED = 0.5
DANGLING = 0.6
FOREIGN = 0.6
GARBLED = 0.7

_LONGEST = 32_000  # characters that are looked at, at the end of the answer
_THINK = re.compile(r"<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"^[ \t]*```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.M | re.S)
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
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
    schema: Mapping[str, Any] | None = None,
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
    found *= GARBLED if "\ufffd" in said or _LITTER.search(said) else 1.0
    return round(found, 6)


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
    """The answer without thoughts, and whether a thought was never ended."""
    said = _THINK.sub("", text)
    before, mark, _ = said.partition("<think>")
    return (before or said).strip(), bool(mark)


def _json(said: str, schema: Mapping[str, Any] | None) -> float:
    blocks = _FENCED.findall(said)
    try:
        value = json.loads(blocks[-1][1] if blocks else said)
    except (ValueError, RecursionError):
        return UNPARSED
    return 1.0 if schema is None or _follows(value, schema) else UNPARSED


def _follows(value: Any, schema: Mapping[str, Any]) -> bool:
    """The outline of a JSON schema: type, required names, no others where they are forbidden."""
    types: dict[str, type | tuple[type, ...]] = {
        "object": dict, "array": list, "string": str, "number": (int, float), "integer": int,
        "boolean": bool, "null": type(None),
    }  # fmt: skip
    wanted = schema.get("type")
    if isinstance(wanted, str) and wanted in types:
        if not isinstance(value, types[wanted]) or (wanted != "boolean" and value is True):
            return False
    if not isinstance(value, dict):
        return True
    known = schema.get("properties")
    known = known if isinstance(known, dict) else {}
    required = schema.get("required")
    if isinstance(required, list) and any(name not in value for name in required):
        return False
    if schema.get("additionalProperties") is False and value.keys() - known.keys():
        return False
    inner = [(value[name], rule) for name, rule in known.items() if name in value]
    return all(_follows(part, rule) for part, rule in inner if isinstance(rule, dict))


def _code(said: str) -> float:
    if len(_FENCE.findall(said)) % 2:
        return UNCLOSED
    blocks = _FENCED.findall(said)
    language, body = blocks[-1] if blocks else ("", said)
    if language.casefold() in _PYTHON and _parses(body):
        return 1.0
    if language.casefold() in _PYTHON and (language or not _balanced(body)):
        return UNPARSED
    return 1.0 if _balanced(body) else UNPARSED


def _parses(code: str) -> bool:
    try:
        ast.parse(code[:_LONGEST])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _balanced(code: str) -> bool:
    """Whether brackets outside of strings close in order."""
    bare = re.sub(
        r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|#[^\n]*', "", code[:_LONGEST]
    )
    waiting = []
    for letter in bare:
        if letter in "([{":
            waiting.append(letter)
        elif letter in ")]}" and (not waiting or waiting.pop() + letter not in ("()", "[]", "{}")):
            return False
    return not waiting


def _prose(said: str, question: str) -> float:
    if len(_FENCE.findall(said)) % 2:
        return UNCLOSED
    found = 1.0
    if _DANGLING.search(said) or said.count("(") > said.count(")") + said.count(":("):
        found *= DANGLING
    asked, answered = _script(question), _script(_FENCED.sub("", said))
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
