"""Canonical keys are total: they never raise, whatever was said, and they always end."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local_swarm.ballot import Answer, Ballot, Finish, ToolCall
from local_swarm.chat import ChatRequest
from local_swarm.swarm import canonical
from local_swarm.swarm.canonical import Key, Kind, tool_call

TOOLS = ({"type": "function", "function": {"name": "weigh"}},)
OFFERED = {"weigh": None}
PIECES = ["\\boxed{", "}", "{", "####", "<think>", "</think>", "answer", " is ", ":", "**", "\\",
    "final ", "A) ", "(B", "\n", " ", "1", ",000", ".5", "e9", "/", "0", "%", "-", "$", "½", "٣",
    "\ud800", "\x00", "ﬁ", "\u2028", "\\frac{1}{", "\\frac{1}{0}"]  # fmt: skip
WORDS = st.text() | st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
FINITE = st.floats(allow_nan=False, allow_infinity=False)  # JSON has no others
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)

NASTY = r"""
from local_swarm.ballot import Answer, Ballot, Finish, ToolCall
from local_swarm.chat import ChatRequest
from dataclasses import replace
from local_swarm.swarm.canonical import Kind, asked_of, key_of

PATTERNS = ["\\", "{", "}", "1", "1,", "1,111", "1/", "-", "$", "%", " ", "\n", "\t ", "*", "#",
    "<think>", "</think>", "<think", "\\boxed{", "\\boxed{1}", "\\frac{1}{1}", "\\frac{1", "1e1",
    "answer", "answer ", "answer is ", "answer **", "final ", "final answer", "final\n", "the ",
    "####", " ####", "A) ", " (A", "A. \t", "the answer is ", "option ", "a b ", "½", "é", "1.1.",
    '"', "[", "_`", ". ,", "^", "^{", "\\sqrt", "\\sqrt[", "$1", "$a$", "one ", "one hundred ",
    "1 m ", "1 km/", "m^2", "so B ", "B and ", "not a but ", "1 h ", "sorry, ", "i can't ",
    "as an ai ", "march ", "1 march ", "1-", "1:", "5 pm", "is ", "answer to a", "\ufdfa", "٣",
    "²", "(", "1(", "0.1(", ", ", "1, ", "1 and ", "x=", "x=1, ", "1 or ", "(i) ", "answer:\n",
    "\\text{", "\u200b", "<|", "<|channel|>analysis", "per ", "ad ", "1d", "1'", "1_000", "1 000 ",
    "correct answer is ", "if the answer is ", "\\left(", "1 1/2 ", "√", "π", "x>", "no, ", "√("]
ENDS = ["", "x)"]
TOOLS = ({"function": {"name": "f"}},)
for at, pattern in enumerate(PATTERNS):
    for end in ENDS[at % 2 :][:1]:
        said = (pattern * 8000)[:8000] + end
        request = ChatRequest("r", ({"role": "user", "content": said},), tools=TOOLS)
        asked = asked_of(request)
        for kind in Kind:
            for calls in ((), (ToolCall("", "f", said),))[: 1 + (end == "x)")]:
                answer = Answer(said, calls)
                ballot = Ballot(answer, "v", "m", "m", Finish.STOP, 1, 1.0)
                key_of(replace(asked, kind=kind), ballot)
print("done")
"""


def said_by(key: Key | None) -> str | None:
    return key and key.value


def kind_of(request: ChatRequest) -> Kind:
    return canonical.asked_of(request).kind


def key_of(kind: Kind, request: ChatRequest, ballot: Ballot) -> str | None:
    return said_by(canonical.key_of(replace(canonical.asked_of(request), kind=kind), ballot))


def cast(said: str, finish: Finish, *arguments: str) -> Ballot:
    calls = tuple(ToolCall("c", "weigh", part) for part in arguments)
    return Ballot(Answer(said, calls), "v", "home", "m", finish, 1, 0.1)


@given(question=WORDS, said=WORDS, kind=st.sampled_from(Kind), finish=st.sampled_from(Finish))
@example("Is it A) a or B) b?", "\\boxed{", Kind.CHOICE, Finish.STOP)
def test_no_words_raise(question: str, said: str, kind: Kind, finish: Finish) -> None:
    request = ChatRequest("r", ({"role": "user", "content": question},))
    assert kind_of(request) in Kind
    key = key_of(kind, request, cast(said, finish))
    assert key is None or key.startswith(
        ("number:", "choice:", "text:", "refusal:", "json:", "code:")
    )
    assert key == key_of(kind, request, cast(said, finish))


@given(st.lists(JSON.map(json.dumps) | st.text(), max_size=3), WORDS)
def test_no_arguments_raise(arguments: list[str], said: str) -> None:
    request = ChatRequest("r", (), tools=TOOLS)
    key = key_of(Kind.TEXT, request, cast(said, Finish.TOOL_CALLS, *arguments))
    assert key is None or key.startswith("tool_call:") is bool(arguments)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_arguments_are_equal_however_they_are_written(arguments: dict[str, Any]) -> None:
    turned = dict(reversed(arguments.items()))
    spellings = [
        json.dumps(arguments),
        json.dumps(turned, indent=3),
        json.dumps(turned, ensure_ascii=False, separators=(",", ":")),
    ]
    keys = {tool_call.key((ToolCall("", "weigh", text),), OFFERED) for text in spellings}
    assert len(keys) == 1 and None not in keys


@given(st.integers(-(10**25), 10**25), st.integers(0, 5))
def test_a_number_in_arguments_is_equal_in_all_spellings(value: int, zeros: int) -> None:
    spellings = [
        f"{value}",
        f"{value}.{'0' * zeros}0",
        f"{value}e0",
        f"{value}{'0' * zeros}E-{zeros}",
    ]
    calls = [(ToolCall("", "weigh", f'{{"kg": {one}}}'),) for one in spellings]
    assert len({tool_call.key(call, OFFERED) for call in calls}) == 1
    other = (ToolCall("", "weigh", f'{{"kg": {value + 1}}}'),)
    assert tool_call.key(other, OFFERED) != tool_call.key(calls[0], OFFERED)


@pytest.mark.parametrize("arguments", [
    pytest.param('{"kg": 1e9999999}', id="an exponent beyond the decimal module's"),
    pytest.param('{"\u00e9": {}, "e\u0301": 1}', id="names that are equal once normalized"),
])  # fmt: skip
def test_rare_arguments_do_not_raise(arguments: str) -> None:
    tool_call.key((ToolCall("", "weigh", arguments),), OFFERED)


def test_long_numbers_in_arguments_are_exact() -> None:
    one, other = (f'{{"kg": {10**40 + last}}}' for last in (1, 2))
    assert tool_call.key((ToolCall("", "weigh", one),), OFFERED) != tool_call.key(
        (ToolCall("", "weigh", other),), OFFERED
    )


def test_long_nasty_answers_do_not_blow_up() -> None:
    # Catastrophic backtracking takes hours, an honest key a few milliseconds.
    done = subprocess.run(
        [sys.executable, "-c", NASTY], capture_output=True, text=True, timeout=45, check=False
    )
    assert done.stdout == "done\n", done.stderr
