"""Code in other languages by its syntax tree: local names do not count, what is broken abstains."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.swarm.canonical import code, code_tree

pytest.importorskip("tree_sitter")


def key(language: str, source: str) -> str | None:
    found = code.key(f"```{language}\n{source}\n```", f"Write it in {language}")
    return found and found.value


SAME = [
    ("js", "function add(a, b) { return a + b; }", "function add(x, y) { return x + y }"),
    ("js", "const f = (n) => { let s = 0; for (const k of n) s += k; return s; };",
     "const f = (list) => { let t = 0; for (const x of list) t += x; return t; };"),
    ("ts", "function f(a: number): number { const b = a * 2; return b; }",
     "function f(n: number): number { const twice = n * 2; return twice; }"),
    ("java", "int f(int a) { int b = a + 1; return b; }",
     "int f(int n) { int next = n + 1; return next; }"),
    ("c", "int f(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }",
     "int f(int *v, int k) { int t = 0; for (int j = 0; j < k; j++) t += v[j]; return t; }"),
    ("cpp", "int f(const int& a) { int b{a}; return b; }",
     "int f(const int& x) { int y{x}; return y; }"),
    ("go", "func f(a int) int {\n\tb := a + 1\n\treturn b\n}",
     "func f(n int) int {\n\tm := n + 1 // next\n\treturn m\n}"),
    ("rust", "fn f(a: i32) -> i32 { let b = a + 1; b }",
     "fn f(n: i32) -> i32 { let m = n + 1; m }"),
]  # fmt: skip
UNLIKE = [
    ("js", "function f(a, b) { return a - b; }", "function f(a, b) { return b - a; }"),
    ("js", "function f(a) { return {a}; }", "function f(b) { return {b}; }"),  # members' names
    ("js", "function f(a) { return a.x; }", "function f(a) { return a.y; }"),
    ("js", "function f(a) { return g(a); }", "function f(a) { return h(a); }"),
    ("java", "int f(int a) { return a * 2; }", "int f(int a) { return a + 2; }"),
    ("c", "int f(int a, int b) { return a; }", "int f(int a, int b) { return b; }"),
    ("go", "func f(a int) int { return a }", "func g(a int) int { return a }"),
    ("rust", "fn f(a: i32) -> i32 { a }", "fn f(a: i64) -> i64 { a }"),
]  # fmt: skip
BROKEN = [
    ("js", "function f(a { return a; }"), ("ts", "const x: = 3;"), ("go", "func f( { return 1 }"),
    ("rust", "fn f(a: i32 -> i32 { a }"), ("java", "int f(int a) { return a +; }"),
    ("bash", "for x in 1 2; do echo $x"),
]  # fmt: skip


@pytest.mark.parametrize("language, one, other", SAME, ids=[case[0] for case in SAME])
def test_local_names_do_not_count(language: str, one: str, other: str) -> None:
    assert key(language, one) == key(language, other) is not None


@pytest.mark.parametrize("language, one, other", UNLIKE)
def test_what_differs_stays_apart(language: str, one: str, other: str) -> None:
    first, second = key(language, one), key(language, other)
    assert first and second and first != second


@pytest.mark.parametrize("language, source", BROKEN, ids=[case[0] for case in BROKEN])
def test_what_does_not_parse_abstains(language: str, source: str) -> None:
    assert key(language, source) is None


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without the extra."""

    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(code_tree, "import_module", absent)
    code_tree._parser.cache_clear()
    yield
    code_tree._parser.cache_clear()


def test_without_the_extra_tokens_are_compared(bare: None) -> None:
    one, other = (f"function bare({name}) {{ return {name} * 7; }}" for name in "ab")
    assert key("js", one) == key("js", one.replace(" ", "  ")) is not None
    assert key("js", one) != key("js", other)


@given(st.sampled_from(sorted(code_tree._GRAMMARS)), st.text(max_size=60))
def test_nothing_raises(language: str, source: str) -> None:
    found = code_tree.readable(language, source)
    assert found is None or isinstance(found, str)


def test_deep_nesting_ends() -> None:
    code_tree.readable("js", "(" * 9000 + ")" * 9000)
    assert key("js", "f" + "(" * 3000 + "1" + ")" * 3000) is not None
