"""Tool calls by value: equal calls share a key, different ones never do, broken ones abstain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.ballot import ToolCall
from local_swarm.swarm.canonical import tool_call

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)  # fmt: skip

FILE = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "mode": {"enum": ["r", "w"], "default": "r"},
        "lines": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "where": {"$ref": "#/$defs/place"},
        "of": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["path"],
    "additionalProperties": False,
    "$defs": {
        "place": {
            "type": "object",
            "properties": {"line": {"type": "integer"}, "column": {"default": 1}},
            "required": ["line"],
        }
    },
}


def key(*arguments: Any, name: str = "f", schema: object = None) -> str | None:
    calls = tuple(ToolCall("c", name, part) for part in arguments)
    found = tool_call.key(calls, {name: schema})
    return found and found.value


def file_key(**arguments: Any) -> str | None:
    return key(json.dumps(arguments), schema=FILE)


@pytest.mark.parametrize(("one", "other"), [
    ('{"a":1,"b":[1,2]}', '{ "b": [1, 2], "a": 1.0 }'),
    ('{"a":1}', '{"a":1e0}'), ('{"a":1}', '{"a":10E-1}'), ('{"a":100}', '{"a":1e+2}'),
    ('{"a":0}', '{"a":-0.0}'), ('{"a":0.5}', '{"a":5e-1}'), ('{"a":-1.50}', '{"a":-1.5}'),
    ('{"a":12345678901234567890}', '{"a":12345678901234567890.0}'),
    ('{"a":"\\u0061"}', '{"a":"a"}'), ('{"a":"\\/"}', '{"a":"/"}'),
    ('{"a":"\\u00e9"}', '{"a":"e\\u0301"}'), ('{"\\u00e9":1}', '{"e\\u0301":1}'),
    ('{"a":{"c":1,"b":2}}', '{"a":{"b":2,"c":1}}'), ('{"a":"\\ud83d\\ude00"}', '{"a":"😀"}'),
    ("", "{}"), ("  \n", "{}"), ("\ufeff{}", "{}"), ('\ufeff{"a":1}', '{"a":1}'),
    ('{"a":"1"}', {"a": "1"}), ('{"a":[1.5,null]}', {"a": [1.5, None]}), ("{}", None),
])  # fmt: skip
def test_equal_arguments(one: Any, other: Any) -> None:
    assert key(one) is not None
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), [
    ('{"a":"1"}', '{"a":1}'), ('{"a":1}', '{"a":true}'), ('{"a":0}', '{"a":false}'),
    ('{"a":null}', "{}"), ('{"a":null}', '{"a":"null"}'), ('{"a":""}', '{"a":null}'),
    ('{"a":[]}', '{"a":{}}'), ('{"a":[1,2]}', '{"a":[2,1]}'), ('{"a":1}', '{"A":1}'),
    ('{"a":" x"}', '{"a":"x"}'), ('{"a":"X"}', '{"a":"x"}'), ('{"a":1}', '{"a":-1}'),
    ('{"a":9007199254740992}', '{"a":9007199254740993}'), ('{"a":0.1}', '{"a":0.10000001}'),
    ('{"a":1e400}', '{"a":1e401}'), ('{"a":"\\n"}', '{"a":"\\\\n"}'), ('{"a":[1]}', '{"a":1}'),
    ('{"a":[[1],2]}', '{"a":[1,[2]]}'), ('{"a":"1e0"}', '{"a":1}'), ('{"a":"ﬁ"}', '{"a":"fi"}'),
    ('{"a":{"b":1}}', '{"a":1,"b":1}'), ('{"a":"\\ud800"}', '{"a":"\\udfff"}'),
])  # fmt: skip
def test_different_arguments(one: str, other: str) -> None:
    assert key(one) is not None and key(other) is not None
    assert key(one) != key(other)


@pytest.mark.parametrize("arguments", [
    '{"a":1', "nonsense", "[1]", "1", '"a"', "null", "true", "{'a': 1}", '{"a":1,}', "{} {}",
    '{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}', '{"a":01}', '{"a":.5}', '{"a":+1}',
    '{"a":1,"a":2}', '{"a":1,"a":1}', '{"e\\u0301":1,"\\u00e9":1}', '{"a":"\n"}', "// x\n{}",
    "[" * 9000, '{"a":' * 9000, '{"a":' * 200 + "1" + "}" * 200, '{"a":1e' + "9" * 5000 + "}",
    {"a": float("nan")}, {1: 2}, {"a": {3}}, ["a"], 7, "\ufeff\ufeff{}", b"{}", "\x00",
])  # fmt: skip
def test_what_is_no_json_object_abstains(arguments: Any) -> None:
    assert key(arguments) is None


def test_a_number_as_long_as_an_answer_is_compared() -> None:
    assert key('{"a":' + "9" * 7000 + "}") != key('{"a":' + "9" * 7001 + "}") != None  # noqa: E711


def test_several_calls_are_a_multiset() -> None:
    assert key('{"a":1}', '{"a":2}') == key('{"a":2}', '{"a":1.0}')
    assert key('{"a":1}', '{"a":1}') != key('{"a":1}')
    assert key('{"a":1}', "{}") != key('{"a":1}')
    assert key('{"a":1}', "broken") is None
    one, other = ToolCall("1", "f", "{}"), ToolCall("2", "g", '{"x":1}')
    assert tool_call.key((one, other), {}) == tool_call.key((other, one), {}) is not None
    assert tool_call.key((), {}) is None
    assert tool_call.key((one,) * 300, {}) is None


def test_names() -> None:
    call = (ToolCall("c", "f", "{}"),)
    assert tool_call.key(call, {}) == tool_call.key(call, {"f": None, "g": None}) is not None
    assert tool_call.key(call, {"g": None}) is None
    assert key("{}", name="f") != key("{}", name="F")
    # No name may pass for two calls.
    for odd in ("a({}) b", "", " f", "f ", 'f"', "f()"):
        assert key("{}", name=odd) is None
    for name in ("fs.write", "mcp__a__b", "a-b", "天気", "a/b", "a:b"):
        assert key("{}", name=name) == f"tool_call:{name}({{}})"


def test_long_keys_are_hashes() -> None:
    long = key(json.dumps({"a": "x" * 8000}))
    assert long is not None and len(long) < 60 and long.startswith("tool_call:f(#")
    assert long != key(json.dumps({"a": "x" * 8001}))
    assert key('{"a":1}') == 'tool_call:f({"a":1})'


@pytest.mark.parametrize("arguments", [
    {"path": "a"}, {"path": "a", "mode": "w"}, {"path": "a", "lines": [1, 2.0]}, {"path": ""},
    {"path": "a", "where": {"line": 3}}, {"path": "a", "of": None}, {"path": "a", "of": "b"},
])  # fmt: skip
def test_calls_that_keep_to_the_schema(arguments: dict[str, Any]) -> None:
    assert file_key(**arguments) is not None


@pytest.mark.parametrize("arguments", [
    {}, {"path": 1}, {"path": None}, {"path": "a", "mode": "x"}, {"path": "a", "lines": [0]},
    {"path": "a", "lines": ["1"]}, {"path": "a", "lines": [1.5]}, {"path": "a", "more": 1},
    {"path": "a", "where": {}}, {"path": "a", "where": {"line": "3"}}, {"path": "a", "of": 1},
    {"path": "a", "lines": "1"}, {"Path": "a"}, {"path": ["a"]}, {"path": "a", "mode": True},
])  # fmt: skip
def test_violations_of_the_schema_abstain(arguments: dict[str, Any]) -> None:
    assert file_key(**arguments) is None


def test_a_default_that_is_spelled_out_is_no_difference() -> None:
    assert file_key(path="a", mode="r") == file_key(path="a") != file_key(path="a", mode="w")
    there = {"line": 3, "column": 1}
    assert file_key(path="a", where=there) == file_key(path="a", where={"line": 3})
    assert file_key(path="a", where={"line": 3, "column": 2}) != file_key(path="a", where=there)
    # 1.0 is the default 1; true is not.
    assert file_key(path="a", where={"line": 3, "column": 1.0}) == file_key(path="a", where=there)
    assert file_key(path="a", where={"line": 3, "column": True}) != file_key(path="a", where=there)


@pytest.mark.parametrize("schema", [
    None, True, False, 7, "object", [], {}, {"type": "strnig"}, {"type": 3}, {"required": "path"},
    {"properties": []}, {"properties": {"a": 1}}, {"$ref": "http://127.0.0.1:9/schema"},
    {"$ref": "file:///etc/passwd"}, {"$ref": "#"}, {"$ref": "#/no/where"}, {"$ref": 5},
    {"enum": {}}, {"anyOf": []}, {"anyOf": 1}, {"pattern": "("}, {"minimum": "1"},
    {"properties": {"a": {"multipleOf": 0}}}, {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
    {"patternProperties": {"(a+)+$": {}}}, {"items": None}, {"$schema": "http://x/", "$id": 3},
    {"properties": {"a": {"maximum": float("nan")}}}, {"const": {"a": float("inf")}},
    {"not": {"$ref": "http://127.0.0.1:9/schema"}}, {"contains": 1}, {"if": 1, "then": 2},
])  # fmt: skip
def test_a_broken_schema_is_no_schema(schema: object) -> None:
    calls = (ToolCall("c", "f", '{"a":1}'),)
    assert tool_call.key(calls, {"f": schema}) == tool_call.key(calls, {"f": None})


@given(JSON, JSON, st.sampled_from(["minimum", "type", "enum", "items", "properties", "$ref",
    "anyOf", "not", "pattern", "required", "multipleOf", "default", "dependencies"]))  # fmt: skip
def test_no_schema_raises(arguments: Any, rule: Any, word: str) -> None:
    schema = {"properties": {"a": {word: rule}}, word: rule}
    key(json.dumps({"a": arguments}), schema=schema)


@given(st.text())
def test_no_text_raises(arguments: str) -> None:
    key(arguments)
    key(f'{{"a":{arguments}}}')


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_spelling_never_counts(arguments: dict[str, Any]) -> None:
    turned = dict(reversed(list(arguments.items())))
    spellings = [
        json.dumps(arguments),
        json.dumps(turned, indent=3, ensure_ascii=False),
        json.dumps(arguments, separators=(" , ", "\t:\n")),
        arguments,
    ]
    found = {key(spelling) for spelling in spellings}
    assert len(found) == 1
    # None only where two names are one in NFC.
    if all(name.isascii() for name in json.dumps(arguments, ensure_ascii=False)):
        assert None not in found


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abc"), JSON))
def test_keys_are_equal_only_for_equal_values(one: dict[str, Any], other: dict[str, Any]) -> None:
    def typed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: typed(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [typed(item) for item in value]
        return (isinstance(value, bool), value)

    found = key(one)
    if found is not None and found == key(other) and str(one).isascii():
        assert typed(one) == typed(other)
