"""The engine by itself: what the node relies on, tried with the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from local_swarm.backends.admission import Admission, Share
from local_swarm.backends.base import Grant, Piece
from local_swarm.backends.llama_server import LlamaConfig, LlamaServer, _going_on
from local_swarm.chat import ChatRequest
from local_swarm.errors import EngineUnavailable, QueueFull
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment

from .conftest import SUM


@asynccontextmanager
async def engine(path: Path | None = None) -> AsyncIterator[LlamaServer]:
    config = LlamaConfig("demo", path or demo_path(), 8, 512, 2048, 2, 64)
    it = LlamaServer(config, clean_environment())
    try:
        await it.start()
        yield it
    finally:
        await it.close()


def request(*said: str, **sampling: object) -> ChatRequest:
    roles = ("user", "assistant") * len(said)
    messages = tuple(
        {"role": role, "content": text} for role, text in zip(roles, said, strict=False)
    )
    return ChatRequest("id", messages, sampling={"temperature": 0, **sampling})


async def texts(it: LlamaServer, asked: ChatRequest, seats: int) -> list[str]:
    said = [""] * seats
    async for item in it.sample(asked, seats):
        if isinstance(item, Piece):
            said[item.seat] += item.text
    return said


def test_one_request_answers_with_all_seats() -> None:
    async def run() -> None:
        async with engine() as it:
            items = [item async for item in it.sample(request(SUM, temperature=0.7), 8)]
        assert isinstance(items[0], Grant)
        assert items[0].seats == 8
        pieces = [item for item in items if isinstance(item, Piece)]
        assert {piece.seat for piece in pieces if piece.finish} == set(range(8))
        assert all(piece.tokens for piece in pieces if piece.finish)
        assert all(logprob <= 0 for piece in pieces for logprob in piece.logprobs)
        assert sum(len(piece.logprobs) for piece in pieces) > 8 * 10

    asyncio.run(run())


def test_a_begun_answer_is_gone_on_with() -> None:
    async def run() -> None:
        async with engine() as it:
            [whole] = await texts(it, request(SUM), 1)
            [rest] = await texts(it, _going_on(request(SUM), whole[:6]), 1)
        assert whole[:6] + rest == whole

    asyncio.run(run())


def test_a_seed_repeats_all_seats_and_they_still_differ() -> None:
    async def run() -> None:
        asked = request("What is 457 * 38?", seed=7, temperature=1.5)
        async with engine() as it:
            first, second = await texts(it, asked, 6), await texts(it, asked, 6)
        assert first == second
        assert len(set(first)) > 1

    asyncio.run(run())


def test_no_child_is_left_when_the_model_cannot_be_loaded(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(demo_path().read_bytes()[:-1000])

    async def run() -> None:
        with pytest.raises(EngineUnavailable, match=r"not running: .*load"):
            async with engine(broken):
                pass

    before = set(psutil.Process().children(recursive=True))
    asyncio.run(run())
    assert set(psutil.Process().children(recursive=True)) <= before


def test_closing_while_it_loads_leaves_no_child() -> None:
    async def run() -> None:
        it = LlamaServer(LlamaConfig("demo", demo_path(), 8, 512, 2048, 2, 64), clean_environment())
        starting = asyncio.create_task(it.start())
        await asyncio.sleep(0.05)
        await it.close()
        with pytest.raises(EngineUnavailable):
            await starting

    before = set(psutil.Process().children(recursive=True))
    asyncio.run(run())
    assert set(psutil.Process().children(recursive=True)) <= before


def queue(run: Callable[[Admission], Awaitable[None]], **sizes: int) -> None:
    asyncio.run(run(Admission(**{"slots": 8, "cells": 1000, **sizes})))  # type: ignore[arg-type]


def test_nobody_passes_in_the_queue() -> None:
    async def run(door: Admission) -> None:
        order: list[str] = []

        async def enter(name: str, slots: int) -> None:
            await door.acquire(Share(slots, 1))
            order.append(name)
            await asyncio.sleep(0)
            door.release(Share(slots, 1))

        await door.acquire(Share(4, 1))
        waiting = [asyncio.create_task(enter(n, s)) for n, s in (("big", 8), ("a", 1), ("b", 1))]
        await asyncio.sleep(0)
        assert order == []  # "a" would fit, but "big" came first
        door.release(Share(4, 1))
        await asyncio.gather(*waiting)
        assert order == ["big", "a", "b"]
        assert (door.busy_slots, door.busy_cells, door.waiting) == (0, 0, 0)

    queue(run)


def test_who_gives_up_waiting_lets_the_next_in() -> None:
    async def run(door: Admission) -> None:
        await door.acquire(Share(4, 1))
        big = asyncio.create_task(door.acquire(Share(8, 1)))
        small = asyncio.create_task(door.acquire(Share(1, 1)))
        await asyncio.sleep(0)
        big.cancel()
        await asyncio.gather(big, return_exceptions=True)
        await asyncio.wait_for(small, 5)
        assert door.busy_slots == 5

    queue(run)


def test_a_turn_that_comes_while_it_is_given_up_is_not_lost() -> None:
    async def run(door: Admission) -> None:
        await door.acquire(Share(8, 1))
        waiting = asyncio.create_task(door.acquire(Share(8, 1)))
        await asyncio.sleep(0)
        door.release(Share(8, 1))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert (door.busy_slots, door.busy_cells) == (0, 0)

    queue(run)


def test_a_full_queue_refuses() -> None:
    async def run(door: Admission) -> None:
        await door.acquire(Share(8, 1))
        waiting = asyncio.create_task(door.acquire(Share(1, 1)))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await door.acquire(Share(1, 1))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    queue(run, queue_limit=1)


def test_a_broken_connection_is_not_a_dead_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with engine() as it:
            count, broken = it._http.count, [httpx.RemoteProtocolError("disconnected")]

            async def breaks_once(asked: ChatRequest) -> int:
                if broken:  # an idle connection that the engine closed in the same moment
                    raise broken.pop()
                return await count(asked)

            monkeypatch.setattr(it._http, "count", breaks_once)
            [text] = await asyncio.wait_for(texts(it, request(SUM), 1), 20)
            assert text.endswith("Answer: 21")
            assert it.status().restarts == 0

    asyncio.run(run())
