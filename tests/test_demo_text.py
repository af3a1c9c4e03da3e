"""The text that the demo model learns from: right answers, and prompts that stay apart."""

from __future__ import annotations

import json
from itertools import islice
from random import Random
from typing import Any

import pytest

from training.demo import corpus, template
from training.demo.families import MIX
from training.demo.families.lists import list_task
from training.demo.families.small_talk import other, small_talk
from training.demo.families.sums import bare_sum
from training.demo.families.tool_calls import tool_task
from training.demo.families.word_problems import word_problem
from training.demo.sample import Sample

SOME = 400


def drawn(maker: Any, count: int = SOME) -> list[Sample]:
    r = Random(7)
    return [maker(r) for _ in range(count)]


def steps_of(reply: str) -> list[str]:
    return [line for line in reply.splitlines() if " = " in line]


@pytest.mark.parametrize("maker", [bare_sum, word_problem])
def test_each_written_step_is_right_and_the_last_one_is_the_answer(maker: Any) -> None:
    for made in drawn(maker):
        steps = steps_of(made.turns[-1][1])
        for step in steps:
            sum_, _, value = step.partition(" = ")
            assert eval(sum_) == int(value), made
        assert steps[-1].rpartition(" = ")[2] == made.answer


def test_answers_about_lists_are_right() -> None:
    seen = set()
    for made in drawn(list_task):
        kind, steps = made.tags["kind"], made.turns[-1][1].splitlines()[:-1]
        if kind in ("sort", "down"):
            numbers = [int(item) for item in str(made.answer).split(", ")]
            assert numbers == sorted(numbers, reverse=kind == "down")
            told = [int(n) for line in steps for n in line.partition(": ")[2].split(", ")]
            assert told == numbers
            assert all(str(n) in made.key for n in numbers)
        elif kind == "reverse":
            half = [line.partition(": ")[2] for line in steps[: len(steps) // 2]]
            assert str(made.answer).split(", ") == half[::-1]
        elif kind == "sum":
            assert all(eval(a) == int(b) for a, _, b in (line.partition(" = ") for line in steps))
            assert steps[-1].endswith(f"= {made.answer}")
        seen.add(kind)
    assert seen == {"sort", "down", "reverse", "max", "min", "count", "sum", "first", "last"}


def test_the_letter_of_a_choice_stands_before_the_right_option() -> None:
    for made in drawn(next(maker for maker in MIX if maker.__name__ == "choice")):
        line = made.turns[-1][1].splitlines()[-2]
        right, _, letter = line.removesuffix(".").rpartition(" is ")
        assert letter == made.answer
        assert any(f"{letter}{mark} {right}" in made.key for mark in ").:")


def test_calls_are_json_and_name_a_listed_tool() -> None:
    calls = 0
    for made in drawn(tool_task):
        for role, text in made.turns:
            if role == "assistant" and text.startswith("<tool_call>"):
                call = json.loads(text.removeprefix("<tool_call>").removesuffix("</tool_call>"))
                assert call["name"] in made.tools
                assert set(call["arguments"]) <= set(template.TOOLS[call["name"]])
                calls += 1
    assert calls > SOME / 2


def test_no_prompt_is_both_talk_and_something_it_cannot_do() -> None:
    talked = {made.key.lower().strip(" ?.!") for made in drawn(small_talk, 3000)}
    refused = {made.key.lower().strip(" ?.!") for made in drawn(other, 3000)}
    assert not talked & refused


def test_nothing_that_is_measured_is_trained_on() -> None:
    trained = list(islice(corpus.training(), 500))
    asked = {text for made in trained for role, text in made.turns if role == "user"}
    assert {split_of(text) for text in asked} == {"train"}


def split_of(prompt: str) -> str:
    return Sample("any", (), prompt).split


@pytest.mark.parametrize("maker", list(MIX))
def test_the_two_held_out_splits_have_no_prompt_in_common(maker: Any) -> None:
    develop, test = (corpus.held_out(maker, 15, split) for split in ("develop", "test"))
    assert len(develop) == len(test) == 15
    assert not {made.key for made in develop} & {made.key for made in test}
    assert {split_of(made.key) for made in develop} == {"develop"}
