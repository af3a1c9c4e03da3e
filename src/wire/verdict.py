"""The verdict as JSON, the field `swarm` of every answer: written and read in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..ballot import (
    Absent,
    Answer,
    Ballot,
    Finish,
    Group,
    Round,
    Status,
    ToolCall,
    Verdict,
)

_HOME = "home"  # the machine that was asked


def render(of: Verdict, *, details: bool) -> dict[str, Any]:
    """The field `swarm`; with `details` the groups' texts and every ballot."""
    winner = of.winner
    rendered: dict[str, Any] = {
        "status": of.status.value,
        "strategy": of.strategy,
        "kind": of.kind,
        "share": of.share,
        "confidence": _round(of.confidence),
        "seats": of.asked,
        "ballots": of.cast,
        "cancelled": of.cancelled,
        "abstained": of.abstained,
        "machines": of.machines,
        "weights": "measured" if of.measured else "equal",
        "assembled": of.assembled,
        "groups": [_group(group, details) for group in of.groups],
        "winner": winner
        and {"machine": winner.machine, "worker": winner.voter, "model": winner.model},
        "absent": [{"worker": one.worker, "why": one.why} for one in of.absent],
        "rounds": [
            {
                "name": one.name,
                "asked": dict(one.asked),
                "status": one.status.value,
                "share": one.share,
                "winner": one.winner,
            }
            for one in of.rounds
        ],
        "tokens": {
            "total": of.total_tokens,
            "winner": winner.tokens if winner else 0,
            "saved": of.saved_tokens,
        },
        "seconds": round(of.seconds, 4),
        "winner_seconds": round(winner.seconds, 4) if winner else None,
        "degraded": of.degraded,
    }
    models = Counter(ballot.model for ballot in of.ballots)
    if len(models) > 1:  # of unlike workers: who cast how many ballots
        rendered["models"] = dict(models)
    if details:
        rendered["details"] = [
            _ballot(ballot, of.keys.get(at)) for at, ballot in enumerate(of.ballots)
        ]
    return rendered


def _group(group: Group, details: bool) -> dict[str, Any]:
    rendered = {
        "key": group.key,
        "votes": group.votes,
        "weight": round(group.weight, 4),
        "confidence": _round(group.confidence),
    }
    if set(group.machines) - {_HOME}:  # the same for all groups of a machine alone
        rendered["machines"] = list(group.machines)
    return rendered | ({"text": group.text} if details else {})


def _ballot(ballot: Ballot, key: str | None) -> dict[str, Any]:
    return {
        "worker": ballot.voter,
        "machine": ballot.machine,
        "model": ballot.model,
        "key": key,
        "text": ballot.answer.text,
        "tool_calls": [tool_call(call) for call in ballot.answer.tool_calls],
        "finish_reason": ballot.finish.value,
        "confidence": _round(ballot.confidence),
        "tokens": ballot.tokens,
        "seconds": round(ballot.seconds, 4),
    }


def tool_call(of: ToolCall) -> dict[str, Any]:
    """One call in OpenAI's JSON."""
    return {
        "id": of.id,
        "type": "function",
        "function": {"name": of.name, "arguments": of.arguments},
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def read(swarm: Mapping[str, Any], answer: Answer, finish: Finish) -> Verdict:
    """The verdict in an answer's field `swarm`; `answer` and `finish` are the winner's. What an
    older node does not tell is empty. Raises KeyError or ValueError for what is no verdict."""
    winner = swarm.get("winner") or {}
    tokens = swarm.get("tokens") or {}
    ballot = Ballot(
        answer=answer,
        voter=winner.get("worker", ""),
        machine=winner.get("machine", ""),
        model=winner.get("model", ""),
        finish=finish,
        tokens=tokens.get("winner", 0),
        seconds=swarm.get("winner_seconds") or swarm.get("seconds", 0.0),
    )
    details = swarm.get("details") or []
    return Verdict(
        winner=ballot,
        status=Status(swarm["status"]),
        strategy=swarm["strategy"],
        share=swarm["share"],
        confidence=swarm.get("confidence"),
        asked=swarm["seats"],
        cast=swarm["ballots"],
        cancelled=swarm["cancelled"],
        abstained=swarm["abstained"],
        machines=swarm["machines"],
        groups=tuple(
            Group(
                g["key"],
                g["votes"],
                g["weight"],
                g.get("text", ""),
                g.get("confidence"),
                tuple(g.get("machines") or ()),
            )
            for g in swarm["groups"]
        ),
        ballots=tuple(_read_ballot(one) for one in details),
        keys={at: one["key"] for at, one in enumerate(details) if one.get("key") is not None},
        prompt_tokens=0,
        total_tokens=tokens.get("total", 0),
        seconds=swarm["seconds"],
        degraded=swarm.get("degraded"),
        kind=swarm.get("kind", ""),
        measured=swarm.get("weights") == "measured",
        assembled=bool(swarm.get("assembled")),
        saved_tokens=tokens.get("saved", 0),
        absent=tuple(Absent(a["worker"], a["why"]) for a in swarm.get("absent") or ()),
        rounds=tuple(
            Round(r["name"], r["asked"], Status(r["status"]), r["share"], r["winner"])
            for r in swarm.get("rounds") or ()
        ),
    )


def _read_ballot(one: Mapping[str, Any]) -> Ballot:
    calls = tuple(
        ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in one.get("tool_calls") or ()
    )
    return Ballot(
        answer=Answer(one.get("text", ""), calls),
        voter=one["worker"],
        machine=one.get("machine", ""),
        model=one.get("model", ""),
        finish=Finish(one["finish_reason"]),
        tokens=one["tokens"],
        seconds=one["seconds"],
        confidence=one.get("confidence"),
    )
