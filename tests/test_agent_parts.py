"""What the agent's loop is made of: repair by the schema, the context, the transcript, consent."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.errors import UsageError
from local_swarm.tools import transcript
from local_swarm.tools.context import fitted, size
from local_swarm.tools.redact import GONE, redacted
from local_swarm.tools.repair import BadArguments, read

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "max_lines": {"type": "integer"},
        "deep": {"type": "boolean"},
        "ratio": {"type": ["number", "null"]},
        "tags": {"type": "array", "items": {"type": "integer"}},
        "unit": {"type": "string", "enum": ["Celsius", "Fahrenheit"]},
        "at": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
    },
    "required": ["path"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("given, meant", [
    ({"path": "a"}, {"path": "a"}),
    ({"path": "a", "max_lines": "5"}, {"path": "a", "max_lines": 5}),
    ({"path": "a", "max_lines": 5.0}, {"path": "a", "max_lines": 5}),
    ({"path": "a", "max_lines": None}, {"path": "a"}),
    ({"path": "a", "ratio": None}, {"path": "a", "ratio": None}),
    ({"path": 7}, {"path": "7"}),
    ({"Path": "a", "max-lines": 2}, {"path": "a", "max_lines": 2}),
    ({"path": "a", "deep": "true"}, {"path": "a", "deep": True}),
    ({"path": "a", "tags": "[1, 2]"}, {"path": "a", "tags": [1, 2]}),
    ({"path": "a", "tags": ["1"]}, {"path": "a", "tags": [1]}),
    ({"path": "a", "unit": "celsius"}, {"path": "a", "unit": "Celsius"}),
    ({"path": "a", "at": '{"X": "1"}'}, {"path": "a", "at": {"x": 1}}),
    (json.dumps({"path": "a"}), {"path": "a"}),
])  # fmt: skip
def test_what_the_schema_leaves_one_reading_of_is_mended(given: Any, meant: Any) -> None:
    assert read(json.dumps(given), SCHEMA) == meant


@pytest.mark.parametrize("text, why", [
    ("{", "no valid JSON"), ("[]", "must be a JSON object"), ("{}", "path is missing"),
    ('{"path": null}', "path must be a string"), ('{"path": {"a": 1}}', "path must be a string"),
    ('{"path": "a", "max_lines": "many"}', "max_lines must be an integer"),
    ('{"path": "a", "max_lines": 1.5}', "an integer"),
    ('{"path": "a", "max_lines": true}', "an integer"),
    ('{"path": "a", "deep": "yes"}', "deep must be a boolean"),
    ('{"path": "a", "file": "b"}', "there is no argument file; the arguments are: path,"),
    ('{"path": "a", "Path": "b"}', "given twice"), ('{"path": "a", "unit": "K"}', "one of"),
    ('{"path": "a", "at": {}}', "at.x is missing"), ("[" * 100_000, "no valid JSON"),
])  # fmt: skip
def test_what_it_does_not_is_told(text: str, why: str) -> None:
    with pytest.raises(BadArguments) as told:
        read(text, SCHEMA)
    assert why in str(told.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.text() | VALUES.map(json.dumps))
def test_repair_raises_nothing_else(text: str) -> None:
    try:
        assert isinstance(read(text, SCHEMA), dict)
    except BadArguments as error:
        assert str(error)


TURNS = st.lists(
    st.tuples(st.text(max_size=30), st.integers(0, 3000), st.integers(0, 3000)), max_size=6
)


@given(TURNS, st.integers(0, 12_000))
def test_a_conversation_is_shortened_only_where_it_says_so(
    turns: list[tuple[str, int, int]], room: int
) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Do it."}]
    for said, written, told in turns:
        arguments = json.dumps({"content": "w" * written})
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
        messages.append({"role": "assistant", "content": said, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": "c", "content": "r" * told})
    made = fitted(messages, room)
    assert made.fits == (size(made.messages) <= room)
    changed = 0
    for before, after in zip(messages, made.messages, strict=True):
        if before != after:
            changed += 1
            assert "left out to fit the context" in json.dumps(after)
            assert size([after]) < size([before])
        if before["role"] == "assistant":
            json.loads(after["tool_calls"][0]["function"]["arguments"])
            assert before["content"] == after["content"]
    assert changed == made.shortened
    assert size(messages) > room or not changed


def test_the_latest_result_goes_last() -> None:
    def result(letter: str) -> dict[str, Any]:
        return {"role": "tool", "tool_call_id": letter, "content": letter * 2000}

    messages = [{"role": "user", "content": "q"}, result("a"), result("b"), result("c")]
    texts = [m["content"] for m in fitted(messages, 4800).messages]
    assert [len(text) for text in texts[2:]] == [2000, 2000] and len(texts[1]) < 500
    texts = [m["content"] for m in fitted(messages, 1500).messages]
    assert all(len(text) < 500 for text in texts[1:])


SECRETS = [
    "ghp_" + "a1B2" * 9, "sk-" + "x" * 32, "AKIA" + "A1B2C3D4E5F6G7H8", "hf_" + "q" * 30,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def", "xoxb-123456789012-abcdef",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIE",
]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_key_is_not_kept(secret: str) -> None:
    kept = redacted({"said": [f"it is {secret} there"], "n": 5})
    assert GONE in kept["said"][0] and secret[:24] not in str(kept) and kept["n"] == 5


@pytest.mark.parametrize("text, secret", [
    ("password: hunter2-and-more", "hunter2"), ('{"api_key": "abcd1234"}', "abcd1234"),
    ("DB_PASSWORD=s3cr3t", "s3cr3t"), ("Authorization: Bearer abcdefgh1234", "abcdefgh1234"),
    ("postgres://me:pa55w0rd@host/db", "pa55w0rd"), ("AWS_SECRET_ACCESS_KEY='a b c'", "a b c"),
])  # fmt: skip
def test_what_is_named_a_secret_is_not_kept(text: str, secret: str) -> None:
    assert secret not in redacted(text) and GONE in redacted(text)


@pytest.mark.parametrize("text", ["The token count is 5", "sk-1", "a: b", "see key.py", "x=1"])
def test_plain_words_stay(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_transcript_is_for_its_user_alone(tmp_path: Path) -> None:
    kept = transcript.begin(tmp_path / "agent")
    kept.write("message", message={"role": "tool", "content": "token=abcdef123\u2028 ü"})
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    [line] = kept.read()
    assert line["message"]["content"] == f"token={GONE}\u2028 ü"
    assert "abcdef123" not in kept.path.read_text()


def test_a_line_that_a_crash_cut_off_is_skipped(tmp_path: Path) -> None:
    kept = transcript.begin(tmp_path)
    kept.write("start", workspace="/w")
    with kept.path.open("a") as file:
        file.write('{"kind": "mess')
    assert [line["kind"] for line in kept.read()] == ["start"]


def test_the_latest_task_of_a_folder_is_found(tmp_path: Path) -> None:
    one, other = transcript.begin(tmp_path), transcript.begin(tmp_path)
    one.write("start", workspace="/w")
    other.write("start", workspace="/other")
    assert transcript.find(tmp_path, None, Path("/w")) == one
    assert transcript.find(tmp_path, other.id) == other
    for name in ("../x", "20200101-000000-abcdef", "", "/etc"):
        with pytest.raises(UsageError, match="no task"):
            transcript.find(tmp_path, name)
    with pytest.raises(UsageError, match="Nothing was done"):
        transcript.find(tmp_path, None, Path("/nowhere"))
