"""A vote of several machines over real connections: nothing is lost, late, or counted twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from local_swarm.ballot import Answer, Ballot, Finish, Status
from local_swarm.chat import ChatRequest, SwarmOptions
from local_swarm.errors import EngineError
from local_swarm.network import protocol, stream
from local_swarm.network.federation import may_leave
from local_swarm.network.voter import PeerFailed, open_stream
from local_swarm.swarm.weights import HOME

from .lan_votes import House, Seats, house
from .scripted import SILENCE

REQUEST = ChatRequest("r-1", ({"role": "user", "content": "How many?"},))


def run(folder: Path, says: list[str], test: Callable[[House], Any], **terms: object) -> None:
    async def main() -> None:
        before = asyncio.all_tasks()
        async with house(folder, says, **terms) as it:
            await test(it)
        await until(lambda: asyncio.all_tasks() == before)

    asyncio.run(main())


async def idle(seats: Seats) -> None:
    """Waits until a peer's seats have stopped."""
    await until(lambda: not seats.running)


async def until(so: Callable[[], object]) -> None:
    """Waits for what another machine does."""
    while not so():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def test_nine_ballots_of_three_machines(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        attic = Seats(["7", "7"])
        await it.peer("attic", attic, trusted=True)
        await it.peer("study", Seats(["7", "5", "7"]), trusted=True)
        done = await it.ask(early_stop=False)
        verdict = done.verdict
        assert (verdict.cast, verdict.machines, done.answer.text) == (9, 3, "7")
        assert {g.key: (g.votes, g.weight) for g in verdict.groups} == {
            "number:7": (5, 5.0), "number:5": (3, 3.0), "number:6": (1, 1.0),
        }  # fmt: skip
        assert verdict.status is Status.MAJORITY and verdict.degraded is None
        machines = {ballot.machine.partition(" (")[0] for ballot in verdict.ballots}
        assert machines == {HOME, "attic", "study"}
        assert len({ballot.voter for ballot in verdict.ballots}) == 9
        assert sorted(it.members.heard) == [("worked", "attic"), ("worked", "study")]
        (one,) = verdict.rounds
        assert sorted(one.asked.values()) == [2, 3, 4]
        assert attic.callers == [f"peer:{it.home.identity.device_id}"]

    run(tmp_path, ["5", "6", "7", "5"], test)


def test_a_stranger_s_many_ballots_weigh_one(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        await it.peer("evil", Seats(["9"] * 16))
        verdict = (await it.ask(early_stop=False)).verdict
        weights = {g.key: (g.votes, g.weight) for g in verdict.groups}
        assert weights == {"number:5": (2, 2.0), "number:6": (1, 1.0), "number:9": (16, 1.0)}

    run(tmp_path, ["5", "6", "5"], test)


def test_a_peer_gives_the_seats_that_it_has(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        await it.peer("attic", Seats(["5"] * 9), most=2, trusted=True)
        verdict = (await it.ask(early_stop=False)).verdict
        assert (verdict.cast, verdict.absent) == (4, ())

    run(tmp_path, ["5", "6"], test)


def test_one_seat_votes_with_its_peers_unless_one_was_asked_for(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        seats = Seats(["5", "5"])
        await it.peer("attic", seats, trusted=True)
        assert (await it.ask()).answer.text == "5"
        seats.asked.clear()
        assert (await it.ask(seats=1, id="r-2")).answer.text == "6"
        assert seats.asked == []

    run(tmp_path, ["6"], test)


def test_what_is_private_never_leaves(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        seats = Seats(["5", "5", "5"])
        other = await it.peer("attic", seats)
        for options in ({"local_only": True, "scope": "lan"}, {"scope": "local"}):
            verdict = (await it.ask(**options)).verdict
            assert (verdict.machines, verdict.absent) == (1, ())
        for swarm, scope in (
            (SwarmOptions(local_only=True, scope="lan"), "lan"),
            (SwarmOptions(scope="local"), "lan"),
            (SwarmOptions(), "local"),
        ):
            private = ChatRequest("r-9", REQUEST.messages, swarm=swarm)
            with pytest.raises(PeerFailed, match="must not leave"):
                async with open_stream(other.client, private, b"{}", scope):
                    pass
        assert seats.asked == []
        assert (await it.ask(scope="lan", id="r-3")).verdict.machines == 2
        (asked,) = seats.asked
        assert asked.swarm.local_only  # and from there it goes no further

    run(tmp_path, ["5", "6", "5", "7"], test)


def test_pictures_and_refusing_nodes_stay_at_home() -> None:
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}
    assert may_leave(REQUEST, "lan")
    assert not may_leave(REQUEST, "local")
    assert not may_leave(ChatRequest("r", (picture,)), "lan")
    assert not may_leave(replace(REQUEST, top_logprobs=0), "lan")


def test_a_decided_vote_stops_the_peers_at_once(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        seats = Seats(["5", SILENCE, SILENCE])
        await it.peer("attic", seats, trusted=True)
        verdict = (await it.ask()).verdict
        assert (verdict.winner and verdict.winner.answer.text) == "5"
        await idle(seats)
        assert ("failed", "attic") not in it.members.heard

    run(tmp_path, ["5", "5", "5", "5"], test)


def test_a_hang_up_reaches_the_peers(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        seats = Seats([SILENCE])
        await it.peer("attic", seats, trusted=True)
        asking = asyncio.create_task(it.ask(early_stop=False, deadline_s=60))
        await until(lambda: seats.running)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await idle(seats)

    run(tmp_path, ["5", "6"], test)


def test_hang_ups_at_every_moment_leave_no_socket(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        seats = Seats([SILENCE])
        other = await it.peer("attic", seats, trusted=True)
        await other.client.get("/peer/v1/nothing")
        sockets = psutil.Process().num_fds()
        for n in range(60):
            asking = asyncio.create_task(it.ask(id=f"r-{n}", early_stop=False, deadline_s=60))
            await asyncio.sleep(n % 30 / 2000)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: not stream._leaving and not seats.running)
        await until(lambda: psutil.Process().num_fds() <= sockets + 1)
        assert (other.desk.running, other.desk.waiting) == (0, 0)

    run(tmp_path, ["5", "6"], test)


def test_a_straggler_costs_the_grace_and_then_sits_out_by_turns(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        seats = Seats(["6", SILENCE])
        await it.peer("slow", seats, trusted=True)
        asked = []
        for n in range(9):
            verdict = (await it.ask(id=f"r-{n}")).verdict
            asked.append(len(verdict.rounds[0].asked) - 1)
            [why] = [one.why for one in verdict.absent]
            if asked[-1]:
                assert why == "not finished in time"
            else:
                assert why.startswith("it sits out: too late")
        assert asked == [1, 1, 1, 0, 1, 0, 0, 0, 1]
        # who says how long to wait for everybody is not made late by anybody
        seats.script = ["6", "6"]
        verdict = (await it.ask(id="r-p", early_stop=False, deadline_s=5)).verdict
        assert verdict.cast == 4 and not verdict.absent
        # and once it was in time it is asked again at once
        verdict = (await it.ask(id="r-q", early_stop=False)).verdict
        assert verdict.cast == 4
        await idle(seats)
        assert ("failed", "slow") not in it.members.heard

    run(tmp_path, ["5", "6"], test, grace_s=0.15)


def test_all_ballots_are_waited_for_when_a_deadline_says_how_long(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        await it.peer("slow", Seats(["6", SILENCE]), trusted=True)
        started = time.monotonic()
        verdict = (await it.ask(early_stop=False, deadline_s=0.6)).verdict
        assert time.monotonic() - started >= 0.6 and verdict.cast == 3

    run(tmp_path, ["5", "6"], test, grace_s=0.0)


def test_a_busy_machine_is_not_held_to_have_failed(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        await it.peer("paused", Seats(["5"]), willing=lambda: "paused")
        other = await it.peer("used", Seats(["5"]))
        await it.peer("other", Seats(["5"]), models=("z",))
        it.members.seen[2] = type(it.members.seen[2])(it.members.seen[2].peer, 1, ("m",))
        with other.desk.local():
            verdict = (await it.ask(early_stop=False)).verdict
        assert (verdict.machines, verdict.degraded) == (1, None)
        assert sorted(it.members.heard) == [("busy", "paused", "60.0"), ("busy", "used", "2.0")]
        assert sorted(one.why for one in verdict.absent) == [
            "it does not serve the model any more.", "it is busy.", "it is busy.",
        ]  # fmt: skip

    run(tmp_path, ["5", "6"], test)


def test_the_machine_s_own_user_takes_its_engine_back(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        seats = Seats(["5", SILENCE])
        other = await it.peer("used", seats, trusted=True)
        asking = asyncio.create_task(it.ask(early_stop=False, deadline_s=60))
        await until(lambda: seats.running)
        with other.desk.local():
            verdict = (await asking).verdict
            assert seats.running == 0
        assert [one.why for one in verdict.absent] == ["its own user needs it."]
        assert verdict.cast == 3 and ("busy", "used", "2.0") in it.members.heard

    run(tmp_path, ["5", "6"], test)


def test_a_peer_that_dies_in_the_middle(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        async def ballots(request: Request) -> Response:
            async def lines() -> AsyncIterator[bytes]:
                yield protocol.write_line(protocol.Accepted(seats=3))
                raise OSError("the cable was cut")

            return StreamingResponse(lines())

        await it.peer("dying", [Route(protocol.PATH, ballots, methods=["POST"])])
        verdict = (await it.ask(early_stop=False)).verdict
        assert (verdict.cast, verdict.degraded) == (2, None)
        assert "connection broke" in verdict.absent[0].why
        assert it.members.heard == [("failed", "dying")]

    run(tmp_path, ["5", "6"], test)


def test_home_s_engine_dies_and_a_peer_answers(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        await it.peer("attic", Seats(["5", "5"]))

        async def dead(request: ChatRequest, seats: int) -> AsyncIterator[Any]:
            raise EngineError("it died")
            yield

        it.engine.sample = dead  # type: ignore[method-assign]
        done = await it.ask()
        assert (done.answer.text, done.verdict.degraded) == ("5", "it died")

    run(tmp_path, ["5", "6"], test)


def test_no_two_machines_draw_the_same(tmp_path: Path) -> None:
    """With the caller's seed every seat of every machine has its own."""

    async def test(it: House) -> None:
        await it.peer("a", Seats(["5", "5"]), trusted=True)
        await it.peer("b", Seats(["5", "5"]), trusted=True)
        from local_swarm.network.federation import Federation

        federation = Federation(it.members, it.record)
        seeded = ChatRequest("r-1", REQUEST.messages, sampling={"seed": 7})
        allies = federation.allies(seeded, "majority")
        assert allies is not None
        from local_swarm.ballot import Meter

        seeds = [
            ballot.seed
            for peer, count in allies.voters
            async for ballot in peer.vote(seeded, count, Meter())
        ]
        assert len(set(seeds)) == 4 and not {*range(7, 107)} & set(seeds)

    run(tmp_path, ["5", "6"], test)


def line(kind: Any) -> bytes:
    return protocol.write_line(kind)


def ballot_lines(seat: int, text: str, id: str = "r-1") -> list[bytes]:
    told = Ballot(Answer(text), "v", "m", "m", Finish.STOP, 3, 0.1)
    cast = protocol.Cast.of(told, seat, "0" * 32)
    return [line(protocol.Commit(seat=seat, hash=cast.digest(id))), line(cast)]


ACCEPTED = line(protocol.Accepted(seats=3))
DONE = line(protocol.End(why="done"))
HONEST = ballot_lines(0, "9")
LIES: dict[str, tuple[list[bytes], bool]] = {  # what it says, and whether it broke its word
    "more ballots than seats": (
        [ACCEPTED, *(b for n in range(50) for b in ballot_lines(n, "9")), DONE], True),
    "one seat twice": ([ACCEPTED, *HONEST, HONEST[1], DONE], True),
    "two commitments": ([ACCEPTED, HONEST[0], *HONEST, DONE], True),
    "no commitment": ([ACCEPTED, HONEST[1], DONE], True),
    "another ballot than committed to": (
        [ACCEPTED, HONEST[0], ballot_lines(0, "10")[1], DONE], True),
    "an echo of another question": ([ACCEPTED, *ballot_lines(0, "9", id="r-0"), DONE], True),
    "a claim of too many seats": ([b'{"kind":"accepted","seats":999}\n', DONE], False),
    "no acceptance": ([*HONEST, DONE], True),
    "no json": ([ACCEPTED, b"<html>\n"], False),
    "nan": ([ACCEPTED, b'{"kind":"heartbeat","tokens":[NaN]}\n'], False),
    "a huge number": ([ACCEPTED, b'{"kind":"heartbeat","tokens":[1e999]}\n'], False),
    "a longer number": ([ACCEPTED, b'{"kind":"heartbeat","tokens":[' + b"9" * 5000 + b"]}\n"],
                        False),
    "half a pair": ([ACCEPTED, HONEST[1].replace(b'"9"', b'"\\ud800"')], False),
    "latin 1": ([ACCEPTED, b'{"kind":"end","why":"\xe9"}\n'], False),
    "a pit": ([ACCEPTED, b"[" * 100_000 + b"\n"], False),
    "no end": ([ACCEPTED, *HONEST], False),
    "a line without end": ([ACCEPTED, *[b"x" * 65536] * 40], False),
    "nothing": ([], False),
    "an unknown kind": ([ACCEPTED, b'{"kind":"oath"}\n'], False),
    "too many lines": ([ACCEPTED, *[line(protocol.Heartbeat(tokens=[5] * 64)) * 900] * 120],
                       False),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_peer_that_lies_costs_only_itself(tmp_path: Path, lie: str) -> None:
    said, audited = LIES[lie]

    async def test(it: House) -> None:
        async def ballots(request: Request) -> Response:
            async def lines() -> AsyncIterator[bytes]:
                for one in said:
                    yield one

            return StreamingResponse(lines())

        await it.peer("liar", [Route(protocol.PATH, ballots, methods=["POST"])], trusted=True)
        done = await it.ask(early_stop=False)
        verdict = done.verdict
        assert (done.answer.text, verdict.degraded) == ("5", None)
        assert sum(ballot.machine != HOME for ballot in verdict.ballots) <= 3
        assert len(verdict.absent) == 1, verdict.absent
        assert ("failed", "liar") in it.members.heard
        credit = it.record.of(it.id("liar"))
        assert (credit.audits > 0) is audited and not credit.proven

    run(tmp_path, ["5", "5", "5", "5"], test)


@pytest.mark.parametrize("late", ["silent", "dripping"])
def test_a_peer_that_is_never_heard_of_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """A black hole, and one that sends a byte now and then."""
    monkeypatch.setattr(stream, "GAP_S", 0.15)

    async def test(it: House) -> None:
        async def ballots(request: Request) -> Response:
            async def lines() -> AsyncIterator[bytes]:
                yield ACCEPTED
                while True:
                    await asyncio.sleep(0.05)
                    if late == "dripping":
                        yield b" "

            return StreamingResponse(lines())

        await it.peer("hole", [Route(protocol.PATH, ballots, methods=["POST"])])
        verdict = (await it.ask(early_stop=False, deadline_s=10)).verdict
        assert verdict.cast == 2 and it.members.heard == [("failed", "hole")]
        assert [one.why for one in verdict.absent] == ["nothing was heard of it in time."]

    run(tmp_path, ["5", "6"], test)


@pytest.mark.parametrize("headers", [{"content-encoding": "gzip"}, {"location": "http://x"}])
def test_neither_bombs_nor_redirects(tmp_path: Path, headers: dict[str, str]) -> None:
    async def test(it: House) -> None:
        async def ballots(request: Request) -> Response:
            return Response(b"\x1f\x8b" * 10, 307 if "location" in headers else 200, headers)

        await it.peer("liar", [Route(protocol.PATH, ballots, methods=["POST"])])
        verdict = (await it.ask(early_stop=False)).verdict
        assert verdict.cast == 2 and ("failed", "liar") in it.members.heard

    run(tmp_path, ["5", "6"], test)


def test_a_stale_connection_is_tried_once_more(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        seats = Seats(["5", "5"])
        other = await it.peer("attic", seats)
        await it.ask(early_stop=False)
        calls = []
        kept = other.client

        def client(id: str) -> Any:
            calls.append(id)
            return broken if len(calls) == 1 else kept

        broken = it.home.client(other.machine, 1)  # nobody listens there
        it.members.client = client  # type: ignore[method-assign]
        verdict = (await it.ask(early_stop=False, id="r-2")).verdict
        await broken.aclose()
        assert (len(calls), verdict.cast) == (2, 4)

    run(tmp_path, ["5", "6"], test)


def test_a_refusal_says_why(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        other = await it.peer("attic", Seats(["5"]))
        good = protocol.question(REQUEST, 1, 5.0, None)

        async def post(body: bytes) -> tuple[int, str]:
            told = await other.client.post(protocol.PATH, content=body)
            return told.status_code, told.json()["error"][
                "message"
            ] if told.status_code != 200 else ""

        assert (await post(good))[0] == 200
        assert await post(good) == (409, "this question was asked already")
        assert (await post(good.replace(b'"hop": 1', b'"hop": 2')))[1] == "hop: less_than_equal"
        assert (await post(good.replace(b'"protocol": 1', b'"protocol": 2')))[0] == 426
        assert (await post(b"{"))[0] == 400
        assert (await post(good.replace(b'"content"', b'"kontent"')))[0] in (200, 409)
        status, why = await post(b"x" * (protocol.MAX_BODY + 1))
        assert (status, why) == (400, "the question is too large")

    run(tmp_path, ["5"], test)


def test_of_one_peer_one_question_runs_and_one_waits(tmp_path: Path) -> None:
    async def test(it: House) -> None:
        seats = Seats([SILENCE])
        other = await it.peer("attic", seats)

        async def post(id: str) -> int:
            body = protocol.question(ChatRequest(id, REQUEST.messages), 1, 1.5, None)
            told = await other.client.post(protocol.PATH, content=body)
            if told.status_code == 503:
                assert told.headers["retry-after"] == "2"
            else:
                assert told.text.rstrip().endswith('"why":"deadline"}')
            return told.status_code

        posts = [asyncio.create_task(post(f"r-{n}")) for n in range(3)]
        await until(lambda: (other.desk.running, other.desk.waiting) == (1, 1))
        await until(lambda: seats.asked)
        assert len(seats.asked) == 1
        assert sorted(await asyncio.gather(*posts)) == [200, 200, 503]
        await idle(seats)
        assert other.desk.running + other.desk.waiting == 0

    run(tmp_path, ["5"], test)
