"""How sound a ballot is in itself: complete, well-formed, not looping. Pure."""

from __future__ import annotations

from ..ballot import Ballot, Finish
from . import quality
from .canonical import Asked


def score(ballot: Ballot, asked: Asked) -> float:
    """From 0 to 1. Neither length nor markdown counts. Calls are held to their schemas earlier."""
    if ballot.finish is Finish.ERROR:
        return 0.0
    cut = ballot.finish is Finish.LENGTH
    if ballot.answer.tool_calls:
        return quality.CUT if cut else 1.0
    return quality.score(ballot.answer.text, asked.kind, asked.schema, asked.question, cut=cut)
