"""Code: which part of an answer it is, and its key."""

from __future__ import annotations

import ast
import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from . import code_other, code_python
from .code_asked import is_asked as is_asked
from .fences import Block, blocks
from .key import Key
from .python_names import walk

_SHORT = 1000  # characters of an answer that may be one expression
_LONGEST = 20_000  # characters of a question that are looked at, from its end
_PYTHON = frozenset({"python", "py", "python3", "py3", "sage", "python2", "ipython"})
_NO_CODE = frozenset(
    {"text", "txt", "plain", "plaintext", "output", "out", "console", "none", "log", "stdout",
     "markdown", "md", "result", "pycon", "traceback", "stdin", "input", "example", "math", "latex"}
)  # fmt: skip
_SHELL = frozenset({"sh", "bash", "shell", "zsh", "powershell", "ps1", "cmd", "bat", "fish"})
_NAME = re.compile(
    r"\b(?:def|class|func|fn|function|method|called|named|implement|write|define|complete)[ \t]+"
    r"[`'\"]?([A-Za-z_]\w*)|`([A-Za-z_]\w*)|\b([A-Za-z_]\w*)\("
)
_PROGRAM = re.compile(r"\b(?:program|script)\b", re.IGNORECASE)
_PART = re.compile(r"\b(?:function|method|class|def|decorator|generator)\b", re.IGNORECASE)
_FIRST = re.compile(
    r"^[ \t]*(?:def |class |async def |from \w[\w.]* import |import \w|@\w|for .+:$|while .+:$"
    r"|return\b|\w+ = )",
    re.MULTILINE,
)
_INLINE = re.compile(r"(?<!`)`([^`\n]{2,400})`(?!`)")
_BROKEN = re.compile(r"^[ \t]*(?:def|class)[ \t]+\w|^[ \t]*(?:print[ \t]|elif\b)", re.MULTILINE)
_RAW = re.compile(
    r"\s*(?:(?:select|insert|update|delete|with|create|alter|drop|merge)\b[^.]*\s\S|#include\b|<[!\w]"
    r"|(?:function|const|let|var|public|private|package|fn|func|import|using|struct|int|void)\b.*[;{(])",
    re.IGNORECASE,
)
_SAYS = ast.Call | ast.Subscript | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | (
    ast.GeneratorExp | ast.Await
)  # fmt: skip


@lru_cache(maxsize=64)
def key(words: str, question: str = "") -> Key | None:
    """The key of the code in an answer, always a hash; None for no code, broken code and stubs.

    Python is compared by its syntax tree, other languages by their tokens.
    """
    said = _python_key(words, question)
    if said is None:
        said = _other_key(words, question)
    if not said:
        return None
    return Key(f"code:{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:32]}")


def is_prose(words: str, question: str = "") -> bool:
    """Whether an answer does not even try to be code, so that it is to be compared as words."""
    return not blocks(words) and not _FIRST.search(words) and key(words, question) is None


def python_source(words: str, question: str = "") -> str | None:
    """The Python code of an answer, with what it needs from earlier blocks; None without any."""
    chosen = _python(words, question)
    return None if chosen is None else chosen.source


def _python_key(words: str, question: str) -> str | None:
    """The spelling of an answer's Python; empty when that abstains, None when there is none."""
    chosen = _python(words, question)
    if chosen is None:
        return None
    own = _defines(chosen.own)
    asked = names_in(question)
    tail = question[-_LONGEST:]
    whole = bool(_PROGRAM.search(tail)) and not _PART.search(tail)
    # Only the block that was chosen is the answer; earlier ones serve it.
    wanted = own & asked or code_python.shown(own)
    return code_python.spelling(chosen.tree, chosen.source, wanted, whole=whole) or ""


def names_in(question: str) -> frozenset[str]:
    """The names that a question may be asking to define."""
    found = _NAME.findall(question[-_LONGEST:])
    return frozenset(name for names in found for name in names if name)


def _python(words: str, question: str) -> _Source | None:
    """The Python of an answer; None without any."""
    every = blocks(words)
    if not every:
        return _unfenced(words)
    fenced = [block for block in every if block.language not in _NO_CODE]
    mine = [
        block._replace(text=_outdented(block.text))
        for block in fenced
        if block.language in _PYTHON or not block.language
    ]
    parsed = [(block.text, tree) for block in mine if (tree := _tree(block))]
    if not parsed:
        return None
    asked = names_in(question)
    defining = [part for part in parsed if any(map(code_python.defined, part[1].body))]
    named = [part for part in defining if _defines(part[1]) & asked]
    chosen = (named or defining or parsed)[-1]
    text, tree = chosen
    before = parsed[: parsed.index(chosen)]
    if before:
        missing = {n.id for n in walk(tree) if isinstance(n, ast.Name)} - _defines(tree)
        serving = [earlier for earlier, its in before if _defines(its) & missing]
        if serving:
            whole = "\n".join([*serving, text])
            return _Source(whole, code_python.parse(whole) or tree, tree)
    return _Source(text, tree, tree)


class _Source(NamedTuple):
    """Python source, its tree, and that part of it which is the answer itself."""

    source: str
    tree: ast.Module
    own: ast.Module


def _tree(block: Block) -> ast.Module | None:
    """The syntax tree of a block that is Python; without a language it must look like code."""
    tree = code_python.parse(block.text)
    if tree is None or not tree.body:
        return None if block.language not in _PYTHON else tree
    return tree if block.language or _is_code(tree) else None


def _unfenced(words: str) -> _Source | None:
    """An answer without fences: all of it, the code in the midst of prose, or one inline span."""
    first = _FIRST.search(words)
    tree = code_python.parse(words) if first or len(words) < _SHORT else None
    if tree is not None:
        return _Source(words, tree, tree) if _is_code(tree) else None
    lines = _outdented(words[first.start() :]).splitlines(keepends=True) if first else []
    for _ in range(8):  # prose behind the code is cut off at the line that does not parse
        text = "".join(lines)
        tree, wrong = code_python.parse_to(text)
        if tree is not None and tree.body:
            return _Source(text, tree, tree) if _is_code(tree) else None
        lines = lines[: min(wrong, len(lines)) - 1]
    spans = {}
    for span in _INLINE.findall(words):
        tree = code_python.parse(span)
        if tree is not None and _is_code(tree):
            spans[span] = tree
    if len(spans) != 1:
        return None
    text, tree = spans.popitem()
    return _Source(text, tree, tree)


def _is_code(tree: ast.Module) -> bool:
    """Whether what parses as Python is meant as code: `hello` and `a, b` are words too."""
    for part in tree.body:
        if not isinstance(part, ast.Expr):
            return not isinstance(part, ast.AnnAssign) or part.value is not None
        if isinstance(part.value, _SAYS):
            return True
    return False


def _defines(tree: ast.Module) -> frozenset[str]:
    return frozenset(filter(None, map(code_python.defined, tree.body)))


def _outdented(words: str) -> str:
    """`words` without the indentation of its first line."""
    lines = words.splitlines(keepends=True)
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    return "".join(line.removeprefix(indent) for line in lines)


def _other_key(words: str, question: str) -> str | None:
    """The tokens of the last block in another language; None without one."""
    fenced = [block for block in blocks(words) if block.language not in _NO_CODE]
    spoken = code_other.language_in(question)
    if not fenced:
        return _bare_other(words, spoken)
    if not spoken and any(block.language in _PYTHON for block in fenced):
        return None  # broken Python is no answer, nor is the command that installs it
    fenced = [block for block in fenced if block.language not in _PYTHON and block.text.strip()]
    # How to install or start it is not the answer, where there is another.
    proper = [block for block in fenced if block.language not in _SHELL] or fenced
    if not proper:
        return None
    language, text = proper[-1].language or spoken, proper[-1].text
    if not language and (_BROKEN.search(text) or not re.search(r"[(){};=<>$|]", text)):
        return None
    return code_other.canonical(language, text)


def _bare_other(words: str, spoken: str) -> str | None:
    """An answer without fences that is nothing but code, or has one inline span of it."""
    if not spoken:
        return None
    spans = [words] if _RAW.match(words) else [s for s in _INLINE.findall(words) if _RAW.match(s)]
    said = {code_other.canonical(spoken, span) for span in spans}
    return said.pop() if len(said) == 1 else None
