"""Voting on code by running it: examples, inputs, scores, and real programs in a real sandbox."""

from __future__ import annotations

import ast
import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_swarm.errors import SandboxUnavailable
from local_swarm.swarm.execution import Behaviours, behave, plan, study
from local_swarm.swarm.execution.examples import Example, in_programs, in_question
from local_swarm.swarm.execution.harness import main_name, observe, show
from local_swarm.swarm.execution.literals import value_at
from local_swarm.swarm.execution.pool import inputs
from local_swarm.swarm.execution.programs import entry_of, program_of
from local_swarm.swarm.execution.score import judge
from local_swarm.tools import probe
from local_swarm.tools.python import PythonRunner


@pytest.fixture(scope="module")
def runner() -> PythonRunner:
    try:
        return PythonRunner(asyncio.run(probe.find()))
    except SandboxUnavailable as error:
        pytest.skip(error.message)


def told(question: str, answers: list[str], runner: PythonRunner) -> Behaviours:
    return asyncio.run(study(question, answers, runner))


# --- examples ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (">>> f(2)\n4\n", [("f(2)", "4")]),
        ("    >>> f('a b')\n    ['a', 'b']\n", [("f('a b')", "['a', 'b']")]),
        (">>> print(f(2))\n4", [("print(f(2))", "printed '4'")]),
        ("f(2) == 4 and f(3) == 9", [("f(2)", "4"), ("f(3)", "9")]),
        ("`f(2)` -> `4`", [("f(2)", "4")]),
        ("f([1, 2]) → 3", [("f([1, 2])", "3")]),
        ("f(2) => 4", [("f(2)", "4")]),
        ("f('x') should return None.", [("f('x')", "None")]),
        ("f(2) returns 4. Be quick.", [("f(2)", "4")]),
        ("f(1.5) is 2.25", [("f(1.5)", "2.25")]),
        ("f(2)  # returns 4", [("f(2)", "4")]),
        ("f(2)  # 4", [("f(2)", "4")]),
        ("assert f(2) == 4", [("f(2)", "4")]),
        ("assert f(2) == 4, 'square'", [("f(2)", "4")]),
        ("assert not f(2)", [("bool(f(2))", "False")]),
        ("assert f(2)", [("bool(f(2))", "True")]),
        ("assert abs(f(2) - 4) < 0.1", [("abs(f(2) - 4) < 0.1", "True")]),
        ("for input 3 returns 9", [("f(3)", "9")]),
        ("Input: [1, 2]\nOutput: 3", [("f([1, 2])", "3")]),
        ("Input: nums = [2, 7], target = 9\nOutput: [0, 1]", [("f([2, 7], 9)", "[0, 1]")]),
        ("Call f(2) on it", [("f(2)", None)]),
        ("f(x) returns x", []),
        ("def f(x): ...", []),
        ("print(2) gives 2", []),
        ("f(2", []),
        ("f(g(x)) == 2", [("f(g(x))", "2")]),
    ],
)
def test_examples_in_a_question(question: str, expected: list[tuple[str, str | None]]) -> None:
    found = in_question(question, {"f"}, "f")
    assert [(each.expression, each.shown) for each in found] == expected


def test_asserts_of_programs_are_examples_of_all() -> None:
    trees = [
        ast.parse("def f(x): return x\nassert f(1) == 1\nassert f(2) == 4"),
        ast.parse("def f(x): return x\nassert f(1) == 1\ndef test():\n  assert f(y) == 2"),
    ]
    found = in_programs(trees, {"f"})
    assert found == [Example("f(1)", "1"), Example("f(2)", "4")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.", "4"),
        ("4.5.", "4.5"),
        ("-3e2 x", "-3e2"),
        ("'a\\'b' c", "'a\\'b'"),
        ("[1, (2, 3)] x", "[1, (2, 3)]"),
        ("[1, ')'] x", "[1, ')']"),
        ("Truely", None),
        ("[1, x]", None),
        ("[1", None),
        ("abc", None),
        ("", None),
    ],
)
def test_literals_in_prose(text: str, expected: str | None) -> None:
    found = value_at(text)
    assert (found[0] if found else None) == expected


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.text(alphabet="f([{'\"}]) 12=->\n,.", max_size=200))
def test_any_question_can_be_read(prose: str, noise: str) -> None:
    for each in in_question(prose + noise, {"f"}, "f"):
        ast.parse(each.expression, mode="eval")


def test_a_long_question_is_read_in_bounds() -> None:
    for noise in ("f(" * 20_000, "input " * 8_000, "f([1]) == " * 5_000, "assert f(1) " * 4_000):
        assert len(in_question(noise, {"f"}, "f")) <= 24


# --- programs and inputs ------------------------------------------------------------------------


def test_the_program_of_an_answer() -> None:
    answer = "So:\n```python\ndef f(x):\n    return x\nassert f(1) == 1\n```\nRun:\n```sh\nls\n```"
    program = program_of(answer)
    assert program is not None
    assert (program.names, program.source) == (["f"], "def f(x):\n    return x")
    assert program_of("def f(x):\n    return 1") is not None
    for nothing in ("", "no code", "```js\nlet x\n```", "```python\nprint(1)\n```"):
        assert program_of(nothing) is None
    for stub in ("pass", "...", '"""It squares."""', "raise NotImplementedError", "return"):
        assert program_of(f"def f(x):\n    {stub}") is None


@pytest.mark.parametrize(
    ("question", "entry"),
    [
        ("Complete:\ndef asked(x):", "asked"),
        ("Write a function called g that", "g"),
        ("Write `g` (a function named `g`)", "g"),
        ("Square a number", "f"),
    ],
)
def test_the_name_of_the_function(question: str, entry: str) -> None:
    texts = ("def f(x): return x", "def g(x): return 1\ndef f(x): return g(x)")
    programs = [program for text in texts if (program := program_of(text))]
    assert entry_of(question, programs) == entry


def test_the_main_function_is_the_one_nobody_calls() -> None:
    assert main_name("def main(x): return help(x)\ndef help(x): return x") == "main"
    assert main_name("def a(): pass\ndef b(): pass") == "b"
    assert main_name("x = 1") == ""


@pytest.mark.parametrize(
    "head",
    [
        "def f(n: int, s: str) -> int:",
        "def f(xs: list[int]):",
        "def f(xs: List[Tuple[int, str]], d: Dict[str, int], flag: bool = True):",
        "def f(x: Optional[int]):",
        "def f(x: int | None, y: float):",
        "def f(s, n, words, what):",
        "def f(x: set[int], y: tuple[int, ...], z: frozenset[str]):",
        "def f(m: list[list[int]]):",
        "def f():",
    ],
)
def test_inputs_fit_the_signature(head: str) -> None:
    program = program_of(f"{head}\n    return 1")
    assert program is not None
    for question in ("", f"Complete this:\n{head}"):
        calls = inputs(question, [program], "f")
        assert 1 <= len(calls) <= 16
        space: dict[str, object] = {}
        exec(program.source, {"List": list, "Tuple": tuple, "Dict": dict, "Optional": list}, space)
        for call in calls:
            assert eval(call, {}, space) == 1  # the number of arguments fits


def test_the_questions_examples_come_first() -> None:
    program = program_of("def f(x):\n    return x\nassert f(5) == 5")
    assert program is not None
    examples, own = plan("f(2) == 4", [program], "f")
    assert own == 1
    assert examples[:2] == [Example("f(2)", "4"), Example("f(5)", "5")]
    assert all(each.shown is None for each in examples[2:])
    assert len(examples) > 6


# --- what values are equal ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (4, 4.0),
        ([1, 2.0], [1.0, 2]),
        ({2, 1}, {1, 2}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (0.1 + 0.2, 0.3),
        (frozenset({1}), {1}),
    ],
)
def test_equal_values_are_shown_alike(one: object, other: object) -> None:
    assert show(one) == show(other)


@pytest.mark.parametrize(
    ("one", "other"), [(1, "1"), ([1], (1,)), (True, "True"), (None, ""), ([], {}), (1, True)]
)
def test_unlike_values_are_shown_unlike(one: object, other: object) -> None:
    assert show(one) != show(other)


def test_observing_a_program() -> None:
    assert observe("def f(x): return x * 2", "f", "f(2)") == ["value", "4"]
    assert observe("def other(x): return x * 2", "f", "f(2)") == ["value", "4"]
    assert observe("def f(x): print(x)", "f", "f(2)") == ["value", "printed '2'"]
    assert observe("def f(x): yield x", "f", "f(2)") == ["value", "iterator[2]"]
    assert observe("def f(x): return object()", "f", "f(2)") == ["value", "<object object>"]
    assert observe("def f(x): return 1 / x", "f", "f(0)") == ["raised", "ZeroDivisionError"]
    assert observe("def f(x): return x\nf(1, 2)", "f", "f(2)") == ["value", "2"]
    assert observe("import nothing_like_it", "f", "f(2)") == ["broken", "ModuleNotFoundError"]
    assert observe("def f(x): raise SystemExit", "f", "f(2)") == ["raised", "SystemExit"]
    assert observe("def f(x): return f(x)", "f", "f(2)") == ["raised", "RecursionError"]


# --- scores -------------------------------------------------------------------------------------

VALUES = st.sampled_from([("value", "1"), ("value", "2"), ("raised", "TypeError")])


def test_scores_by_hand() -> None:
    examples = [Example("f(0)", "1"), Example("f(1)"), Example("f(2)")]
    right, other, wrong = ([("value", text) for text in texts] for texts in ("123", "129", "923"))
    found = judge(examples, 1, [right, right, other, wrong, None, [("raised", "X")] * 3])
    assert found.met == (1, 1, 1, 0, 0, 0)
    assert found.keys[0] == found.keys[1] is not None
    assert found.keys[2] not in (None, found.keys[0])
    assert found.keys[3:] == (None, None, None)
    assert found.scores[0] == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)
    assert found.best == 0


def test_a_claimed_value_is_one_more_voice() -> None:
    examples = [Example("f(1)", "1")]
    one, two = [("value", "1")], [("value", "2")]
    assert judge(examples, 0, [two, one]).best == 1
    assert judge(examples, 0, [one, two]).keys[1] is not None  # nobody's examples exclude


@given(st.lists(st.none() | st.lists(VALUES, min_size=3, max_size=3), max_size=6), st.data())
def test_the_order_of_candidates_changes_nothing(
    observed: list[list[tuple[str, str]] | None], data: st.DataObject
) -> None:
    examples = [Example("f(0)", "1"), Example("f(1)"), Example("f(2)", "2")]
    order = data.draw(st.permutations(range(len(observed))))
    one, other = (
        judge(examples, 1, observed),
        judge(examples, 1, [observed[at] for at in order]),
    )
    assert [one.keys[at] for at in order] == list(other.keys)
    assert [one.scores[at] for at in order] == list(other.scores)
    assert all(0 <= score <= 1 for score in one.scores)


# --- real programs in a real sandbox ------------------------------------------------------------

QUESTION = "Write a function square(n) that squares. square(3) returns 9."
RIGHT = "def square(n):\n    return n * n"


def test_programs_are_grouped_by_what_they_do(runner: PythonRunner) -> None:
    answers = [
        RIGHT,
        "Here:\n```python\ndef square(number: int) -> int:\n    return number ** 2\n```\nEnjoy!",
        "def square(n):\n    return n * 2",
        "def square(n):\n    return sum(n for _ in range(n))",  # wrong below zero
        "def quadrat(n):\n    return n * n",
        "def square(n):\n    pass",
        "I cannot do that.",
        "def square(n):\n    return m * m",
        "def square(n:",
    ]
    found = told(QUESTION, answers, runner)
    keys = found.keys
    assert keys[0] == keys[1] == keys[4] is not None
    assert keys[3] not in (None, keys[0])
    assert [keys[at] for at in (2, 5, 6, 7, 8)] == [None] * 5
    assert found.met[:5] == (1, 1, 0, 1, 1)
    assert found.scores[0] == found.scores[1] > found.scores[3] > found.scores[2]
    assert found.best == 0


FORGER = """
import builtins, json, os, sys, gc
def square(n):
    for fd in range(3, 64):
        try: os.write(fd, b'["value", "forged"]')
        except OSError: pass
    for name in ("/dev/stdout", f"/proc/{os.getppid()}/fd/1", "/proc/self/fd/1"):
        try: open(name, "w").write(sys.modules["__main__"].TASK["frame"] + '[["value", "9"]]')
        except Exception: pass
    return -1
json.dumps = lambda *a: '["value", "9"]'
builtins.print("fake")
print(sys.modules["__main__"].TASK["frame"] + '[["value", "9"]]', file=sys.__stdout__, flush=True)
"""


@pytest.mark.parametrize(
    "hostile",
    [
        "import os\ndef square(n):\n    os._exit(0)",
        "import os\nos._exit(0)\ndef square(n):\n    return n * n",
        "def square(n):\n    raise SystemExit",
        "def square(n):\n    return square(n)",
        "import os\ndef square(n):\n    os.kill(os.getppid(), 9)",
        "def square(n):\n    return 'x' * 10 ** 12",
        "import ctypes\ndef square(n):\n    return ctypes.string_at(0)",
        "def square(n):\n    print('9')\n    return None",
        "class Odd:\n    def __repr__(self): raise ValueError\ndef square(n): return Odd()",
        "import builtins\nbuiltins.isinstance = None\nbuiltins.repr = lambda x: '9'\n"
        "def square(n): return n",
        FORGER,
    ],
)
def test_a_hostile_program_harms_only_itself(runner: PythonRunner, hostile: str) -> None:
    found = told(QUESTION, [RIGHT, hostile, RIGHT + "  # again"], runner)
    assert found.keys[0] == found.keys[2] is not None
    assert found.met[0] == found.met[2] == 1
    assert found.keys[1] is None


def test_an_endless_loop_costs_that_input_alone(runner: PythonRunner) -> None:
    loops = "def square(n):\n    while n < 0: pass\n    return n * n"
    found = told(QUESTION, [RIGHT, loops], runner)
    assert None not in found.keys
    assert found.keys[0] != found.keys[1]
    assert 0.5 < found.scores[1] < 1


def test_state_does_not_leak_between_inputs(runner: PythonRunner) -> None:
    counts = "seen = []\ndef square(n):\n    seen.append(n)\n    return n * n * len(seen)"
    found = told(QUESTION, [RIGHT, counts], runner)
    assert found.keys[0] == found.keys[1] is not None


def test_asserts_of_the_answers_tell_programs_apart(runner: PythonRunner) -> None:
    question = "Write a function f(x: int) that doubles x, but 77 gives 1."
    answers = [
        "def f(x):\n    return 1 if x == 77 else 2 * x\nassert f(77) == 1",
        "def f(x):\n    return 2 * x\nassert f(2) == 5",  # its own assert is wrong: no matter
        "def f(x):\n    return 2 * x",
    ]
    found = told(question, answers, runner)
    assert found.keys[1] == found.keys[2] not in (None, found.keys[0])


def test_without_anything_to_run_all_abstain(runner: PythonRunner) -> None:
    assert asyncio.run(behave("", [], runner)) == []
    assert asyncio.run(behave("Write JavaScript", ["let x = 1", "let x = 2"], runner)) == [None] * 2


def test_a_broken_runner_is_an_abstention() -> None:
    async def nothing(source: str) -> str | None:
        return None

    async def noise(source: str) -> str | None:
        return "noise"

    async def fault(source: str) -> str | None:
        raise OSError

    for runner in (nothing, noise, fault):
        assert asyncio.run(behave(QUESTION, [RIGHT], runner)) == [None]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=100), st.lists(st.text(max_size=100), max_size=3))
def test_any_text_gets_an_answer(question: str, answers: list[str]) -> None:
    async def nothing(source: str) -> str | None:
        return None

    assert asyncio.run(behave(question, answers, nothing)) == [None] * len(answers)


def test_a_program_finds_no_packages_of_ours(runner: PythonRunner) -> None:
    source = "import sys\ntry:\n    import local_swarm\nexcept ImportError:\n    print('none')"
    assert asyncio.run(runner(source)) == "none\n"
    assert asyncio.run(runner("raise SystemExit(1)")) is None
