"""From what the user named to the crews of a node: models are planned and downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .bench.calibration import accuracies_of
from .choose import Choice, Wish, choose_all
from .crew import Crew, of_plan
from .obtain import OnDownload
from .settings import Settings, clean_environment


@dataclass(frozen=True, slots=True)
class Named:
    """A model (None: the best for this machine) or a server's address, and its seats (None: the
    planner's choice). `model` of an address is the one that it is asked for."""

    model: str | None
    seats: int | None = None
    url: str | None = None


def enlist(
    settings: Settings, named: Sequence[Named], context: int | None, on_download: OnDownload
) -> tuple[list[Choice], list[Crew]]:
    """The plans of the models, and everybody's crew in the order of `named`. Raises SwarmError."""
    wishes = [Wish(one.model, one.seats, context) for one in named if one.url is None]
    choices = choose_all(settings, wishes, on_download) if wishes else []
    environment = clean_environment()
    crews = [
        of_plan(choice.plan, choice.path, environment, accuracies_of(settings, choice.path))
        for choice in choices
    ]
    return choices, crews
