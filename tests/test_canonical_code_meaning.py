"""Random Python programs: renamed locals share a key, mutants do not, equal keys behave alike."""

from __future__ import annotations

import ast
import re
import string
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from local_swarm.swarm.canonical import code

# Names in braces are local; in each program a name stands for one variable throughout.
LOCALS = ["a", "b", "c", "d", "e"]
POOL = [first + second for first in "pqrst" for second in string.ascii_lowercase[:6]]
EXPRESSIONS = st.recursive(
    st.sampled_from([*(f"{{{name}}}" for name in LOCALS), "0", "1", "2", "'s'", "G"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "//", "<", "and"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        )
        | st.tuples(st.sampled_from(["abs", "repr", "len"]), inner).map(
            lambda parts: f"{parts[0]}({parts[1]})"
        )
        | inner.map(lambda value: f"[{{e}} for {{e}} in range(3) if {value}]")
        | inner.map(lambda value: f"(lambda {{c}}, {{d}}=1: {value})(2)")
        | inner.map(lambda value: f"({{b}} := {value})")
    ),
    max_leaves=4,
)
NAME = st.sampled_from([f"{{{name}}}" for name in LOCALS])


def blocks(statements: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(statements, min_size=1, max_size=2).map(lambda s: indented("\n".join(s)))


STATEMENTS = st.recursive(
    st.tuples(NAME, EXPRESSIONS).map(" = ".join) | EXPRESSIONS.map(lambda v: f"return {v}"),
    lambda inner: (
        st.tuples(NAME, blocks(inner)).map(lambda p: f"for {p[0]} in range(2):\n{p[1]}")
        | st.tuples(EXPRESSIONS, blocks(inner), blocks(inner)).map(
            lambda p: f"if {p[0]}:\n{p[1]}\nelse:\n{p[2]}"
        )
        | st.tuples(blocks(inner), NAME, blocks(inner)).map(
            lambda p: f"try:\n{p[0]}\nexcept TypeError as {p[1]}:\n{p[2]}"
        )
        | st.tuples(NAME, NAME, blocks(inner)).map(
            lambda p: f"def {p[0]}({p[1]}):\n{p[2]}\n{{a}} = {p[0]}({{b}})"
        )
        | st.tuples(NAME, blocks(inner)).map(
            lambda p: f"match {{a}}:\n    case {p[0]}:\n{indented(p[1])}"
        )
    ),
    max_leaves=4,
)
PROGRAMS = st.lists(STATEMENTS, min_size=1, max_size=3).map(
    lambda some: (
        "G = 5\n\ndef f({a}, {b}):\n    {c} = {d} = {e} = 0\n"
        + indented("\n".join(some))
        + "\n    return {a}, {b}"
    )
)


def indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


def named(template: str, names: list[str]) -> str:
    """The program with its local variables called so."""
    return template.format(**dict(zip(LOCALS, names, strict=True)))


def key(source: str) -> str | None:
    found = code.key(f"```python\n{source}\n```")
    return found and found.value


def behaviour(source: str) -> list[Any]:
    """What `f` returns or raises for some arguments."""
    space: dict[str, Any] = {}
    exec(source, space)
    results: list[Any] = []
    for pair in ((0, 1), (2, -3), ("s", 2), ([1], [2])):
        try:
            results.append(repr(space["f"](*pair)).partition(" at 0x")[0].partition("<locals>")[0])
        except Exception as error:  # whatever the random program raises
            results.append(type(error).__name__)
    return results


@settings(max_examples=60, deadline=None)
@given(PROGRAMS, st.lists(st.sampled_from(POOL), min_size=5, max_size=5, unique=True), st.data())
def test_local_names_do_not_count(template: str, names: list[str], data: st.DataObject) -> None:
    others = data.draw(st.permutations([*names, *POOL[:5]]).map(lambda some: some[:5]))
    assume(len(set(others)) == 5)
    one, other = named(template, names), named(template, others)
    assert key(one) == key(other) is not None
    # Layout, comments, docstrings and annotations neither.
    dressed = ast.unparse(ast.parse(one)).replace(
        "):\n    ", '):\n    """Says."""\n    # why\n    ', 1
    )
    assert key(dressed.replace("def f(", "def f(\n        ", 1)) == key(one)


MUTATIONS = [(" + ", " - "), (" - ", " // "), (" < ", " > "), (" and ", " or "), ("abs(", "hash("),
             ("range(2)", "range(4)"), ("range(3)", "range(5)"), ("=1:", "=3:"), ("= 0\n", "= 1\n"),
             ("'s'", "'t'"), ("return {a}, {b}", "return {b}, {a}"),
             ("def f({a}, {b})", "def f({b}, {a})"),
             ("TypeError", "ValueError"), ("range(3) if", "range(3) if not"),
             ("def f(", "def g("), ("repr(", "str("), ("else:\n", "elif G:\n")]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(PROGRAMS, st.sampled_from(MUTATIONS))
def test_a_mutant_has_another_key(template: str, mutation: tuple[str, str]) -> None:
    assume(mutation[0] in template)
    mutant = template.replace(*mutation, 1)
    names = ["v", "w", "x", "y", "z"]
    assert key(named(template, names)) != key(named(mutant, names)) is not None


@settings(max_examples=80, deadline=None)
@given(PROGRAMS, st.lists(st.tuples(st.integers(0, 60), st.sampled_from("uvwxy")), max_size=3))
def test_equal_keys_behave_alike(template: str, changes: list[tuple[int, str]]) -> None:
    """Some places get another name by themselves: that may say the same, or not, or not compile."""
    names = dict(zip(LOCALS, "uvwxy", strict=True))
    places = re.split(r"\{(\w)\}", template)
    other = [names[part] if at % 2 else part for at, part in enumerate(places)]
    for place, name in changes:
        other[1 + 2 * (place % (len(places) // 2))] = name
    one, changed = named(template, list("uvwxy")), "".join(other)
    try:
        compile(changed, "", "exec")
    except SyntaxError:  # two parameters of one name, say
        return
    if key(one) == key(changed):
        assert behaviour(one) == behaviour(changed)
