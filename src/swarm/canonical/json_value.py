"""Answers that are JSON: compared by value, and put together field by field."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from .fences import blocks
from .key import Key
from .schema import admits
from .span import strip_thoughts
from .values import DEPTH, NotJson, Value, canonical, nfc, parse, short

_NEXT = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]]', re.S)
_OPENING = re.compile(r"[{\[]")
_TRIES = 100  # brackets in prose that might hold a value
_ABSENT = object()


def key(words: str, schema: object = None) -> Key | None:
    """The key of the JSON value in an answer; None when there is none, or more than one.

    A fence or prose around the value is forgiven where only one value can be meant. `schema` is
    the JSON schema the request asks for, `{"type": "object"}` for `json_object`, None for any
    value; a violation abstains.
    """
    value = value_in(words, schema)
    return None if value is _ABSENT else Key(f"json:{short(canonical(value))}")


def assemble(
    texts: Sequence[str], schema: object = None, weights: Sequence[float] | None = None
) -> str | None:
    """One JSON text out of all answers: of each field the value that most of them agree on.

    Objects are put together field by field, arrays are taken as they are. None when a field has
    no value with more than half of the weight of the valid answers, or when the result violates
    `schema`. `weights` has what each text weighs, 1 by default. The order of `texts` does not
    count.
    """
    said = [value_in(strip_thoughts(text), schema) for text in texts]
    votes = [
        (value, weight)
        for value, weight in zip(said, weights or [1.0] * len(said), strict=True)
        if value is not _ABSENT
    ]
    whole = _agreed(votes, math.fsum(weight for _, weight in votes))
    if whole is None or whole[0] is _ABSENT or admits(whole[0], schema) is False:
        return None
    return _written(whole[0])


def value_in(words: str, schema: object = None) -> Value:
    """The one value that an answer gives and `schema` admits, else a value that equals nothing."""
    for candidates in (iter([words]), _fenced(words), _in_prose(words)):
        found: dict[str, Value] = {}
        read = False
        for candidate in candidates:
            try:
                value = parse(candidate.strip())
            except NotJson:
                continue
            read = True
            if admits(value, schema) is not False:
                found[canonical(value)] = value
        if len(found) == 1:
            return found.popitem()[1]
        if read:
            return _ABSENT
    return _ABSENT


def _fenced(words: str) -> Iterator[str]:
    return (block.text for block in blocks(words) if block.text.strip())


def _in_prose(words: str) -> Iterator[str]:
    """Objects and arrays that stand in prose, the outer ones only."""
    done, tries, work = 0, 0, 0
    for start, end in _brackets(words):
        if start < done:
            continue
        text = words[start:end]
        tries, work = tries + 1, work + len(text)
        if tries > _TRIES or work > 4 * len(words):
            yield from ("0", "1")  # too much to tell what is meant
            return
        try:
            parse(text)
        except NotJson:
            continue
        yield text
        done = end


def _brackets(words: str) -> list[tuple[int, int]]:
    """Where brackets open and are closed again, in one pass; strings count inside of them only."""
    pairs, open_at, at = [], list[int](), 0
    while match := (_NEXT if open_at else _OPENING).search(words, at):
        at = match.end()
        if match[0] in "{[":
            open_at.append(match.start())
            if len(open_at) > 2 * DEPTH:  # nothing around here is compared
                break
        elif match[0] in "}]":
            pairs.append((open_at.pop(), at))
    return sorted(pairs)


def _agreed(votes: Sequence[tuple[Value, float]], total: float) -> tuple[Value] | None:
    """What more than half of the weight `total` says; None when there is no such thing."""
    said = ["" if value is _ABSENT else canonical(value) for value, _ in votes]
    weighed: defaultdict[str, float] = defaultdict(float)
    for text, (_, weight) in zip(said, votes, strict=True):
        weighed[text] += weight
    best = next((text for text in weighed if _most(weighed[text], total)), None)
    if best is not None:
        equal = [value for (value, _), text in zip(votes, said, strict=True) if text == best]
        # Equal values may still name their members in another order.
        return (min(equal, key=_written) if best else _ABSENT,)
    objects = [(value, weight) for value, weight in votes if isinstance(value, dict)]
    if not _most(math.fsum(weight for _, weight in objects), total):
        return None
    whole = {}
    for name in _names([value for value, _ in objects]):
        field = _agreed([(value.get(name, _ABSENT), weight) for value, weight in objects], total)
        if field is None:
            return None
        if field[0] is not _ABSENT:
            whole[name] = field[0]
    return (whole,)


def _most(weight: float, total: float) -> bool:
    return round(2 * weight - total, 9) > 0


def _names(objects: Sequence[dict[str, Value]]) -> list[str]:
    """All members' names, in the order in which they stand on average."""
    places: dict[str, list[int]] = {}
    for value in objects:
        for place, name in enumerate(value):
            places.setdefault(name, []).append(place)
    return sorted(places, key=lambda name: (Fraction(sum(places[name]), len(places[name])), name))


def _written(value: Value) -> str:
    """`value` as JSON, the same text for equal values whose members stand in the same order."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_string(n)}: {_written(v)}" for n, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Decimal):
        exact = canonical(value)  # `12e2`
        digits, _, power = exact.partition("e")
        return f"{Decimal(exact):f}" if abs(int(power or 0)) < 30 else f"{digits}e{power}"
    return json.dumps(value)


def _string(words: str) -> str:
    text = json.dumps(nfc(words), ensure_ascii=False)
    return text if text.isprintable() else json.dumps(nfc(words))
