"""How sound an answer is in itself: complete, well-formed, not looping. Pure."""

from __future__ import annotations

from ..ballot import Ballot, Finish
from .canonical import Asked


def score(ballot: Ballot, asked: Asked) -> float:
    """From 0 to 1. Neither length nor markdown counts."""
    return 0.0 if ballot.finish in (Finish.LENGTH, Finish.ERROR) else 1.0
