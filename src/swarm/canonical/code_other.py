"""Code in other languages than Python, by its tokens: layout and comments do not count."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from . import code_tree

_TOKENS = 20_000


class _Syntax(NamedTuple):
    """How a language writes what is not to be taken apart, or not to be read at all."""

    comments: str  # expressions that match a comment
    strings: str
    lines: bool = False  # the ends of lines separate statements
    indents: bool = False  # so does indentation
    folds: bool = False  # upper and lower case are the same outside of strings
    ends: bool = False  # a semicolon at the end of a line may be left out
    brackets: bool = True  # brackets are always closed
    quotes: bool = False  # single and double quotes say the same


_SLASHES = r"//[^\n]*|/\*(?s:.*?)(?:\*/|\Z)"
_HASH = r"(?<![^\s;()])#[^\n]*"
_QUOTES = r'"(?:[^"\\\n]|\\.)*+"?|' + r"'(?:[^'\\\n]|\\.)*+'?"
_C = _Syntax(_SLASHES, r'R"\((?s:.*?)(?:\)"|\Z)|' + _QUOTES)
_JS = _Syntax(_SLASHES, r"`(?s:[^`\\]|\\.)*+`?|" + _QUOTES, ends=True, quotes=True)
_JVM = _Syntax(_SLASHES, _QUOTES, ends=True)
_RUST = _Syntax(
    _SLASHES, r'r#"(?s:.*?)(?:"#|\Z)|"(?s:[^"\\]|\\.)*+"?|' + r"'(?:[^'\\\n]|\\.[^'\n]*)'|'\w+"
)
_GO = _Syntax(_SLASHES, r"`[^`]*+`?|" + _QUOTES, ends=True)
_SQL = _Syntax(
    r"--[^\n]*|/\*(?s:.*?)(?:\*/|\Z)", r"'(?:[^']|'')*+'?|" + r'"[^"]*+"?|`[^`]*+`?', folds=True
)
_BASH = _Syntax(
    _HASH, r"'[^']*+'?|" + r'"(?s:[^"\\]|\\.)*+"?', lines=True, brackets=False, quotes=True
)
_RUBY = _Syntax(_HASH, _QUOTES, lines=True, quotes=True)
_HTML = _Syntax(
    r"<!--(?s:.*?)(?:-->|\Z)", r'"[^"]*+"?|' + r"(?<==)'[^']*+'?", brackets=False, quotes=True
)
_CSS = _Syntax(r"/\*(?s:.*?)(?:\*/|\Z)", _QUOTES, quotes=True)
_LUA = _Syntax(r"--\[\[(?s:.*?)(?:\]\]|\Z)|--[^\n]*", r"\[\[(?s:.*?)(?:\]\]|\Z)|" + _QUOTES)
_HASKELL = _Syntax(r"--[^\n]*|\{-(?s:.*?)(?:-\}|\Z)", r'"(?:[^"\\]|\\.)*+"?', indents=True)
_YAML = _Syntax(_HASH, _QUOTES, indents=True, brackets=False)
_PLAIN = _Syntax(r"(?!)", _QUOTES, lines=True, brackets=False)
_PHP = _Syntax(_SLASHES + "|" + _HASH, _QUOTES, quotes=True)

_SYNTAX: Mapping[str, _Syntax] = {
    **dict.fromkeys(["c", "h", "cpp", "c++", "cc", "cxx", "hpp", "java", "cs", "csharp", "c#",
                     "dart", "proto", "glsl", "objc", "d", "zig"], _C),
    **dict.fromkeys(["js", "javascript", "jsx", "mjs", "ts", "typescript", "tsx", "node"], _JS),
    **dict.fromkeys(["kotlin", "kt", "scala", "swift", "groovy", "gradle"], _JVM),
    **dict.fromkeys(["rust", "rs"], _RUST),
    **dict.fromkeys(["go", "golang"], _GO),
    **dict.fromkeys(["sql", "mysql", "postgresql", "postgres", "sqlite", "plsql", "tsql"], _SQL),
    **dict.fromkeys(["sh", "bash", "shell", "zsh", "fish", "powershell", "ps1"], _BASH),
    "dockerfile": _BASH,
    **dict.fromkeys(["ruby", "rb", "perl", "pl", "r", "julia", "jl", "elixir", "ex"], _RUBY),
    **dict.fromkeys(["html", "xml", "svg", "vue", "xhtml"], _HTML),
    **dict.fromkeys(["css", "scss", "less"], _CSS),
    "lua": _LUA,
    "php": _PHP,
    **dict.fromkeys(["haskell", "hs", "elm", "purescript", "fsharp", "f#", "nim"], _HASKELL),
    **dict.fromkeys(["yaml", "yml", "toml", "ini", "makefile", "make", "coffee", "nix"], _YAML),
}  # fmt: skip
_SPOKEN = re.compile(
    r"(?<![\w.])(javascript|typescript|java|c\+\+|c#|golang|rust|ruby|php|swift|kotlin|scala|perl"
    r"|haskell|sql|mysql|postgresql|sqlite|bash|shell|powershell|html|css|lua|julia|elixir|dart|c|go)"
    r"(?![\w+#])",
    re.IGNORECASE,
)
_SAID = r'\( (?:"[^"]*" |\S+ )?\)'
_STUB = re.compile(
    rf"(?:throw new \w*(?:Error|Exception) {_SAID}|(?:todo|unimplemented|panic) !? ?{_SAID}|pass"
    r"|return(?: null| nil)?|raise NotImplementedError|\.\.\.)(?: ;)*",
    re.IGNORECASE,
)
_SIGNS = r"=>|->|[=!<>+\-*/%&|^]=+|&&|\|\||\+\+|--|<<|>>|::|\?\?|\?\.|\.\.\.?|\S"  # else one by one
_OPEN = {"(": ")", "[": "]", "{": "}"}


def language_in(question: str) -> str:
    """The language that a question names last; empty where it names none."""
    found = _SPOKEN.findall(question[-4000:])
    return found[-1].lower() if found else ""


def canonical(language: str, source: str) -> str | None:
    """The tokens of `source`; None for nothing, for brackets that do not match, for stubs, and for
    what a grammar, where there is one, does not admit."""
    syntax = _SYNTAX.get(language, _C if _braced(source) else _PLAIN)
    readable = code_tree.readable(language, source)
    tokens = _tokens(readable, syntax) if readable else []
    if not tokens or len(tokens) > _TOKENS or (syntax.brackets and not _balanced(tokens)):
        return None
    while tokens and tokens[-1] in (";", "\n"):
        tokens.pop()
    said = " ".join(tokens)
    return None if not said or _is_stub(tokens, said) else said


def _tokens(source: str, syntax: _Syntax) -> list[str]:
    pattern = re.compile(
        rf"(?P<skip>{syntax.comments})|(?P<string>{syntax.strings})"
        rf"|(?P<line>\n[ \t]*)|[^\W\d]\w*|\d[\w.]*|[^\S\n]+|{_SIGNS}"
    )
    tokens: list[str] = []
    for match in pattern.finditer(source):
        kind, text = match.lastgroup, match[0]
        if kind == "skip":
            continue
        if kind == "string":
            tokens.append(_string(text) if syntax.quotes else text)
        elif kind == "line":
            _end_line(tokens, text, syntax)
        elif not text.isspace():
            if text in ")]}" and tokens:
                _before_closing(tokens, text, syntax)
            tokens.append(text.lower() if syntax.folds else text)
    return tokens


def _end_line(tokens: list[str], line: str, syntax: _Syntax) -> None:
    if syntax.ends and tokens and tokens[-1] == ";":
        tokens.pop()
    if syntax.indents:
        while tokens and tokens[-1].startswith("\n"):
            tokens.pop()
        tokens.append("\n" + line[1:].expandtabs())
    elif syntax.lines and tokens and tokens[-1] != "\n":
        tokens.append("\n")


def _before_closing(tokens: list[str], closing: str, syntax: _Syntax) -> None:
    """A comma before a closing bracket says nothing, nor does the last semicolon of a block."""
    if len(tokens) > 1 and tokens[-1] == "," and tokens[-2] not in (",", "[", "(", "{"):
        if syntax.brackets and not (closing == ")" and syntax in (_C, _RUST)):
            tokens.pop()
    elif closing == "}" and syntax.ends and tokens[-1] == ";":
        tokens.pop()


def _string(text: str) -> str:
    """A string; which quotes it has does not count where nothing in it depends on them."""
    inner = text[1:-1]
    if text[0] == "'" == text[-1] and len(text) > 1 and not set(inner) & set("\"'\\$`"):
        return f'"{inner}"'
    return text


def _balanced(tokens: list[str]) -> bool:
    expected: list[str] = []
    for token in tokens:
        if token in _OPEN:
            expected.append(_OPEN[token])
        elif token in (")", "]", "}") and (not expected or expected.pop() != token):
            return False
    return not expected


def _is_stub(tokens: list[str], said: str) -> bool:
    """Whether there is but one body, and nothing in it."""
    if _STUB.fullmatch(said):
        return True
    if tokens.count("{") != 1 or tokens[-1] != "}" or "(" not in tokens[: tokens.index("{")]:
        return False
    body = " ".join(tokens[tokens.index("{") + 1 : -1])
    return not body or bool(_STUB.fullmatch(body))


def _braced(source: str) -> bool:
    return "{" in source or ";" in source
