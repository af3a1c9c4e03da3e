"""Runs a file of test vectors of the vote through the engine's own functions.

A file is a JSON list of cases. `task` is the kind of the request (num, mc, tool, code, free);
`ballots` have `text` or `calls`, and optionally `finish`, `conf`, `peer`, `model` and `seed`;
`expect_one_of` names the ballots that may stand for the winner (null: none does),
`expect_status` the outcome (null: any); `peer_cap` is the most that one peer may weigh, and with
`side_effect` the calls change something.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_swarm.ballot import Answer, Ballot, Finish, Meter, Status, ToolCall, Verdict
from local_swarm.swarm.canonical import Asked, Kind, key_of
from local_swarm.swarm.decision import Rule, decide
from local_swarm.swarm.embedding import Lexical
from local_swarm.swarm.strategies import AUTO, named
from local_swarm.swarm.tally import Cast
from local_swarm.swarm.weights import HOME, Caps

_EMBEDDER = Lexical()  # what every machine has
KINDS = {
    "num": Kind.NUMBER,
    "mc": Kind.CHOICE,
    "tool": Kind.TEXT,
    "code": Kind.CODE,
    "free": Kind.TEXT,
}
_MODEL = "model"


class Unusable(Exception):
    """The file is no list of cases; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Case:
    """One vector: the ballots, how they are counted, and what must come out.

    `winners` are indices of ballots, None where nothing may win; `status` is None where any is
    right.
    """

    id: str
    ballots: tuple[Ballot, ...]
    rule: Rule
    winners: frozenset[int] | None
    status: Status | None


def load(path: Path) -> list[Case]:
    """The cases of a file. Raises Unusable."""
    try:
        cases = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{path} is no JSON: {error}.") from None
    if not isinstance(cases, list):
        raise Unusable(f"{path} is no list of cases.")
    return [read(case, f"{path}, case {at + 1}") for at, case in enumerate(cases)]


def read(case: Any, where: str) -> Case:
    """One case from its JSON. Raises Unusable."""
    if not isinstance(case, dict) or not isinstance(case.get("id"), str):
        raise Unusable(f"{where}: no object with an id.")
    where = f"{where} ({case['id']})"
    if case.get("task") not in KINDS:
        raise Unusable(f"{where}: task {case.get('task')!r} is none of {', '.join(KINDS)}.")
    if not isinstance(case.get("ballots"), list):
        raise Unusable(f"{where}: no list of ballots.")
    ballots = tuple(_ballot(given, f"{where}, ballot {at}") for at, given in _from_0(case))
    return Case(
        case["id"],
        ballots,
        _rule(case, ballots, where),
        _winners(case, where),
        _status(case, where),
    )


def run(case: Case) -> str | None:
    """What is wrong with the engine's verdict on `case`; None when nothing is."""
    verdict = _verdict(case)
    got = _shown(_winner(verdict, case.ballots))
    wrong = []
    if case.winners is None and verdict.groups:
        wrong.append(f"expected no winner, got {got}")
    if case.winners is not None and (
        not verdict.groups
        or not any(verdict.winner == case.ballots[at] for at in sorted(case.winners))
    ):
        wrong.append(f"expected the winner among {sorted(case.winners)}, got {got}")
    if case.status is not None and verdict.status is not case.status:
        wrong.append(f"expected {case.status.value}, got {verdict.status.value}")
    if not wrong:
        return None
    groups = ", ".join(f"{g.key} x{g.votes} ({g.weight:g})" for g in verdict.groups)
    return f"{'; '.join(wrong)}; groups: {groups or 'none'}"


def main(arguments: Sequence[str]) -> int:
    """0: nothing fails, 1: something does, 2: the files cannot be used."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        print("usage: scripts/vectors FILE ...", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    try:
        cases = [case for name in arguments for case in load(Path(name))]
    except Unusable as error:
        print(f"scripts/vectors: {error}", file=sys.stderr)
        return 2
    failed = {case.id: wrong for case in cases if (wrong := run(case))}
    for name, wrong in failed.items():
        print(f"{name}\n    {wrong}")
    print(f"{len(cases) - len(failed)} of {len(cases)} pass")
    return 1 if failed else 0


def _verdict(case: Case) -> Verdict:
    vectors = _EMBEDDER.embed([ballot.answer.text for ballot in case.ballots])
    casts = [
        Cast(ballot, key_of(case.rule.asked, ballot), vector=tuple(vector))
        for ballot, vector in zip(case.ballots, vectors, strict=True)
    ]
    return decide(casts, case.rule, case.id, asked=len(casts), meter=Meter())


def _winner(verdict: Verdict, ballots: Sequence[Ballot]) -> int | None:
    if not verdict.groups or verdict.winner not in ballots:
        return None
    return ballots.index(verdict.winner)


def _shown(winner: int | None) -> str:
    return "none" if winner is None else f"ballot {winner}"


def _from_0(case: Mapping[str, Any]) -> list[tuple[int, Any]]:
    return list(enumerate(case["ballots"]))


def _rule(case: Mapping[str, Any], ballots: Sequence[Ballot], where: str) -> Rule:
    kind = KINDS[case["task"]]
    name, strategy = named(AUTO, kind)
    called = {call.name for ballot in ballots for call in ballot.answer.tool_calls}
    changing = frozenset(called if case.get("side_effect") else ())
    cap = case.get("peer_cap")
    if cap is not None and not _is_number(cap):
        raise Unusable(f"{where}: peer_cap is no number.")
    caps = None if cap is None else Caps(peer=float(cap))
    asked = Asked(kind, side_effects=changing)
    return Rule(name, strategy, asked, caps=caps, threshold=_EMBEDDER.threshold)


def _winners(case: Mapping[str, Any], where: str) -> frozenset[int] | None:
    places = case.get("expect_one_of")
    if places is None:
        return None
    inside = range(len(case["ballots"]))
    if not isinstance(places, list) or not all(type(p) is int and p in inside for p in places):
        raise Unusable(f"{where}: expect_one_of is no list of places of ballots.")
    return frozenset(places)


def _status(case: Mapping[str, Any], where: str) -> Status | None:
    status = case.get("expect_status")
    if status is None:
        return None
    if status not in list(Status):
        raise Unusable(f"{where}: {status!r} is no status.")
    return Status(status)


def _ballot(given: Any, where: str) -> Ballot:
    if not isinstance(given, dict) or not (
        isinstance(given.get("text"), str) or isinstance(given.get("calls"), list)
    ):
        raise Unusable(f"{where}: neither a text nor calls.")
    calls = tuple(_call(call, at, where) for at, call in enumerate(given.get("calls") or ()))
    finish = given.get("finish") or ("tool_calls" if calls else "stop")
    if finish not in list(Finish):
        raise Unusable(f"{where}: {finish!r} is no finish.")
    confidence, seed = given.get("conf"), given.get("seed")
    if not (confidence is None or _is_number(confidence)):
        raise Unusable(f"{where}: conf is no number.")
    if not (seed is None or type(seed) is int):
        raise Unusable(f"{where}: seed is no whole number.")
    machine, model = str(given.get("peer") or HOME), str(given.get("model") or _MODEL)
    return Ballot(
        answer=Answer(given.get("text") or "", calls),
        voter="vector",  # so that copies are equal
        machine=machine,
        model=model,
        finish=Finish(finish),
        tokens=0,
        seconds=0.0,
        seed=seed,
        confidence=confidence,
    )


def _call(call: Any, at: int, where: str) -> ToolCall:
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        raise Unusable(f"{where}: a call without a name.")
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(f"call_{at}", call["name"], text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
