"""Which names of a Python program are local, and what a keyword in a call refers to.

The rules are those of https://docs.python.org/3/reference/executionmodel.html#naming-and-binding.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BUILTINS = frozenset(dir(builtins))
_DYNAMIC = frozenset({"locals", "vars", "eval", "exec", "dir"})


class Scope:
    """One scope: its own names, each with the spelling that it gets, and the scope around it.

    Spellings are `%0`, `%1`, ... in the order in which names are met, so that programs that differ
    in local names only are spelled alike. Names of modules and classes keep their own.
    """

    def __init__(self, parent: Scope | None, *, is_class: bool = False) -> None:
        self.parent = parent
        self.is_class = is_class
        self.own: dict[str, str | None] = {}  # None: local, and not met yet
        self.globals: set[str] = set()
        self.outer: set[str] = set()  # declared nonlocal

    def spell(self, name: str, count: Iterator[int]) -> str:
        """The spelling of `name` where it is used in this scope."""
        scope = self.home(name)
        if scope is None:
            return name
        if scope.own[name] is None:
            scope.own[name] = f"%{next(count)}"
        return scope.own[name] or name

    def home(self, name: str) -> Scope | None:
        """The function's scope that `name` belongs to; None for a name that is not local."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.globals:
                return None
            if name in scope.own and name not in scope.outer:
                if not scope.is_class:
                    return scope
                if scope is self:
                    return None  # an attribute, or a global of that name
            scope = scope.parent
        return None


def of_function(node: Function, parent: Scope, facts: Facts) -> Scope:
    """The scope of a function or lambda."""
    scope = Scope(parent)
    arguments = node.args
    for argument in (*arguments.posonlyargs, *arguments.args, arguments.vararg, arguments.kwarg):
        if argument is not None:
            scope.own[argument.arg] = None
    for argument in arguments.kwonlyargs:
        scope.own[argument.arg] = argument.arg  # callers know it by its name
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    _bind(scope, body)
    facts.protect(scope)
    return scope


def of_class(node: ast.ClassDef, parent: Scope) -> Scope:
    """The scope of a class body."""
    scope = Scope(parent, is_class=True)
    _bind(scope, node.body)
    return scope


def of_comprehension(node: Comprehension, parent: Scope, facts: Facts) -> Scope:
    """The scope of a comprehension: its targets; `:=` in it binds outside."""
    scope = Scope(parent)
    for generator in node.generators:
        for inner in walk(generator.target):
            if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                scope.own[inner.id] = None
    facts.protect(scope)
    return scope


class Facts:
    """What must be known of a whole program before its names can be spelled.

    `functions` has the parameters of each function that is defined once, at the top;
    `protected` are parameter names that some call uses as keywords of we do not know what;
    `dynamic` programs look at their own names, so all of these count.
    """

    def __init__(self, program: Iterable[ast.stmt]) -> None:
        body = list(program)
        self.functions: dict[str, list[str]] = {}
        self.protected: set[str] = set()
        self.dynamic = False
        nodes = list(walk(*body))
        bound = Counter(_binders(nodes))
        for statement in body:
            name, parameters = _parameters(statement)
            if name and bound[name] == 1:
                self.functions[name] = parameters
        for node in nodes:
            if type(node) is ast.Name and node.id in _DYNAMIC and node.id not in bound:
                self.dynamic = True
            elif type(node) is ast.Call and node.keywords and not self._known(node.func, bound):
                self.protected.update(word.arg for word in node.keywords if word.arg)

    def keyword(self, call: ast.Call, word: str, scope: Scope) -> str:
        """The spelling of a keyword in a call: the place of the parameter where it is known."""
        if isinstance(call.func, ast.Name) and scope.home(call.func.id) is None:
            parameters = self.functions.get(call.func.id, [])
            if word in parameters:
                return f"@{parameters.index(word)}"
        return word

    def protect(self, scope: Scope) -> None:
        """Gives the names in `scope` that are known outside their own spelling."""
        for name in scope.own:
            if self.dynamic or name in self.protected:
                scope.own[name] = name

    def _known(self, called: ast.expr, bound: Counter[str]) -> bool:
        """Whether keywords of this call cannot be parameters of the program's own functions, or
        are found by `keyword`."""
        if isinstance(called, ast.Name):
            return called.id in self.functions or (
                called.id in _BUILTINS and called.id not in bound
            )
        return (
            isinstance(called, ast.Attribute)
            and called.attr not in bound
            and (called.attr not in ("partial", "partialmethod"))
        )


def walk(*nodes: ast.AST) -> Iterator[ast.AST]:
    """`nodes` and all below them, as `ast.walk` does, but without operators and contexts."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        stack += children(node)


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below `node` that have anything in them."""
    if type(node) in _LEAVES:
        return []
    found: list[ast.AST] = []
    for value in vars(node).values():
        kind = type(value)
        if kind is list:
            found += [item for item in value if isinstance(item, ast.AST)]
        elif kind is not int and isinstance(value, ast.AST) and value._fields:
            found.append(value)
    return found


_LEAVES = frozenset({ast.Name, ast.Constant, ast.Pass, ast.Break, ast.Continue})


def _binders(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Every name that is bound anywhere, as often as it is."""
    for node in nodes:
        kind = type(node)
        if kind is ast.Name:
            if not isinstance(node.ctx, ast.Load):  # type: ignore[attr-defined]
                yield node.id  # type: ignore[attr-defined]
        elif kind is ast.arg:
            yield node.arg  # type: ignore[attr-defined]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from map(bound_by, node.names)
        elif kind in _BINDING and getattr(node, "name", None):
            yield node.name  # type: ignore[attr-defined]


def bound_by(alias: ast.alias) -> str:
    """The name that an import binds."""
    return alias.asname or alias.name.partition(".")[0]


def _parameters(statement: ast.stmt) -> tuple[str, list[str]]:
    """The name of a function or class at the top, and the parameters of a call of it."""
    if isinstance(statement, ast.ClassDef):
        for inner in statement.body:
            if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                return statement.name, [part.arg for part in inner.args.args[1:]]
    if isinstance(statement, FUNCTIONS) and not statement.decorator_list:
        return statement.name, [part.arg for part in statement.args.args]
    return "", []


def _bind(scope: Scope, body: Iterable[ast.AST]) -> None:
    """Adds what `body` binds to `scope`, nested scopes left out."""
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                scope.own.setdefault(node.id, None)
        elif type(node) in _BINDING:
            stack += _bound(scope, node)
        else:
            stack += children(node)


def _bound(scope: Scope, node: ast.AST) -> list[ast.AST]:
    """Adds what one `node` binds to `scope`, and returns what of it stands in this scope too."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        outside: list[ast.AST] = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        if not isinstance(node, ast.Lambda):
            scope.own.setdefault(node.name, None)
            outside += node.decorator_list
        return outside
    if isinstance(node, ast.ClassDef):
        scope.own[node.name] = node.name
        return [*node.bases, *node.keywords, *node.decorator_list]
    if isinstance(node, Comprehension):
        inside = [part.target for part in walk(node) if isinstance(part, ast.NamedExpr)]
        return [node.generators[0].iter, *inside]
    if isinstance(node, ast.Import | ast.ImportFrom):
        scope.own.update((name, name) for name in map(bound_by, node.names))
    elif isinstance(node, ast.Global):
        scope.globals.update(node.names)
    elif isinstance(node, ast.Nonlocal):
        scope.outer.update(node.names)
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        scope.own.setdefault(node.name, None)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        scope.own.setdefault(node.rest, None)
    return children(node)


_BINDING = frozenset(
    {
        ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, *COMPREHENSIONS,
        ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.ExceptHandler, ast.MatchAs,
        ast.MatchStar, ast.MatchMapping,
    }
)  # fmt: skip
