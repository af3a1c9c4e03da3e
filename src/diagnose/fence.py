"""The stage about the sandbox: what `execute_bash` and --verify-code run commands in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from ..tools.probe import report
from ..tools.sandbox import Mechanism
from .check import Check, State


async def sandbox(among: Sequence[Mechanism] = tuple(Mechanism)) -> AsyncIterator[Check]:
    """Which mechanism really holds here. Without one no command is run, and all else works."""
    found = await report(among)
    refused = "; ".join(f"{mechanism}: {why}" for mechanism, why in found.refused)
    if found.mechanism is not None:
        told = f"{found.mechanism}: {found.filesystem}" + (f" (not: {refused})" if refused else "")
        yield Check("sandbox", State.OK, told)
        return
    yield Check(
        "sandbox",
        State.WARN,
        f"none works here ({refused}): commands and code of models are not run",
        "docs/sandbox.md says what it needs: user namespaces, bubblewrap or Landlock.",
    )
