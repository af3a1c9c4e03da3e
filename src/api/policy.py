"""How many seats a request gets when it does not say so itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..chat import ChatRequest, text_of

LIGHT_TOKENS = 24  # an answer this short is a title, a tag or a completion
_LEAST_VOTE = 3  # two votes decide nothing
# How the hidden requests of chat UIs begin: Open WebUI's titles, tags and follow-ups, opencode's
# titles. A vote on them costs seats and gains nothing.
_CHORES = ("### Task:\n", "You are a title generator.")


@dataclass(frozen=True, slots=True)
class Load:
    """What the engines are busy with: sequences they can run, those that run, requests waiting."""

    slots: int
    busy: int
    queue: int


@dataclass(frozen=True, slots=True)
class Settled:
    """The request with its seats, and why they are not what the node was started with."""

    request: ChatRequest
    why: str | None = None


def settle(request: ChatRequest, *, default: int, load: Load, choices: int = 1) -> Settled:
    """Decides the seats of `request`, whose model name has been looked at already.

    What the request asks for itself holds, however busy the node is; `choices` answers (`n`) need
    as many seats, and all of them are waited for. Else a light request (an answer of at most
    LIGHT_TOKENS tokens, or one of the hidden requests of chat UIs) takes one seat. Else the seats
    shrink to the free slots, so that nobody waits who could be answered now: to three at least,
    because two decide nothing, else to one. Who must wait anyway comes with three seats while the
    queue is empty, with one behind others. Such votes are not escalated unless they ask for it.
    """
    options = request.swarm
    asked = options.seats
    if choices > 1:
        seats = max(choices, asked or default)
        why = f"n = {choices} answers" if seats != (asked or default) else None
        whole = replace(options, seats=seats, early_stop=False, waves=False, escalate=False)
        return Settled(replace(request, swarm=whole), why)
    if asked is not None or default < _LEAST_VOTE:
        return Settled(request)
    if options.strategy is None and _light(request):
        return _with(request, 1, "a short request of a user interface takes one seat")
    free = load.slots - load.busy if not load.queue else 0
    if free >= default:
        return Settled(request)
    if free >= _LEAST_VOTE:
        return _with(request, free, f"{free} slots were free")
    if free > 0 or load.queue:
        return _with(request, 1, "all slots were busy")
    return _with(request, _LEAST_VOTE, "all slots were busy")


def _with(request: ChatRequest, seats: int, why: str) -> Settled:
    options = replace(request.swarm, seats=seats)
    if options.escalate is None:  # seats saved here are not to be spent again on a second round
        options = replace(options, escalate=False)
    return Settled(replace(request, swarm=options), why)


def _light(request: ChatRequest) -> bool:
    if request.tools or request.response_format:
        return False
    if request.max_tokens is not None and request.max_tokens <= LIGHT_TOKENS:
        return True
    first_words: Sequence[str] = [text_of(m.get("content")).lstrip() for m in request.messages[:2]]
    return any(words.startswith(_CHORES) for words in first_words)
