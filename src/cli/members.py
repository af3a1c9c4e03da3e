"""Who is to vote: the models and servers that the flags name, with their seats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..enlist import SEATS, Named
from ..errors import UsageError
from ..models.planner import MAX_SEATS


def members(
    positional: str | None,
    demo: bool,
    models: Sequence[str],
    endpoints: Sequence[str],
    seats: int | None,
    keys: Sequence[str] = (),
) -> list[Named]:
    """The members in the order in which they are named, models first.

    `seats` is the number of all: those with a number of their own keep it, the others share the
    rest. `keys` are the API keys of the endpoints in their order, "" and "-" for none. Raises
    UsageError.
    """
    named = [Named("demo")] if demo else []
    named += [_model(text) for text in (*((positional,) if positional else ()), *models)]
    if demo and positional and positional != "demo":
        raise UsageError(
            f"--demo and {positional} are two models.",
            hint=f"To let both vote: run --demo --model {positional}.",
        )
    named = list(dict.fromkeys(named))
    if len(keys) > len(endpoints):
        raise UsageError("There are more keys than endpoints.", hint="Give --endpoint URL.")
    padded = [*keys, *[""] * (len(endpoints) - len(keys))]
    named += [_endpoint(text, key) for text, key in zip(endpoints, padded, strict=True)]
    if not named:
        return [Named(None, seats)]
    if len(named) == 1:
        return [replace(named[0], seats=named[0].seats or seats)]
    return _shared(named, seats)


def _shared(named: list[Named], seats: int | None) -> list[Named]:
    fixed = sum(one.seats or 0 for one in named)
    open_ = [one for one in named if one.seats is None]
    if seats is None:
        return [replace(one, seats=one.seats or SEATS) for one in named]
    if seats < fixed + len(open_) or (not open_ and seats != fixed):
        raise UsageError(
            f"{seats} seats are not enough for what is named: {fixed} are given out already."
            if open_ or seats < fixed
            else f"--seats {seats} does not fit the {fixed} seats that are named.",
            hint="Leave --seats out, or give each its number: --model NAME:2.",
        )
    rest = seats - fixed
    result: list[Named] = []
    left = len(open_)
    for one in named:
        if one.seats is None:
            mine = -(-rest // left)
            rest, left = rest - mine, left - 1
            one = replace(one, seats=mine)
        result.append(one)
    return result


def _model(text: str) -> Named:
    """NAME, NAME:QUANT, a path or hf:owner/repo:QUANT, each with :SEATS behind it if need be."""
    name, colon, number = text.rpartition(":")
    if colon and number.isdecimal() and name:
        return Named(name, _seats(number, text))
    if not text.strip():
        raise UsageError("A model has a name.", hint="`local-swarm models` lists some.")
    return Named(text)


def _endpoint(text: str, key: str) -> Named:
    """URL, URL#MODEL, URL#MODEL:SEATS or URL#:SEATS."""
    url, _, behind = text.partition("#")
    secret = key if key not in ("", "-") else None
    name, colon, number = behind.rpartition(":")
    if colon and number.isdecimal():
        return Named(name or None, _seats(number, text), url, secret)
    return Named(behind or None, None, url, secret)


def _seats(number: str, text: str) -> int:
    if not 1 <= int(number[:9]) <= MAX_SEATS:
        raise UsageError(f"{text}: {number} seats are not possible.", hint=f"1 to {MAX_SEATS}.")
    return int(number)
