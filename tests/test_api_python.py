"""openai-python against a real node: every parameter, plain and streamed; tools; hang-ups."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from .conftest import SUM, Running
from .test_api import TOOLS

ASK: Any = [{"role": "user", "content": SUM}]
EVERYTHING: dict[str, Any] = {
    "temperature": 0.7,
    "top_p": 0.95,
    "n": 2,
    "stop": ["\n\n\n"],
    "max_completion_tokens": 80,
    "max_tokens": 10,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "logit_bias": {"5": -10},
    "seed": 2**40,
    "user": "somebody",
    "logprobs": False,
    "parallel_tool_calls": True,
    "response_format": {"type": "text"},
    "service_tier": "auto",
    "store": True,
    "metadata": {"a": "b"},
    "reasoning_effort": "low",
    "modalities": ["text"],
    "prediction": {"type": "content", "content": "x"},
    "prompt_cache_key": "k",
    "verbosity": "low",
}


@pytest.fixture
def client(node: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{node.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_all_parameters_at_once(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(model="local-swarm", messages=ASK, **EVERYTHING)
    assert len(made.choices) == 2
    assert made.usage is not None
    assert 10 < made.usage.completion_tokens <= 160
    stream = client.chat.completions.create(
        model="local-swarm", messages=ASK, stream=True, **EVERYTHING
    )
    chunks = list(stream)
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}


def test_the_helper_for_streams_takes_ours(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="local-swarm", messages=ASK) as events:
        final = events.get_final_completion()
    assert (final.choices[0].message.content or "").endswith("Answer: 21")
    read: Any = [{"role": "user", "content": "Read the file notes.txt."}]
    tools: list[Any] = list(TOOLS)
    strict: Any = [{**tool, "function": {**tool["function"], "strict": True}} for tool in tools]
    with client.chat.completions.stream(model="local-swarm", messages=read, tools=strict) as events:
        final = events.get_final_completion()
    [call] = final.choices[0].message.tool_calls or []
    assert (call.function.name, final.choices[0].finish_reason) == ("read_file", "tool_calls")


def test_a_parsed_answer(client: openai.OpenAI) -> None:
    class Count(BaseModel):
        n: int

    made = client.chat.completions.parse(
        model="local-swarm", messages=ASK, response_format=Count, max_tokens=60
    )
    assert isinstance(made.choices[0].message.parsed, Count)


def test_the_loop_of_a_tool_closes(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Read the file notes.txt."}]
    tools: Any = TOOLS
    made = client.chat.completions.create(model="local-swarm", messages=messages, tools=tools)
    [call] = made.choices[0].message.tool_calls or []
    messages += [
        made.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "Buy milk."},
    ]
    closed = client.chat.completions.create(model="local-swarm", messages=messages, tools=tools)
    assert closed.choices[0].finish_reason == "stop"
    assert closed.choices[0].message.content


def test_stop_words_are_not_part_of_the_answer(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(
        model="local-swarm-fast", messages=ASK, stop=["Answer"], max_tokens=80
    )
    assert "Answer" not in (made.choices[0].message.content or "")
    assert made.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_a_cancelled_call_frees_the_slots(node: Running, stream: bool) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=f"{node.url}/v1", api_key="none") as client:
            body = {"ignore_eos": True, "swarm": {"seats": 8}, "min_p": 0}
            call: Any = client.chat.completions.create(
                model="local-swarm", messages=ASK, max_tokens=400, temperature=2,
                stream=stream, extra_body=body,
            )  # fmt: skip

            async def consume() -> None:
                made = await call
                if stream:
                    async for _ in made:
                        pass

            task = asyncio.create_task(consume())
            await until(lambda: busy() > 0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await until(lambda: busy() == 0)

    def busy() -> int:
        return node.node.status().engines[0].slots_busy

    asyncio.run(main())


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)
