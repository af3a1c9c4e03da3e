"""`local-swarm chat`: a conversation in the terminal, with the verdict under every answer."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from .. import settings as configuration
from ..ballot import Verdict
from ..chat import ChatRequest, Delta, Done, Progress, Responder, SwarmOptions
from ..errors import SwarmError
from ..settings import Settings
from ..swarm.strategies import check
from .explain import explained
from .session import Session

_HELP = """\
/seats N        how many workers answer (1: no vote, streams at once)
/strategy NAME  auto, majority, similarity, quality or fastest
/explain        the ballots of the last answer
/new            begin a new conversation
/save FILE      write the conversation to a file
/help, /exit    or Ctrl-D. Ctrl-C stops an answer. A line that ends in \\ goes on."""


@dataclass
class Talk:
    """The conversation so far, and what the next question asks with."""

    options: SwarmOptions
    model: str
    messages: list[dict[str, str]] = field(default_factory=list)
    verdict: Verdict | None = None


class Leave(Exception):
    """The user wants to go."""


def chat(
    model: str | None, seats: int | None, strategy: str | None, url: str | None, key: str | None
) -> None:
    """See app.chat."""
    check(strategy or "auto")
    settings = configuration.read()
    options = SwarmOptions(seats=seats, strategy=strategy, include_ballots=True)
    talk = Talk(options, model or "local-swarm")
    out = Console(highlight=False, markup=False, soft_wrap=True)
    with asyncio.Runner() as runner:
        session = Session(settings, url, key or settings.api_key, seats, out)
        responder = runner.run(session.open())
        try:
            _hello(out)
            _converse(runner, responder, talk, settings, out)
        finally:
            runner.run(session.close())


def _hello(out: Console) -> None:
    if sys.stdin.isatty():
        with suppress(ImportError):  # arrow keys and this session's history; nothing is kept
            import readline  # noqa: F401
        out.print("Ask away; /help tells more, Ctrl-D leaves.", style="dim")


def _converse(
    runner: asyncio.Runner, responder: Responder, talk: Talk, settings: Settings, out: Console
) -> None:
    while True:
        try:
            said = _read()
            if said.startswith("/"):
                _command(said, talk, out)
            elif said.strip():
                runner.run(_turn(responder, talk, said, out))
        except (EOFError, Leave):
            return
        except KeyboardInterrupt:
            out.print("\n(stopped; /exit or Ctrl-D leaves)", style="dim")
        except SwarmError as error:
            out.print(f"Error: {error.full}", style="red")


def _read() -> str:
    """A question; a line that ends in a backslash goes on in the next."""
    prompts = (">>> ", "... ") if sys.stdin.isatty() else ("", "")
    lines = [input(prompts[0])]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        lines.append(input(prompts[1]))
    text = "\n".join(lines)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def _turn(responder: Responder, talk: Talk, said: str, out: Console) -> None:
    asked = {"role": "user", "content": said}
    request = ChatRequest(
        id=f"chat-{uuid.uuid4().hex}",
        messages=(*talk.messages, asked),
        model=talk.model,
        swarm=talk.options,
    )
    events: Any = responder.respond(request)
    line = out.status("thinking ...")
    line.start()
    try:
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Progress) and event.seats > 1:
                    line.update(f"{event.cast} of {event.seats} answers ...")
                elif isinstance(event, Delta) and event.answer.text:
                    line.stop()
                    print(event.answer.text, end="", flush=True)
                elif isinstance(event, Done):
                    line.stop()
                    _finish(talk, asked, event, out)
    finally:
        line.stop()


def _finish(talk: Talk, asked: dict[str, str], done: Done, out: Console) -> None:
    print()
    for call in done.answer.tool_calls:
        print(f"{call.name}({call.arguments})")
    talk.messages += [asked, {"role": "assistant", "content": done.answer.text}]
    talk.verdict = done.verdict
    of = done.verdict
    if of.asked > 1:
        out.print(
            f"[{of.status.value.replace('_', ' ')}, {of.share:.0%} of {of.cast - of.abstained} "
            f"valid ballots, {of.total_tokens} tokens, {of.seconds:.2f} s]",
            style="dim",
        )


def _command(said: str, talk: Talk, out: Console) -> None:
    name, _, rest = said.strip().partition(" ")
    commands: dict[str, Callable[[str, Talk, Console], None]] = {
        "/seats": _seats,
        "/strategy": _strategy,
        "/explain": _explain,
        "/new": _new,
        "/save": _save,
        "/help": lambda _, __, out: out.print(_HELP),
        "/?": lambda _, __, out: out.print(_HELP),
    }
    if name in ("/exit", "/quit", "/bye"):
        raise Leave
    if name not in commands:
        out.print(f"There is no command {name}.\n{_HELP}")
        return
    commands[name](rest.strip(), talk, out)


def _seats(rest: str, talk: Talk, out: Console) -> None:
    if not (rest.isdecimal() and 1 <= int(rest) <= 64):
        out.print("Seats are a number from 1 to 64, like /seats 5.")
        return
    talk.options = replace(talk.options, seats=int(rest))


def _strategy(rest: str, talk: Talk, out: Console) -> None:
    check(rest)
    talk.options = replace(talk.options, strategy=rest)


def _explain(rest: str, talk: Talk, out: Console) -> None:
    if talk.verdict is None:
        out.print("There is no answer yet.")
    else:
        explained(talk.verdict)


def _new(rest: str, talk: Talk, out: Console) -> None:
    talk.messages.clear()
    talk.verdict = None
    out.print("A new conversation.", style="dim")


def _save(rest: str, talk: Talk, out: Console) -> None:
    if not rest:
        out.print("Where to? Like /save talk.md")
        return
    text = "".join(f"**{turn['role']}**: {turn['content']}\n\n" for turn in talk.messages)
    try:
        with Path(rest).expanduser().open("x", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except FileExistsError:
        out.print(f"{rest} is there already; choose another name.")
    except OSError as error:
        out.print(f"{rest} cannot be written: {error.strerror}.")
    else:
        out.print(f"Written to {rest}.", style="dim")
