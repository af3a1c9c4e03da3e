"""Somebody else's server as an engine: what it lacks is made up for, what it breaks is told."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from local_swarm.backends.base import Grant, Piece
from local_swarm.backends.endpoint import Endpoint, EndpointConfig
from local_swarm.backends.foreign import Found, Offer, adopt, base_of, inspect, leaves_the_machine
from local_swarm.backends.openai_wire import Reading, body, refused
from local_swarm.chat import ChatRequest
from local_swarm.choose import Wish
from local_swarm.crew import of_endpoint, of_plan
from local_swarm.enlist import Named, enlist
from local_swarm.errors import (
    ContextOverflow,
    EngineError,
    EngineUnavailable,
    InvalidRequest,
    ModelNotFound,
    SwarmError,
    UsageError,
)
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment

from ._foreign import Awkward, llama_server
from .conftest import SUM, Running, planned, running, settings_in

ASKED = ChatRequest("r", ({"role": "user", "content": SUM},), sampling={"seed": 5})


def endpoint(url: str, slots: int = 4, **more: object) -> Endpoint:
    return Endpoint(EndpointConfig(url, "stranger", "stranger", slots, **more))  # type: ignore[arg-type]


async def sampled(
    engine: Endpoint, seats: int, asked: ChatRequest = ASKED
) -> tuple[list[Grant], list[Piece], dict[int, str]]:
    """Grants, last pieces and texts of an answer."""
    grants, ends, texts = list[Grant](), list[Piece](), dict.fromkeys(range(seats), "")
    async for item in engine.sample(asked, seats):
        if isinstance(item, Grant):
            grants.append(item)
        elif item.restart:
            texts[item.seat] = ""
        else:
            texts[item.seat] += item.text
            ends += [item] if item.finish else []
    return grants, ends, texts


def ask(
    server: Awkward, seats: int, times: int = 1
) -> tuple[list[Grant], list[Piece], dict[int, str]]:
    async def main() -> tuple[list[Grant], list[Piece], dict[int, str]]:
        engine = endpoint(url)
        try:
            for _ in range(times):
                found = await sampled(engine, seats)
            assert engine.status().slots_busy == 0
            return found
        finally:
            await engine.close()

    with server.serving() as url:
        return asyncio.run(main())


def test_choices_of_one_request_where_the_server_has_them() -> None:
    server = Awkward()
    _, ends, texts = ask(server, 3)
    assert texts == dict.fromkeys(range(3), "Answer: 21") and len(ends) == 3
    assert [one.get("n") for one in server.asked] == [3]


@pytest.mark.parametrize(
    "server", [Awkward(choices=1), Awkward(refuses=frozenset({"n"}))], ids=["ignores", "refuses"]
)
def test_requests_beside_each_other_where_it_has_none(server: Awkward) -> None:
    grants, ends, texts = ask(server, 3, times=2)
    assert texts == dict.fromkeys(range(3), "Answer: 21")
    assert sorted(piece.seat for piece in ends) == [0, 1, 2]
    asked_n = [one for one in server.asked if "n" in one]
    assert len(asked_n) == 1  # it is not asked again
    seeds = Counter(one["seed"] for one in server.asked if "n" not in one)
    assert set(seeds) <= {5, 6, 7} and seeds[7] == 2
    assert grants[-1].prompt_tokens == 17 and all(piece.tokens == 9 for piece in ends)


def test_optional_fields_that_are_refused_are_left_out_from_then_on() -> None:
    server = Awkward(refuses=frozenset({"logprobs", "stream_options"}))
    _, ends, texts = ask(server, 1, times=2)
    assert texts == {0: "Answer: 21"} and ends[0].tokens == 3  # counted, as nobody tells
    assert [sorted({"logprobs", "stream_options"} & one.keys()) for one in server.asked] == [
        ["logprobs", "stream_options"], ["stream_options"], [], [],
    ]  # fmt: skip


def test_a_request_at_fault_does_not_make_the_server_poorer() -> None:
    server = Awkward(refuses=frozenset({"messages"}))

    async def main() -> None:
        engine = endpoint(url)
        with pytest.raises(InvalidRequest):
            await sampled(engine, 1)
        server.refuses = frozenset()
        await sampled(engine, 1)
        await engine.close()

    with server.serving() as url:
        asyncio.run(main())
    assert server.asked[-1]["logprobs"] is True and "stream_options" in server.asked[-1]


def test_a_stream_that_breaks_is_asked_for_once_more() -> None:
    _, _, texts = ask(Awkward(breaks=1), 1)
    assert texts == {0: "Answer: 21"}
    with pytest.raises(EngineUnavailable, match="No server answers"):
        ask(Awkward(breaks=2), 1)


def test_an_answer_without_an_end_is_no_answer() -> None:
    with pytest.raises(EngineError, match="too early"):
        ask(Awkward(finish=None), 1)


@pytest.mark.parametrize(
    "event", ["not json", "[1]", '"x"', '{"choices":[7]}', '{"choices":3}', '{"error":"dead"}',
              '{"choices":[{"index":"x","delta":{"content":"y"}}]}', '{"usage":5}'],
)  # fmt: skip
def test_garbage_is_an_error_in_words(event: str) -> None:
    with pytest.raises(EngineError):
        ask(Awkward(events=(event,)), 1)


def test_a_prompt_that_is_too_long_is_told_as_such() -> None:
    with pytest.raises(ContextOverflow) as caught:
        ask(Awkward(status=400), 1)
    assert (caught.value.prompt_tokens, caught.value.context) == (900, 512)


def test_a_hang_up_closes_all_requests() -> None:
    server = Awkward(words=("x",) * 10_000, choices=1)

    async def main() -> None:
        engine = endpoint(url)
        stream = engine.sample(ASKED, 3)
        heard = set()
        async for item in stream:
            heard |= {item.seat} if isinstance(item, Piece) else set()
            if len(heard) == 3:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        assert engine.status().slots_busy == 0
        while server.open_now:  # noqa: ASYNC110 - it lives in another thread
            await asyncio.sleep(0.01)
        await engine.close()

    with server.serving() as url:
        asyncio.run(asyncio.wait_for(main(), 20))


def test_nobody_there_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EngineUnavailable, match="No server answers"):
            inspect(url)

        async def main() -> None:
            engine = endpoint(url)
            with pytest.raises(EngineUnavailable):
                await engine.start()
            assert engine.status().state == "unreachable"
            await engine.close()

        asyncio.run(main())


@given(some.lists(some.sampled_from(["n", "logprobs", "stream_options"]), unique=True), some.text())
def test_what_a_refusal_is_about_was_sent(used: list[str], words: str) -> None:
    fault = refused(words, used)
    assert fault in used if used else fault is None


@given(some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(
        some.sampled_from(["choices", "delta", "index", "content", "usage", "tool_calls", "id",
                           "function", "logprobs", "finish_reason", "error", "prompt_tokens",
                           "completion_tokens", "logprob", "token", "top_logprobs"]),
        inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_no_event_breaks_the_reader(event: object) -> None:
    reading = Reading([0, 1], top=2)
    try:
        for piece in [*reading.read(json.dumps(event)), *reading.rest()]:
            assert piece.seat in (0, 1)
    except SwarmError:
        pass


def test_calls_without_a_number_of_their_own_stay_apart() -> None:
    def event(*calls: dict[str, object]) -> str:
        return json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]})

    def call(id: str, name: str, arguments: object) -> dict[str, object]:
        return {"id": id, "index": 0, "function": {"name": name, "arguments": arguments}}

    reading = Reading([0])
    read = [
        *reading.read(event(call("a", "f", "{}"))),
        *reading.read(event(call("b", "g", {"x": 1}))),
    ]
    deltas = [delta for piece in read for delta in piece.tool_calls]
    assert [(one.index, one.name, one.arguments) for one in deltas] == [
        (0, "f", "{}"), (1, "g", '{"x": 1}'),
    ]  # fmt: skip


def test_tools_are_not_offered_where_no_call_is_wanted() -> None:
    tools = ({"type": "function", "function": {"name": "f"}},)
    asked = ChatRequest("r", ASKED.messages, tools=tools, tool_choice="none")
    made = body(asked, [0], model="m", max_tokens=5, offers=(), more={})
    assert "tools" not in made and "logprobs" not in made


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("http://h:1/v1/", "http://h:1"),
        ("https://h/llm/v1/chat/completions", "https://h/llm"),
    ],
)
def test_addresses_as_people_write_them(url: str, base: str) -> None:
    assert base_of(url) == base


@pytest.mark.parametrize("url", ["", "ftp://h", "http://", "http://me:key@h:1", "http://h:x"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError):
        base_of(url)


def test_which_model_of_several() -> None:
    models = (
        {"id": "nomic-embed-text"},
        {"id": "llama3:8b", "max_model_len": 99},
        {"id": "/m/x.gguf"},
    )
    with Awkward(models=models).serving() as url:
        found = inspect(f"{url}/v1")
    assert found.choose(None) == Offer("llama3:8b", 99)
    assert found.choose("x").id == "/m/x.gguf"
    with pytest.raises(ModelNotFound, match="none"):
        found.choose("none")
    assert not leaves_the_machine(found.url) and leaves_the_machine("http://10.0.0.5:1")


def test_adopting_takes_what_answers_and_leaves_nodes_alone(node: Running) -> None:
    own = int(node.url.rpartition(":")[2])
    with Awkward().serving() as url:
        port = int(url.rpartition(":")[2])
        assert [one.kind for one in adopt((port, own, 9))] == ["Ollama"]
        assert adopt((port,), besides=[port]) == []


def test_a_key_is_asked_for_and_sent() -> None:
    async def main() -> None:
        async with llama_server(demo_path(), key="secret") as url:
            with pytest.raises(EngineUnavailable, match="key"):
                await asyncio.to_thread(_wrong, url)
            found = await asyncio.to_thread(inspect, url, "secret")
            assert (found.kind, found.models[0].id) == ("llama-server", "demo")
            engine = endpoint(url, key="secret")
            await engine.start()
            grants, ends, texts = await sampled(engine, 3)
            assert grants[0].seats == 3 and all("21" in text for text in texts.values())
            assert len(ends) == 3 and all(piece.tokens for piece in ends)
            assert engine.status().state == "ready" and engine.status().tokens_total > 10
            await engine.close()

    def _wrong(url: str) -> None:
        async def start() -> None:
            engine = endpoint(url, key="wrong")
            try:
                await engine.start()
            finally:
                await engine.close()

        asyncio.run(start())

    asyncio.run(main())


def test_a_node_of_ours_and_a_model_vote_together(node: Running, tmp_path: Path) -> None:
    """One election over our own engine and a foreign server, which is another node."""
    path = demo_path("demo-mini")
    named = [Named("demo-mini", 2), Named(None, 3, node.url)]
    enlisted = enlist(settings_in(tmp_path), named, Wish(), lambda file, done, total: None)
    assert [crew.model for crew in enlisted.crews] == ["demo-mini", "demo"]
    before = node.http.get("/swarm/status").json()["requests_total"]
    own = of_plan(planned(path, seats=2), path, clean_environment())
    with running(tmp_path, None, None, others=[own, enlisted.crews[1]]) as mixed:
        options = {"include_ballots": True, "early_stop": False, "escalate": False}
        swarm = mixed.chat(swarm=options).json()["swarm"]
        assert swarm["models"] == {"demo-mini": 2, "demo": 3}
        assert mixed.chat(model="demo", swarm={"seats": 1}).json()["model"] == "demo"
        kinds = [one["engine"] for one in mixed.http.get("/swarm/status").json()["engines"]]
        assert kinds == ["llama.cpp", "Local Swarm"]
    # single seats were asked of the other node: three for the vote, one alone, one to be ready
    assert node.http.get("/swarm/status").json()["requests_total"] == before + 5


def test_a_node_over_a_server_alone() -> None:
    found = Found("http://127.0.0.1:9", "vLLM", (Offer("m", 2048),))
    crew = of_endpoint(found, found.choose(None), 3)
    assert (crew.context, crew.seats, crew.text, crew.path) == (2048, 3, None, None)
