"""From what the user named to the crews of a node: models are planned and downloaded, servers are
asked what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .backends import extras
from .backends.care import USUAL, Care
from .backends.foreign import USUAL_PORTS, Found, adopt, inspect, leaves_the_machine
from .backends.tuning import Tuning
from .bench.calibration import accuracies, accuracies_of
from .bench.question import digest
from .choose import Choice, Wish, choose_all
from .crew import Crew, of_endpoint, of_mlx, of_plan
from .engines import candidates, installed, remember
from .errors import UsageError
from .hardware.detect import detect
from .models.store import is_path, user_path
from .obtain import OnDownload
from .settings import Settings, clean_environment
from .trial import Told, Tried, settle

_WITHOUT_MODEL = UsageError(
    "--lora, --draft-model and --mmproj go with GGUF models that this node runs.",
    hint="Leave them out, or serve a GGUF file.",
)
SEATS = 3  # of each of several models, and of every foreign server, where nothing is said


@dataclass(frozen=True, slots=True)
class Named:
    """A model (None: the best for this machine) or a server's address, and its seats (None: the
    planner's choice). `model` of an address is the one that it is asked for, `key` its API key."""

    model: str | None
    seats: int | None = None
    url: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Enlisted:
    """The plans of the models, everybody's crew, and what the user must know of them."""

    choices: list[Choice]
    crews: list[Crew]
    notices: list[str]


def enlist(
    settings: Settings,
    named: Sequence[Named],
    wish: Wish,
    on_download: OnDownload,
    tell: Told = lambda _: None,
    *,
    care: Care = USUAL,
    adopting: bool = False,
    own_port: int | None = None,
    engine: str | None = None,
    tuning: Tuning | None = None,
) -> Enlisted:
    """Models first, then servers; `wish` holds what all models have in common.

    `tell` hears where a plan is tried for the first time, and where it did not fit. `engine` is the
    only kind that may serve the models, `tuning` its speed options. With `adopting` the servers on
    the usual ports of this machine vote too, and where nothing else was named they are all there
    is. Raises SwarmError.
    """
    tuning = tuning or Tuning()
    tuning.check()
    if tuning.files and all(one.url for one in named):
        raise _WITHOUT_MODEL
    servers = [(inspect(one.url, one.key), one) for one in named if one.url is not None]
    notices: list[str] = []
    if adopting:
        known = {found.url for found, _ in servers}
        adopted = [one for one in adopt(besides=[own_port or 0]) if one.url not in known]
        each = None
        if not adopted:
            ports = ", ".join(map(str, USUAL_PORTS))
            notices.append(f"No server to adopt on the ports {ports} of this machine.")
        elif [(one.model, one.url) for one in named] == [(None, None)]:
            each = named[0].seats and max(1, named[0].seats // len(adopted))
            named = []
        servers += [(found, Named(None, each, found.url)) for found in adopted]
    kinds = installed(settings, detect()) if any(one.url is None for one in named) else []
    environment = clean_environment()
    folders = [one for one in named if one.url is None and _is_folder(one.model)]
    models = [one for one in named if one.url is None and one not in folders]
    if tuning.files and (folders or not models):
        raise _WITHOUT_MODEL
    if models:  # a wrong name is told before a download
        best = candidates(kinds, engine, Path("model.gguf"))[0]
        draft, adapters = extras.planned(tuning)
        cards = bool(best.cards) and tuning.gpu_layers != 0
        wish = replace(wish, cards=cards, draft=draft, adapters=adapters)
    wishes = [replace(wish, model=one.model, seats=one.seats) for one in models]
    choices = choose_all(settings, wishes, on_download) if wishes else []
    for choice in choices:
        extras.check_fit(tuning, choice.path)
    if choices:
        first = candidates(kinds, engine, choices[0].path)[0]

        def built(choice: Choice) -> Crew:
            return of_plan(choice.plan, choice.path, environment, kinds=[first], tuning=tuning)

        label = first.label if tuning == Tuning() else f"{first.label} {tuning}"
        tried = Tried(built, label, tuning == Tuning())
        wishes = [replace(one, engines=len(wishes)) for one in wishes]
        choices = settle(settings, choices, wishes, tried, on_download, tell)

    def heard(name: str, fault: str | None) -> None:
        if not (fault and tuning.files):  # they may be at fault, not the engine
            remember(settings, name, fault)

    crews = [
        of_plan(
            choice.plan,
            choice.path,
            environment,
            accuracies_of(settings, choice.path),
            choice.measured,
            care=care,
            kinds=candidates(kinds, engine, choice.path),
            tuning=tuning,
            told=heard,
        )
        for choice in choices
    ]
    for one in folders:
        folder = user_path(str(one.model))
        [kind] = candidates(kinds, engine, folder)
        crews.append(of_mlx(kind, folder, one.seats or SEATS, environment, wish.context, care))
    for found, one in servers:
        crews.append(_crew(settings, found, one))
        if told := _notice(found, one, crews[-1]):
            notices.append(told)
    return Enlisted(choices, crews, notices)


def crew_of(settings: Settings, choice: Choice) -> Crew:
    """The crew of one model by whatever engine runs here. Raises UsageError."""
    return of_plan(
        choice.plan,
        choice.path,
        clean_environment(),
        accuracies_of(settings, choice.path),
        choice.measured,
        kinds=candidates(installed(settings, choice.profile), None, choice.path),
        told=lambda name, fault: remember(settings, name, fault),
    )


def _is_folder(model: str | None) -> bool:
    """Whether a name means a folder on disk: a model of MLX."""
    return model is not None and is_path(model) and user_path(model).is_dir()


def _crew(settings: Settings, found: Found, one: Named) -> Crew:
    model = found.choose(one.model)
    measured = accuracies(settings, digest([found.url, model.name]))
    return of_endpoint(found, model, one.seats or SEATS, one.key, measured)


def _notice(found: Found, one: Named, crew: Crew) -> str:
    """Where questions go that leave this machine, and which of several models was taken."""
    told = []
    if leaves_the_machine(found.url):
        plain = " unencrypted" if found.url.startswith("http:") else ""
        told.append(f"Questions are sent to {found.url}{plain}.")
    if one.model is None and len(found.models) > 1 and not found.is_ours:
        count = len(found.models)
        told.append(f"{found.url} has {count} models; for another one: {found.url}#NAME.")
    return " ".join(told)
