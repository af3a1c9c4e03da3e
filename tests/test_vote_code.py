"""Votes on code: by what it says, and, where it may be run, by what it does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from local_swarm.ballot import Status, Verdict
from local_swarm.chat import ChatRequest
from local_swarm.errors import SandboxUnavailable
from local_swarm.models.store import demo_path
from local_swarm.node import Vote
from local_swarm.swarm.canonical import Kind, asked_of
from local_swarm.swarm.election import Rule, Tier, hold
from local_swarm.swarm.execution import study
from local_swarm.swarm.extras import by_behaviour
from local_swarm.swarm.strategies import majority
from local_swarm.tools.probe import find
from local_swarm.tools.python import PythonRunner

from .conftest import SUM, planned, running
from .scripted import Scripted

QUESTION = "Write a Python function double(n) that returns twice n, e.g. double(3) == 6."
REQUEST = ChatRequest("r", ({"role": "user", "content": QUESTION},))
LOOP = """```python
def double(n):
    total = 0
    for _ in range(2):
        total += n
    return total
```"""
TIMES = "```python\ndef double(n):\n    return n * 2\n```"
PLUS = "Sure:\n```python\ndef double(x):\n    return x + x\n```"
SQUARE = "```python\ndef double(n):\n    return n ** 2\n```"
ALSO_SQUARE = "```python\ndef double(k):\n    return k ** 2\n```"
STUB = "```python\ndef double(n):\n    pass\n```"


def elect(*said: str, run: bool) -> Verdict:
    asked = asked_of(REQUEST)
    assert asked.kind is Kind.CODE
    rule = Rule("majority", majority, asked, early_stop=False)

    async def main() -> Verdict:
        behave = partial(study, runner=PythonRunner(await find())) if run else None
        tiers = [Tier([(Scripted("v", said), len(said))])]
        return await hold(tiers, REQUEST, rule, regroup=by_behaviour(behave, asked))

    return asyncio.run(main())


def winner(verdict: Verdict) -> str:
    assert verdict.winner is not None
    return verdict.winner.answer.text


def test_by_text_every_spelling_stands_alone() -> None:
    verdict = elect(TIMES, PLUS, LOOP, SQUARE, ALSO_SQUARE, STUB, STUB, run=False)
    assert winner(verdict).count("** 2") == 1 and verdict.abstained == 2


def test_run_programs_that_do_the_same_vote_together() -> None:
    try:
        verdict = elect(TIMES, PLUS, LOOP, SQUARE, ALSO_SQUARE, STUB, run=True)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    assert winner(verdict) in (TIMES, PLUS, LOOP)
    # the example in the question rules the squares out
    assert (verdict.groups[0].votes, verdict.status) == (3, Status.MAJORITY)
    assert verdict.abstained == 3


def test_they_are_run_before_anybody_is_asked_again() -> None:
    asked = asked_of(REQUEST)
    rule = Rule("majority", majority, asked, early_stop=False)
    more = Scripted("more", [SQUARE] * 3)

    async def main() -> Verdict:
        runner = PythonRunner(await find())
        tiers = [
            Tier([(Scripted("v", [TIMES, PLUS, LOOP]), 3)]),
            Tier([(more, 3)], "more seats", if_unsure=True),
        ]
        behave = partial(study, runner=runner)
        return await hold(tiers, REQUEST, rule, regroup=by_behaviour(behave, asked))

    try:
        verdict = asyncio.run(main())
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    assert (verdict.status, verdict.groups[0].votes, more.asked) == (Status.MAJORITY, 3, 0)


def test_what_cannot_be_run_is_voted_on_by_text() -> None:
    sql = "```sql\nSELECT 1\n```"
    try:
        verdict = elect(sql, sql, "```sql\nSELECT 2\n```", run=True)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    assert winner(verdict) == sql


def test_a_node_that_may_run_code_serves_other_questions_as_ever(tmp_path: Path) -> None:
    made = replace(planned(demo_path(), seats=3))
    try:
        asyncio.run(find())
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with running(tmp_path, made, demo_path(), vote=Vote(verify_code=True)) as node:
        assert node.chat(SUM).json()["swarm"]["groups"][0]["key"] == "number:21"
        told = node.chat(QUESTION, max_tokens=60).json()["swarm"]
        assert told["kind"] == "code"
