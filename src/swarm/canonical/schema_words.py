"""The keywords of JSON schemas, one function each: does a value keep to this rule?

A verdict is True, False or None: unknown, because the rule is broken or not understood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from .values import Value, canonical, of

Sure = bool | None


class Check(Protocol):
    """One value against one schema: what a keyword may ask for."""

    def spend(self, steps: int) -> None: ...

    def schema(self, value: Value, schema: object, depth: int) -> Sure: ...

    def referred(self, reference: object) -> object: ...

    def among(self, value: Value, constants: Sequence[object]) -> bool: ...

    def matches(self, rule: object, words: str) -> Sure: ...


Keyword = Callable[[Check, Value, Any, Mapping[str, Any], int], Sure]


def _all(sures: Iterable[Sure]) -> Sure:
    known = True
    for sure in sures:
        if sure is False:
            return False
        known = known and sure is not None
    return True if known else None


def _any(sures: Iterable[Sure]) -> Sure:
    return _not(_all(_not(sure) for sure in sures))


def _not(sure: Sure) -> Sure:
    return None if sure is None else not sure


_TYPES: Mapping[str, Callable[[Value], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, Decimal),
    "integer": lambda value: isinstance(value, Decimal) and value == value.to_integral_value(),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _type(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if isinstance(rule, list):
        return _any([_is(value, name) for name in rule])
    return _is(value, rule)


def _is(value: Value, name: object) -> Sure:
    test = _TYPES.get(name) if isinstance(name, str) else None
    return test(value) if test else None


def _ref(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    return check.schema(value, check.referred(rule), depth)


def _bound(kind: type, size: Callable[[Any], Any], holds: Callable[[Any, Any], bool]) -> Keyword:
    """A keyword that compares the `size` of values of one `kind` with a number."""

    def keyword(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
        if not isinstance(value, kind):
            return True
        if type(rule) is not int and not isinstance(rule, Decimal):
            return None
        return holds(size(value), rule)

    return keyword


def _exclusive(word: str, holds: Callable[[Any, Any], bool]) -> Keyword:
    strict = _bound(Decimal, lambda value: value, holds)

    def keyword(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
        if isinstance(rule, bool):  # draft 4 sharpens `minimum` with it
            return strict(check, value, schema.get(word), schema, depth) if rule else True
        return strict(check, value, rule, schema, depth)

    return keyword


def _multiple(value: Decimal, rule: Decimal) -> bool:
    return rule <= 0 or value % rule == 0


def _pattern(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    return check.matches(rule, value) if isinstance(value, str) else True


def _properties(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not isinstance(value, dict):
        return True
    if not isinstance(rule, dict):
        return None
    named = [(value[name], inner) for name, inner in rule.items() if name in value]
    return _all(check.schema(item, inner, depth) for item, inner in named)


def _pattern_properties(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not isinstance(value, dict):
        return True
    if not isinstance(rule, dict):
        return None
    return _all(
        _any((_not(check.matches(form, name)), check.schema(item, inner, depth)))
        for form, inner in rule.items()
        for name, item in value.items()
    )


def _additional(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not isinstance(value, dict):
        return True
    known, forms = schema.get("properties", {}), schema.get("patternProperties", {})
    if not isinstance(known, dict) or not isinstance(forms, dict):
        return None
    return _all(
        _any((*(check.matches(form, name) for form in forms), check.schema(item, rule, depth)))
        for name, item in value.items()
        if name not in known
    )


def _names(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not isinstance(value, dict):
        return True
    return _all(check.schema(name, rule, depth) for name in value)


def _required(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not isinstance(value, dict):
        return True
    return all(name in value for name in rule) if isinstance(rule, list) else None


def _dependent(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not isinstance(value, dict):
        return True
    if not isinstance(rule, dict):
        return None
    return _all(
        _required(check, value, inner, schema, depth)
        if isinstance(inner, list)
        else check.schema(value, inner, depth)
        for name, inner in rule.items()
        if name in value
    )


def _items(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not isinstance(value, list):
        return True
    if isinstance(rule, list):  # the tuple of draft 2019-09 and before
        return _all(check.schema(v, r, depth) for v, r in zip(value, rule, strict=False))
    first = schema.get("prefixItems")
    rest = value[len(first) :] if isinstance(first, list) else value
    # Long arrays are mostly numbers and words, many of them equal: each is looked at once.
    once = {(type(item), item): item for item in rest if not isinstance(item, dict | list)}
    nested = [item for item in rest if isinstance(item, dict | list)]
    return _all(check.schema(item, rule, depth) for item in (*once.values(), *nested))


def _prefix(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    return _items(check, value, rule, schema, depth) if isinstance(rule, list) else None


def _additional_items(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    first = schema.get("items")
    if not isinstance(value, list) or not isinstance(first, list):
        return True
    return _all(check.schema(item, rule, depth) for item in value[len(first) :])


def _contains(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not isinstance(value, list):
        return True
    found = [check.schema(item, rule, depth) for item in value]
    if None in found:
        return None
    least, most = schema.get("minContains", 1), schema.get("maxContains", len(found))
    return bool(least <= sum(map(bool, found)) <= most)


def _unique(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not isinstance(value, list) or rule is not True:
        return True
    check.spend(len(value))
    return len({canonical(item) for item in value}) == len(value)


def _all_of(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    return _all(check.schema(value, inner, depth) for inner in rule) if _list(rule) else None


def _any_of(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    return _any(check.schema(value, inner, depth) for inner in rule) if _list(rule) else None


def _one_of(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    if not _list(rule):
        return None
    found = [check.schema(value, inner, depth) for inner in rule]
    if found.count(True) > 1:
        return False
    return None if None in found else found.count(True) == 1


def _if(check: Check, value: Value, rule: Any, schema: Any, depth: int) -> Sure:
    holds = check.schema(value, rule, depth)
    if holds is None:
        return None
    return check.schema(value, schema.get("then" if holds else "else", True), depth)


def _list(rule: object) -> bool:
    return isinstance(rule, list) and bool(rule)


KEYWORDS: Mapping[str, Keyword] = {
    "type": _type,
    "enum": lambda c, v, rule, s, d: c.among(v, rule) if isinstance(rule, list) else None,
    "const": lambda c, v, rule, s, d: canonical(v) == canonical(of(rule)),
    "$ref": _ref,
    "$dynamicRef": lambda c, v, rule, s, d: None,
    "$recursiveRef": lambda c, v, rule, s, d: None,
    "minimum": _bound(Decimal, lambda value: value, lambda a, b: bool(a >= b)),
    "maximum": _bound(Decimal, lambda value: value, lambda a, b: bool(a <= b)),
    "exclusiveMinimum": _exclusive("minimum", lambda a, b: bool(a > b)),
    "exclusiveMaximum": _exclusive("maximum", lambda a, b: bool(a < b)),
    "multipleOf": _bound(Decimal, lambda value: value, _multiple),
    "minLength": _bound(str, len, lambda a, b: bool(a >= b)),
    "maxLength": _bound(str, len, lambda a, b: bool(a <= b)),
    "minItems": _bound(list, len, lambda a, b: bool(a >= b)),
    "maxItems": _bound(list, len, lambda a, b: bool(a <= b)),
    "minProperties": _bound(dict, len, lambda a, b: bool(a >= b)),
    "maxProperties": _bound(dict, len, lambda a, b: bool(a <= b)),
    "pattern": _pattern,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "required": _required,
    "dependentRequired": _dependent,
    "dependentSchemas": _dependent,
    "dependencies": _dependent,
    "items": _items,
    "prefixItems": _prefix,
    "additionalItems": _additional_items,
    "contains": _contains,
    "uniqueItems": _unique,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": lambda c, v, rule, s, d: _not(c.schema(v, rule, d)),
    "if": _if,
    "unevaluatedProperties": lambda c, v, rule, s, d: True if rule is True else None,
    "unevaluatedItems": lambda c, v, rule, s, d: True if rule is True else None,
}
