"""Examples in a question or a program: which call has which value."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .harness import show
from .literals import closing, value_at

_CALL = re.compile(r"[A-Za-z_]\w*\(")
_VERB = (
    r"(?:(?:should|must|will|would)\s+)?(?:returns?|gives?|equals?|yields?|produces?|outputs?|"
    r"evaluates?|prints?|be|is)(?:\s+(?:equal\s+)?to)?"
)
_GIVES = re.compile(
    rf"[`'\"]?[ \t]*(?:={{1,3}}>?|-+>|→|⇒|#[ \t]*(?:{_VERB}|-+>|=>)?|{_VERB}):?[ \t]*`?"
)
_IN = re.compile(r"\binputs?\b[ \t]*(?:is|of|=|:)?", re.IGNORECASE)
_OUT = re.compile(rf"(?:->|→|\b(?:output|{_VERB})\b)[ \t]*[:=]?[ \t]*`?", re.IGNORECASE)
_BETWEEN = re.compile(r"(?:\b(?:the|it|expected|function)\b|[\s`,;.:])+$")
_NAMED = re.compile(r"[A-Za-z_]\w*[ \t]*=[ \t]*(?!=)")
_TOLD = re.compile(r"^.*(?:>>>|\bassert\b).*$", re.MULTILINE)  # lines that are read as a whole
_MOST, _LOOKED_AT = 24, 200  # examples; calls
_LONGEST, _APART = 20_000, 300  # characters: of a question, from input to output


@dataclass(frozen=True, slots=True)
class Example:
    """`expression` calls the program; `shown` is its value as `harness.show` writes it, if told."""

    expression: str
    shown: str | None = None


def in_question(question: str, names: Collection[str], entry: str) -> list[Example]:
    """The examples of a question, in order, without repeats, at most 24.

    `names` are what the programs define: only calls of those count. `entry` is called where a
    question tells input and output alone.
    """
    question = question[:_LONGEST]
    found = [*_doctests(question), *_asserts(question)]
    question = _TOLD.sub("", question)
    found += [*_calls(question, names), *_inputs(question, entry)]
    return _distinct(each for each in found if _uses(each.expression, {*names, entry}))


def in_programs(trees: Collection[ast.Module], names: Collection[str]) -> list[Example]:
    """The asserts that stand in programs, whoever's, without repeats (as in CodeT, 2207.10397)."""
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Assert))
    found = [each for node in nodes if (each := _claim(node.test))]
    return _distinct(each for each in found if _uses(each.expression, set(names), closed=True))


def _distinct(examples: Iterator[Example] | Collection[Example]) -> list[Example]:
    best: dict[str, Example] = {}
    for each in examples:
        if each.expression not in best or best[each.expression].shown is None:
            best[each.expression] = each
    return list(best.values())[:_MOST]


def _doctests(question: str) -> Iterator[Example]:
    lines = [line.strip().strip("`") for line in question.splitlines()]
    for line, after in zip(lines, [*lines[1:], ""], strict=False):
        if line.startswith(">>>"):
            source = line[3:].partition("  #")[0].strip()
            tree = _parsed(source)
            if isinstance(tree, ast.Call) and getattr(tree.func, "id", "") == "print" and after:
                yield Example(ast.unparse(tree), "printed " + repr(after))
            elif tree is not None:
                yield Example(ast.unparse(tree), _shown(after))


def _asserts(question: str) -> Iterator[Example]:
    for source in re.findall(r"\bassert[ \t]+([^\n]{1,500})", question):
        tree = _parsed(source.strip("` \t;.")) or _parsed(source.partition("#")[0].strip("` \t"))
        if isinstance(tree, ast.Tuple) and tree.elts:
            tree = tree.elts[0]  # the rest is its message
        if tree is not None and (claim := _claim(tree)):
            yield claim


def _calls(question: str, names: Collection[str]) -> Iterator[Example]:
    for match in itertools.islice(_CALL.finditer(question), _LOOKED_AT):
        if match[0][:-1] not in names or question[: match.start()].endswith("def "):
            continue
        end = closing(question, match.end() - 1)
        if end is None or _parsed(question[match.start() : end]) is None:
            continue
        expression = ast.unparse(ast.parse(question[match.start() : end], mode="eval"))
        gives = _GIVES.match(question, end)
        value = value_at(question, gives.end()) if gives else None
        if value:
            yield Example(expression, _shown(value[0]))
        elif _closed(expression):
            yield Example(expression)


def _inputs(question: str, entry: str) -> Iterator[Example]:
    for start in itertools.islice(_IN.finditer(question), _LOOKED_AT):
        match = _OUT.search(question, start.end(), start.end() + _APART)
        if match is None:
            continue
        given, at = [], 0
        text = _BETWEEN.sub("", question[start.end() : match.start()]).lstrip(" \t`")
        while at < len(text):
            named = _NAMED.match(text, at)
            value = value_at(text, named.end() if named else at)
            if not value:
                break
            given.append(value[0])
            at = value[1]
            while at < len(text) and text[at] in ", \t":
                at += 1
        wanted = value_at(question, match.end())
        if given and at >= len(text) and wanted:
            yield Example(f"{entry}({', '.join(given)})", _shown(wanted[0]))


def _claim(test: ast.expr) -> Example | None:
    """`f(2) == 4` is a call and its value; any other condition is itself to be true."""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq | ast.Is):
        sides = [test.left, test.comparators[0]]
        if len(test.ops) == 1:
            for call, wanted in (sides, sides[::-1]):
                shown = _shown(ast.unparse(wanted))
                if shown is not None:
                    return Example(ast.unparse(call), shown)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return Example(ast.unparse(ast.Call(ast.Name("bool"), [test.operand], [])), "False")
    if isinstance(test, ast.Call):
        return Example(ast.unparse(ast.Call(ast.Name("bool"), [test], [])), "True")
    return Example(ast.unparse(test), "True")


def _shown(source: str) -> str | None:
    try:
        return show(ast.literal_eval(source.strip()))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _parsed(source: str) -> ast.expr | None:
    try:
        return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _uses(expression: str, names: set[str], *, closed: bool = False) -> bool:
    tree = _parsed(expression)
    if tree is None or (closed and not _closed(expression, names)):
        return False
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(tree))


def _closed(expression: str, names: Collection[str] = ()) -> bool:
    """True if an expression needs no variable: only calls, builtins and what it binds itself."""
    tree = ast.parse(expression, mode="eval")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    bound = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return all(
        id(node) in called or node.id in bound or node.id in names
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
    )
