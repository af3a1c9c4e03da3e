"""Before plans are served for the first time they are tried: do they fit, and how fast are they?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .backends.memory import resident_of
from .backends.stopwatch import speed
from .choose import Choice, Wish, smaller
from .crew import Crew
from .errors import EngineUnavailable, SwarmError
from .hardware.busy import OTHERS, busy, clock, others, watch
from .hardware.numbers import GIB
from .models.footprint import Need
from .models.measured import Entry, expected, keep, machine_of, read
from .models.plan import Plan
from .obtain import OnDownload
from .settings import Settings
from .status import Measured

_STEPS = 8
_LOAD_S, _ANSWER_S = 600.0, 5.0
_WORDS = ("not enough memory", "signal 9")  # 9: the system ended it to save the others


class _TooLarge(Exception):
    """The plans do not fit; the text says how that showed."""


Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Tried:
    """What is tried: `build` makes the crew of a choice, `label` names the engine and what it was
    told beside the plan. With `plain` it tells of the machine, and of other plans of the file."""

    build: Callable[[Choice], Crew]
    label: str
    plain: bool = True


def settle(
    settings: Settings,
    choices: Sequence[Choice],
    wishes: Sequence[Wish],
    tried: Tried,
    on_download: OnDownload,
    tell: Told,
) -> list[Choice]:
    """`choices` with what was measured of them, or smaller ones where they do not fit after all:
    together, as they will run.

    They are tried once; what is known of these very plans on this machine is taken as it is, unless
    its speed could not be measured then (others were busy) and can be now. A model
    that fails for another reason than memory is left for the node to tell.
    """
    choices = list(choices)
    for step in range(_STEPS):
        known = [_known(settings, choice, tried) for choice in choices]
        if all(known):
            return [one for one in known if one]
        plans = " and ".join(f"{one.plan.label}, {_size(one.plan)}" for one in choices)
        tell(f"Trying {plans}: memory and speed are measured once.")
        try:
            entries = asyncio.run(_trial(choices, tried))
        except _TooLarge as error:
            at, less = _less(settings, choices, wishes, on_download, min(0.03 * 2**step, 0.5))
            label = choices[at].plan.label
            if less is None:
                tell(f"{label} {error}, and nothing smaller of it is here.")
                return choices
            tell(f"{label} with {_size(choices[at].plan)} {error}: stepping down "
                 f"to {less.plan.label} with {_size(less.plan)}.")  # fmt: skip
            choices[at] = less
            continue
        except SwarmError:
            return choices
        for entry in entries:
            keep(settings.state, entry)
        return [
            replace(choice, measured=_told(entry))
            for choice, entry in zip(choices, entries, strict=True)
        ]
    return choices


def _known(settings: Settings, choice: Choice, tried: Tried) -> Choice | None:
    """`choice` with what is known of it; None where it must be tried."""
    if choice.plan.spec.bundled:
        return choice  # a toy fits everywhere, and nobody waits for its measurement
    found = [
        one
        for one in read(settings.state, choice.profile)
        if one.engine == tried.label and one.is_of(choice.plan, choice.path)
    ]
    if found and (found[-1].one is not None or busy()):
        return replace(choice, measured=_told(found[-1]))
    return None


def _less(
    settings: Settings,
    choices: Sequence[Choice],
    wishes: Sequence[Wish],
    on_download: OnDownload,
    share: float,
) -> tuple[int, Choice | None]:
    """The largest plan that has something smaller, and that."""
    order = sorted(range(len(choices)), key=lambda at: -choices[at].plan.bytes)
    for at in order:
        if found := smaller(settings, choices[at], wishes[at], on_download, share):
            return at, found
    return order[0], None


def _told(entry: Entry) -> Measured:
    return Measured(entry.resident, entry.predicted, entry.one, entry.all, entry.seats)


def _size(plan: Plan) -> str:
    seats = "1 seat" if plan.seats == 1 else f"{plan.seats} seats"
    return f"{seats}, context {plan.context} ({plan.bytes / GIB:.1f} GiB)"


async def _trial(choices: Sequence[Choice], tried: Tried) -> list[Entry]:
    """Loads the plans, lets one and then all seats of each write, and ends them again.

    Raises _TooLarge before the machine swaps itself to death, and EngineUnavailable.
    """
    crews = [tried.build(choice) for choice in choices]
    measuring = asyncio.create_task(_measure(choices, crews, tried))
    watching = asyncio.create_task(watch())
    try:
        await asyncio.wait((measuring, watching), return_when=asyncio.FIRST_COMPLETED)
        if not measuring.done():
            raise _TooLarge(f"does not fit beside what runs now ({watching.result()})")
        return measuring.result()
    except EngineUnavailable as error:
        if any(word in error.message.lower() for word in _WORDS):
            raise _TooLarge("does not fit (the engine could not get its memory)") from None
        raise
    finally:
        for task in (measuring, watching):
            task.cancel()
        await asyncio.gather(measuring, watching, return_exceptions=True)
        for engine in (engine for crew in crews for engine in crew.engines):
            await engine.close()


async def _measure(choices: Sequence[Choice], crews: Sequence[Crew], tried: Tried) -> list[Entry]:
    """All are loaded before the first is measured: they will share the memory."""
    async with asyncio.timeout(_LOAD_S):
        for crew in crews:
            for engine in crew.engines:
                await engine.start()
    entries = []
    for choice, crew in zip(choices, crews, strict=True):
        before = clock()
        members = [(engine, crew.seats // len(crew.engines)) for engine in crew.engines]
        one = await speed([(crew.engines[0], 1)], _ANSWER_S)
        every = await speed(members, _ANSWER_S) if crew.seats > 1 else one
        if others(before, clock()) > OTHERS:
            one = every = None  # it would tell of the other programs
        entries.append(_entry(choice, crew, tried, one, every))
    return entries


def _entry(
    choice: Choice, crew: Crew, tried: Tried, one: float | None, every: float | None
) -> Entry:
    plan, need = choice.plan, choice.plan.need
    copies = len(crew.engines)
    each = Need(need.weights // copies, need.kv // copies, need.compute // copies, 0)
    found = [resident_of(engine.status().pid, choice.path, each) for engine in crew.engines]
    # What lies on cards is not seen in the process.
    whole = None not in found and not (plan.gpu_layers and plan.budget.device == "gpu")
    # What cards do tells nothing of the processor.
    alone = expected(choice.profile, plan.spec, need.weights // copies)
    return Entry(
        machine=machine_of(choice.profile),
        engine=tried.label,
        file=choice.path.name,
        file_bytes=need.weights,
        seats=plan.seats,
        cells=plan.cells,
        slots=plan.slots,
        # Nothing is kept of earlier chats yet.
        predicted=need.total - need.cache - plan.spec.surplus,
        resident=sum(size or 0 for size in found) if whole else None,
        one=one,
        all=every,
        expected=0.0 if plan.gpu_layers else alone,
        plain=tried.plain and not plan.isolated,
    )
