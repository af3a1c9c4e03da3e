"""How many workers stand behind a call, and which others were proposed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..ballot import HOME, Answer, Status, ToolCall, Verdict


@dataclass(frozen=True, slots=True)
class Rival:
    """Calls that `votes` of the workers proposed together."""

    calls: tuple[ToolCall, ...]
    votes: int


@dataclass(frozen=True, slots=True)
class Backing:
    """`votes` of `workers` proposed the winning calls.

    `doubt` says why they may not be done where they change something; None where they may.
    `rivals` are all proposals of calls, the winner's first.
    """

    votes: int
    workers: int
    doubt: str | None
    rivals: tuple[Rival, ...]


def backing(verdict: Verdict, answer: Answer) -> Backing:
    """What `verdict` says of the calls in `answer`.

    A call that changes something needs an absolute majority of all workers that were asked, those
    included who abstained or were stopped, and a worker of the asking machine among them.
    """
    workers = max(1, verdict.cast + verdict.cancelled)
    top = verdict.groups[0] if verdict.groups else None
    votes = top.votes if top else 0
    return Backing(votes, workers, _doubt(verdict, votes, workers), _rivals(verdict, answer, votes))


def _doubt(verdict: Verdict, votes: int, workers: int) -> str | None:
    # Measured weights are the node's affair: it has said MAJORITY of their sum then.
    if verdict.status is not Status.MAJORITY or (not verdict.measured and 2 * votes <= workers):
        return f"{votes} of {workers} workers proposed it, more than half are needed"
    if workers == 1 and verdict.asked > 1:
        return f"only one of {verdict.asked} workers could be asked"
    if workers > 1 and verdict.ballots and HOME not in _machines(verdict):
        return "no worker of this machine proposed it"
    return None


def _machines(verdict: Verdict) -> set[str]:
    """The machines of the winning group."""
    won = verdict.groups[0].key
    return {verdict.ballots[at].machine for at, key in verdict.keys.items() if key == won}


def _rivals(verdict: Verdict, answer: Answer, votes: int) -> tuple[Rival, ...]:
    found = [Rival(answer.tool_calls, votes)] if answer.tool_calls else []
    for at, group in enumerate(verdict.groups):
        if at == 0 and found:
            continue
        calls = next(
            (
                verdict.ballots[place].answer.tool_calls
                for place, key in verdict.keys.items()
                if key == group.key and verdict.ballots[place].answer.tool_calls
            ),
            (),
        )
        if calls:
            found.append(Rival(calls, group.votes))
    return tuple(found)
