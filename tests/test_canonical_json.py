"""JSON answers: found where one is meant, compared by value, put together field by field."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.swarm.canonical import json_value

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=5,
)


def key(words: str, schema: object = None) -> str | None:
    found = json_value.key(words, schema)
    return found and found.value


@pytest.mark.parametrize("words", [
    '{"a":1,"b":[true,null]}', '{ "b" : [true, null], "a" : 1.0 }\n',
    '```json\n{"a":1,"b":[true,null]}\n```', '```\n{"b":[true,null],"a":1e0}\n```',
    'Here it is:\n```JSON\n{"a":1,"b":[true,null]}\n```\nHave fun with [it]!',
    'Sure! {"a":1,"b":[true,null]} is what you want.', '~~~json\n{"a":1,"b":[true,null]}\n~~~',
    '\ufeff{"a":1,"b":[true,null]}', '  ```json\n  {"a":1,\n  "b":[true,null]}\n  ```',
    '```json\n{"a":1,"b":[true,null]}', 'A 5" pipe and a smile :[ {"b":[true,null],"a":1}',
    '{"a":1,"b":[true,null]}\n\nor, once more: {"b":[true,null],"a":1}',
    '```json\n{"a":1,"b":[true,null]}\n```\nthat is\n```json\n{"a":1.0,"b":[true,null]}\n```',
    'The value {a: 1} as JSON: {"a":1,"b":[true,null]}', '```{"a":1,"b":[true,null]}```',
])  # fmt: skip
def test_one_value_in_many_dresses(words: str) -> None:
    assert key(words) == 'json:{"a":1,"b":[true,null]}'


@pytest.mark.parametrize("words", [
    '{"a":1', "", " ", "no JSON at all", '{"a":1} {"a":2}', '{"a":1}\n[1]', "{'a': 1}", '{"a":1,}',
    '```json\n{"a":1}\n```\n```json\n{"a":2}\n```', '{"a":1,"a":2}', '{"a":NaN}', "[", "]", "}{",
    "5 apples", "So the answer is 5", "[" * 8000, "{" * 8000, '{"a":' * 1600, "[]" * 4000 + "{}",
    '["' * 4000, "```json\n{]\n```", '{"a": // one\n1}', "```\n" * 2000, "```x\n" * 1600,
    "~" * 8000, '{"' * 3000 + '"}' * 1000, "[x]" * 2600, '"\\' * 4000,
])  # fmt: skip
def test_what_is_not_one_value_abstains(words: str) -> None:
    assert key(words) is None


@pytest.mark.parametrize(("words", "said"), [
    ("42", "42"), ('"a"', '"a"'), ("null", "null"), ("true", "true"), ("[1, 2]", "[1,2]"),
    ("```json\n42\n```", "42"), ("-0.0", "0"), ("[[1]]", "[[1]]"), ("{}", "{}"),
    ('{"text": "a } b ] c { \\" d"}', '{"text":"a } b ] c { \\" d"}'),
    ('It is [{"a": "]"}].', '[{"a":"]"}]'),
])  # fmt: skip
def test_values(words: str, said: str) -> None:
    assert key(words) == f"json:{said}"


@pytest.mark.parametrize(("one", "other"), [
    ("1", '"1"'), ("1", "true"), ("0", "false"), ("null", "false"), ("[1,2]", "[2,1]"),
    ('{"a":null}', "{}"), ('{"a":""}', '{"a":null}'), ("[]", "{}"), ("[1]", "1"), ('"a"', '"A"'),
    ("0.1", "0.2"), ('{"a":{"b":1}}', '{"a":{"b":2}}'),
])  # fmt: skip
def test_other_values_are_not_the_same(one: str, other: str) -> None:
    assert key(one) and key(other) and key(one) != key(other)


def test_the_schema_decides_what_is_meant() -> None:
    assert key('{"name":"Ann"}', PERSON) == key('{"name": "Ann"}')
    for wrong in ('{"name":1}', "{}", '{"name":"Ann","x":1}', "[]", '"Ann"'):
        assert key(wrong, PERSON) is None
    assert key('For {"id": 7} it is {"name": "Ann"}.', PERSON) == 'json:{"name":"Ann"}'
    assert key('[1] {"name": "Ann"} [2]', {"type": "object"}) == 'json:{"name":"Ann"}'
    assert key("[1]", {"type": "object"}) is None
    assert key('{"a":1}', {"$ref": "http://127.0.0.1:9/"}) == 'json:{"a":1}'


def test_fields_are_voted_on_one_by_one() -> None:
    texts = ['{"name":"Ann","age":7}', '{"name":"Ann","age":8}', '{"age":8,"name":"Anne"}']
    assert json_value.assemble(texts, PERSON) == '{"name": "Ann", "age": 8}'
    deep = ['{"a":{"b":1,"c":1},"d":[1]}', '{"a":{"b":1,"c":2},"d":[1]}', '{"a":{"b":2,"c":2}}']
    assert json_value.assemble(deep) == '{"a": {"b": 1, "c": 2}, "d": [1]}'


@pytest.mark.parametrize("texts", [
    [], ["no"], ['{"a":1}', '{"a":2}'], ['{"a":1}', '{"a":2}', '{"a":3}'],
    # one field without a majority is enough; arrays are not put together
    ['{"a":1,"b":1}', '{"a":1,"b":2}', '{"a":1,"b":3}'], ["[1,2]", "[1,3]", "[2,3]"],
    ['{"a":1}', '{"a":1}', "[1]", "[2]"], ['{"a":{"b":1}}', '{"a":{"b":2}}', '{"a":1}'],
    # three of five have an object there, and two of these three agree: two of five
    ['{"a":{"b":1}}', '{"a":{"b":1}}', '{"a":{"b":2}}', '{"a":1}', '{"a":2}'],
])  # fmt: skip
def test_no_majority_no_assembly(texts: list[str]) -> None:
    assert json_value.assemble(texts) is None


def test_the_assembly_must_keep_to_the_schema() -> None:
    texts = ['{"a":1,"b":2}', '{"a":1,"b":3}', '{"a":2,"b":2}']
    assert json_value.assemble(texts) == '{"a": 1, "b": 2}'
    assert json_value.assemble(texts, {"not": {"const": {"a": 1, "b": 2}}}) is None
    # What violates the schema has no vote.
    wrong = [*texts, '{"a":"x"}', '{"a":"x"}', '{"a":"x"}', '{"a":"x"}']
    numbers = {"properties": {"a": {"type": "integer"}}}
    assert json_value.assemble(wrong, numbers) == '{"a": 1, "b": 2}'


def test_a_field_that_most_leave_out_is_left_out() -> None:
    assert json_value.assemble(['{"a":1,"b":2}', '{"a":1}', '{"a":2}']) == '{"a": 1}'
    assert json_value.assemble(['{"a":1}', '{"a":null}', '{"a":null}']) == '{"a": null}'


def test_numbers_and_words_are_written_as_json() -> None:
    texts = ['{"a":1.50,"b":1e3,"c":1e400,"d":"\u00e9\\ud800","e":-0,"f":1e-40,"g":"\u2028"}'] * 2
    made = json_value.assemble(texts)
    assert made is not None and key(made) == key(texts[0])
    assert made.encode() and made.startswith('{"a": 1.5, "b": 1000, "c": 1e400, ')


@given(st.lists(ANY, min_size=1, max_size=5))
def test_the_order_of_ballots_and_of_members_never_counts(values: list[Any]) -> None:
    texts = [json.dumps(value) for value in values]
    made = {json_value.assemble(order) for order in itertools.permutations(texts)}
    assert len(made) == 1
    turned = [
        json.dumps(dict(reversed(value.items())) if isinstance(value, dict) else value)
        for value in values
    ]
    text, other = made.pop(), json_value.assemble(turned)
    assert (text and key(text)) == (other and key(other))


@given(st.lists(ANY, min_size=1, max_size=5))
def test_what_has_a_majority_is_the_assembly(values: list[Any]) -> None:
    texts = [json.dumps(value) for value in values]
    made = json_value.assemble(texts)
    keys = [key(text) for text in texts]
    common = [
        text for text, said in zip(texts, keys, strict=True) if 2 * keys.count(said) > len(keys)
    ]
    if common:
        assert made is not None and key(made) == key(common[0])


@given(st.text(alphabet='{}[]",:\\`~\n ab1', max_size=60))
def test_no_text_raises(words: str) -> None:
    key(words, PERSON)
    json_value.assemble([words, words, "{}"])
