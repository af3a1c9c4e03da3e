"""The soundness of one answer: defects cost, length and markdown never pay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.ballot import Answer, Ballot, Finish, ToolCall
from local_swarm.swarm import soundness
from local_swarm.swarm.canonical import Asked, Kind
from local_swarm.swarm.quality import LOOPS, loops, score

GOOD = [
    "The cache keeps recent results.",
    "It is emptied when the server restarts!",
    "Why? Because memory is not kept over a restart.",
    "- first\n- second\n- third",
    "```python\nprint(1)\n```",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "----------------------------------------------------------------",
    "See https://example.org (or ask).",
    "Paris",
    "Oui, c\u2019est \u00e7a.",
]
SCHEMA = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize("said", GOOD)
def test_sound_prose_has_the_full_score(said: str) -> None:
    assert score(said, "text", question="What is the cache?") == 1.0


@given(st.lists(st.sampled_from(GOOD), min_size=1, unique=True))
def test_more_good_text_is_worth_nothing(parts: list[str]) -> None:
    assert score("\n\n".join(parts), "text") == 1.0


BAD = [
    "The cache is emptied when the",
    "The cache is emptied (by the server",
    "Use this:\n```python\nprint(1)",
    "The sum is 5.<think>I should first",
    "no no no no no no no no no no",
    "So I say it again. " * 8,
    "ab" * 60,
    "The answer is here.<|im_end|>",
    "caf\ufffd",
]


@pytest.mark.parametrize("said", BAD)
@given(padding=st.lists(st.sampled_from(GOOD), max_size=4))
def test_defects_cost_and_padding_hides_none(said: str, padding: list[str]) -> None:
    found = score(said, "text")
    assert 0 < found < 1
    assert score("\n\n".join([*padding, said]), "text") <= found


@pytest.mark.parametrize("said", ["", "  \n", "<think>only a thought</think>", "<think>I should"])
def test_nothing_is_worth_nothing(said: str) -> None:
    assert score(said, "text") == 0


def test_json_parses_and_follows_its_schema() -> None:
    assert score('{"a": 1}', "json", SCHEMA) == 1.0
    assert score('Here:\n```json\n{"a": 1}\n```', "json", SCHEMA) == 1.0
    assert score('{"a": "1"}', "json", SCHEMA) < 1
    assert score('{"b": 1}', "json", SCHEMA) > score('{"a": 1', "json", SCHEMA) > 0


def test_code_parses() -> None:
    assert score("```python\ndef f():\n    return 1\n```", "code") == 1.0
    assert score("def f():\n    return 1", "code") == 1.0
    assert score("```js\nfunction f() { return '}' }\n```", "code") == 1.0
    assert score("```python\ndef f(:\n```", "code") < 1
    assert score("```js\nfunction f() { return 1\n```", "code") < 1
    assert score("```python\ndef f():\n    return 1\n", "code") < 1


def test_the_answer_is_in_the_script_of_the_question() -> None:
    answer = "\u5f53\u7136\u53ef\u4ee5\u3002"
    assert score(answer, "text", question="Can I do it?") < 1
    assert score(answer, "text", question="Translate: of course") == 1.0
    assert score(answer, "text", question="\u6211\u53ef\u4ee5\u505a\u5417\uff1f") == 1.0


def test_loops() -> None:
    assert loops("and then and then and then and then and then and then")
    assert loops("\n".join(["I will check the file again."] * 6 + ["Done."]))
    assert not loops("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12")
    assert not loops("}\n" * 7 + "=" * 200)
    assert score("on and on and on and on and on and on and on.", "text") == LOOPS


@given(st.text(max_size=400), st.sampled_from(["text", "json", "code"]), st.booleans())
def test_score_is_total(said: str, kind: str, cut: bool) -> None:
    assert (
        0 <= score(said, kind, SCHEMA, said[::-1], cut=cut) <= score(said, kind, SCHEMA, said[::-1])
    )


def test_ballots() -> None:
    asked = Asked(Kind.TEXT)

    def of(said: str, finish: Finish, *calls: ToolCall) -> float:
        return soundness.score(Ballot(Answer(said, calls), "v", "m", "m", finish, 1, 0.1), asked)

    assert of("All is well.", Finish.STOP) == 1.0
    assert of("All is well.", Finish.LENGTH) < 1 > of("All is well.", Finish.ERROR) == 0
    call = ToolCall("c", "f", "{}")
    assert of("", Finish.TOOL_CALLS, call) == 1.0 > of("", Finish.LENGTH, call) > 0
