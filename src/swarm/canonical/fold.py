"""Unicode and LaTeX in plain characters: what the other kinds read."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType

_KEPT = 20_000  # characters of a text that is remembered
_DEPTH = 24  # braces nested more deeply are dropped
_BEFORE = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2796\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2018\u2019\u02bc\u2032\u00b4\uff07", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u2033", '"'),
        **dict.fromkeys("\u2044\u2215\u00f7", "/"),
        **dict.fromkeys("\u00b7\u22c5\u2219", "\u00b7"),
        **dict.fromkeys("\u2248\u2243\u2245\u223c", "\u2248"),
        **dict.fromkeys("\u2028\u2029\x85", "\n"),
        **dict.fromkeys("\u3010\u3014\u300c\u300e", "["),
        **dict.fromkeys("\u3011\u3015\u300d\u300f", "]"),
        "\u066b": ".", "\u066c": ",", "\u066a": "%", "\u00ba": "\u00b0", "\u00b5": "\u03bc",
        "\u3001": ",", "\u3002": ".", "\ufe0e": None, "\ufe0f": None,
        "\ufdfa": "\u0635", "\ufdfb": "\u062c",  # ligatures that NFKC makes 8 to 18 times as long
    }
)  # fmt: skip
_LIFTED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b"
_LOWERED = "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089"
_LEVEL = str.maketrans(_LIFTED + _LOWERED, "0123456789+-0123456789")
_SUPER = re.compile(f"[{_LIFTED}]+")
_SUB = re.compile(f"[{_LOWERED}]+")
_RAISED = re.compile(f"(?<![{_LIFTED}])[{_LIFTED[:10]}]{{1,6}}[\u2044/][{_LOWERED}]{{1,6}}")
_VULGAR = re.compile("(?<=[0-9])(?=[\u00bc-\u00be\u2150-\u215e\u2189])")
# What the steps of `fold` look for: most texts have none of it, and translating takes its time.
_REPLACED = re.compile("[" + "".join(map(chr, _BEFORE)) + "]")
_LEVELLED = re.compile(f"[{_LIFTED}{_LOWERED}]")
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)
_DIGIT = re.compile(r"[^\D0-9]")
# A pair of dollar signs around a formula, after Pandoc's rule: no space inside, no digit behind.
_MATH = re.compile(r"\$\$?(?=[^\s$])([^$]{1,400})(?<=\S)\$\$?(?!\d)")
_MONEY = "\ue000"
_COMMAND = re.compile(r"\\(?:([a-zA-Z]+)\*?|(.)|\Z)", re.DOTALL)
_GAP = re.compile(" {2,}")
_RUN = re.compile(r"[^\\{}^_]+")

_SYMBOLS = MappingProxyType(
    {
        "times": "\u00d7", "cdot": "\u00b7", "div": "/", "pm": "\u00b1", "pi": "\u03c0",
        "approx": "\u2248", "simeq": "\u2248", "sim": "\u2248", "le": "\u2264", "leq": "\u2264",
        "ge": "\u2265", "geq": "\u2265", "lt": "<", "gt": ">", "neq": "\u2260", "ne": "\u2260",
        "infty": "\u221e", "circ": "\u00b0", "degree": "\u00b0", "mu": "\u03bc",
        "Omega": "\u03a9", "ldots": "...", "dots": "...", "cdots": "...", "to": "\u2192",
        "rightarrow": "\u2192", "Rightarrow": "\u2192", "implies": "\u2192", "quad": " ",
        "qquad": " ", "euro": "\u20ac", "pounds": "\u00a3", "dollar": "$", "percent": "%",
        "left": "", "right": "", "big": "", "Big": "", "bigl": "", "bigr": "", "limits": "",
        "displaystyle": "", "textstyle": "", "centering": "", "bf": "", "rm": "", "it": "",
        "in": "\u2208", "land": " and ", "lor": " or ", "cup": " or ", "ast": "*", "colon": ":",
    }
)  # fmt: skip
_TAKING = (
    "text textbf textit textrm textsf texttt mathrm mathbf mathit mathsf mathtt mathbb mathcal "
    "mbox hbox operatorname boxed fbox emph underline bm boldsymbol unit num"
)
_WORDS = frozenset(_TAKING.split())
_FRACTIONS = frozenset(("frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"))
_SPACES = MappingProxyType(
    {",": " ", ";": " ", ":": " ", " ": " ", "!": "", "(": " ", ")": " ", "[": " ", "]": " ",
     "\\": "\n", "{": "{", "}": "}"}
)  # fmt: skip


def fold(words: str) -> str:
    """`words` in NFKC, with ASCII digits, minus signs, quotes and spaces, nothing invisible.

    Raised and lowered digits become `^{2}` and `_{2}`; `1½` becomes `1 1/2`.
    """
    if words.isascii():
        return words
    return _folded(words) if len(words) <= _KEPT else _folded.__wrapped__(words)


@lru_cache(maxsize=16)  # one answer is folded for several kinds, one after the other
def _folded(words: str) -> str:
    words = _replaced(_HIDDEN.sub("", words))
    if _LEVELLED.search(words):
        words = _RAISED.sub(lambda found: f" {found[0].translate(_LEVEL)}", words)
        words = _SUPER.sub(lambda found: f"^{{{found[0].translate(_LEVEL)}}}", words)
        words = _SUB.sub(lambda found: f"_{{{found[0].translate(_LEVEL)}}}", words)
    if _VULGAR.search(words):
        words = _VULGAR.sub(" ", words)
    if not unicodedata.is_normalized("NFKC", words):
        words = _replaced(unicodedata.normalize("NFKC", words).replace("\u2044", "/"))
    digits = set(_DIGIT.findall(words))
    if digits:
        words = words.translate({ord(sign): str(unicodedata.decimal(sign)) for sign in digits})
    return words


def _replaced(words: str) -> str:
    return words.translate(_BEFORE) if _REPLACED.search(words) else words


def plain(words: str) -> str:
    r"""Folded `words` without LaTeX: `\frac{3}{4}` is `3/4`, `\text{km}` km, `10^{5}` `10^5`."""
    words = fold(words).replace("+/-", "\u00b1")
    if "$" in words:
        words = _MATH.sub(r" \1 ", words.replace("\\$", _MONEY))
    if "\\" in words or "{" in words or "^" in words:
        words = _Reader(words.replace("{,}", ",").replace("{.}", ".")).all()
        words = _GAP.sub(" ", words)
    return words.replace(_MONEY, "$")


class _Reader:
    """Reads LaTeX once, from left to right."""

    def __init__(self, words: str) -> None:
        self._words, self._at = words, 0

    def all(self) -> str:
        parts = []
        while self._at < len(self._words):
            parts.append(self._group(0))
        return "".join(parts)

    def _group(self, depth: int) -> str:
        """Up to the brace that closes it, or to the end."""
        parts: list[str] = []
        while self._at < len(self._words):
            sign = self._words[self._at]
            if sign == "}":
                self._at += 1
                break
            if run := _RUN.match(self._words, self._at):
                self._at = run.end()
                parts.append(run[0])
            else:
                parts.append(self._item(depth))
        return "".join(parts)

    def _item(self, depth: int) -> str:
        """One character, one group or one command with what it takes."""
        sign = self._words[self._at]
        if sign == "\\":
            return self._command(depth)
        self._at += 1
        if depth >= _DEPTH:
            return "" if sign in "{}" else sign
        if sign == "{":
            return self._group(depth + 1)
        if sign == "^" and self._words.startswith(("(", "^"), self._at):
            return sign  # the brackets are there already; "^^" raises nothing
        if sign == "^":
            raised = self._argument(depth).strip()
            if raised in ("\u00b0", "o"):
                return "\u00b0"
            simple = raised.removeprefix("-").isalnum() or raised in ("", "-", "+")
            return f"^{raised}" if simple else f"^({raised})"
        return "" if sign == "}" else sign

    def _argument(self, depth: int) -> str:
        while self._at < len(self._words) and self._words[self._at] == " ":
            self._at += 1
        return self._item(depth + 1) if self._at < len(self._words) else ""

    def _command(self, depth: int) -> str:
        command = _COMMAND.match(self._words, self._at)
        if command is None:  # cannot be: the caller saw a backslash
            self._at += 1
            return ""
        self._at = command.end()
        name, other = command[1] or "", command[2] or ""
        if depth >= _DEPTH:
            return ""
        if name in _FRACTIONS:
            return _over(self._argument(depth), self._argument(depth))
        if name == "sqrt":
            root = self._root()
            return f"\u221a{root}({self._argument(depth)})"
        if name in ("overline", "bar"):
            return f"({self._argument(depth)})"
        if name in _WORDS:
            return self._argument(depth)
        return _SYMBOLS.get(name, f" {name} ") if name else _SPACES.get(other, other)

    def _root(self) -> str:
        """The n of a root that is not square, as `[n]`."""
        end = self._words.find("]", self._at, self._at + 8)
        if end < 0 or self._words[self._at] != "[":
            return ""
        start, self._at = self._at, end + 1
        return self._words[start : self._at]


def _over(above: str, below: str) -> str:
    above, below = above.strip(), below.strip()
    if above.isdigit() and below.isdigit():
        return f" {above}/{below}"  # the space keeps the 2 of a mixed number apart
    if above.isalpha() and below.isalpha():  # km/h
        return f" {above}/{below}"
    if above.removeprefix("-").isdigit() and below.isdigit():
        return f"{above}/{below}"
    return f"(({above})/({below}))"
