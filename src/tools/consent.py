"""Who says yes: what is free, what flags allow, and what a person is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from .backing import Rival
from .base import Call, Kind, Risk

PERSON = "user"
"""Who has decided, where a person was shown the call and has answered."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be decided: `call` of the tool `name`, which `votes` of `workers` proposed, and
    which `changes` something or only looks.

    `preview` shows what would happen, a diff or the command, in plain text.
    """

    name: str
    call: Call
    risk: Risk
    preview: str
    votes: int
    workers: int
    changes: bool


class Word(StrEnum):
    """What was decided. ALWAYS is yes, from now on too for the same command, or the same file;
    EDIT brings other arguments, which are shown anew."""

    YES = "yes"
    NO = "no"
    ALWAYS = "always"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Decision:
    """`by` is who decided: a person, or which rule; with `nobody` there was nobody to ask. `why`
    goes to the model after NO; `arguments` is the JSON text after EDIT."""

    word: Word
    by: str
    why: str = ""
    arguments: str = ""
    nobody: bool = False

    @property
    def allowed(self) -> bool:
        return self.word in (Word.YES, Word.ALWAYS)


class Consent(Protocol):
    """Whoever decides; a person may take as long as he likes."""

    async def decide(self, proposal: Proposal) -> Decision:
        """Whether this call is done."""
        ...

    async def choose(self, doubt: str, rivals: Sequence[Rival]) -> int | None:
        """Which of the workers' proposals, where `doubt` forbids the winner's; None for none of
        them. Raises NobodyToAsk."""
        ...


class NobodyToAsk(Exception):
    """There is no person."""


class Nobody:
    """A Consent that refuses whatever has to be asked."""

    async def decide(self, proposal: Proposal) -> Decision:
        """See Consent."""
        why = "nobody can be asked, because there is no terminal"
        return Decision(Word.NO, "no terminal", why, nobody=True)

    async def choose(self, doubt: str, rivals: Sequence[Rival]) -> int | None:
        """See Consent."""
        raise NobodyToAsk


@dataclass
class Policy:
    """A Consent: reads are free, flags allow the rest, else `ask` is asked.

    `auto_edit` allows changes of files, `yolo` commands too; neither covers what may be a secret,
    nor what lacks its majority. With `dry_run` nothing but reading is done.
    """

    ask: Consent = field(default_factory=Nobody)
    auto_edit: bool = False
    yolo: bool = False
    dry_run: bool = False
    always: set[tuple[str, str]] = field(default_factory=set)
    """What was agreed to for good: see `command`."""

    async def decide(self, proposal: Proposal) -> Decision:
        """See Consent."""
        if self.dry_run and (proposal.changes or proposal.risk.kind is Kind.COMMAND):
            return Decision(Word.NO, "--dry-run", "this is a dry run, nothing was changed")
        rule = self._rule(proposal)
        if rule is not None:
            return Decision(Word.YES, rule)
        decision = await self.ask.decide(proposal)
        if decision.word is Word.ALWAYS:
            self.always.add(_about(proposal))
        return decision

    async def choose(self, doubt: str, rivals: Sequence[Rival]) -> int | None:
        """See Consent."""
        return await self.ask.choose(doubt, rivals)

    def _rule(self, proposal: Proposal) -> str | None:
        """The rule that says yes, None where a person must."""
        kind = proposal.risk.kind
        if kind is Kind.READ:
            return "reads are free"
        if _about(proposal) in self.always:
            return "always"
        if kind is Kind.EDIT and (self.auto_edit or self.yolo):
            return "--auto-edit" if self.auto_edit else "--yolo"
        return "--yolo" if self.yolo and kind is Kind.COMMAND else None


def command(text: str) -> tuple[str, str]:
    """What `Policy.always` holds for a command of `execute_bash`: exactly this one."""
    return f"execute_bash {Kind.COMMAND}", text


def _about(proposal: Proposal) -> tuple[str, str]:
    """What "always" is about: this command, changes of this file; of other tools this call."""
    told, kind = proposal.call.values(), f"{proposal.name} {proposal.risk.kind}"
    if isinstance(told.get("command"), str):
        return kind, told["command"]
    if isinstance(told.get("path"), str):
        return kind, proposal.risk.why  # it has the real path: a link may lead elsewhere by now
    return proposal.name, repr(sorted(told.items()))
