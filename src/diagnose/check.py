"""What a stage of the diagnosis found, and how stages are run one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from ..errors import SwarmError


class State(StrEnum):
    """`skip` was not looked at, `warn` works with less than it could, `fail` does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: `detail` says what was seen, `advice` in one line what to do about it."""

    name: str
    state: State
    detail: str
    advice: str = ""


# A stage yields its findings as it makes them; its name is the one of the function.
Stage = Callable[[], AsyncIterator[Check]]


async def examine(stages: Iterable[tuple[str, Stage]]) -> AsyncIterator[Check]:
    """The findings of all (name, stage), in their order. Never raises: a stage that breaks has
    failed, and the others are asked all the same."""
    for name, stage in stages:
        try:
            async for check in stage():
                yield check
        except SwarmError as error:
            yield Check(name, State.FAIL, error.message, error.hint)
        except Exception as error:  # whatever breaks here is what the user wants to know
            told = f"{type(error).__name__}: {error}"
            yield Check(name, State.FAIL, told, "This is a fault of Local Swarm: report it.")


def healthy(checks: Iterable[Check]) -> bool:
    """Whether nothing failed."""
    return all(check.state is not State.FAIL for check in checks)
