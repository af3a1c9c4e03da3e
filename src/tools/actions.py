"""One call of a model, from its JSON to its result: parsed, weighed, agreed to, done."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ..ballot import ToolCall
from ..errors import ToolError
from .backing import Backing, Rival
from .base import AnyTool, Call, Kind, Risk
from .consent import PERSON, Consent, Decision, Proposal, Word
from .redact import Veil
from .task import Acted, Ending, Repeats, Spent
from .workspace import Workspace

_SAME = 3


class Note(Protocol):
    """Keeps a line of what happens: Transcript.write."""

    def __call__(self, kind: str, **facts: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Result:
    """What the model is told of a call. `by` is who allowed it, None where it was not done.

    With `wrong` the call itself could not be taken, so the model may try once more; with `ending`
    the task ends here, for the reason `why`.
    """

    text: str
    arguments: Mapping[str, Any]
    by: str | None = None
    ok: bool = False
    wrong: bool = False
    ending: Ending | None = None
    why: str = ""
    preview: str = ""

    def event(self, step: int, name: str, backing: Backing) -> Acted:
        """The same for whoever looks on."""
        votes, workers = backing.votes, backing.workers
        return Acted(
            step, name, self.arguments, votes, workers, self.by, self.ok, self.text, self.preview
        )


@dataclass
class Actions:
    """Does calls, one at a time, each at most once."""

    tools: Mapping[str, AnyTool]
    workspace: Workspace
    consent: Consent
    note: Veil
    spent: Spent
    secrets: bool = False
    """Whether the conversation may hold a secret by now: one was read, or written."""
    _repeats: Repeats = field(default_factory=Repeats)

    def change(self, calls: Sequence[ToolCall]) -> bool:
        """Whether one of `calls` can be taken and changes something."""
        return any(self._changes(call) for call in calls)

    def _changes(self, asked: ToolCall) -> bool:
        tool = self.tools.get(asked.name)
        if tool is None or not tool.changes:
            return False
        try:
            tool.parse(asked.arguments)
        except ToolError:
            return False
        return True

    def veil(self, calls: Sequence[ToolCall]) -> None:
        """Hides from the notes what `calls` would write where secrets are kept."""
        for asked in calls:
            tool = self.tools.get(asked.name)
            with suppress(ToolError):
                if tool is None or not tool.changes:
                    continue
                told = tool.parse(asked.arguments).values()
                if "path" not in told:
                    continue  # no file is written: a command is noted as it stands
                if tool.risk(tool.parse(asked.arguments), self.workspace).kind is Kind.SECRET:
                    for name, value in told.items():
                        if name != "path":
                            self.note.hide(str(value))

    async def choose(self, doubt: str, rivals: Sequence[Rival]) -> int | None:
        """See Consent."""
        asked_at = time.monotonic()
        try:
            place = await self.consent.choose(doubt, rivals)
        finally:
            self.spent.waited += time.monotonic() - asked_at
        self.note("chosen", doubt=doubt, of=len(rivals), place=place)
        return place

    async def do(self, asked: ToolCall, backing: Backing) -> Result:
        """One call. A tool's failure is a result.

        Raises SwarmError where a person must know (the sandbox broke), and OSError where nothing
        can be noted any more; then nothing is done.
        """
        tool = self.tools.get(asked.name)
        try:
            if tool is None:
                known = ", ".join(self.tools)
                raise ToolError(f"There is no tool {asked.name[:60]!r}; there are: {known}.")
            call = tool.parse(asked.arguments)
        except ToolError as error:
            return self._wrong(asked.name, arguments_of(asked), error, wrong=True)
        seen = self._repeats.seen((tool.name, call), changes=tool.changes)
        if seen >= _SAME:
            self.note("action", tool=tool.name, arguments=call.values(), repeated=seen)
            ending = Ending.LOOP if seen > _SAME else None
            told = "this call was made twice before, and nothing new was done since"
            text = f"error: {told}. Do something else, or answer in words."
            return Result(text, call.values(), ending=ending, why=f"{tool.name} again and again")
        return await self._agreed(tool, call, backing)

    async def _agreed(self, tool: AnyTool, call: Call, backing: Backing) -> Result:
        """Asks whoever must agree, again after each change of the arguments, then does it."""
        while True:
            try:
                risk, preview = await asyncio.to_thread(self._weighed, tool, call)
            except ToolError as error:  # it cannot succeed: there is nothing to ask
                return self._wrong(tool.name, call.values(), error)
            proposal = Proposal(
                tool.name, call, risk, preview, backing.votes, backing.workers, tool.changes
            )
            asked_at = time.monotonic()
            try:
                decision = await self.consent.decide(proposal)
            finally:
                self.spent.waited += time.monotonic() - asked_at
            self._noted(proposal, decision)
            if decision.allowed:
                if decision.by == PERSON and await self._changed(tool, call, proposal):
                    continue  # what was shown is not what would be done
                made = await self._done(tool, call, decision.by)
                if risk.kind is Kind.SECRET or risk.exposes:
                    self.secrets = True
                    self.note.hide(made.text)
                return made
            if decision.word is not Word.EDIT:
                return _refused(proposal, decision)
            try:
                call = tool.parse(decision.arguments)
            except ToolError as error:
                return self._wrong(tool.name, call.values(), error)

    async def _changed(self, tool: AnyTool, call: Call, shown: Proposal) -> bool:
        """Whether somebody changed the file, or where its path leads, while a person was asked."""
        try:
            risk, preview = await asyncio.to_thread(self._weighed, tool, call)
        except ToolError:
            return True
        return (risk.kind, preview) != (shown.risk.kind, shown.preview)

    def _weighed(self, tool: AnyTool, call: Call) -> tuple[Risk, str]:
        risk = tool.risk(call, self.workspace)
        return risk, "" if risk.kind is Kind.READ else tool.preview(call, self.workspace)

    def _noted(self, proposal: Proposal, decision: Decision) -> None:
        self.note(
            "action",
            tool=proposal.name,
            arguments=proposal.call.values(),
            risk=(Kind.SECRET if proposal.risk.exposes else proposal.risk.kind).value,
            votes=proposal.votes,
            workers=proposal.workers,
            decision=decision.word.value,
            by=decision.by,
        )

    def _wrong(
        self, name: str, arguments: Mapping[str, Any], error: ToolError, *, wrong: bool = False
    ) -> Result:
        self.note("action", tool=name, arguments=arguments, error=error.message)
        return Result(error.result, arguments, wrong=wrong)

    async def _done(self, tool: AnyTool, call: Call, by: str) -> Result:
        try:
            text = await tool.run(call, self.workspace)
        except ToolError as error:
            return Result(error.result, call.values(), by)
        except BaseException as error:  # cancelled, too: how far it came is not known
            self.note("broken", tool=tool.name, error=type(error).__name__)
            raise
        return Result(text, call.values(), by, ok=True)


def arguments_of(call: ToolCall) -> Mapping[str, Any]:
    """The arguments as they were written, to be shown; nothing has judged them."""
    try:
        told = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        told = None
    return told if isinstance(told, dict) else {"arguments": call.arguments}


def _refused(proposal: Proposal, decision: Decision) -> Result:
    made = Result(
        f"error: {decision.why or 'the user said no'}",
        proposal.call.values(),
        preview=proposal.preview,
    )
    if decision.nobody:
        return replace(made, ending=Ending.REFUSED, why=f"{decision.why}; it was not done")
    return made
