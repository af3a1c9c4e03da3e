"""Sums of terms; a term is a fraction times a square root times powers of letters. All exact."""

from __future__ import annotations

from fractions import Fraction

_TERMS = 24
_SIZE = 256  # bits of a numerator or denominator
_POWER = 32

# (square-free root, ((letter, power), ...)) -> factor
Term = tuple[int, tuple[tuple[str, int], ...]]
Sum = dict[Term, Fraction]
ONE: Term = (1, ())


class NoForm(Exception):
    """There is no such sum, or it is too large to be an answer."""


def bounded(total: Sum) -> Sum:
    """`total` without empty terms. Raises NoForm when it is too large."""
    kept = {term: factor for term, factor in total.items() if factor}
    sizes = (max(f.numerator.bit_length(), f.denominator.bit_length()) for f in kept.values())
    if len(kept) > _TERMS or any(size > _SIZE for size in sizes):
        raise NoForm
    return kept


def add(one: Sum, other: Sum, sign: int) -> Sum:
    """`one` and `sign` times `other`."""
    total = dict(one)
    for term, factor in other.items():
        total[term] = total.get(term, Fraction(0)) + sign * factor
    return bounded(total)


def multiply(one: Sum, other: Sum) -> Sum:
    """The product, roots combined."""
    if len(one) * len(other) > _TERMS:
        raise NoForm
    total: Sum = {}
    for (root, letters), factor in one.items():
        for (under, others), by in other.items():
            outside, inside = _square_free(root * under)
            powers = dict(letters)
            for letter, power in others:
                powers[letter] = powers.get(letter, 0) + power
                if abs(powers[letter]) > _POWER:
                    raise NoForm
            term = (inside, tuple(sorted((k, v) for k, v in powers.items() if v)))
            total[term] = total.get(term, Fraction(0)) + factor * by * outside
    return bounded(total)


def inverse(total: Sum) -> Sum:
    """One through `total`. Raises NoForm for more than one term."""
    if len(total) != 1:
        raise NoForm
    ((root, letters), factor) = next(iter(total.items()))
    turned = tuple((letter, -power) for letter, power in letters)
    return bounded({(root, turned): 1 / (factor * root)})


def raised(base: Sum, power: Sum) -> Sum:
    """`base` to a power that is a whole number or a half. Raises NoForm."""
    exponent = power.get(ONE, Fraction(0))
    if set(power) - {ONE} or abs(exponent) > _POWER:
        raise NoForm
    if exponent.denominator == 2:
        base, exponent = root(base), exponent * 2
    if exponent.denominator != 1:
        raise NoForm
    total: Sum = {ONE: Fraction(1)}
    for _ in range(abs(exponent.numerator)):
        total = multiply(total, base)
    return inverse(total) if exponent < 0 else total


def root(inner: Sum) -> Sum:
    """The square root of a fraction. Raises NoForm for all else."""
    value = inner.get(ONE, Fraction(0))
    if set(inner) - {ONE} or value < 0:
        raise NoForm
    if not value:
        return {}
    outside, inside = _square_free(value.numerator * value.denominator)
    return {(inside, ()): Fraction(outside, value.denominator)}


def _square_free(number: int) -> tuple[int, int]:
    """(a, b) with number = a^2 * b and no square in b."""
    if number > 10**10:
        raise NoForm
    outside, factor = 1, 2
    while factor * factor <= number and factor <= 2200:  # 2200^3 > 10^10
        while number % (factor * factor) == 0:
            number //= factor * factor
            outside *= factor
        factor += 1
    whole = round(number**0.5)  # what is left may be one large square
    if whole > 1 and whole * whole == number:
        return outside * whole, 1
    return outside, number


def render(total: Sum) -> str:
    """`total` in one spelling."""
    if not total:
        return "0"
    if set(total) == {ONE}:
        return str(total[ONE])
    parts = []
    for (root, letters), factor in sorted(total.items()):
        names = [f"sqrt({root})"] if root > 1 else []
        names += [letter if power == 1 else f"{letter}^{power}" for letter, power in letters]
        parts.append("*".join([*([str(factor)] if factor != 1 or not names else []), *names]))
    return " + ".join(parts)
