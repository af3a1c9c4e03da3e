"""Syntax trees of other languages than Python, where the extra `code` is installed.

They show what does not parse, and which names are local, so that these need not be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

_GRAMMARS = {
    **dict.fromkeys(("js", "javascript", "jsx", "mjs", "node"), ("javascript", "language")),
    **dict.fromkeys(("ts", "typescript"), ("typescript", "language_typescript")),
    "tsx": ("typescript", "language_tsx"),
    "java": ("java", "language"),
    **dict.fromkeys(("c", "h"), ("c", "language")),
    **dict.fromkeys(("cpp", "c++", "cc", "cxx", "hpp"), ("cpp", "language")),
    **dict.fromkeys(("go", "golang"), ("go", "language")),
    **dict.fromkeys(("rust", "rs"), ("rust", "language")),
    **dict.fromkeys(("sh", "bash", "shell"), ("bash", "language")),
}
_MACROS = {"c", "cpp"}  # a macro may look like an error
_LONGEST = 20_000  # characters
_FUNCTIONS = ("function", "method", "constructor", "lambda", "closure", "arrow", "func_")
# Which fields of which nodes declare a name.
_DECLARES: dict[str, tuple[str, ...]] = {
    "variable_declarator": ("name",),
    "required_parameter": ("pattern",),
    "optional_parameter": ("pattern",),
    "arrow_function": ("parameter",),
    "for_in_statement": ("left",),
    "catch_clause": ("parameter",),
    "formal_parameter": ("name",),
    "enhanced_for_statement": ("name",),
    "catch_formal_parameter": ("name",),
    "lambda_expression": ("parameters",),
    "parameter_declaration": ("name", "declarator"),
    "declaration": ("declarator",),
    "init_declarator": ("declarator",),
    "short_var_declaration": ("left",),
    "range_clause": ("left",),
    "var_spec": ("name",),
    "parameter": ("pattern",),
    "let_declaration": ("pattern",),
    "for_expression": ("pattern",),
}
_LISTS = ("formal_parameters", "inferred_parameters", "closure_parameters")
_INSIDE = (
    "pointer_declarator", "reference_declarator", "expression_list", "tuple_pattern", "mut_pattern",
)  # fmt: skip


def readable(language: str, source: str) -> str | None:
    """`source` with its local names replaced by numbers; None where it does not parse.

    The source itself where the language is not known, the extra is not installed, or it is long.
    """
    parser = _parser(language)
    if parser is None or len(source) > _LONGEST or "_local" in source:
        return source
    data = source.encode("utf-8", "replace")
    tree = parser.parse(data)
    if tree.root_node.has_error:
        if language == "java":  # a method alone is none to the grammar, in a class it is
            wrapped = b"class _ { " + data + b"\n}"
            tree = parser.parse(wrapped)
            if not tree.root_node.has_error:
                return _renamed(tree.root_node, wrapped)
        return source if _GRAMMARS[language][0] in _MACROS else None
    return _renamed(tree.root_node, data)


@cache
def _parser(language: str) -> Any:
    name, function = _GRAMMARS.get(language, ("", ""))
    if not name:
        return None
    try:
        tree_sitter = import_module("tree_sitter")
        grammar = import_module(f"tree_sitter_{name}")
        return tree_sitter.Parser(tree_sitter.Language(getattr(grammar, function)()))
    except (ImportError, AttributeError, ValueError):  # ValueError: of an unlike version
        return None


def _renamed(root: Any, data: bytes) -> str:
    uses, local, fixed = [], set[bytes](), set[bytes]()
    for node, in_function in _walk(root):
        if node.type == "identifier":
            uses.append(node)
        elif node.type.startswith("shorthand"):  # `{name}` makes the name a member's
            fixed.add(node.text)
        if in_function:
            local.update(_declared(node))
    numbers: dict[bytes, bytes] = {}
    parts, at = [], 0
    for node in sorted(uses, key=lambda node: int(node.start_byte)):
        if node.text in local and node.text not in fixed:
            number = numbers.setdefault(node.text, b"_local%d_" % len(numbers))
            parts += [data[at : node.start_byte], number]
            at = node.end_byte
    return b"".join([*parts, data[at:]]).decode("utf-8", "replace")


def _walk(root: Any) -> Iterator[tuple[Any, bool]]:
    """All nodes, and whether they are in a function. Without recursion: depth is the caller's."""
    waiting = [(root, False)]
    while waiting:
        node, inside = waiting.pop()
        inside = inside or any(word in node.type for word in _FUNCTIONS)
        yield node, inside
        waiting += [(child, inside) for child in node.children]


def _declared(node: Any) -> Iterator[bytes]:
    if node.type in _LISTS:
        yield from (child.text for child in node.children if child.type == "identifier")
    for field in _DECLARES.get(node.type, ()):
        for child in node.children_by_field_name(field):
            yield from _names(child)


def _names(node: Any) -> Iterator[bytes]:
    if node.type == "identifier":
        yield node.text
    elif node.type == "array_declarator":  # its size is no declaration
        inner = node.child_by_field_name("declarator")
        yield from _names(inner) if inner is not None else ()
    elif node.type in _INSIDE:
        for child in node.children:
            yield from _names(child)
