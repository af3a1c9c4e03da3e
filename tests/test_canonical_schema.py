"""JSON schemas and their patterns, against the jsonschema package and the `re` module."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry

from local_swarm.swarm.canonical import pattern, schema
from local_swarm.swarm.canonical.values import of

WORDS = ["", "a", "b", "ab", "aab", "abc", "a c", "a-b", "x@y.zz", "2026-11", "]", "-", "1 2",
    "a/b", "a{,2}", "abcd", "aaa", ".", "\t", "Ab_9"]  # fmt: skip
NODE = {
    "$id": "https://example.org/tree",
    "$defs": {"node": {"required": ["v"], "properties": {
        "v": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}},
    "$ref": "#/$defs/node",
}  # fmt: skip


def admits(value: Any, rules: Any) -> bool | None:
    return schema.admits(of(value), rules)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 5) | st.sampled_from([0.5, 1.0, 2.5, 1e3])
    | st.sampled_from(["", "a", "ab", "b1", "é", "abc"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["a", "ab", "b1", "c"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
NAMES = st.lists(st.sampled_from(["a", "ab", "b1", "c"]), max_size=2, unique=True)
SIZES = st.integers(0, 3)
TYPES = st.sampled_from(["null", "boolean", "string", "number", "integer", "array", "object"])


def rules_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    words: dict[str, st.SearchStrategy[Any]] = {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=4),
        "const": VALUES,
        "minimum": SIZES, "maximum": SIZES, "exclusiveMinimum": SIZES, "exclusiveMaximum": SIZES,
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": SIZES, "maxLength": SIZES, "pattern": st.sampled_from(["^a", "b", "[0-9]$"]),
        "minItems": SIZES, "maxItems": SIZES, "uniqueItems": st.booleans(),
        "items": inner, "prefixItems": some, "contains": inner,
        "properties": st.dictionaries(st.sampled_from(["a", "ab", "b1"]), inner, max_size=2),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=2),
        "additionalProperties": inner, "propertyNames": inner, "required": NAMES,
        "minProperties": SIZES, "maxProperties": SIZES,
        "dependentRequired": st.dictionaries(st.just("a"), NAMES),
        "dependentSchemas": st.dictionaries(st.just("a"), inner),
        "allOf": some, "anyOf": some, "oneOf": some, "not": inner,
        "if": inner, "then": inner, "else": inner,
    }  # fmt: skip
    words["$ref"] = st.just("#/$defs/d")
    # Full of rules nothing is admitted: few at a time.
    named = st.lists(st.sampled_from(sorted(words)), min_size=1, max_size=4, unique=True)
    return named.flatmap(lambda some: st.fixed_dictionaries({word: words[word] for word in some}))


SCHEMAS = st.recursive(st.booleans() | rules_of(st.booleans()), rules_of, max_leaves=4)


@settings(max_examples=300)
@given(VALUES, SCHEMAS, SCHEMAS)
def test_it_judges_as_the_reference_does(value: Any, rules: Any, defined: Any) -> None:
    if isinstance(rules, bool):
        assert admits(value, rules) is rules
        return
    # A definition that refers to itself would never end.
    defined = json.loads(json.dumps(defined).replace("$ref", "$comment"))
    whole = {**rules, "$defs": {"d": defined}}
    reference = Draft202012Validator(whole, registry=Registry()).is_valid(value)
    assert admits(value, whole) is reference


@pytest.mark.parametrize(("value", "rules"), [
    ([1, "a"], {"items": [{"type": "integer"}, {"type": "string"}]}),
    ([1, 2], {"items": [{"type": "integer"}, {"type": "string"}]}),
    ([1, "a", 3], {"items": [{}, {}], "additionalItems": False}),
    ([1], {"items": [{}, {}], "additionalItems": False}),
    ({"a": 1}, {"dependencies": {"a": ["b"]}}),
    ({"a": 1, "b": 2}, {"dependencies": {"a": ["b"]}}),
    ({"a": 1}, {"dependencies": {"a": {"required": ["b"]}}}),
    ({"a": "x"}, {"definitions": {"d/e": {"type": "string"}},
                  "properties": {"a": {"$ref": "#/definitions/d~1e"}}}),
    ({"a": 1}, {"definitions": {"d e": {"type": "string"}},
                "properties": {"a": {"$ref": "#/definitions/d%20e"}}}),
    (0.3, {"multipleOf": 0.1}), (7, {"multipleOf": 0.5}), (7.25, {"multipleOf": 0.5}),
])  # fmt: skip
def test_the_words_of_older_drafts(value: Any, rules: Any) -> None:
    expected = Draft7Validator(rules, registry=Registry()).is_valid(value)
    # Floats round in the reference: 0.3 is a multiple of 0.1.
    assert admits(value, rules) is (expected or value == 0.3)


def test_draft_4_and_openapi() -> None:
    strict = {"minimum": 1, "exclusiveMinimum": True, "maximum": 3, "exclusiveMaximum": False}
    assert [admits(n, strict) for n in (1, 2, 3, 4)] == [False, True, True, False]
    assert admits(None, {"type": "string", "nullable": True}) is True
    assert admits(None, {"type": "string", "nullable": False}) is False


def test_references() -> None:
    assert admits({"v": 1, "kids": [{"v": 2, "kids": []}]}, NODE) is True
    assert admits({"v": 1, "kids": [{"v": 2, "kids": [{"v": "3"}]}]}, NODE) is False
    tree = {"properties": {"kid": {"$ref": "https://example.org/tree#"}}, "$id": NODE["$id"]}
    assert admits({"kid": {"kid": {}}}, {**tree, "type": "object"}) is True
    assert admits({"kid": {"kid": 1}}, {**tree, "type": "object"}) is False
    assert admits({"a": 1}, {"prefixItems": [{}], "$ref": "#/prefixItems/0"}) is True


@pytest.mark.parametrize("rules", [
    {"$ref": "http://127.0.0.1:9/x.json"}, {"$ref": "other.json#/a"}, {"$dynamicRef": "#a"},
    {"$ref": "#/$defs/none"}, {"$ref": "#anchor"}, {"type": "any"},
    {"unevaluatedProperties": False}, {"pattern": "(?=a)"}, {"pattern": "["}, {"enum": "a"},
    {"allOf": {}}, {"anyOf": [3]},
])  # fmt: skip
def test_what_is_not_understood_is_unknown_and_stays_so(rules: dict[str, Any]) -> None:
    value = {"a": "x"} if "unevaluatedProperties" in rules else "x"
    assert admits(value, rules) is None
    assert admits(value, {"not": rules}) is None
    # ... but does not hide what is known.
    assert admits(value, {"allOf": [rules, {"type": "null"}]}) is False
    assert admits(value, {"anyOf": [rules, {"type": ["string", "object"]}]}) is True
    assert admits(value, {"anyOf": [rules, {"type": "null"}]}) is None
    assert admits({"b": value}, {"properties": {"b": rules}, "required": ["c"]}) is False


def test_hostile_schemas_end() -> None:
    """Each of these would take 2^30 steps or more, or never end."""
    twice = {"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}, "minItems": 2}]}
    deep: Any = 1
    for _ in range(80):
        deep = [deep]
    assert admits(deep, {**twice, "type": "array"}) is None
    assert admits(1, {"$ref": "#"}) is None
    assert admits(1, {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}) is None
    nested: Any = {"type": "integer"}
    for _ in range(5000):
        nested = {"not": nested}
    assert admits(1, nested) is None
    assert admits(list(range(9000)), {"items": {"enum": list(range(9000))}}) is None
    assert admits({"a": 1}, {"properties": {"a": {"$ref": "#" + "/properties/a" * 9000}}}) is None
    assert admits(10**400, {"multipleOf": 0.1, "type": "integer"}) is None
    assert admits(["b" * 4000] * 9, {"items": {"pattern": "(a?){300}(a|b)*c"}}) is not True


@pytest.mark.parametrize("rule", [
    "", "a", "^a$", "^a+$", "a|b", "^(a|b)*$", "^[a-c]{2,3}$", "^[^a]+$", "a.c", "^a.c$", "\\d+",
    "^\\w+$", "\\s", "\\S\\s\\S", "\\ba\\b", "a\\Bb", "^(?:ab)+$", "^(?<year>\\d{4})-\\d{2}$",
    "^a{2}$", "^a{2,}$", "a{0}", "^(a?){3}$", "^(a*)*$", "^[\\w.-]+@[\\w-]+\\.\\w{2,}$", "\\.",
    "^[a\\-z]$", "^[-a]$", "^[a-]$", "[\\]]", "^\\x61$", "^\\u0061", "a{,2}",
    "^$", "(^a|b$)", "a??b", "a+?b", "^(([a-z]+)-)*[a-z]+$", "\\/", "^[\\d\\s]+$",
    "^(a|ab)(c|bcd)$",
])  # fmt: skip
def test_patterns_find_what_re_finds(rule: str) -> None:
    reference = re.compile("a\\{,2}" if rule == "a{,2}" else rule.replace("?<", "?P<"), re.ASCII)
    for words in WORDS:
        assert pattern.found(rule, words, free) is bool(reference.search(words)), words


@given(st.text(alphabet="ab|()*+?[]^$.\\{}1,-dwsbB", max_size=12), st.text("ab1 -", max_size=8))
def test_random_patterns_agree_with_re_or_are_unknown(rule: str, words: str) -> None:
    mine = pattern.found(rule, words, free)
    try:
        theirs = re.search(rule, words, re.ASCII) is not None
    except (re.error, FutureWarning):
        return
    # Python alone reads {,n} as {0,n}, and [] and [^] as classes that hold a bracket.
    if mine is not None and "{," not in rule and "[]" not in rule and "[^]" not in rule:
        assert mine is theirs


@pytest.mark.parametrize("rule", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}$", "^(.*)*$x",
    "(a?){100}a{100}$", "([a-z]+)*b", "(a*)*(a*)*(a*)*b"])  # fmt: skip
def test_patterns_that_blow_up_elsewhere_end(rule: str) -> None:
    assert pattern.found(rule, "a" * 3000 + "!", free) is False


@pytest.mark.parametrize("rule", ["(", ")", "[", "a**", "*", "(?=a)", "(?!a)", "(?<=a)", "\\1",
    "\\p{L}", "(?i)a", "[b-a]", "a{3,2}", "\\", "[\\", "(?P<n>a)", "(" * 99 + ")" * 99, "a" * 999,
    "((a{99}){99}){99}", "\\u{110000}", "\\cA", "\\A", "\\Z"])  # fmt: skip
def test_patterns_that_are_not_understood(rule: str) -> None:
    assert pattern.found(rule, "a", free) is None


def free(_: int) -> None:
    """Work costs nothing."""


def test_work_is_told_as_it_is_done() -> None:
    told: list[int] = []
    spend: Callable[[int], None] = told.append
    pattern.found("^(a|b)*c$", "ab" * 50, spend)
    assert 0 < sum(told) < 100
