"""Code: equal programs share a key, different ones never do, stubs and broken code abstain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.swarm.canonical import code

FENCE = "```"


def py(source: str) -> str:
    return f"{FENCE}python\n{source}\n{FENCE}"


def key(words: str, question: str = "") -> str | None:
    found = code.key(words, question)
    return found and found.value


ADD = py("def add(a, b):\n    return a + b")


def sections(name: str, *labels: str) -> list[Any]:
    """The sections of a file of pairs that have one of `labels`: (title, texts)."""
    text = (Path(__file__).parent / "pairs" / name).read_text(encoding="utf-8")
    found: list[Any] = []
    for section in text.split("\n=== ")[1:]:
        heading, _, body = section.partition("\n")
        label, _, title = heading.partition(": ")
        if label in labels:
            texts = [part.removesuffix("\n") for part in body.split("\n---\n")]
            found.append(pytest.param(title, texts, id=f"{title} {len(found)}"))
    return found


@pytest.mark.parametrize(("title", "pair"), sections("python.txt", "same"))
def test_programs_that_are_the_same(title: str, pair: list[str]) -> None:
    one, other = map(key, map(py, pair))
    assert one == other is not None


@pytest.mark.parametrize(("title", "pair"), sections("python.txt", "other"))
def test_programs_that_are_not_the_same(title: str, pair: list[str]) -> None:
    keys = list(map(key, map(py, pair)))
    assert None not in keys
    assert keys[0] != keys[1]


@pytest.mark.parametrize(("title", "texts"), sections("stubs.txt", "stub"))
def test_stubs_and_what_does_not_parse_abstain(title: str, texts: list[str]) -> None:
    assert key(py(texts[0])) is None


@pytest.mark.parametrize(("title", "texts"), sections("stubs.txt", "program"))
def test_small_programs_are_no_stubs(title: str, texts: list[str]) -> None:
    assert key(py(texts[0])) is not None


def test_nothing_abstains() -> None:
    assert key(py("")) is key(py("\x00")) is key(py("def f():\n\treturn 1\n        x")) is None


@pytest.mark.parametrize(
    "words",
    [
        ADD,
        "Here you go:\n```py\ndef add(x,y):\n  # sum\n  return x+y\n```",
        f"```\n{ADD[10:-4]}\n```",
        ADD[10:-4],
        "```Python3\ndef add(a, b): return a + b\n```\nThat is all. Is it clear?",
        "~~~python\ndef add(a, b): return a + b\n~~~",
        "```python\ndef add(a, b): return a + b",
        "1. First:\n   ```python\n   def add(a, b):\n       return a + b\n   ```\n2. Done.",
        "> ```python\n> def add(a, b):\n>     return a + b\n> ```",
        "```python\ndef add(a, b):\n    return a - b\n```\nOops, that is wrong. Rather:\n" + ADD,
        ADD + "\nUse it like this:\n```python\nprint(add(1, 2))\n```\nwhich prints\n```\n3\n```",
        "```bash\npip install nothing\n```\n" + ADD,
        ADD + "\n```bash\npython add.py\n```",
        ADD + "\n```text\n3\n```",
        ADD + "\n```\n>>> add(1, 2)\n3\n```",
        "Here is it:\n\ndef add(a, b):\n    return a + b\n\nIt adds the two numbers, simply.",
        "```{.python}\ndef add(a, b): return a + b\n```",
        "````python\ndef add(a, b): return a + b\n````",
        "```python\r\ndef add(a, b):\r\n    return a + b\r\n```\r\n",
        '```python title="add.py"\ndef add(a, b): return a + b\n```',
    ],
)
def test_the_code_is_found_in_an_answer(words: str) -> None:
    assert key(words) == key(ADD) is not None


def test_blocks_that_need_one_another_are_one_program() -> None:
    helper, rest = "def half(x):\n    return x / 2", "def f(x):\n    return half(x) + 1"
    assert key(f"{py(helper)}\nand then\n{py(rest)}") == key(py(f"{helper}\n\n{rest}"))
    assert key(f"{py(helper)}\nand then\n{py(rest)}") != key(py(rest))


def test_the_name_that_is_asked_for_goes_before_others() -> None:
    question = "Write a Python function `solve(n)` that doubles n."
    plain = "def solve(n):\n    return n * 2"
    both = f"{plain}\n\ndef solve_slowly(n):\n    return n + n"
    assert key(py(both), question) == key(py(plain), question) != key(py(both))
    later = py(plain) + "\nAnother way:\n" + py("def double(n):\n    return 2 * n")
    assert key(later, question) == key(py(plain), question)
    unused = f"def helper(x):\n    return x\n\n{plain}"
    assert key(py(unused), question) == key(py(plain), question)
    stub = "def helper(x):\n    return x\n\ndef solve(n):\n    pass"
    assert key(py(stub), question) is None


def test_where_a_program_is_asked_for_all_of_it_counts() -> None:
    question = "Write a Python program that prints the numbers from 1 to 3."
    body = "def show(n):\n    for i in range(1, n + 1):\n        print(i)\n"
    assert key(py(f"{body}show(3)"), question) != key(py(f"{body}show(4)"), question)
    guarded = f"{body}if __name__ == '__main__':\n    show(3)"
    assert key(py(guarded), question) == key(py(f"{body}show(3)"), question)
    main = "def main():\n    print({})\n\nmain()"
    assert key(py(main.format(1)), question) != key(py(main.format(2)), question)


def test_words_are_no_code() -> None:
    said = ["", "hello", "yes, no", "I cannot do that.", "a", "42", "So it is 5.", "x: y", "x == y"]
    for words in (*said, "```\nhello\n```", "```text\ndef f(): return 1\n```"):
        assert key(words) is None, words


def test_answers_that_do_not_even_try_are_prose() -> None:
    assert code.is_prose("I would rather not write that.")
    for words in (ADD, ADD[10:-4], py("def f(:"), "def f(:\n  broken", "Use `sorted(x)`."):
        assert not code.is_prose(words), words


def test_inline_code_counts_where_there_is_but_one() -> None:
    assert key("Use `sorted(x)[0]`.") == key(py("sorted(x)[0]")) is not None
    assert key("Use `min(x)` or `sorted(x)[0]`.") is None


@pytest.mark.parametrize(("language", "pair"), sections("languages.txt", "same"))
def test_other_languages_are_equal_but_for_layout_and_comments(
    language: str, pair: list[str]
) -> None:
    one, other = (key(f"```{language}\n{source}\n```") for source in pair)
    assert one == other is not None


@pytest.mark.parametrize(("language", "pair"), sections("languages.txt", "other"))
def test_other_languages_differ_in_all_else(language: str, pair: list[str]) -> None:
    keys = [key(f"```{language}\n{source}\n```") for source in pair]
    assert None not in keys
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    "words",
    [
        "```js\nfunction f(a) {\n```",
        "```js\n// TODO\n```",
        "```java\nint f() { /* todo */ }\n```",
        "```js\nfunction f() { throw new Error('not implemented'); }\n```",
        "```rust\nfn f() { todo!() }\n```",
        "```c\nvoid f() { return; }\n```",
        '```go\nfunc f() { panic("TODO") }\n```',
        "```js\n\n```",
        "```java\nint f() { return (1; }\n```",
        "```python\ndef f(:\n```\n```bash\npip install f\n```",
        "```\ndef f(:\n    return 1\n```",
        "```sql\n-- nothing\n```",
    ],
)
def test_other_languages_abstain_too(words: str) -> None:
    assert key(words) is None


def test_other_languages_without_a_fence() -> None:
    question = "Write a SQL query for the names of all users."
    fenced = key("```sql\nSELECT name FROM users;\n```", question)
    assert key("SELECT name FROM users", question) == fenced is not None
    assert key("Use `select name from users;` for it.", question) == fenced
    assert key("I would select them all.", question) is None


def test_the_source_for_the_execution_vote() -> None:
    assert code.python_source("So:\n" + ADD) == "def add(a, b):\n    return a + b\n"
    assert code.python_source("no code") is None
    assert code.python_source("```js\nlet a = 1\n```") is None
    helper = "\n".join(map(py, ["def half(x):\n    return x / 2", "def f(x):\n    return half(x)"]))
    namespace: dict[str, object] = {}
    exec(code.python_source(helper) or "", namespace)
    assert eval("f(3)", namespace) == 1.5


@pytest.mark.parametrize(("title", "texts"), sections("code_asked.txt", "yes"))
def test_code_is_asked_for(title: str, texts: list[str]) -> None:
    assert code.is_asked(texts[0]) is True


@pytest.mark.parametrize(("title", "texts"), sections("code_asked.txt", "no"))
def test_code_is_not_asked_for(title: str, texts: list[str]) -> None:
    assert code.is_asked(texts[0]) is False


@given(
    st.text(alphabet="def f(x):\n return+1`~pythonjs{};'\"#/\\*=,[]", max_size=80),
    st.text(max_size=20),
)
def test_no_text_raises(words: str, question: str) -> None:
    for text in (words, f"```python\n{words}\n```", f"```\n{words}```", f"```js\n{words}\n```"):
        code.key(text, question)
        code.python_source(text, question)
    code.is_asked(words + question)


HOSTILE = [
    "(" * 8000,
    "[" * 150 + "]" * 150,
    "-" * 8000 + "1",
    "x" + "+x" * 4000,
    "x" + ".a" * 4000,
    "x" + "()" * 4000,
    "not " * 2000 + "x",
    "if x:\n" * 90,
    "lambda: " * 1000 + "1",
    "x = " * 2000 + "1",
    "9" * 8000,
    "x = 0x" + "f" * 8000,
    "x = '" + "\\d" * 4000 + "'",
    "f'" + "{x}" * 2000 + "'",
    "\ud800 = 1",
    "x = '\ud800'",
    "\n".join(f"def f{i}(a):\n    return a" for i in range(250)),
    "`" * 8000,
    "~" * 8000,
    "```\n" * 2000,
    "``" * 4000,
    "`a` " * 2000,
    "a\n" * 4000,
    "/*" * 4000,
    "'" * 8001,
    '"\\' * 4000,
    "x = 1 if y else " * 500 + "2",
    "{" * 4000 + "}" * 4000,
    "def f(x): return x\n" * 400,
    "# " * 4000,
    "".join(f"{' ' * i}if x:\n" for i in range(99)) + " " * 99 + "f()",
    "é" * 8000,
    "\t" * 8000 + "x()",
    "x = 1\n" + "garbage here\n" * 600,
    "import a." + "b." * 3000 + "c",
    "def f(" + "a," * 2000 + "): pass",
]


@pytest.mark.parametrize("fence", ["python", "js", "", "bash", "html", "yaml", None])
def test_hostile_code_ends_and_does_not_raise(fence: str | None) -> None:
    for source in HOSTILE:
        words = source if fence is None else f"```{fence}\n{source}\n```"
        code.key(words, source)


def test_hostile_questions_end() -> None:
    for source in HOSTILE:
        code.is_asked(source)
