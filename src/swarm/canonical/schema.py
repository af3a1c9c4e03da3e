"""Does a value keep to a JSON schema? Yes, no, or unknown.

The vote asks this for every ballot, of schemas that a client sent, so it must be quick, pure and
unable to hang: work is counted, nothing is fetched, and patterns are matched in linear time. What
is broken, hostile or not understood (a remote `$ref`, `unevaluatedProperties`) is unknown, and
unknown never makes a ballot abstain. docs/decisions/0003 says why no library does this.

Drafts 4 to 2020-12: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from . import pattern
from .schema_words import KEYWORDS, Keyword, Sure
from .values import NotJson, Value, canonical, of

_STEPS = 20_000  # subschemas and keywords looked at for one value: some 10 ms
_DEPTH = 120
_POINTER = 500  # characters of a `$ref`


class _Spent(Exception):
    """The work for one value is used up."""


def admits(value: Value, schema: object) -> Sure:
    """Whether `schema` admits `value`; None where that cannot be told. Never raises."""
    if isinstance(schema, Mapping):
        schema = dict(schema)
    try:
        return _Check(schema).schema(value, schema, _DEPTH)
    except (_Spent, NotJson, ArithmeticError, RecursionError, ValueError, TypeError):
        return None


def resolve(root: object, reference: object) -> object:
    """What a `$ref` inside of `root` points to; None for another document or a broken pointer."""
    if not isinstance(reference, str) or not isinstance(root, dict) or len(reference) > _POINTER:
        return None
    document, _, pointer = reference.partition("#")
    if document and document != root.get("$id", root.get("id")):
        return None
    target: object = root
    for part in pointer.split("/")[1:] if pointer.startswith("/") else [pointer] if pointer else []:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(target, dict):
            target = target.get(name)
        elif isinstance(target, list) and name.isdecimal() and len(name) < 6:
            target = target[int(name)] if int(name) < len(target) else None
        else:
            return None
    return target


class _Check:
    """One value against one schema."""

    def __init__(self, root: object) -> None:
        self.root = root
        self.steps = _STEPS
        # By identity: the schema outlives us.
        self.rules: dict[int, list[tuple[Keyword, Any]]] = {}
        self.constants: dict[int, frozenset[str]] = {}

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise _Spent

    def schema(self, value: Value, schema: object, depth: int) -> Sure:
        """Whether `schema` admits `value`."""
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            return None
        if value is None and schema.get("nullable") is True:  # OpenAPI's word
            return True
        rules = self.rules.get(id(schema))
        if rules is None:
            rules = self.rules[id(schema)] = self.read(schema)
        self.steps -= 1 + len(rules)
        if depth == 0 or self.steps < 0:
            raise _Spent
        known = True
        for keyword, rule in rules:
            sure = keyword(self, value, rule, schema, depth - 1)
            if sure is False:
                return False
            known = known and sure is not None
        return True if known else None

    def read(self, schema: dict[str, Any]) -> list[tuple[Keyword, Any]]:
        """The rules of `schema` that we know."""
        self.spend(len(schema))
        return [
            (KEYWORDS[word], of(rule) if isinstance(rule, float) else rule)
            for word, rule in schema.items()
            if word in KEYWORDS
        ]

    def referred(self, reference: object) -> object:
        """What a `$ref` points to."""
        self.spend(len(reference) // 10 if isinstance(reference, str) else 0)
        return resolve(self.root, reference)

    def among(self, value: Value, constants: Sequence[object]) -> bool:
        """Whether `value` equals one of `constants`."""
        if id(constants) not in self.constants:
            self.spend(len(constants))
            self.constants[id(constants)] = frozenset(canonical(of(c)) for c in constants)
        return canonical(value) in self.constants[id(constants)]

    def matches(self, rule: object, words: str) -> Sure:
        """Whether the regular expression `rule` is found in `words`."""
        self.spend(1 + len(words) // 20)
        return pattern.found(rule, words, self.spend) if isinstance(rule, str) else None
