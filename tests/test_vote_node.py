"""Votes on a real node: disagreement, drafts, waves, temperature 0."""

from __future__ import annotations

import json
from typing import Any

from .conftest import SUM, Running

HARD = "What is 387 + 468 - 199 + 577 - 288 + 764?"  # far beyond the bundled model


def stream(node: Running, **extra: Any) -> list[dict[str, Any]]:
    """The chunks of a streamed answer."""
    body = {"messages": [{"role": "user", "content": SUM}], "stream": True, **extra}
    with node.http.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200
        lines = [line for line in response.iter_lines() if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def deltas(chunks: list[dict[str, Any]], field: str) -> list[str]:
    found = [choice["delta"].get(field) for chunk in chunks for choice in chunk["choices"]]
    return [text for text in found if text]


def test_a_disagreement_asks_on_and_the_verdict_shows_it(node: Running) -> None:
    extra = {"temperature": 1.6, "seed": 5, "max_tokens": 96}
    told = node.chat(HARD, swarm={"seats": 4}, **extra).json()["swarm"]
    assert [one["name"] for one in told["rounds"]] == ["seats", "more seats"]
    first, second = told["rounds"]
    assert first["share"] < 0.6 and sum(first["asked"].values()) == 4
    assert sum(second["asked"].values()) == 4 and told["seats"] == 8
    assert told["ballots"] + told["cancelled"] == 8
    workers = {group["key"]: group["votes"] for group in told["groups"]}
    assert sum(workers.values()) + told["abstained"] == told["ballots"]


def test_asking_on_can_be_switched_off(node: Running) -> None:
    extra = {"temperature": 1.6, "seed": 5, "max_tokens": 96}
    told = node.chat(HARD, swarm={"seats": 4, "escalate": False}, **extra).json()["swarm"]
    assert len(told["rounds"]) == 1 and told["seats"] == 4


def test_a_draft_is_followed_by_the_voted_answer(node: Running) -> None:
    chunks = stream(node, swarm={"seats": 5, "draft": True})
    draft, said = "".join(deltas(chunks, "reasoning_content")), "".join(deltas(chunks, "content"))
    assert draft.startswith("Draft of one worker")
    assert said.endswith("Answer: 21") and "Draft" not in said
    order = [
        "content" if choice["delta"].get("content") else "draft"
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["delta"].get("content") or choice["delta"].get("reasoning_content")
    ]
    assert order == sorted(order, reverse=True)  # no draft after the answer has begun


def test_without_the_wish_there_is_no_draft(node: Running) -> None:
    assert deltas(stream(node, swarm={"seats": 5}), "reasoning_content") == []


def test_waves_ask_half_and_one_first(node: Running) -> None:
    told = node.chat(swarm={"seats": 7, "waves": True}).json()["swarm"]
    assert told["status"] == "majority" and told["rounds"][0]["name"] == "seats"
    assert sum(told["rounds"][0]["asked"].values()) == 5
    assert told["seats"] in (5, 7)


def test_at_temperature_0_one_worker_speaks_for_all(node: Running) -> None:
    told = node.chat(temperature=0, swarm={"seats": 5}).json()["swarm"]
    assert (told["seats"], told["ballots"]) == (1, 1)
    assert "temperature 0" in told["degraded"]


def test_the_verdict_tells_what_stopping_saved(node: Running) -> None:
    told = node.chat(swarm={"seats": 9}).json()["swarm"]
    assert told["cancelled"] > 0 and told["tokens"]["saved"] >= 0
    full = node.chat(swarm={"seats": 9, "early_stop": False}).json()["swarm"]
    assert (full["cancelled"], full["ballots"], full["tokens"]["saved"]) == (0, 9, 0)
    assert full["groups"][0]["key"] == told["groups"][0]["key"] == "number:21"


def test_a_vote_by_confidence_awaits_all_ballots(node: Running) -> None:
    told = node.chat(swarm={"seats": 5, "by_confidence": True}).json()["swarm"]
    assert (told["cancelled"], told["ballots"]) == (0, 5)
    assert told["groups"][0]["key"] == "number:21"


def test_four_strategies_answer(node: Running) -> None:
    for strategy in ("majority", "similarity", "quality", "fastest"):
        answer = node.chat(swarm={"strategy": strategy, "seats": 3}).json()
        assert answer["swarm"]["strategy"] == strategy
        assert answer["choices"][0]["message"]["content"].endswith("Answer: 21")
