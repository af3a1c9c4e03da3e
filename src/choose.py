"""Decides what a node will run: hardware, wish and disk become a plan and a model file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .capacity import engine_budget, unused, with_bandwidth
from .errors import FetchError, HubUnreachable, SwarmError, UsageError
from .hardware.budget import GIB
from .hardware.detect import detect
from .hardware.profile import HardwareProfile
from .models.catalog import DEMO, ModelSpec, catalog
from .models.gguf import read_spec
from .models.measured import read, surplus
from .models.planner import MIN_SPEED, Plan, Wishes, plan
from .models.store import (
    Address,
    Remote,
    demo_path,
    downloaded,
    exact,
    is_path,
    listed,
    local_file,
    resolve,
    user_path,
)
from .obtain import OnDownload, copy, download
from .settings import Settings
from .status import Measured


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for; None leaves it to the planner.

    `taken` bytes of the budget belong to other models; `engines` in all share the cores.
    `isolated` gives each seat a process with a copy of the weights; `kv` is how the KV cache is
    stored, f16 or q8_0. With `cards` the engine uses graphics cards. Each engine also loads a
    `draft` model and `adapters` bytes of other files. With `here` nothing is downloaded for want
    of a name.
    """

    model: str | None = None
    seats: int | None = None
    context: int | None = None
    taken: int = 0
    engines: int = 1
    isolated: bool = False
    kv: str = "f16"
    cards: bool = False
    draft: ModelSpec | None = None
    adapters: int = 0
    here: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What will be run, `notice`: what the user must know of it, and what was measured of it."""

    profile: HardwareProfile
    plan: Plan
    path: Path
    notice: str | None = None
    measured: Measured | None = None


_LITTLE = 0.03


def choose(settings: Settings, wish: Wish, on_download: OnDownload) -> Choice:
    """Plans, and downloads where that is needed. Raises SwarmError.

    Without a wished model: the best listed one; offline the best that is on disk; with none
    there, the bundled demo model.
    """
    profile = detect()
    if wish.model not in (DEMO, "demo-mini"):  # the demo models are fast on any machine
        profile = with_bandwidth(settings, profile)
    choice = _choose(settings, profile, wish, on_download)
    notices = [text for text in (None if wish.cards else unused(profile), choice.notice) if text]
    return replace(choice, notice="\n".join(notices) or None)


def choose_all(settings: Settings, wishes: Sequence[Wish], on_download: OnDownload) -> list[Choice]:
    """Several models that run beside each other, each planned for what the others leave of the
    memory and with its share of the cores. Raises SwarmError."""
    if len(wishes) == 1:
        return [choose(settings, wishes[0], on_download)]
    choices: list[Choice] = []
    for at, wish in enumerate(wishes):
        before = sum(choice.plan.bytes for choice in choices)
        behind = sum(_least(settings, other) for other in wishes[at + 1 :])
        wish = replace(wish, taken=before + behind, engines=len(wishes))
        choice = choose(settings, wish, on_download)
        choices.append(replace(choice, notice=None if at else choice.notice))
    return choices


def _least(settings: Settings, wish: Wish) -> int:
    """Bytes that a model takes at the least; 0 where that is not known before it is here."""
    try:
        specs = specs_of(settings, wish.model)
        return _plan(detect(), specs, replace(wish, seats=1)).bytes if wish.model else 0
    except SwarmError:
        return 0


def pull(settings: Settings, model: str | None, on_download: OnDownload) -> Path:
    """The file that `run` would serve for `model`, brought to this disk: as planned for this
    machine, where there are several quantizations. Raises SwarmError."""
    found = resolve(model, settings.models) if model is not None else None
    if isinstance(found, Remote | Address):
        return download(settings, found, on_download)
    if model is not None and isinstance(found, ModelSpec) and not (found.repo or found.bundled):
        return copy(settings, _path_of(model, settings), on_download)
    profile = with_bandwidth(settings, detect())
    specs = [found] if found else list(listed(settings.models).values())
    return _bring(settings, profile, _plan(profile, specs, Wish()), Wish(), on_download).path


def _choose(
    settings: Settings, profile: HardwareProfile, wish: Wish, on_download: OnDownload
) -> Choice:
    if wish.model is None and wish.here:
        return _on_disk(settings, profile, wish)
    if wish.model is None:
        planned = _plan(profile, list(listed(settings.models).values()), wish)
        try:
            return _bring(settings, profile, planned, wish, on_download)
        except HubUnreachable:
            return _on_disk(settings, profile, wish)
    found = resolve(wish.model, settings.models)
    if isinstance(found, Remote | Address):
        return _of_file(settings, profile, download(settings, found, on_download), wish)
    if found.repo or found.bundled:
        return _bring(settings, profile, _plan(profile, [found], wish), wish, on_download)
    return _of_file(settings, profile, _path_of(wish.model, settings), wish)


def _of_file(settings: Settings, profile: HardwareProfile, path: Path, wish: Wish) -> Choice:
    spec = _taught(settings, profile, read_spec(path), path)
    return Choice(profile, _plan(profile, [spec], wish), path)


def _taught(settings: Settings, profile: HardwareProfile, spec: ModelSpec, path: Path) -> ModelSpec:
    """`spec` with what its file took here beyond the prediction."""
    more = surplus(path.name, spec.file_bytes, read(settings.state, profile))
    return replace(spec, surplus=more)


def smaller(
    settings: Settings, choice: Choice, wish: Wish, on_download: OnDownload, share: float
) -> Choice | None:
    """A plan for a `share` (0 to 1) less memory than `choice`, or at least for a little less: fewer
    seats or a smaller context, else the next quantization, which may have to be downloaded. None
    where there is nothing smaller."""
    free = replace(wish, seats=None, context=None)
    asked = (wish, replace(free, context=choice.plan.context), free)
    for less in (share, _LITTLE):
        limit = int(choice.plan.bytes * (1 - less))
        for one in asked:
            made = _plan(choice.profile, [choice.plan.spec], one, limit)
            if made.bytes <= limit:
                return replace(choice, plan=made, measured=None)
    listing = listed(settings.models).get(choice.plan.spec.id)
    if listing is None or not listing.repo:
        return None
    made = _plan(choice.profile, [listing], free, limit)
    if made.bytes > limit or made.quant == choice.plan.quant:
        return None
    try:
        brought = _bring(settings, choice.profile, made, free, on_download, limit)
    except SwarmError:
        return None
    return brought if brought.plan.bytes <= limit else None


def specs_of(settings: Settings, model: str | None) -> list[ModelSpec]:
    """What a plan may choose from: all listed models, or the one named. Raises SwarmError.

    Nothing is downloaded: a repository of the hub is only planned once its file is here.
    """
    if model is None:
        return list(listed(settings.models).values())
    found = resolve(model, settings.models)
    if not isinstance(found, Remote | Address):
        return [found]
    raise UsageError(
        f"{model} is not on this machine, and its size is not known.",
        hint=f"`local-swarm run {model}` downloads and plans it.",
    )


def _plan(
    profile: HardwareProfile, specs: list[ModelSpec], wish: Wish, limit: int | None = None
) -> Plan:
    spend = engine_budget(profile, wish.cards)
    if limit is not None and limit < spend.bytes:
        told = f"{limit / GIB:.1f} GiB, because more did not fit"
        spend = replace(spend, bytes=limit, vram=min(spend.vram, limit), reason=told)
    if wish.engines > 1:  # the threads of two engines on one core would wait for each other
        cores, fast = profile.cores, profile.performance_cores
        cores, fast = max(1, cores // wish.engines), fast and max(1, fast // wish.engines)
        profile = replace(profile, cores=cores, performance_cores=fast)
    if wish.taken:
        left = max(0, spend.bytes - wish.taken)
        told = f"{spend.reason}, less {wish.taken / GIB:.1f} GiB for the models beside it"
        spend = replace(spend, bytes=left, vram=min(spend.vram, left), reason=told)
    floor = None if wish.isolated else MIN_SPEED
    wishes = Wishes(
        wish.seats, wish.context, floor, wish.kv, wish.isolated, wish.draft, wish.adapters
    )
    return plan(profile, spend, specs, wishes)


def _bring(
    settings: Settings,
    profile: HardwareProfile,
    planned: Plan,
    wish: Wish,
    on_download: OnDownload,
    limit: int | None = None,
) -> Choice:
    """The plan's file, downloaded if need be; the plan is made again with its exact facts."""
    spec, quant = planned.spec, planned.quant
    path = local_file(spec, quant, settings.models)
    if path is None:
        assert spec.repo and quant
        try:
            path = download(settings, Remote(spec.repo, quant.name, quant.file), on_download)
        except HubUnreachable:
            raise
        except FetchError:  # perhaps the file has another name there: any of that quantization
            path = download(settings, Remote(spec.repo, quant.name), on_download)
    again = _plan(
        profile, [_taught(settings, profile, exact(spec, path, quant), path)], wish, limit
    )
    # The reason why this model was chosen is known to the first plan only.
    kept = [line for line in planned.why if "of the listed models" in line]
    why = (again.why[0], *kept, *again.why[1:])
    return Choice(profile, replace(again, why=why, runners_up=planned.runners_up), path)


def _on_disk(settings: Settings, profile: HardwareProfile, wish: Wish) -> Choice:
    """The largest model on disk that fits, else the demo model."""
    fitting: list[tuple[Plan, Path]] = []
    for path in downloaded(settings.models):
        try:
            made = _plan(profile, [read_spec(path)], wish)
        except SwarmError:
            continue  # a damaged file is no reason not to start
        if made.bytes <= made.budget.bytes:
            fitting.append((made, path))
    if fitting:
        made, path = max(fitting, key=lambda pair: _merit(pair[0]))
        told = f"serving {made.spec.id}, the best model on disk."
        return Choice(profile, made, path, None if wish.here else f"No network: {told}")
    made = _plan(profile, [exact(catalog()[DEMO], demo_path())], wish)
    told = "the bundled demo model (sums, small talk, tool calls)"
    notice = f"No network and no model on disk: serving {told}."
    if wish.here:
        notice = f"No model on disk: {told} answers. `local-swarm run` downloads a better one."
    return Choice(profile, made, demo_path(), notice)


def _merit(made: Plan) -> tuple[bool, int]:
    """Of models whose quality nobody told, the largest that answers in good time."""
    return made.tokens_per_second >= MIN_SPEED, made.need.weights


def _path_of(name: str, settings: Settings) -> Path:
    if is_path(name):
        return user_path(name)
    return next(path for path in downloaded(settings.models) if path.stem == name)
