"""`local-swarm ask`: one question, one answer on standard output."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from contextlib import aclosing
from typing import Any

from rich.console import Console

from .. import settings as configuration
from ..chat import ChatRequest, Delta, Done, Progress, Responder, SwarmOptions
from ..errors import NodeUnreachable, UsageError
from ..settings import Settings
from ..wire.verdict import render
from .explain import explained
from .find import address, fetch_status


def ask(
    question: list[str] | None,
    seats: int | None,
    strategy: str | None,
    model: str | None,
    explain: bool,
    as_json: bool,
    url: str | None,
    api_key: str | None,
) -> None:
    """See app.ask."""
    settings = configuration.read()
    request = ChatRequest(
        id=f"ask-{uuid.uuid4().hex}",
        messages=({"role": "user", "content": text_of(question)},),
        model=model or "local-swarm",
        swarm=SwarmOptions(seats=seats, strategy=strategy, include_ballots=True),
    )
    notes = Console(stderr=True, highlight=False, markup=False)
    responder = _responder(settings, url, api_key or settings.api_key, request, notes)
    live = not as_json and (seats == 1 or request.model == "local-swarm-fast")
    done = asyncio.run(_listen(responder, request, notes, live))
    if as_json:
        print(json.dumps(_json(done), ensure_ascii=False))
        return
    if not live:
        print(done.answer.text, end="" if done.answer.text.endswith("\n") else "\n")
    for call in done.answer.tool_calls:
        print(f"{call.name}({call.arguments})")
    if explain:
        explained(done.verdict)


def text_of(
    question: list[str] | None, hint: str = 'Try: local-swarm ask "What is 17 + 25?"'
) -> str:
    """The words of a command line, or standard input. Raises UsageError where there are none."""
    if question and question != ["-"]:
        # Bytes that are no UTF-8 come as half surrogate pairs.
        text = " ".join(question).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    elif sys.stdin is None or (sys.stdin.isatty() and not question):
        raise UsageError("There is no question.", hint=hint)
    else:
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not text.strip():
        raise UsageError("The question is empty.", hint=hint)
    return text


def _responder(
    settings: Settings, url: str | None, api_key: str | None, request: ChatRequest, notes: Console
) -> Responder:
    """The running node, or one that lives for this question."""
    where = address(settings, url)
    if fetch_status(where, api_key) is not None:
        from ..wire.client import RemoteResponder

        return RemoteResponder(where, api_key)
    if url:
        raise NodeUnreachable(f"No node answers at {where}.", hint="Check --url.")
    from ..choose import Wish, choose
    from ..enlist import crew_of
    from ..node import Node, Once

    notes.print("No node is running: one is started for this question.", style="dim")
    # One question is no reason to download gigabytes: `run` does that.
    choice = choose(settings, Wish(seats=request.swarm.seats, here=True), lambda *_: None)
    if choice.notice:
        notes.print(choice.notice, style="dim")
    crew = crew_of(settings, choice)
    return Once(Node(None, None, models=settings.models, others=[crew]))


async def _listen(responder: Responder, request: ChatRequest, notes: Console, live: bool) -> Done:
    done: Done | None = None
    events: Any = responder.respond(request)
    with notes.status("Thinking ...") as line:
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Progress) and event.seats > 1:
                    line.update(f"{event.cast} of {event.seats} answers, {event.tokens} tokens ...")
                elif isinstance(event, Delta) and live:
                    line.stop()
                    print(event.answer.text, end="", flush=True)
                elif isinstance(event, Done):
                    done = event
    assert done is not None
    if live:
        print()
    return done


def _json(done: Done) -> dict[str, Any]:
    calls = [
        {"id": call.id, "name": call.name, "arguments": call.arguments}
        for call in done.answer.tool_calls
    ]
    return {
        "answer": done.answer.text,
        "tool_calls": calls,
        "finish_reason": done.finish.value,
        "swarm": render(done.verdict, details=True),
    }
