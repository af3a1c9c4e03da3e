"""Inputs for a function of which the question shows no examples: a small typed pool."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from .programs import Program

_VALUES = {
    "int": ("0", "1", "2", "3", "7", "10", "-1", "12", "100"),
    "float": ("0.0", "1.0", "2.5", "-1.5", "10.0", "0.1"),
    "bool": ("True", "False"),
    "str": ("''", "'a'", "'abc'", "'Hello World'", "'racecar'", "'a1 b2'", "'12'"),
    "bytes": ("b''", "b'abc'"),
    "none": ("None",),
}
_MIXED = ("3", "'abc'", "[3, 1, 2]", "0", "''", "[]", "10", "'a b a'", "[1, 1, 2]")
_NAMES = (
    ("str", r"s|t|st|txt|c|ch|.*(?:str|string|text|word|sentence|name|char|line|url|pattern)s?\d?"),
    ("list[str]", r"words|strings|names|lines|tokens"),
    ("list[list[int]]", r"matrix|grid|board|intervals"),
    (
        "list[int]",
        r"(?:a|l|x)s|arr.*|nums?_?list|nums|numbers|lst\d?|list\d?|values|items|data|.*seq.*",
    ),
    ("dict[str, int]", r"d|.*dict\d?|mapping|counts|graph"),
    ("bool", r"is_.*|flag|reverse"),
    ("int", r"n|m|k|i|j|a|b|x|y|z|num\d?|number|.*(?:count|size|limit|index|year|age|target)"),
)
_KINDS = {
    "integer": "int",
    "double": "float",
    "string": "str",
    "sequence": "list",
    "iterable": "list",
    "collection": "list",
    "mapping": "dict",
    "nonetype": "none",
}
_MOST = 16


def inputs(question: str, programs: Sequence[Program], entry: str) -> list[str]:
    """Calls of `entry` on values of its parameters' types; [] when nobody defines it.

    The types come from the signature in the question, else in a program: annotations, defaults,
    names; where none tells, whole numbers, words and lists in turn.
    """
    signature = _signature(question, programs, entry)
    if signature is None:
        return []
    required = len(signature.args) - len(signature.defaults)
    columns = [
        _values(_type_of(parameter))
        for at, parameter in enumerate(signature.args)
        if parameter.arg not in ("self", "cls") and at < max(required, 1)
    ]
    if not columns:
        return [f"{entry}()"]
    # Steps that differ by column, so that equal positions do not always meet.
    rows = (
        [column[(row * (at + 1) + at) % len(column)] for at, column in enumerate(columns)]
        for row in range(_MOST if len(columns) > 1 else min(_MOST, len(columns[0])))
    )
    return list(dict.fromkeys(f"{entry}({', '.join(row)})" for row in rows))


def _signature(question: str, programs: Sequence[Program], entry: str) -> ast.arguments | None:
    head = re.search(rf"\bdef\s+{re.escape(entry)}\s*\([^\n]*", question)
    trees = [program.tree for program in programs]
    if head:
        line = head[0].strip("` ")
        for text in (f"{line.rstrip(':')}: pass", f"{line.partition(')')[0]}): pass"):
            try:
                trees.insert(0, ast.parse(text))
                break
            except (SyntaxError, ValueError):
                continue
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == entry:
                return node.args
    mains = [n for tree in trees for n in tree.body if isinstance(n, ast.FunctionDef)]
    return mains[-1].args if mains else None


def _type_of(parameter: ast.arg) -> str:
    if parameter.annotation is not None:
        return ast.unparse(parameter.annotation)
    name = parameter.arg.lower()
    return next((kind for kind, names in _NAMES if re.fullmatch(names, name)), "any")


def _values(annotation: str, depth: int = 0) -> tuple[str, ...]:
    text = annotation.replace("typing.", "").strip("'\" ")
    head, _, inner = text.partition("[")
    inner = inner.rsplit("]", 1)[0]
    kind = _KINDS.get(head.strip().lower(), head.strip().lower())
    if "|" in head or kind in ("optional", "union"):
        first = head.partition("|")[0] if "|" in head else inner.partition(",")[0]
        return _values(first, depth + 1) if depth < 4 else _VALUES["int"]
    if kind in _VALUES:
        return _VALUES[kind]
    if kind in ("list", "set", "frozenset", "tuple"):
        return _collections(kind, inner, depth)
    if kind == "dict":
        keys, _, values = inner.partition(",")
        return _dicts(_values(keys or "str", depth + 1), _values(values or "int", depth + 1))
    return _MIXED


def _collections(kind: str, inner: str, depth: int) -> tuple[str, ...]:
    if kind == "tuple" and "," in inner and "..." not in inner:
        parts = [_values(part, depth + 1) for part in inner.split(",")]
        made = (", ".join(p[(n + at) % len(p)] for at, p in enumerate(parts)) for n in range(4))
        return tuple(f"({row})" for row in made)
    if depth > 2:
        return ("[]",)
    of = _values(inner.partition(",")[0] or "int", depth + 1)
    pick = [of[n % len(of)] for n in range(7)]
    rows: list[list[str]] = [
        [],
        [pick[1]],
        [pick[3], pick[1], pick[2]],
        [pick[1], pick[2], pick[2], pick[4]],
        pick,
        [pick[6], pick[0], pick[5]],
    ]
    shapes = {"list": "[{}]", "tuple": "({},)", "set": "set([{}])", "frozenset": "frozenset([{}])"}
    return tuple(
        shapes[kind].format(", ".join(row)) if row or kind != "tuple" else "()" for row in rows
    )


def _dicts(keys: tuple[str, ...], values: tuple[str, ...]) -> tuple[str, ...]:
    rows = [
        ", ".join(f"{keys[n % len(keys)]}: {values[n % len(values)]}" for n in range(size))
        for size in (0, 1, 2, 4)
    ]
    return tuple("{" + row + "}" for row in rows)
