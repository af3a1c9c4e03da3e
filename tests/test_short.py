"""Prompts that are not counted before they are admitted: the bound holds, the count is exact."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from local_swarm.backends.admission import Admission, Share
from local_swarm.backends.base import Grant, Piece
from local_swarm.backends.llama_server import LlamaConfig, LlamaServer
from local_swarm.backends.short import Short
from local_swarm.ballot import Finish
from local_swarm.chat import ChatRequest
from local_swarm.errors import InvalidRequest
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment

from .conftest import SUM

LETTERS = "ab  \n\t09.,{}<|im_end|>äßœ—你好\u202e😀\x00\x7f\u0301"
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"properties": {}}}}


def chat(*said: tuple[str, Any], **more: Any) -> ChatRequest:
    messages = tuple({"role": role, "content": text} for role, text in said)
    return ChatRequest("id", messages, **{"max_tokens": 8, **more})


def some(rng: random.Random) -> ChatRequest:
    """A chat of a few messages in any order, some of words and some of noise."""
    said = []
    for _ in range(rng.randint(1, 5)):
        noise = "".join(rng.choices(LETTERS, k=rng.randint(0, 60)))
        text = rng.choice([noise, SUM, "word " * rng.randint(0, 20)])
        content = [{"type": "text", "text": text}, {"type": "text", "text": "!"}]
        role = rng.choice(["system", "user", "assistant"])
        said.append((role, rng.choice([text, content])))
    return chat(*said, ("user", noise))


def test_no_prompt_has_more_than_its_bound_and_what_was_too_much_comes_back() -> None:
    async def run() -> None:
        it = LlamaServer(
            LlamaConfig("demo", demo_path(), 8, 1024, 2048, 2, 64), clean_environment()
        )
        await it.start()
        try:
            rng = random.Random(6)
            for _ in range(60):
                asked = some(rng)
                found = it._short.run(asked, 1)
                assert found and await it._http.count(asked) <= found[1]
            # The same words asked again, and by several seats: the engine has read them before.
            for seats in (1, 1, 3, 3):
                asked = chat(("system", "Be brief."), ("user", SUM), sampling={"temperature": 0})
                counted, reserved = await it._http.count(asked), []
                async for item in it.sample(asked, seats):
                    reserved.append(it.status(memory=False).kv_reserved)
                    if isinstance(item, Grant):
                        assert (item.seats, item.prompt_tokens) == (seats, counted)
                assert set(reserved) == {counted + 8 * seats}
                assert it.status(memory=False).kv_reserved == 0
            with pytest.raises(InvalidRequest, match="top_k"):
                async for _ in it.sample(chat(("user", "x"), sampling={"top_k": "x"}), 1):
                    raise AssertionError("nothing comes before the refusal")
        finally:
            await it.close()

    asyncio.run(run())


def learnt(cells: int = 2048) -> Short:
    short = Short(Admission(4, cells), 1024)

    async def count(request: ChatRequest) -> int:
        return 10 + 5 * len(request.messages)

    asyncio.run(short.learn(count))
    return short


def test_what_is_bounded_and_what_is_counted() -> None:
    asked = chat(("user", "12345"))
    found = learnt().run(asked, 2)
    assert found and found[0].max_tokens == 8 and 5 + 15 <= found[1] < 64
    assert Short(Admission(4, 2048), 1024).run(asked, 1) is None  # nothing is known yet
    others = [
        chat(("user", "x"), max_tokens=None),
        chat(("user", "x" * 2000)),
        chat(("user", "x"), max_tokens=1000),
        chat(("tool", "x")),
        chat(("user", [{"type": "image_url", "image_url": {"url": "data:image/png;base64,x"}}])),
        chat(("assistant", None)),
        chat(("user", "x"), tools=(TOOL,)),
        chat(("user", "x"), response_format={"type": "json_object"}),
        chat(("user", "x"), sampling={"chat_template_kwargs": {}}),
    ]
    assert [learnt().run(one, 1) for one in others] == [None] * len(others)
    named = dataclasses.replace(asked, messages=({"role": "user", "content": "x", "name": "y"},))
    assert learnt().run(named, 1) is None


def test_what_does_not_fit_now_is_counted() -> None:
    asked = chat(("user", "12345"))
    assert learnt().run(asked, 5) is None  # in waves
    assert learnt(cells=60).run(asked, 2) is None  # with fewer seats
    short = learnt()
    short._admission.busy_cells = 2000
    assert short.run(asked, 1) is None


def test_a_template_that_refuses_is_trusted_with_no_bound() -> None:
    async def count(request: ChatRequest) -> int:
        if request.messages[0]["role"] == "system":
            raise InvalidRequest("no system here")
        return 9

    short = Short(Admission(4, 2048), 1024)
    asyncio.run(short.learn(count))
    assert short.run(chat(("user", "x")), 1) is None


@pytest.mark.parametrize("told", [None, 99])
def test_who_tells_nothing_or_has_more_is_counted_from_then_on(told: int | None) -> None:
    async def stream() -> AsyncIterator[Piece]:
        yield Piece(0, "a")
        yield Piece(0, "b", prompt_tokens=told, finish=Finish.STOP)

    async def run() -> None:
        items = [item async for item in short.granted(stream(), 1, 40)]
        assert items[0] == Grant(1, told or 40)
        assert "".join(item.text for item in items if isinstance(item, Piece)) == "ab"

    short = learnt()
    asyncio.run(run())
    assert short.run(chat(("user", "x")), 1) is None


def test_a_share_shrinks_for_those_who_wait() -> None:
    async def run() -> None:
        admission = Admission(4, 100)
        first = Share(1, 80)
        await admission.acquire(first)
        waiting = asyncio.create_task(admission.acquire(Share(1, 60)))
        await asyncio.sleep(0)
        assert not admission.free(Share(1, 1))  # nobody passes
        first = admission.shrink(first, 50)
        await waiting
        admission.release(first)
        assert admission.busy_cells == 60

    asyncio.run(run())
