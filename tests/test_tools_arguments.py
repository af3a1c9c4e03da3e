"""A dataclass of arguments as a schema, and a model's JSON as the dataclass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.errors import ToolError
from local_swarm.tools.arguments import Says, parsed, schema_of
from local_swarm.tools.base import Call


@dataclass(frozen=True, slots=True)
class Sample(Call):
    path: Annotated[str, Says("where")]
    first: Annotated[int, Says(least=1)] = 1
    most: Annotated[int | None, Says(least=1, most=9)] = None


def test_the_schema_says_all_and_is_one() -> None:
    schema = schema_of(Sample)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema == {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "where"},
            "first": {"type": "integer", "minimum": 1, "default": 1},
            "most": {"type": "integer", "minimum": 1, "maximum": 9},
        },
        "required": ["path"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ('{"path": "a"}', Sample("a")),
        ('\ufeff {"path": "a", "first": 3}\n', Sample("a", 3)),
        ('{"path": "a", "first": "3", "most": 4.0}', Sample("a", 3, 4)),
        ('{"path": "a", "first": null, "most": null}', Sample("a")),
    ],
)
def test_what_has_one_reading_is_read(text: str, call: Sample) -> None:
    read = parsed("look", Sample, text)
    assert read == call
    assert hash(read) == hash(call)


def test_values_leave_out_what_repeats_a_default() -> None:
    assert Sample("a", 1, 4).values() == {"path": "a", "most": 4}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "lacks the argument 'path'"),
        ("{", "are no JSON"),
        ("[1]", "are no JSON object"),
        ('{"path": null}', "lacks the argument 'path'"),
        ('{"path": 1}', "'path' of look is no text"),
        ('{"path": "a", "to": "b"}', "has no argument 'to'"),
        ('{"path": "a", "path": "b"}', "names a member twice"),
        ('{"path": "a", "first": true}', "is no whole number"),
        ('{"path": "a", "first": 1.5}', "is no whole number"),
        ('{"path": "a", "first": 1e999}', "is no whole number"),
        ('{"path": "a", "first": 0}', "must be at least 1"),
        ('{"path": "a", "most": 10}', "must be between 1 and 9"),
        ('{"path": "\\ud800"}', "half of a surrogate pair"),
        ('{"path": "a", "first": ' + "9" * 5000 + "}", "are no JSON"),
        ("[" * 100_000, "are no JSON"),
        ('{"path": "' + "x" * (4 << 20) + '"}', "longer than"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(ToolError, match=why) as caught:
        parsed("look", Sample, text)
    assert caught.value.result.startswith("error: ")
    assert len(caught.value.result) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {}, optional={name: json_values for name in ("path", "first", "most", "x")}
    )
)
def test_what_is_read_keeps_to_the_schema(values: dict[str, Any]) -> None:

    try:
        read = parsed("look", Sample, json.dumps(values))
    except ToolError:
        return
    jsonschema.validate(read.values(), schema_of(Sample))
