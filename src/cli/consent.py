"""A person at the terminal, asked whether a call may be done."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console

from ..settings import editor
from ..tools.backing import Rival
from ..tools.base import Kind
from ..tools.consent import PERSON, Decision, Nobody, NobodyToAsk, Proposal, Word
from ..tools.visible import on_one_line, visible
from .editor import edit

_WORDS = {
    "y": Word.YES, "yes": Word.YES, "n": Word.NO, "no": Word.NO, "": Word.NO,
    "a": Word.ALWAYS, "always": Word.ALWAYS, "e": Word.EDIT, "edit": Word.EDIT,
}  # fmt: skip
_ASKS = {
    Kind.SECRET: "Do this, although it is about secrets?",
    Kind.EDIT: "Change this file?",
    Kind.COMMAND: "Do this?",
}


def there_is_somebody() -> bool:
    """Whether a person can be asked: both ends of the conversation are a terminal."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty())


def forget_typed() -> None:
    """Throws away what was typed before anything was asked: it was no answer to what comes now."""
    with suppress(ImportError, OSError, ValueError):
        import termios

        with suppress(termios.error):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


class Terminal:
    """See Consent. Everything is shown on `out`, which is no part of the command's output."""

    def __init__(self, out: Console, hush: Callable[[], None] = lambda: None) -> None:
        """`hush` is called before anything is asked: to end what moves on the screen, and what
        was typed too early."""
        self._out, self._hush = out, hush

    async def decide(self, proposal: Proposal) -> Decision:
        """See Consent."""
        self._hush()
        try:
            return await self._decide(proposal)
        except NobodyToAsk:  # the end of input
            return await Nobody().decide(proposal)

    async def _decide(self, proposal: Proposal) -> Decision:
        risk = proposal.risk
        self._say(f"\n{visible(proposal.preview)}")
        lines = sum(1 + len(line) // self._out.width for line in proposal.preview.split("\n"))
        if lines > self._out.height - 4:
            self._say(f"[{lines} lines: look at the beginning too]", style="bold")
        self._say(
            f"[{proposal.name}: {on_one_line(risk.why)}; {proposal.votes} of {proposal.workers} "
            "workers proposed it]",
            style="dim",
        )
        for _ in range(3):
            said = await _line(f"{_ASKS.get(risk.kind, 'Do this?')} [y]es [N]o [a]lways [e]dit: ")
            word = _WORDS.get(said.strip().lower())
            if word is Word.EDIT:
                return await self._edit(proposal)
            if word is not None:
                return Decision(word, PERSON)
            self._say("Type y, n, a or e.")
        return Decision(Word.NO, PERSON)

    async def choose(self, doubt: str, rivals: Sequence[Rival]) -> int | None:
        """See Consent."""
        self._hush()
        self._say(f"\nThe workers do not agree: {doubt}. They proposed:")
        for at, rival in enumerate(rivals, start=1):
            calls = "; ".join(f"{call.name}({call.arguments})" for call in rival.calls)
            self._say(f"  {at}. ({rival.votes} votes) {on_one_line(calls)}")
        said = (await _line(f"Which one? [1-{len(rivals)}, Enter for none]: ")).strip()
        return int(said) - 1 if said.isdecimal() and 0 < int(said) <= len(rivals) else None

    def _say(self, text: str, style: str | None = None) -> None:
        """Prints a text of anybody: nothing in it is taken for markup."""
        self._out.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    async def _edit(self, proposal: Proposal) -> Decision:
        told = proposal.call.values()
        # What is edited: the command, or the text to write; of other tools all arguments.
        name = next((name for name in ("command", "content", "new") if name in told), None)
        if name == "command":
            changed: str | None = await _line(f"Command (it was {visible(told[name])!r}): ")
        else:
            text = json.dumps(told, indent=2) if name is None else str(told[name])
            changed = edit(text, editor(), ".json" if name is None else ".txt")
        if not changed or not changed.strip():
            return Decision(Word.NO, PERSON, "the user began to edit it and left it")
        arguments: Any = changed if name is None else json.dumps({**told, name: changed})
        return Decision(Word.EDIT, PERSON, arguments=arguments)


async def _line(prompt: str) -> str:
    """A line that is typed. Raises NobodyToAsk at the end of input; cancelling leaves at once."""
    print(prompt, end="", file=sys.stderr, flush=True)
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    try:
        loop.add_reader(sys.stdin.fileno(), _set, ready)
    except (NotImplementedError, PermissionError):  # Windows; a file
        line = sys.stdin.readline()
    else:
        try:
            await ready
            line = sys.stdin.readline()
        finally:
            loop.remove_reader(sys.stdin.fileno())
    if not line:
        print(file=sys.stderr)
        raise NobodyToAsk
    return line.rstrip("\n")


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
