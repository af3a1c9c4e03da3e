"""What one statement commits itself to, and when two statements are at odds: their numbers, what
they assert and deny, names, and who does what to whom. Pure, total."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import NamedTuple

from . import lexicon, polarity
from .quantities import Quantity, quantities, without

_SAME_FRAME = 0.6  # the least part of common words where only the subject differs
_SAME_WORDS = 0.8  # the least part of common words where two of them may have changed places


class Claim(NamedTuple):
    """What a statement commits itself to."""

    numbers: tuple[Quantity, ...]
    asserted: frozenset[str]  # concepts
    denied: tuple[frozenset[str], ...]  # concepts of one clause, never asserted elsewhere
    names: frozenset[str]  # stems of proper names and identifiers
    codes: frozenset[str]  # quoted code, without spaces
    initials: frozenset[str]  # stems that begin a sentence: names, perhaps
    order: tuple[str, ...]  # stems of the words that carry meaning
    stems: frozenset[str]
    listed: frozenset[str]  # stems that stand in an enumeration, where order says nothing
    passive: bool
    letters: str  # the text in lower case without spaces: to look codes up


def claim(words: str) -> Claim:
    """The claim of a plain text of one sentence or a few; compare two of them by `at_odds`."""
    parts = lexicon.sentences(words)
    order = tuple(_order(words))
    names, initials = _names(parts)
    asserted, denied = polarity.claims(parts)
    codes = frozenset("".join(code.split()) for code in _CODE.findall(words))
    return Claim(
        numbers=tuple(quantities(words)),
        asserted=asserted,
        denied=denied,
        names=names,
        codes=codes,
        initials=initials,
        order=order,
        stems=frozenset(order)
        | names
        | {lexicon.stem(t.casefold()) for t in lexicon.tokens(words)},
        listed=frozenset(
            lexicon.stem(w.casefold()) for pair in _LISTED.findall(words) for w in pair
        ),
        passive=re.search(r"\bby\b", words, re.IGNORECASE) is not None,
        letters="".join(words.casefold().replace("`", "").split()),
    )


def at_odds(one: Claim, other: Claim, *, strict: bool) -> bool:
    """Whether two statements cannot mean the same. Symmetric; False for equal ones.

    Where `strict`, both must give the same numbers; else one may give more than the other.
    """
    if one.letters == other.letters:
        return False
    return (
        _numbers_differ(one, other, strict)
        or _deny(one, other)
        or _named_apart(one, other)
        or _replaced(one, other)
        or _swapped(one, other)
    )


def common(one: Claim, other: Claim, without: frozenset[str] = frozenset()) -> float:
    """How much of what both say is said in the same words, 0 to 1 (F-measure)."""
    mine, yours = set(one.order) - without, set(other.order) - without
    return 2 * len(mine & yours) / ((len(mine) + len(yours)) or 1)


# --- numbers


def _numbers_differ(one: Claim, other: Claim, strict: bool) -> bool:
    mine = [n for n in one.numbers if not any(map(n.means, other.numbers))]
    yours = [n for n in other.numbers if not any(map(n.means, one.numbers))]
    if (mine or yours) if strict else (mine and yours):
        return True
    return _counts(one.numbers) != _counts(other.numbers) and _miscounted(one, other)


def _counts(numbers: tuple[Quantity, ...]) -> dict[str, set[object]]:
    counted: defaultdict[str, set[object]] = defaultdict(set)
    for number in numbers:
        if number.of:
            counted[number.of].add(number.size)
    return counted


def _miscounted(one: Claim, other: Claim) -> bool:
    """Whether the same things are counted differently: 5 eggs and 3 lemons, 3 eggs and 5 lemons."""
    mine, yours = _counts(one.numbers), _counts(other.numbers)
    return any(not mine[thing] & yours[thing] for thing in mine.keys() & yours.keys())


# --- denials


def _deny(one: Claim, other: Claim) -> bool:
    return _denies(one, other) or _denies(other, one)


def _denies(one: Claim, other: Claim) -> bool:
    """Whether a clause of `one` denies what `other` asserts, and nothing that it denies too."""
    also = frozenset().union(*other.denied)
    return any(group & other.asserted and not group & also for group in one.denied)


# --- names

_CODE = re.compile(r"`([^`\n]{1,200})`")
_TOKEN = re.compile(r"\w+(?:['.]\w+)*+")


def _names(parts: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    names, initials = set(), set()
    shouted = all(part.isupper() for part in parts)
    for part in parts:
        first = True
        for match in _TOKEN.finditer(part):
            token, head = match[0].removesuffix("'s"), first
            first = part[match.end() : match.end() + 1] == ":"
            word = token.casefold()
            if word == "may" and token == "May" and not head:
                names.add("may")  # the month
            if word in lexicon.STOP or len(token) < 2 or shouted:
                continue
            inner = any(c.isupper() or c.isdigit() or c == "_" for c in token[1:])
            if token[0].isdigit():
                continue
            if inner or (token[0].isupper() and not head):
                names.add(lexicon.stem(word))
            elif token[0].isupper() and lexicon.stem(word) not in lexicon.ORDERS:
                initials.add(lexicon.stem(word))
    return frozenset(names), frozenset(initials)


def _named_apart(one: Claim, other: Claim) -> bool:
    if one.names - other.stems and other.names - one.stems:
        return True
    mine = [code for code in one.codes if code.casefold() not in other.letters]
    yours = [code for code in other.codes if code.casefold() not in one.letters]
    if mine and yours:
        return True
    if (
        one.initials - other.stems
        and other.initials - one.stems
        and common(one, other, one.initials | other.initials) >= _SAME_FRAME
    ):
        return True
    # one name for another, wherever it stands: "Bell invented it", "It was invented by Gray"
    ours, theirs = set(one.order) - other.stems, set(other.order) - one.stems
    return (
        len(ours) == len(theirs) == 1
        and ours <= one.names | one.initials
        and theirs <= other.names | other.initials
        and common(one, other, frozenset(ours | theirs)) >= _SAME_FRAME
    )


# --- one word for another, and two words changing places

_LISTED = re.compile(
    r"\b(\w++)(?:,\s+|,?\s+(?:and|or)\s+)(?=(?:(?:in|for|the|a|an|of|to|on|with|from)\s+)?(\w+))",
    re.I,
)
_POSSESSIVE = re.compile(
    r"\b(?!(?:it|he|she|that|what|who|there|here|let|how|where)')(\w+)'s\s+((?:\w+\s+)?\w+)"
)


def _order(words: str) -> list[str]:
    """Stems in order; "France's capital" stands as "capital of France", code as one word."""
    turned = _POSSESSIVE.sub(r"\2 of \1", _uncounted(words))
    found: list[str] = []
    for at, piece in enumerate(turned.split("`")):
        code = at % 2 == 1 and not piece.replace("()", "").strip().isidentifier()
        found += ["".join(piece.split()).casefold()] if code else lexicon.content(piece)
    return [word for word in found if word]


def _uncounted(words: str) -> str:
    """Without numbers; quoted code stays as it is."""
    parts = words.split("`")
    return "`".join(part if at % 2 else without(part) for at, part in enumerate(parts))


def _replaced(one: Claim, other: Claim) -> bool:
    """Whether the texts differ in a single word that another stands for."""
    if len(one.order) != len(other.order) or len(one.order) < 2:
        return False
    changed = [pair for pair in zip(one.order, other.order, strict=True) if pair[0] != pair[1]]
    if len(changed) != 1:
        return False
    old, now = changed[0]
    opposite = {c for c, _ in lexicon.polarities(old)} & {c for c, _ in lexicon.polarities(now)}
    return not opposite and old[:4] != now[:4]


def _swapped(one: Claim, other: Claim) -> bool:
    """Whether two words changed places and all others stayed: who did what to whom."""
    if one.passive != other.passive:
        return False
    mine, yours = Counter(one.order), Counter(other.order)
    shared = {word for word in mine.keys() & yours.keys() if mine[word] == yours[word] == 1}
    if len(shared) < 3 or common(one, other) < _SAME_WORDS:
        return False
    left = [word for word in one.order if word in shared]
    right = [word for word in other.order if word in shared]
    moved = [at for at, pair in enumerate(zip(left, right, strict=True)) if pair[0] != pair[1]]
    if len(moved) != 2:
        return False
    both = {left[at] for at in moved}
    named = both <= (one.names | one.initials | one.codes) & (
        other.names | other.initials | other.codes
    )
    counted = {number.of for number in one.numbers + other.numbers}
    old, now = both
    turned = {row for row, _ in lexicon.polarities(old)} & {
        row for row, _ in lexicon.polarities(now)
    }
    return bool(named or turned or moved[1] - moved[0] > 1) and not (
        both <= one.listed & other.listed or both & counted
    )
