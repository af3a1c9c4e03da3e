r"""Regular expressions of JSON schemas, searched in linear time: `(a+)+$` cannot hang a node.

The regular part of ECMA 262: alternatives, groups, classes, `. ^ $ \b \B \d \w \s`, quantifiers.
Look-around, back references, flags and `\p{...}` are unknown here. Thompson's construction: all
states at once (https://swtch.com/~rsc/regexp/regexp1.html).
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

Test = Callable[[str], bool]
Edge = Callable[[str, str | None], bool]
# A part of an expression: given the state that follows it, it makes its own and says the first.
Part = Callable[[int], int]

_STATES = 1000
_LONGEST = 500
_NESTED = 20
_COUNT = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}")
_WORD = frozenset(string.ascii_letters + string.digits + "_")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_MATCH = 0  # the number of the final state
_START = ""  # what stands before the first character


class _Unknown(Exception):
    """The expression is broken, too large or not regular."""


def found(rule: str, words: str, spend: Callable[[int], None]) -> bool | None:
    """Whether `rule` is found anywhere in `words`; None where `rule` is not understood.

    `spend` is told the work as it is done, and may raise to end it.
    """
    program = _program(rule)
    if program is None:
        return None
    # What was worked out once is remembered, for this search only: memory stays bounded.
    known: dict[tuple[frozenset[int], bool | str, str | None], frozenset[int] | None] = {}
    states: frozenset[int] = frozenset()
    before = _START
    for character in (*words, None):
        situation = (states, before and before in _WORD, character)
        if situation not in known:
            known[situation] = program.step(states, before, character, spend)
        after = known[situation]
        if after is None:
            return True
        states, before = after, character or _START
    return False


@lru_cache(maxsize=256)
def _program(rule: str) -> _Program | None:
    if len(rule) > _LONGEST:
        return None
    try:
        return _Parser(rule).program()
    except (_Unknown, ValueError, OverflowError):
        return None


@dataclass(slots=True)
class _Program:
    """A state either consumes a character (`test`) or holds between two (`edge`), then goes on."""

    tests: list[Test | None] = field(default_factory=lambda: [None])
    edges: list[Edge | None] = field(default_factory=lambda: [None])
    nexts: list[tuple[int, ...]] = field(default_factory=lambda: [()])
    start: int = _MATCH

    def state(self, *nexts: int, test: Test | None = None, edge: Edge | None = None) -> int:
        if len(self.nexts) >= _STATES:
            raise _Unknown
        self.tests.append(test)
        self.edges.append(edge)
        self.nexts.append(nexts)
        return len(self.nexts) - 1

    def step(
        self, states: frozenset[int], before: str, after: str | None, spend: Callable[[int], None]
    ) -> frozenset[int] | None:
        """The states after the character `after`; None when the end is reached before it."""
        todo, seen = [self.start, *states], set[int]()
        reached = set[int]()
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            if at == _MATCH:
                return None
            test, edge = self.tests[at], self.edges[at]
            if test is not None:
                if after is not None and test(after):
                    reached.update(self.nexts[at])
            elif edge is None or edge(before, after):
                todo.extend(self.nexts[at])
        spend(1 + len(seen) // 8)
        return frozenset(reached)


class _Parser:
    """Recursive descent over one expression."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.at = 0
        self.made = _Program()

    def program(self) -> _Program:
        whole = self.alternatives(_NESTED)
        if self.at < len(self.rule):
            raise _Unknown
        self.made.start = whole(_MATCH)
        return self.made

    def peek(self) -> str:
        return self.rule[self.at : self.at + 1]

    def take(self) -> str:
        taken = self.peek() or self.fail()
        self.at += 1
        return taken

    def fail(self) -> NoReturn:
        raise _Unknown

    def alternatives(self, depth: int) -> Part:
        if depth == 0:
            raise _Unknown
        parts = [self.sequence(depth)]
        while self.peek() == "|":
            self.at += 1
            parts.append(self.sequence(depth))
        return lambda end: self.made.state(*[part(end) for part in parts])

    def sequence(self, depth: int) -> Part:
        parts: list[Part] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.quantified(self.atom(depth)))

        def build(end: int) -> int:
            for part in reversed(parts):
                end = part(end)
            return end

        return build

    def quantified(self, part: Part) -> Part:
        match = _COUNT.match(self.rule, self.at)
        if match:
            self.at = match.end()
            least = int(match[1])
            most = int(match[3]) if match[3] else None if match[2] else least
        elif self.peek() and self.peek() in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[self.take()]
        else:
            return part
        if self.peek() == "?":  # lazy: the same words are found
            self.at += 1
        if most is not None and most < least:
            raise _Unknown
        return lambda end: self.repeat(part, least, most, end)

    def repeat(self, part: Part, least: int, most: int | None, end: int) -> int:
        first = end
        if most is None:
            first = self.made.state(end)
            self.made.nexts[first] = (part(first), end)
        else:
            for _ in range(most - least):
                first = self.made.state(part(first), end)
        for _ in range(least):
            first = part(first)
        return first

    def atom(self, depth: int) -> Part:
        character = self.take()
        if character == "(":
            return self.group(depth)
        if character == "[":
            return self.consumes(self.members())
        if character == ".":
            return self.consumes(lambda c: c not in "\n\r\u2028\u2029")
        if character == "^":
            return self.holds(lambda before, after: before == _START)
        if character == "$":
            return self.holds(lambda before, after: after is None)
        if character == "\\":
            if self.peek() and self.peek() in "bB":
                inside = self.take() == "B"
                return self.holds(lambda b, a: ((b in _WORD) == (a in _WORD)) is inside)
            return self.consumes(self.escape())
        if character in "*+?":
            raise _Unknown
        return self.consumes(lambda c: c == character)

    def group(self, depth: int) -> Part:
        name = re.compile(r"\?:|\?<[A-Za-z_]\w*>").match(self.rule, self.at)
        if name:
            self.at = name.end()
        elif self.peek() == "?":
            raise _Unknown
        part = self.alternatives(depth - 1)
        if self.take() != ")":
            raise _Unknown
        return part

    def members(self) -> Test:
        """A class, its `[` already read."""
        negated = self.peek() == "^"
        self.at += negated
        tests: list[Test] = []
        while self.peek() != "]":
            low = self.member()
            if isinstance(low, str) and self.peek() == "-" and self.rule[self.at + 1 :][:1] != "]":
                self.at += 1
                high = self.member()
                if not isinstance(high, str) or high < low:
                    raise _Unknown
                tests.append(_between(low, high))
            else:
                tests.append(_between(low, low) if isinstance(low, str) else low)
        self.at += 1
        return lambda c: any(test(c) for test in tests) is not negated

    def member(self) -> str | Test:
        character = self.take()
        if character != "\\":
            return character
        if self.peek() == "b":
            self.at += 1
            return "\b"
        return self.single() or self.escape()

    def escape(self) -> Test:
        r"""What follows a backslash: `\d`, `\W`, or one character."""
        one = self.single()
        if one is not None:
            return lambda c: c == one
        kind = self.take()
        sets: dict[str, Test] = {
            "d": lambda c: c in string.digits,
            "w": lambda c: c in _WORD,
            "s": lambda c: c.isspace() or c == "\ufeff",
        }
        test = sets.get(kind.lower()) or self.fail()
        return test if kind.islower() else lambda c: not test(c)

    def single(self) -> str | None:
        r"""One escaped character: `\n`, `\x41`, `\u0041`, `\.`; None where it is no such."""
        code = re.compile(r"x([\da-fA-F]{2})|u([\da-fA-F]{4})|u\{([\da-fA-F]{1,6})\}|c").match(
            self.rule, self.at
        )
        if code:
            self.at = code.end()
            digits = code[1] or code[2] or code[3] or self.fail()
            return chr(int(digits, 16))
        if self.peek() in _CONTROLS and self.peek():
            return _CONTROLS[self.take()]
        if self.peek() and not self.peek().isalnum():
            return self.take()
        return None

    def consumes(self, test: Test) -> Part:
        return lambda end: self.made.state(end, test=test)

    def holds(self, edge: Edge) -> Part:
        return lambda end: self.made.state(end, edge=edge)


def _between(low: str, high: str) -> Test:
    return lambda c: low <= c <= high
