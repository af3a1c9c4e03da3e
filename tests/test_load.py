"""Who waits for how long: turns of the clients, a queue that is full, when to come again."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.api.errors import answer, fault_of
from local_swarm.backends.admission import Admission, Share
from local_swarm.backends.line import Line
from local_swarm.caller import caller
from local_swarm.errors import QueueFull

ONE = Share(1, 1)


@given(st.lists(st.one_of(st.sampled_from("abc"), st.none()), max_size=60))
def test_clients_take_turns_and_keep_their_own_order(events: list[str | None]) -> None:
    """A letter is a request of that client, None lets the first one in."""
    line, arrived, served = Line[tuple[str, int]](), 0, list[tuple[str, int]]()
    since: dict[str, set[str]] = {}  # who was served while this client waited, since its last turn
    for event in events:
        if event is not None:
            if not line.of(event):
                since[event] = set()
            line.add(event, (event, arrived))
            arrived += 1
        elif line:
            first = line.first()
            assert first == line.pop()
            client = first[0]
            for other, seen in since.items():
                if other != client and line.of(other):
                    assert client not in seen, "served twice while another one waited"
                    seen.add(client)
            since[client] = set()
            served.append(first)
    while line:
        served.append(line.pop())
    assert sorted(served, key=lambda one: one[1]) == sorted(set(served), key=lambda one: one[1])
    assert len(served) == arrived
    for client in "abc":
        own = [number for name, number in served if name == client]
        assert own == sorted(own)


def test_a_client_with_many_requests_delays_another_by_one() -> None:
    async def run() -> None:
        door, order = Admission(slots=1, cells=10), list[str]()

        async def ask(client: str) -> None:
            caller.set(client)
            await door.acquire(ONE)
            order.append(client)
            await asyncio.sleep(0)
            door.release(ONE)

        await door.acquire(ONE)
        crowd = [asyncio.create_task(ask("crowd")) for _ in range(9)]
        await asyncio.sleep(0)
        person = asyncio.create_task(ask("person"))
        await asyncio.sleep(0)
        door.release(ONE)
        await asyncio.gather(person, *crowd)
        assert order.index("person") == 1
        assert (door.busy_slots, door.waiting) == (0, 0)

    asyncio.run(run())


def test_one_client_cannot_fill_the_queue() -> None:
    async def run() -> None:
        door = Admission(slots=1, cells=10, queue_limit=8)
        await door.acquire(ONE)
        caller.set("crowd")
        crowd = [asyncio.create_task(door.acquire(ONE)) for _ in range(6)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match=r"6 requests of this client wait"):
            door.check()
        caller.set("person")
        door.check()
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        assert door.waiting == 0

    asyncio.run(run())


def test_a_refusal_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("local_swarm.backends.admission.time.monotonic", lambda: clock[0])

    async def run() -> None:
        door = Admission(slots=1, cells=10, queue_limit=4)
        tasks = []
        for client in "abcdefgh":
            caller.set(client)
            tasks.append(asyncio.create_task(door.acquire(ONE)))
            await asyncio.sleep(0)
        for _ in range(3):  # one leaves every ten seconds
            clock[0] += 10
            door.release(ONE)
            await asyncio.sleep(0)
            door.busy_slots = 1
        with pytest.raises(QueueFull) as full:
            for client in "ijklmnop":
                caller.set(client)
                tasks.append(asyncio.create_task(door.acquire(ONE)))
                await asyncio.sleep(0)
                door.check()
        told = answer(fault_of(full.value), "/v1/chat/completions")
        assert (told.status_code, told.headers["retry-after"]) == (429, "20")
        assert b"in 20 seconds" in bytes(told.body)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
