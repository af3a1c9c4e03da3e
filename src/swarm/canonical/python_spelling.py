"""Spells Python programs so that those which differ in form only are spelled alike.

Docstrings, comments, layout, annotations, local names, the order of imports and of plain functions
do not count; operators, constants, the order of operands and statements do.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from .python_names import (
    COMPREHENSIONS,
    FUNCTIONS,
    Comprehension,
    Facts,
    Function,
    Scope,
    bound_by,
    of_class,
    of_comprehension,
    of_function,
)

# What changes nothing about a program, or is spelled elsewhere.
_UNSPOKEN = frozenset({"ctx", "type_comment", "kind", "type_params", "annotation", "returns"})
# Decorators that do not read the annotations below them.
_DEAF = frozenset(
    {
        "staticmethod", "classmethod", "property", "cached_property", "cache", "lru_cache", "wraps",
        "abstractmethod", "override", "final", "contextmanager", "setter", "getter", "deleter",
    }
)  # fmt: skip


def is_idle(statement: ast.stmt) -> bool:
    """Whether a statement does nothing: `pass`, `...`, a docstring or another bare constant."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def spell(statement: ast.stmt, facts: Facts) -> tuple[str, set[str]]:
    """The spelling of a statement of a module, and the global names in it.

    Raises RecursionError where it is nested too deeply.
    """
    speller = _Speller(facts)
    speller.node(statement, Scope(None, is_class=True))
    return " ".join(speller.out), speller.free


def singly(body: Iterable[ast.stmt]) -> list[ast.stmt]:
    """`body` with one import a name."""
    single: list[ast.stmt] = []
    for part in body:
        if isinstance(part, ast.Import):
            single += [ast.Import([alias]) for alias in part.names]
        elif isinstance(part, ast.ImportFrom):
            single += [ast.ImportFrom(part.module, [alias], part.level) for alias in part.names]
        else:
            single.append(part)
    return single


def is_plain(part: ast.stmt) -> bool:
    """Whether it does not matter when a function is defined."""
    if not isinstance(part, FUNCTIONS) or part.decorator_list:
        return False
    defaults = [*part.args.defaults, *filter(None, part.args.kw_defaults)]
    return all(isinstance(default, ast.Constant) for default in defaults)


class _Speller:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.out: list[str] = []
        self.free: set[str] = set()
        self.count = count()

    def block(self, body: Iterable[ast.stmt], scope: Scope) -> None:
        for statement in body:
            if not is_idle(statement):
                self.node(statement, scope)
        self.out.append(";")

    def node(self, node: ast.AST, scope: Scope) -> None:
        special = _SPECIAL.get(type(node))
        if special is None:
            self.plain(node, scope)
        else:
            special(self, node, scope)

    def plain(self, node: ast.AST, scope: Scope, without: tuple[str, ...] = ()) -> None:
        out = self.out
        out.append(type(node).__name__)
        for name in node._fields:
            if name in _UNSPOKEN or name in without:
                continue
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                self.node(value, scope)
            elif isinstance(value, list):
                if name in ("body", "orelse", "finalbody"):
                    self.block(value, scope)
                else:
                    self.all(value, scope)
            elif value is None:
                out.append("~")
            else:
                out.append(repr(value))

    def all(self, nodes: Iterable[Any], scope: Scope) -> None:
        for node in nodes:
            if isinstance(node, ast.AST):
                self.node(node, scope)
            else:
                self.out.append("~" if node is None else repr(node))
        self.out.append(",")

    def name(self, node: ast.Name, scope: Scope) -> None:
        said = scope.spell(node.id, self.count)
        if said[0] != "%":
            self.free.add(said)
            said = f"${said}"  # no name may pass for a kind of node
        self.out.append(said)

    def return_(self, node: ast.Return, scope: Scope) -> None:
        self.out.append("Return")
        if not _returns_nothing(node) and node.value is not None:
            self.node(node.value, scope)

    def constant(self, node: ast.Constant, scope: Scope) -> None:
        value = node.value
        # Whole numbers in hexadecimal: decimal digits beyond a limit raise ValueError.
        if isinstance(value, int) and not isinstance(value, bool):
            self.out.append(hex(value))
        else:
            self.out.append(repr(value))

    def text(self, node: ast.JoinedStr, scope: Scope) -> None:
        if all(isinstance(part, ast.Constant) for part in node.values):
            self.out.append(repr("".join(str(p.value) for p in node.values)))  # type: ignore[attr-defined]
        else:
            self.plain(node, scope)

    def call(self, node: ast.Call, scope: Scope) -> None:
        self.out.append("Call")
        self.node(node.func, scope)
        self.all(node.args, scope)
        words = [
            (self.facts.keyword(node, word.arg, scope) if word.arg else "**", word.value)
            for word in node.keywords
        ]
        for word, value in words:
            self.out.append(f"{word}=")
            self.node(value, scope)
        self.out.append(",")

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        self.out.append(type(node).__name__)
        self.out.append(scope.spell(node.name, self.count))
        self.all(node.decorator_list, scope)
        inner = of_function(node, scope, self.facts)
        heard = not all(_last_name(part) in _DEAF for part in node.decorator_list)
        self.parameters(node, scope, inner, heard=heard)
        body = node.body
        while body and _returns_nothing(body[-1]):
            body = body[:-1]
        self.block(body, inner)

    def lambda_(self, node: ast.Lambda, scope: Scope) -> None:
        self.out.append("Lambda")
        inner = of_function(node, scope, self.facts)
        self.parameters(node, scope, inner, heard=False)
        self.node(node.body, inner)

    def parameters(self, node: Function, scope: Scope, inner: Scope, *, heard: bool) -> None:
        """Parameters by their place; annotations only where a decorator may read them."""
        arguments = node.args
        self.all([*arguments.defaults, *arguments.kw_defaults], scope)
        for group in (arguments.posonlyargs, arguments.args, [arguments.vararg],
                      arguments.kwonlyargs, [arguments.kwarg]):  # fmt: skip
            for part in group:
                if part is not None:
                    self.out.append(inner.spell(part.arg, self.count))
                    if heard and part.annotation is not None:
                        self.node(part.annotation, scope)
            self.out.append("/")
        returns = getattr(node, "returns", None)
        if heard and returns is not None:
            self.node(returns, scope)

    def class_(self, node: ast.ClassDef, scope: Scope) -> None:
        self.out.append(f"ClassDef {node.name}")
        self.all(node.decorator_list, scope)
        self.all(node.bases, scope)
        self.all(node.keywords, scope)
        # The order of plain methods does not count.
        methods = [part for part in node.body if is_plain(part)]
        if len({getattr(part, "name", "") for part in methods}) < len(methods):
            methods = []
        methods.sort(key=lambda part: getattr(part, "name", ""))
        rest = [part for part in node.body if part not in methods]
        self.block([*rest, *methods], of_class(node, scope))

    def comprehension(self, node: Comprehension, scope: Scope) -> None:
        inner = of_comprehension(node, scope, self.facts)
        self.out.append(type(node).__name__)
        for place, part in enumerate(node.generators):
            self.out.append("async" if part.is_async else "for")
            self.node(part.target, inner)
            self.node(part.iter, scope if place == 0 else inner)
            self.all(part.ifs, inner)
        if isinstance(node, ast.DictComp):
            self.node(node.key, inner)
            self.node(node.value, inner)
        else:
            self.node(node.elt, inner)

    def annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if scope.is_class and scope.parent is not None:  # a field, of a dataclass perhaps
            self.plain(node, scope)
            self.node(node.annotation, scope)
        elif node.value is not None:
            self.plain(ast.Assign([node.target], node.value), scope)

    def named(self, node: Any, scope: Scope) -> None:
        """What binds a name that is no expression: `except ... as e`, patterns."""
        field = "rest" if isinstance(node, ast.MatchMapping) else "name"
        name = getattr(node, field)
        self.plain(node, scope, without=(field,))
        self.out.append(scope.spell(name, self.count) if name else "~")

    def declared(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
        pass  # said by the spelling of the names

    def imported(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        start = "import "
        if isinstance(node, ast.ImportFrom):
            start = f"from {'.' * node.level}{node.module or ''} import "
        self.out += sorted(f"{start}{part.name} as {bound_by(part)}" for part in node.names)


def _last_name(node: ast.expr) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _returns_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Return) and (
        statement.value is None
        or (isinstance(statement.value, ast.Constant) and statement.value.value is None)
    )


_SPECIAL: dict[type[ast.AST], Callable[[_Speller, Any, Scope], None]] = {
    ast.Name: _Speller.name,
    ast.Return: _Speller.return_,
    ast.Constant: _Speller.constant,
    ast.JoinedStr: _Speller.text,
    ast.Call: _Speller.call,
    ast.FunctionDef: _Speller.function,
    ast.AsyncFunctionDef: _Speller.function,
    ast.Lambda: _Speller.lambda_,
    ast.ClassDef: _Speller.class_,
    ast.AnnAssign: _Speller.annotated,
    ast.ExceptHandler: _Speller.named,
    ast.MatchAs: _Speller.named,
    ast.MatchStar: _Speller.named,
    ast.MatchMapping: _Speller.named,
    ast.Global: _Speller.declared,
    ast.Nonlocal: _Speller.declared,
    ast.Import: _Speller.imported,
    ast.ImportFrom: _Speller.imported,
    **dict.fromkeys(COMPREHENSIONS, _Speller.comprehension),
}
