"""Three machines vote together, and no accident of one of them costs the answer."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from local_swarm.ballot import HOME, Answer, Finish, Status, Verdict
from local_swarm.chat import ChatRequest
from local_swarm.swarm.canonical import asked_of
from local_swarm.swarm.decision import Rule
from local_swarm.swarm.election import Tier, hold
from local_swarm.swarm.strategies import named
from local_swarm.wire.verdict import read
from tests.lan.hosts import address
from tests.lan.nodes import RIGHT, SUM, Node, Nodes, until, whole
from tests.lan.test_doctor import examine
from tests.test_network_pooled import Sampled

# The demo model is wrong about these now and then: more than one answer gets votes.
HARD = "Tom has 23 pears. Tom gives away 8, buys 17 more and loses 9. How many pears are left?"
HARDER = "What is 47 + 38 - 19 + 26 - 7?"

# Home needs a second for its own answer, peers get two more; a slow machine may double that.
_SOON_S = 12.0


def _right(verdict: dict[str, Any]) -> bool:
    best = max(verdict["groups"], key=lambda group: group["weight"])
    return bool(best["key"] == RIGHT)


class Asking:
    """A question that is under way when this returns."""

    def __init__(self, node: Node) -> None:
        self._found: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=lambda: self._found.append(node.ask()))
        self._thread.start()
        # With one of three frozen it lasts the grace, two seconds and more: this is its midst.
        time.sleep(0.8)

    def verdict(self) -> dict[str, Any]:
        self._thread.join(60)
        assert self._found, "no answer"
        return self._found[0]


def _of_one_machine(told: dict[str, Any], question: str) -> Verdict:
    """The verdict of one machine whose workers cast the ballots that are in `told`."""
    cast = read(told, Answer(), Finish.STOP).ballots
    team = Sampled([replace(ballot, machine=HOME, voter=f"w{n}") for n, ballot in enumerate(cast)])
    request = ChatRequest("room", ({"role": "user", "content": question},))
    asked = asked_of(request)
    rule = Rule(*named("auto", asked.kind), asked, early_stop=False)
    return asyncio.run(hold([Tier([(team, len(cast))])], request, rule))


def test_nine_ballots_of_three_machines_are_those_of_nine_workers(nodes: Nodes) -> None:
    for node, question in zip(nodes, (SUM, HARD, HARDER), strict=True):
        node.sees("up", *(other for other in nodes if other is not node))
        # a busy machine may need more than the grace
        verdict = node.ask(question, deadline_s=25, include_ballots=True, escalate=False)
        assert (verdict["ballots"], verdict["machines"]) == (9, 3), verdict
        assert {ballot["machine"].partition(" (")[0] for ballot in verdict["details"]} == {
            HOME, *(other.name for other in nodes if other is not node)
        }  # fmt: skip
        room = _of_one_machine(verdict, question)
        assert room.machines == 1 and (room.cast, room.abstained) == (9, verdict["abstained"])
        assert (room.status.value, room.share) == (verdict["status"], verdict["share"])
        groups = {group["key"]: (group["votes"], group["weight"]) for group in verdict["groups"]}
        assert {group.key: (group.votes, group.weight) for group in room.groups} == groups
        if room.status is not Status.TIE:  # which is broken by the number of machines first
            assert room.groups[0].key == verdict["groups"][0]["key"]
        if question is SUM:
            assert _right(verdict)


def test_a_question_for_home_stays_at_home_and_no_other_is_readable(
    nodes: Nodes, tmp_path: Path
) -> None:
    one, two, three = nodes
    watching = one.lan.capture(tmp_path / "wire")
    before = two.tokens() + three.tokens()
    plainly = f"http://{address(2)}:{two.peer_port}/Quagga1883"  # what a leak would look like
    one.lan.run(1, ["curl", "-s", "--noproxy", "*", "--max-time", "5", plainly], check=False)
    stays = one.ask("Zebra4711: how many stripes?", local_only=True)
    also = one.ask("Zebra4711: how many legs?", scope="local")
    assert stays["machines"] == also["machines"] == 1
    assert two.tokens() + three.tokens() == before
    asked = "Gnu0815 has 3 apples and buys 4. How many apples does Gnu0815 have?"
    for other in (two, three):
        one.sees("up", other)
    goes = one.ask(asked, deadline_s=25)
    assert goes["machines"] == 3
    assert two.tokens() + three.tokens() > before
    watching.kill()
    wire = (tmp_path / "wire").read_bytes()
    assert len(wire) > 2000
    assert b"Quagga1883" in wire
    for word in (b"Zebra4711", b"Gnu0815", b"apples", b"content", b"ballot", b"/peer/v1"):
        assert word not in wire


def test_the_doctor_finds_well_what_the_node_reaches(nodes: Nodes) -> None:
    """Host 3 serves its peers on a port of its own choice."""
    one, _, three = nodes
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda node: examine(node.lan, node.home, node.host), (one, three)))
    for node, other, found in zip((one, three), (three, one), told, strict=True):
        assert found["peer port"]["detail"] == f"{node.peer_port} is open"
        check = found[f"peer {other.name}"]
        assert check["state"] == "ok"
        assert f":{other.peer_port} in " in check["detail"]


def test_a_straggler_is_not_waited_for(nodes: Nodes) -> None:
    one, _, three = nodes
    three.freeze()
    try:
        verdict = one.ask()
    finally:
        three.freeze(False)
    assert _right(verdict)
    assert (verdict["ballots"], verdict["machines"]) == (6, 2)
    assert {absent["worker"].split(" ")[0] for absent in verdict["absent"]} == {three.name}
    assert verdict["seconds"] < _SOON_S
    whole(nodes)


def test_a_cut_cable_and_a_black_hole_in_the_midst_of_a_vote(nodes: Nodes) -> None:
    one, two, three = nodes
    two.freeze()
    three.freeze()
    asking = Asking(one)
    one.lan.black_hole(2)
    one.lan.cut(3)
    two.freeze(False)
    three.freeze(False)
    verdict = asking.verdict()
    assert _right(verdict)
    assert (verdict["ballots"], verdict["machines"]) == (4, 1)
    assert verdict["seconds"] < _SOON_S
    until(lambda: "up" not in one.peers().values())
    assert one.ask()["machines"] == 1
    one.lan.join(2)
    one.lan.heal(3)
    whole(nodes)
    assert one.ask()["ballots"] == 9


def test_two_sides_of_a_partition_answer_by_themselves(nodes: Nodes) -> None:
    one, two, _ = nodes
    one.lan.partition([2, 3])
    asking = Asking(one), Asking(two)
    alone, together = (each.verdict() for each in asking)
    assert (alone["ballots"], alone["machines"]) == (4, 1)
    assert (together["ballots"], together["machines"]) == (5, 2)
    assert _right(alone)
    assert _right(together)
    one.lan.join(2, 3)
    whole(nodes)


def test_a_third_of_the_frames_lost(nodes: Nodes) -> None:
    one = nodes[0]
    one.lan.cable(2, loss=0.3)
    for _ in range(2):
        verdict = one.ask()
        assert _right(verdict)
        assert verdict["ballots"] in (7, 9)
        assert verdict["seconds"] < _SOON_S
    one.lan.cable(2)
    whole(nodes)


def test_a_machine_that_steps_back_is_left_alone(nodes: Nodes) -> None:
    one, two, _ = nodes
    two.control("/swarm/pause", {})
    one.sees("busy", two)
    assert one.ask()["ballots"] == 7
    two.control("/swarm/resume", {})
    whole(nodes)


def test_killed_in_the_midst_of_a_vote_and_back_by_itself(nodes: Nodes) -> None:
    one, _, three = nodes
    three.freeze()
    asking = Asking(one)
    three.kill()
    verdict = asking.verdict()
    assert _right(verdict)
    one.sees("down", three)
    assert (verdict["ballots"], verdict["machines"]) == (6, 2)
    three.again()
    whole(nodes)
    assert one.ask()["ballots"] == 9


def test_who_is_removed_is_out_everywhere_at_once(nodes: Nodes) -> None:
    one, two, three = nodes
    one.command("peers", "remove", two.name)
    assert two.name not in one.peers()
    assert one.ask()["ballots"] == 7
    two.sees("down", one)
    assert two.ask(scope="lan")["machines"] <= 2
    until(lambda: two.name not in three.peers())
    assert three.ask()["ballots"] == 7
    # The word of its owner brings it back; found by multicast.
    two.command("join", one.invite(), "--trust")
    one.sees("up", two)
