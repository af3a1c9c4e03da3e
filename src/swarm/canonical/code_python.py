"""Python programs by what they do, as far as their syntax tree tells."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .python_names import FUNCTIONS, Facts, bound_by, children, walk
from .python_spelling import is_idle, is_plain, singly, spell

_IMPORTS = ast.Import | ast.ImportFrom
_LONGEST = 200_000
_DEMO = re.compile(r"main|_*(?:test|example|demo|run_tests|check)(?:_\w*)?|Test\w*", re.IGNORECASE)
_TELLING = re.compile(r"[(,]\s*\w+\s*=[^=]|\b(?:locals|vars|eval|exec|dir)\b")
_TODO = re.compile(
    r"#.*\b(?:todo|fixme|implement|your code|code here|fill in|not implemented)", re.IGNORECASE
)


def parse(source: str) -> ast.Module | None:
    """The syntax tree of `source`, or None where it is no Python 3."""
    return parse_to(source)[0]


def parse_to(source: str) -> tuple[ast.Module | None, int]:
    """As `parse`, with the number of the line that is wrong (from 1; 0 where none is to blame)."""
    if len(source) > _LONGEST:
        return None, 0
    try:
        with warnings.catch_warnings():  # "\d" in a string warns
            warnings.simplefilter("ignore")
            return ast.parse(source.removeprefix("\ufeff")), 0
    except SyntaxError as error:
        return None, error.lineno or 0
    except (ValueError, RecursionError, MemoryError, SystemError):
        return None, 0  # SystemError: Python 3.11 stumbles when two threads parse at once


def canonical(
    source: str, asked: frozenset[str] = frozenset(), *, whole: bool = False
) -> str | None:
    """The spelling that equal programs share; None for what does not parse, and for stubs.

    Where functions or classes are defined, those count, with what they need: the names in `asked`
    if they are among them, else all. What only shows them at work (prints, asserts, `main`,
    `test_...`, `if __name__ == "__main__"`) does not, unless `whole` says that a program is asked
    for.
    """
    tree = parse(source)
    return None if tree is None else spelling(tree, source, asked, whole=whole)


def spelling(
    tree: ast.Module, source: str, asked: frozenset[str] = frozenset(), *, whole: bool = False
) -> str | None:
    """As `canonical`, of the syntax tree of `source`."""
    try:
        body = _bare(singly(part for part in _unwrapped(tree.body, whole) if not is_idle(part)))
        answer = roots(body, asked)
        if all(isinstance(part, _IMPORTS) for part in body) or any(
            _is_stub(part, source) for part in answer or body
        ):
            return None
        # Most programs have no keyword in a call: then there is nothing to find out.
        facts = Facts(body if _TELLING.search(source) else [])
        parts = [_Part(part, *spell(part, facts)) for part in body]
        if answer and not whole:
            parts = _needed(parts, answer)
        return "\n".join(part.text for part in _ordered(parts)) or None
    except (RecursionError, ValueError):
        return None


def roots(body: Iterable[ast.stmt], asked: frozenset[str]) -> list[ast.stmt]:
    """The definitions that are the answer."""
    definitions = {name: part for part in body if (name := defined(part))}
    wanted = asked & definitions.keys() or shown(frozenset(definitions))
    return [part for name, part in definitions.items() if name in wanted]


def shown(names: frozenset[str]) -> frozenset[str]:
    """`names` without those of tests and examples, where there are others."""
    return frozenset(name for name in names if not _DEMO.fullmatch(name)) or names


def defined(part: ast.stmt) -> str:
    """The name that a definition at the top binds; empty for any other statement."""
    if isinstance(part, FUNCTIONS | ast.ClassDef):
        return part.name
    if isinstance(part, ast.Assign) and isinstance(part.value, ast.Lambda):
        target = part.targets[0]
        return target.id if isinstance(target, ast.Name) else ""
    return ""


class _Part(NamedTuple):
    """A statement of a module, its spelling, and the global names in it."""

    node: ast.stmt
    text: str
    free: set[str]


def _needed(parts: list[_Part], answer: list[ast.stmt]) -> list[_Part]:
    """The parts of the `answer`, and what these need."""
    last: dict[str, ast.stmt] = {
        part.node.name: part.node for part in parts if isinstance(part.node, FUNCTIONS)
    }
    kept = {id(node) for node in answer}
    fresh = [part for part in parts if id(part.node) in kept]
    rest = [p for p in parts if id(p.node) not in kept and not _is_replaced(p.node, last)]
    imported = set().union(*(binds(p.node) for p in parts if isinstance(p.node, _IMPORTS)))
    names: set[str] = set()
    while fresh:
        for part in fresh:
            names |= part.free | {defined(part.node)}
        fresh = [part for part in rest if _serves(part.node, names, imported)]
        kept |= {id(part.node) for part in fresh}
        rest = [part for part in rest if id(part.node) not in kept]
    return [part for part in parts if id(part.node) in kept]


def _ordered(parts: list[_Part]) -> list[_Part]:
    """Imports first, each once, then plain functions by name, then the rest as it stands."""
    imports = {p.text: p for p in parts if isinstance(p.node, _IMPORTS)}
    functions = {defined(part.node): part for part in parts if is_plain(part.node)}
    if len(functions) < sum(is_plain(part.node) for part in parts):
        functions = {}
    moved = {id(part.node) for part in functions.values()}
    rest = [part for part in parts if part.text not in imports and id(part.node) not in moved]
    return [imports[t] for t in sorted(imports)] + [functions[n] for n in sorted(functions)] + rest


def binds(part: ast.stmt) -> set[str]:
    """The names that a statement at the top binds or changes."""
    if isinstance(part, FUNCTIONS | ast.ClassDef):
        return {part.name} | set().union(*map(_owner, part.decorator_list))
    if isinstance(part, _IMPORTS):
        return set(map(bound_by, part.names))
    if isinstance(part, ast.Expr):  # CACHE.update(...)
        called = part.value.func if isinstance(part.value, ast.Call) else None
        return _owner(called) if isinstance(called, ast.Attribute) else set()
    found: set[str] = set()
    stack: list[ast.AST] = [part]
    while stack:
        node = stack.pop()
        if isinstance(node, FUNCTIONS | ast.ClassDef | ast.Import | ast.ImportFrom):
            found |= binds(node)
        elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            if not isinstance(node.ctx, ast.Load):
                found |= _owner(node)
        elif not isinstance(node, ast.Lambda):
            stack += children(node)
    return found


def _serves(part: ast.stmt, names: set[str], imported: set[str]) -> bool:
    """Whether a statement binds or changes one of `names`."""
    if isinstance(part, ast.ImportFrom):
        if part.module == "__future__":
            return False
        if part.names[0].name == "*":
            return True
    if isinstance(part, ast.Expr):  # asyncio.run(...) shows, CACHE.update(...) serves
        return bool(binds(part) & names - imported)
    return bool(binds(part) & names)


def _owner(node: ast.AST | None) -> set[str]:
    """`a` of `a`, `a.b.c` and `a[1].b`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _is_replaced(part: ast.stmt, last: dict[str, ast.stmt]) -> bool:
    """Whether a plain function is defined again further down."""
    if not isinstance(part, FUNCTIONS) or part.decorator_list:
        return False
    return last.get(part.name) is not part


def _is_main(part: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__"`."""
    return isinstance(part, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in walk(part.test)
    )


def _unwrapped(body: list[ast.stmt], whole: bool) -> Iterator[ast.stmt]:
    """All statements; those under `if __name__ == "__main__"` in line or, with definitions, not."""
    program = whole or not any(map(defined, body))
    for part in body:
        if not _is_main(part):
            yield part
        elif program and isinstance(part, ast.If):
            yield from part.body


def _bare(body: list[ast.stmt]) -> list[ast.stmt]:
    """A bare body (`return a + b`) as a function, so that its names are local."""
    if not any(isinstance(node, ast.Return) for part in body for node in _shallow(part)):
        return body
    empty = ast.arguments([], [], None, [], [], None, [])
    return [ast.FunctionDef("_", empty, body, [])]


def _shallow(part: ast.stmt) -> Iterable[ast.AST]:
    stack: list[ast.AST] = [part]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, FUNCTIONS | ast.ClassDef | ast.expr):
            stack += children(node)


def _is_stub(part: ast.stmt, source: str) -> bool:
    """Whether a definition is only promised."""
    if isinstance(part, ast.ClassDef):
        body = [inner for inner in part.body if not is_idle(inner)]
        methods = [inner for inner in body if isinstance(inner, FUNCTIONS)]
        if part.bases or part.decorator_list or part.keywords:
            return False
        return len(methods) == len(body) and all(_is_stub(inner, source) for inner in methods)
    if not isinstance(part, FUNCTIONS):
        return False
    body = [inner for inner in part.body if not is_idle(inner)]
    if not body:
        return True
    if len(body) > 1:
        return False
    only = body[0]
    if isinstance(only, ast.Return):
        if only.value is None:
            return True
        if isinstance(only.value, ast.Constant):
            lines = source.splitlines()[part.lineno - 1 : part.end_lineno]
            return only.value.value in (None, ...) or any(map(_TODO.search, lines))
        return isinstance(only.value, ast.Name) and only.value.id == "NotImplemented"
    if isinstance(only, ast.Raise):
        return bool(_owner(only.exc) & {"NotImplementedError", "NotImplemented"})
    return False
