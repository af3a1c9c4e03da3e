"""Log-probabilities of a chat's answer, as openai-python reads them."""

from __future__ import annotations

import math
from typing import Any

import openai
import pytest

from .conftest import SUM, Running

ASK: Any = [{"role": "user", "content": SUM}]


@pytest.fixture
def client(node: Running) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{node.url}/v1", api_key="none")


@pytest.mark.parametrize("model", ["local-swarm", "local-swarm-fast"])
def test_the_tokens_are_the_answer(client: openai.OpenAI, model: str) -> None:
    made = client.chat.completions.create(
        model=model, messages=ASK, logprobs=True, top_logprobs=3, max_tokens=80
    )
    chances = made.choices[0].logprobs
    assert chances is not None
    assert chances.content is not None
    told = b"".join(bytes(one.bytes or ()) for one in chances.content)
    assert told.decode().startswith(made.choices[0].message.content or "?")
    for one in chances.content:
        assert one.logprob <= 0
        assert len(one.top_logprobs) == 3
        assert one.top_logprobs[0].logprob >= one.logprob - 1e-6  # the likeliest is first
        assert sum(math.exp(other.logprob) for other in one.top_logprobs) <= 1 + 1e-6


def test_they_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="local-swarm-fast", messages=ASK, logprobs=True, stream=True, max_tokens=80
    )
    text, tokens = "", 0
    for chunk in stream:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            content = choice.logprobs and choice.logprobs.content
            for one in content or ():
                assert one.top_logprobs == []
                tokens += 1
    assert "Answer: " in text
    assert 10 < tokens <= 80


def test_every_choice_has_its_own(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(
        model="local-swarm", messages=ASK, logprobs=True, n=3, temperature=1.5, max_tokens=80
    )
    for choice in made.choices:
        assert choice.logprobs is not None
        told = b"".join(bytes(one.bytes or ()) for one in choice.logprobs.content or ())
        assert told.decode(errors="replace").startswith(choice.message.content or "?")


def test_nobody_is_told_who_did_not_ask(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(model="local-swarm", messages=ASK, max_tokens=80)
    assert made.choices[0].logprobs is None
