"""Before a plan is served for the first time it is tried: does it fit, and how fast is it?"""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace

from .backends.base import Piece
from .backends.llama_server import LlamaConfig, LlamaServer
from .backends.memory import resident_of
from .chat import ChatRequest
from .choose import Choice, Wish, smaller
from .crew import tuned
from .errors import EngineUnavailable, SwarmError
from .hardware.numbers import GIB, MIB
from .models.measured import Entry, expected, keep, machine_of, read
from .models.plan import Plan
from .obtain import OnDownload
from .settings import Settings
from .status import Measured

_STEPS = 8
_LOAD_S, _ANSWER_S, _TOKENS = 600.0, 5.0, 48
_OTHERS = 0.25  # share of the processor that others may take while speed is measured
_WATCH_S, _LOOK_S = 0.05, 0.3
_SWAPPED = 512 * MIB
_WORDS = ("not enough memory", "signal 9")  # 9: the system ended it to save the others


class _TooLarge(Exception):
    """The plan does not fit; the text says how that showed."""


Told = Callable[[str], None]


def settle(
    settings: Settings,
    choice: Choice,
    wish: Wish,
    environment: Mapping[str, str],
    on_download: OnDownload,
    tell: Told,
) -> Choice:
    """`choice` with what was measured of it, or a smaller one where it does not fit after all.

    It is tried once; what is known of this very plan on this machine is taken as it is, unless its
    speed could not be measured then (others were busy) and can be now. A model
    that fails for another reason than memory is left for the node to tell.
    """
    for step in range(_STEPS):
        if choice.plan.spec.bundled:
            return choice  # a toy fits everywhere, and nobody waits for its measurement
        known = [one for one in read(settings.state, choice.profile) if _same(one, choice)]
        if known and (known[-1].one is not None or _busy()):
            return replace(choice, measured=_told(known[-1]))
        tell(
            f"Trying {choice.plan.label}, {_size(choice.plan)}: memory and speed are measured once."
        )
        try:
            entry = asyncio.run(_trial(choice, environment))
        except _TooLarge as error:
            less = smaller(settings, choice, wish, on_download, min(0.03 * 2**step, 0.5))
            if less is None:
                tell(f"{choice.plan.label} {error}, and nothing smaller of it is here.")
                return choice
            tell(f"{choice.plan.label} with {_size(choice.plan)} {error}: stepping down "
                 f"to {less.plan.label} with {_size(less.plan)}.")  # fmt: skip
            choice = less
            continue
        except SwarmError:
            return choice
        keep(settings.state, entry)
        return replace(choice, measured=_told(entry))
    return choice


def _same(entry: Entry, choice: Choice) -> bool:
    return entry.engine == _engine() and entry.is_of(choice.plan, choice.path)


def _told(entry: Entry) -> Measured:
    return Measured(entry.resident, entry.predicted, entry.one, entry.all, entry.seats)


def _size(plan: Plan) -> str:
    seats = "1 seat" if plan.seats == 1 else f"{plan.seats} seats"
    return f"{seats}, context {plan.context} ({plan.bytes / GIB:.1f} GiB)"


def _engine() -> str:
    try:
        return f"xllamacpp {importlib.metadata.version('xllamacpp')}"
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


async def _trial(choice: Choice, environment: Mapping[str, str]) -> Entry:
    """Loads the plan, lets one and then all seats write, and ends it again.

    Raises _TooLarge before the machine swaps itself to death, and EngineUnavailable.
    """
    plan = choice.plan
    config = LlamaConfig(
        model=plan.spec.id,
        path=choice.path,
        slots=plan.slots,
        context=plan.context,
        cells=plan.cells,
        threads=plan.threads,
        prompt_cache_mib=plan.prompt_cache >> 20,
        tuning=tuned(plan),
    )
    server = LlamaServer(config, environment)
    measuring = asyncio.create_task(_measure(server, choice))
    watching = asyncio.create_task(_watch())
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
        await server.close()


async def _measure(server: LlamaServer, choice: Choice) -> Entry:
    plan = choice.plan
    async with asyncio.timeout(_LOAD_S):
        await server.start()
    before = _clock()
    one: float | None = await _speed(server, 1)
    every = await _speed(server, plan.seats) if plan.seats > 1 else one
    if _others(before, _clock()) > _OTHERS:
        one = every = None  # it would tell of the other programs
    predicted = plan.need.total - plan.need.cache  # nothing is kept of earlier chats yet
    resident = resident_of(server.status().pid, choice.path, plan.need)
    return Entry(
        machine=machine_of(choice.profile),
        engine=_engine(),
        file=choice.path.name,
        file_bytes=plan.need.weights,
        seats=plan.seats,
        cells=plan.cells,
        slots=plan.slots,
        predicted=predicted - plan.spec.surplus,
        resident=resident,
        one=one,
        all=every,
        # What cards do tells nothing of the processor.
        expected=0.0 if plan.gpu_layers else expected(choice.profile, plan.spec, plan.need.weights),
    )


async def _speed(server: LlamaServer, seats: int) -> float | None:
    """Tokens a second of each of `seats` answers; None where too few came to tell."""
    asked = ChatRequest(
        id="trial",
        messages=({"role": "user", "content": "Count from one to one hundred, in words."},),
        max_tokens=_TOKENS,
        sampling={"ignore_eos": True},
    )
    first: dict[int, tuple[float, int]] = {}
    last: dict[int, tuple[float, int]] = {}
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(_ANSWER_S * 4) as limit,
            aclosing(server.sample(asked, seats)) as pieces,  # type: ignore[type-var]
        ):
            async for piece in pieces:
                if isinstance(piece, Piece) and piece.tokens:
                    now = time.monotonic(), piece.tokens
                    if not first:  # the prompt is read: from here on it writes
                        limit.reschedule(asyncio.get_running_loop().time() + _ANSWER_S)
                    first.setdefault(piece.seat, now)
                    last[piece.seat] = now
    speeds = [
        (last[seat][1] - tokens) / (last[seat][0] - begun)
        for seat, (begun, tokens) in first.items()
        if last[seat][1] - tokens > 1 and last[seat][0] > begun
    ]
    return round(sum(speeds) / len(speeds), 2) if speeds else None


def _clock() -> tuple[float, float, float]:
    """Processor seconds of all programs, those of ours, and the time."""
    import psutil

    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    ours = 0.0
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        with suppress(psutil.Error):
            spent = process.cpu_times()
            ours += spent.user + spent.system
    return sum(times[:8]) - idle, ours, time.monotonic()


def _others(before: tuple[float, float, float], after: tuple[float, float, float]) -> float:
    """The share of the whole processor, 0 to 1, that programs other than ours took."""
    import psutil

    busy, ours, seconds = (late - early for early, late in zip(before, after, strict=True))
    return max(0.0, busy - ours) / max(seconds * (psutil.cpu_count() or 1), 1e-3)


def _busy() -> bool:
    """Whether other programs work just now, so that a speed cannot be measured."""
    import psutil

    return psutil.cpu_percent(_LOOK_S) > 100 * _OTHERS


async def _watch() -> str:
    """Returns once the machine runs out of memory, with what showed that."""
    import psutil

    floor = min(256 * MIB, psutil.virtual_memory().total // 32)
    swapped = psutil.swap_memory().used
    while True:
        await asyncio.sleep(_WATCH_S)
        free = psutil.virtual_memory().available
        if free < floor:
            return f"{free // MIB} MiB of RAM were left"
        if psutil.swap_memory().used - swapped > _SWAPPED:
            return "the machine began to swap"
