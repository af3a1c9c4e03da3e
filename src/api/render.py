"""Parts that every wire shows: usage, tool calls and the verdict field. Pure."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ..ballot import Answer, Ballot, Finish, ToolCall, Verdict
from ..chat import Done
from ..wire.verdict import render as verdict
from ..wire.verdict import tool_call


def swarm_field(done: Done, *, details: bool, why: str | None) -> dict[str, Any]:
    """The `swarm` field of an answer; `policy` says why its seats are not the node's."""
    return verdict(done.verdict, details=details) | ({"policy": why} if why else {})


def best(done: Done, n: int) -> list[tuple[Answer, Finish, int]]:
    """Up to `n` answers with their tokens: the winner, then the spokesmen of the other groups in
    their order, then further ballots. Fewer where fewer were cast."""
    of = done.verdict
    winner = of.winner
    found = [(done.answer, done.finish, winner.tokens if winner else 0)]
    members: defaultdict[str | None, list[Ballot]] = defaultdict(list)
    for at, ballot in enumerate(of.ballots):
        if ballot is not winner and ballot != winner:
            members[of.keys.get(at)].append(ballot)
    heads: list[Ballot] = []
    won = {of.keys.get(at) for at, b in enumerate(of.ballots) if b == winner}
    for group in of.groups:
        if group.key not in won and members[group.key]:
            texts = [ballot.answer.text for ballot in members[group.key]]
            spokesman = texts.index(group.text) if group.text in texts else 0
            heads.append(members[group.key].pop(spokesman))
    order = [group.key for group in of.groups]
    rest = [ballot for key in (*order, None) for ballot in members[key]]
    found += [(b.answer, b.finish, b.tokens) for b in (*heads, *rest)]
    return found[:n]


def usage(of: Verdict, completion: int | None = None) -> dict[str, int]:
    """What the client asked and got: the prompt once, the winner's tokens (or `completion`)."""
    if completion is None:
        completion = of.winner.tokens if of.winner else 0
    return {
        "prompt_tokens": of.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": of.prompt_tokens + completion,
    }


def message(answer: Answer) -> dict[str, Any]:
    """OpenAI's message of the assistant."""
    made: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text or (None if answer.tool_calls else ""),
        "refusal": None,
        "annotations": [],
    }
    if answer.reasoning:
        made["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        made["tool_calls"] = calls(answer.tool_calls)
    return made


def logprobs(answer: Answer) -> dict[str, Any] | None:
    """OpenAI's log-probabilities of the answer's tokens; None where nobody asked for them."""
    if not answer.chances:
        return None
    content = [
        {**_token(one.text, one.logprob), "top_logprobs": [_token(*other) for other in one.top]}
        for one in answer.chances
    ]
    return {"content": content, "refusal": None}


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "replace"))}


def calls(of: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """OpenAI's tool calls; one without an id gets one, clients need it for the result."""
    return [
        tool_call(call) | ({} if call.id else {"id": f"call_{uuid.uuid4().hex}"}) for call in of
    ]
