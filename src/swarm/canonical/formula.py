"""Exact values that are no fractions: 2*sqrt(3), pi/4, 2x + 1, in one form each.

A formula is a sum as algebra.py knows them. What has no such form (a sum below a fraction
line) has no key.
"""

from __future__ import annotations

import re
from fractions import Fraction

from .algebra import ONE, NoForm, Sum, add, bounded, inverse, multiply, raised, render, root
from .key import Key
from .numeral import read

_LONGEST = 200  # characters
_DEPTH = 16
_NAME = re.compile(r"(sqrt|pi|[a-zA-Z\u03c0\u221a])")
_WORD = re.compile(r"[a-zA-Z]{2,}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_SPACE = re.compile(r"[\s]+")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def key(words: str) -> Key | None:
    """The key of a formula with a root, pi or letters; None for all else, plain sums included."""
    if not words or len(words) > _LONGEST or not re.search(r"[\d\u03c0\u221a]|sqrt|\bpi\b", words):
        return None
    if any(word not in ("sqrt", "pi") for word in _WORD.findall(words)):
        return None
    if words.count("\u00b1") == 1:  # the two roots of an equation
        sides = [_side(side) for side in words.split("\u00b1")]
        return Key(f"number:{sides[0]}\u00b1{sides[1]}") if None not in sides else None
    try:
        reader = _Reader(_SPACE.sub(" ", _GROUPED.sub("", words)).strip())
        total = reader.all()
    except (NoForm, ArithmeticError, ValueError):
        return None
    plain = all(term == ONE for term in total)
    if plain and reader.operated and not reader.added:  # "5 - 7", "3 * 4": a score, a range, a size
        return None
    return Key(f"number:{render(total)}")


def _side(words: str) -> str | None:
    if not words.strip():
        return ""
    try:
        return render(_Reader(words.strip()).all())
    except (NoForm, ArithmeticError, ValueError):
        return None


class _Reader:
    """Recursive descent over sum, product, power, atom."""

    def __init__(self, words: str) -> None:
        self._words, self._at, self._depth = words, 0, 0
        self._divided = 0
        self.operated = False  # whether a sum or a product stands at the top
        self.added = False  # whether it is a sum without a minus

    def all(self) -> Sum:
        total = self._sum()
        if self._peek():
            raise NoForm
        return total

    def _peek(self) -> str:
        while self._at < len(self._words) and self._words[self._at] == " ":
            self._at += 1
        return self._words[self._at : self._at + 1]

    def _sum(self) -> Sum:
        total = self._product()
        while (sign := self._peek()) in ("+", "-") and sign:
            self._at += 1
            self.added = (self.added or not self.operated) and sign == "+"
            self.operated |= self._depth == 0
            total = add(total, self._product(), 1 if sign == "+" else -1)
        return total

    def _product(self) -> Sum:
        total = self._signed()
        while sign := self._peek():
            if sign in "*\u00b7\u00d7":
                self._at += 1
                self.operated |= self._depth == 0
                total = multiply(total, self._signed())
            elif sign == "/":
                self._at += 1
                self._divided += self._depth == 0
                if self._divided > 1:  # "1/2/3" is a date, or nothing
                    raise NoForm
                total = multiply(total, inverse(self._signed()))
            elif sign in "([\u03c0\u221a" or sign.isalpha():
                total = multiply(total, self._power())
            elif sign.isdigit() and self._words[self._at - 1] == " " and len(total) == 1:
                total = add(total, self._fraction(total), 1)
            else:
                break
        return total

    def _fraction(self, whole: Sum) -> Sum:
        """The 1/2 of 2 1/2."""
        found = read(self._words, self._at)
        if found is None or set(whole) != {ONE} or whole[ONE].denominator != 1:
            raise NoForm
        if not 0 < found.value < 1 or "/" not in self._words[self._at : found.end]:
            raise NoForm
        self._at = found.end
        return {ONE: found.value if whole[ONE] > 0 else -found.value}

    def _signed(self) -> Sum:
        sign = self._peek()
        if sign and sign in "+-":
            self._at += 1
            self._deeper()
            inner = self._signed()
            self._depth -= 1
            return inner if sign == "+" else multiply(inner, {ONE: Fraction(-1)})
        return self._power()

    def _power(self) -> Sum:
        base = self._atom()
        if self._peek() == "^" or self._words.startswith("**", self._at):
            self._at += 1 if self._peek() == "^" else 2
            self._deeper()
            power = self._signed()
            self._depth -= 1
            return raised(base, power)
        return base

    def _atom(self) -> Sum:
        sign = self._peek()
        if sign and sign in "([":
            self._at += 1
            self._deeper()
            inner = self._sum()
            self._depth -= 1
            if self._peek() != {"(": ")", "[": "]"}[sign]:
                raise NoForm
            self._at += 1
            return inner
        if number := _NUMBER.match(self._words, self._at):
            self._at = number.end()
            return bounded({ONE: Fraction(number[0])})
        name = _NAME.match(self._words, self._at)
        if name is None:
            raise NoForm
        self._at = name.end()
        if name[1] in ("sqrt", "\u221a"):
            self._peek()
            self._deeper()
            inner = self._atom()
            self._depth -= 1
            return root(inner)
        return {(1, (("pi" if name[1] == "\u03c0" else name[1], 1),)): Fraction(1)}

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise NoForm
