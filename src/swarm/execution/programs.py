"""The program in an answer, and what it is about."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..canonical import code_python
from ..canonical.fences import blocks
from .harness import main_name

_PYTHON = {"", "python", "py", "python3"}
_LONGEST = 20_000  # characters
_ASKED = re.compile(r"\bdef\s+([A-Za-z_]\w*)\s*\(")
_CALLED = re.compile(r"\b(?:function|method|class)\s+(?:called|named)?\s*`?([A-Za-z_]\w*)`?\s*\(")
_NAMED = re.compile(r"\b(?:called|named)\s+`?([A-Za-z_]\w*)`?|`([A-Za-z_]\w*)\(`?|`([a-z]\w*_\w*)`")


@dataclass(frozen=True, slots=True)
class Program:
    """`source` without its asserts, which are examples to us; `tree` with them."""

    source: str
    tree: ast.Module

    @property
    def names(self) -> list[str]:
        """The functions and classes that it defines."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return [node.name for node in self.tree.body if isinstance(node, kinds)]


def program_of(answer: str) -> Program | None:
    """The Python program in an answer: its last fenced block that defines something, else all
    its blocks together, else the bare text. None for stubs and where nothing parses."""
    texts = [block.text for block in blocks(answer) if block.language in _PYTHON]
    for text in (*reversed(texts), "\n".join(texts), answer):
        tree = _parsed(text)
        if tree is None:
            continue
        program = Program(_without_asserts(text), tree)
        if program.names:
            return None if _is_stub(tree) else program
    return None


def entry_of(question: str, programs: Sequence[Program]) -> str:
    """The name that the question gives to the function, else the commonest among the programs."""
    defined = Counter(name for program in programs for name in set(program.names))
    for pattern in (_ASKED, _CALLED, _NAMED):
        for match in pattern.finditer(question):
            name = next(group for group in match.groups() if group)
            if name in defined or pattern is _ASKED:
                return name
    mains = Counter(main_name(program.source) for program in programs)
    return mains.most_common(1)[0][0] if mains else ""


def _parsed(text: str) -> ast.Module | None:
    return None if len(text) > _LONGEST else code_python.parse(text)


def _without_asserts(text: str) -> str:
    tree = ast.parse(text)
    tree.body = [node for node in tree.body if not isinstance(node, ast.Assert)]
    return ast.unparse(tree)


def _is_stub(tree: ast.Module) -> bool:
    """True if no function does anything: `pass`, `...`, a docstring, NotImplementedError."""
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return bool(functions) and all(_is_empty(node.body) for node in functions)


def _is_empty(body: list[ast.stmt]) -> bool:
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node))
        or (isinstance(node, ast.Return) and node.value is None)
        for node in body
    )
