"""`local-swarm doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import logging
import platform
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from functools import partial

from rich.console import Console

from .. import __version__
from .. import settings as configuration
from ..capacity import unused
from ..diagnose import engine, fence, machine, places
from ..diagnose import lan as peers
from ..diagnose.check import Check, Stage, State, examine, healthy
from ..engines import LIBRARY, PROGRAM, Kind, installed, program_of
from ..hardware.detect import detect
from ..hardware.profile import HardwareProfile
from ..settings import Settings, clean_environment

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red", State.SKIP: "dim"}


def doctor(lan: bool, as_json: bool) -> None:
    """See machine.doctor. Exit code 1 when something failed."""
    # What failed is told as a check, and not by a log beside them.
    logging.getLogger("local_swarm").addHandler(logging.NullHandler())
    stages = _stages(configuration.read(), detect(), lan=lan)
    checks = asyncio.run(_examined(stages, as_json))
    if as_json:
        found = {"ok": healthy(checks), "checks": [asdict(check) for check in checks]}
        print(json.dumps(found, ensure_ascii=False))
    if not healthy(checks):
        sys.exit(1)


def _stages(settings: Settings, profile: HardwareProfile, *, lan: bool) -> list[tuple[str, Stage]]:
    """All stages in the order in which a start needs them."""
    kinds = installed(settings, profile)
    stages: list[tuple[str, Stage]] = [
        ("program", _program),
        ("processor", partial(machine.processor, profile)),
        ("memory", partial(machine.memory, profile)),
        ("graphics", partial(machine.graphics, profile, unused(profile))),
        ("engines", partial(engine.kinds, [(kind.name, kind.fault) for kind in kinds])),
        *_engine(kinds, profile.cores),
        ("sandbox", fence.sandbox),
        ("port", partial(places.port, settings)),
        ("disk", partial(places.disk, settings)),
        ("files", partial(places.files, settings)),
        ("hub", partial(places.hub, settings)),
    ]
    if lan:
        stages.append(("lan", partial(peers.lan, settings)))
    return stages


def _engine(kinds: Sequence[Kind], cores: int) -> list[tuple[str, Stage]]:
    """The package, and an answer of it; of a llama-server where the package is not for here."""
    environment = clean_environment()
    package = next(kind for kind in kinds if kind.name == LIBRARY)
    others = [kind for kind in kinds if kind.name != LIBRARY and not kind.fault]
    if not package.fault or package.failed or not others:
        return [
            ("engine", partial(engine.importing, environment)),
            ("answer", partial(engine.starting, environment, cores)),
        ]
    stages: list[tuple[str, Stage]] = [
        ("engine", partial(engine.absent, package.fault, others[0].name))
    ]
    if others[0].name == PROGRAM:
        answer = lambda: engine.starting(environment, cores, program_of(others[0]))  # noqa: E731
        stages.append(("answer", answer))
    return stages


async def _program() -> AsyncIterator[Check]:
    """What runs: the first thing that a report of a fault needs."""
    told = f"local-swarm {__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield Check("program", State.OK, told)


async def _examined(stages: list[tuple[str, Stage]], quiet: bool) -> list[Check]:
    out = Console(highlight=False, soft_wrap=True)
    checks = []
    async for check in examine(stages):
        checks.append(check)
        if not quiet:
            _print(out, check)
    return checks


def _print(out: Console, check: Check) -> None:
    out.print(f"{check.state:<5}", style=_COLOURS[check.state], end="")
    out.print(f"{check.name:<10} {check.detail}", markup=False)
    if check.advice:
        out.print(f"{'':<16}-> {check.advice}", markup=False)
