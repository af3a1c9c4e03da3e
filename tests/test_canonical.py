"""Canonical keys: equal answers share one, different answers never do, and nothing raises."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.ballot import Answer, Ballot, Finish, ToolCall
from local_swarm.chat import ChatRequest
from local_swarm.swarm import canonical
from local_swarm.swarm.canonical import Key, Kind, number, text, tool_call
from local_swarm.swarm.canonical.span import final_span, strip_thoughts

TOOLS = ({"type": "function", "function": {"name": "weigh"}},)
OFFERED = {"weigh": None}
QUIZ = "Which animal barks? A) the cat B) the dog C) the owl"


def said_by(key: Key | None) -> str | None:
    return key and key.value


def kind_of(request: ChatRequest) -> Kind:
    return canonical.asked_of(request).kind


def key_of(kind: Kind, request: ChatRequest, ballot: Ballot) -> str | None:
    return said_by(canonical.key_of(replace(canonical.asked_of(request), kind=kind), ballot))


def ask(question: str) -> ChatRequest:
    return ChatRequest("r", ({"role": "user", "content": question},), tools=TOOLS)


def cast(said: str, finish: Finish = Finish.STOP, *arguments: str, name: str = "weigh") -> Ballot:
    calls = tuple(ToolCall(f"c{at}", name, part) for at, part in enumerate(arguments))
    return Ballot(Answer(said, calls, "I think 99"), "v", "home", "m", finish, 1, 0.1)


def call_key(*arguments: str) -> str | None:
    return said_by(tool_call.key(cast("", Finish.STOP, *arguments).answer.tool_calls, OFFERED))


@pytest.mark.parametrize(
    ("value", "spellings"),
    [
        ("7", ["7", "7.0", "+7", "\uff17", "(7)", "= 7", "7 hens", "14/2", "7e0"]),
        ("7/3", ["7/3", "7 / 3", "\\frac{14}{6}", "\\tfrac{7}{3}"]),
        ("2469000", ["2,469,000", "2469000", "2.469e6", "2 469 000.00", "2.469.000"]),
        ("-5/8", ["-0.625", "\u22120.625", "\u2013.625", "\\dfrac{-5}{8}", "-62.5E-2", "-5 / 8"]),
        ("2/5", ["40%", "40 %", "40.0%", "40\\%", "\uff14\uff10%"]),
    ],
)  # fmt: skip
def test_spellings_of_one_number(value: str, spellings: list[str]) -> None:
    assert {said: said_by(number.key(said)) for said in spellings} == dict.fromkeys(
        spellings, f"number:{value}"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("-3", "3"), ("1/3", "0.333"), ("2.5", "25"), ("1e3", "1e4"), ("1/2", "1")],
)
def test_numbers_that_are_not_the_same(one: str, other: str) -> None:
    assert (
        said_by(number.key(one))
        and said_by(number.key(other))
        and said_by(number.key(one)) != said_by(number.key(other))
    )


@pytest.mark.parametrize("said", ["", "Paris", "x7", "5/0", "9" * 1001])
def test_no_number(said: str) -> None:
    assert said_by(number.key(said)) is None


def test_the_last_number_of_prose_counts() -> None:
    assert said_by(number.last("9 hens and 4 ducks are 13 birds, all told.")) == "number:13"
    assert said_by(number.last("none at all")) is None


@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_every_spelling_of_a_decimal_is_its_exact_value(digits: int, places: int) -> None:
    value = Fraction(digits, 10**places)
    sign, size = ("-" if digits < 0 else ""), abs(digits)
    plain = f"{size // 10**places}.{size % 10**places:0{places}d}" if places else str(size)
    whole, dot, decimals = plain.partition(".")
    wide = str.maketrans("0123456789", "".join(map(chr, range(0xFF10, 0xFF1A))))
    spellings = [
        sign + plain,
        f"{sign}{int(whole):,}{dot}{decimals}",
        f"{sign}{size}e-{places}",
        f"{sign}{size}/{10**places}",
        sign.replace("-", "\u2212") + plain.translate(wide),
        f"{sign}{plain}{'0' if dot else '.00'}",
    ]
    assert {said_by(number.key(spelling)) for spelling in spellings} == {f"number:{value}"}
    assert said_by(number.key(f"{sign}{size + 1}e-{places}")) != f"number:{value}"


@pytest.mark.parametrize("said", ["(b)", "B", "b.", "**B**", "Option b", "The answer is (B).",
    "B) because it barks", "\\boxed{B}", "The dog.", "Final answer: the dog", "#### B",
])  # fmt: skip
def test_spellings_of_one_choice(said: str) -> None:
    assert key_of(Kind.CHOICE, ask(QUIZ), cast(said)) == "choice:B"


@pytest.mark.parametrize("said", ["C", "The answer is C.", "an owl or a dog", "D", "A wolf barks"])
def test_other_words_are_not_that_choice(said: str) -> None:
    assert key_of(Kind.CHOICE, ask(QUIZ), cast(said)) != "choice:B"


def test_text_is_equal_but_for_case_spaces_and_edges() -> None:
    assert (
        said_by(text.key("  Hello,\n World! "))
        == said_by(text.key('"hello, world"'))
        == "text:hello, world"
    )
    assert said_by(text.key("hello world")) != said_by(text.key("hello, world"))
    assert said_by(text.key("not so")) != said_by(text.key("so")) and said_by(
        text.key("1 hen")
    ) != said_by(text.key("2 hens"))
    long = "the same words " * 9
    assert (
        said_by(text.key(long))
        == said_by(text.key(long.upper()))
        != said_by(text.key(long + "and more"))
    )
    assert said_by(text.key(" \n")) is None and said_by(text.key("...")) is not None


@pytest.mark.parametrize(("one", "other"), [("-5", "5"), ("<5", ">5"), ("C#", "C"), (".5", "5")])
def test_signs_are_no_punctuation(one: str, other: str) -> None:
    assert said_by(text.key(one)) != said_by(text.key(other))


@pytest.mark.parametrize(("one", "other"), [("3, 5, 8", "3, 8, 5"), ("12:30", "12:45"),
    ("12 + 3 = 15", "12"), ("1½", "1"), ("3 \\times 10^{5}", "3")])  # fmt: skip
def test_an_answer_of_more_than_one_number_is_not_its_first(one: str, other: str) -> None:
    keys = [key_of(Kind.NUMBER, ask("?"), cast(f"Answer: {said}")) for said in (one, other)]
    assert keys[0] != keys[1]


@pytest.mark.parametrize(("words", "span"), [
    ("so \\boxed{1} and then \\boxed{x^{2}} or #### 4", "x^{2}"),
    ("#### 3\nthus\n#### 41", "41"),
    ("### Step 1\nadd\n**Final answer:** 42", "42"),
    ("The answer is **12**", "12"),
    ("answer: 5 hens.\nAnswer = 6 hens.", "6 hens."),
    ("\\boxed{7 is never closed\nThe answer is 8", "8"),
    ("I have an answer for you", None),
    ("##### 5", None),
    ("Answer: " + "long " * 90, None),
])  # fmt: skip
def test_final_span(words: str, span: str | None) -> None:
    assert final_span(words) == span


def test_thoughts_are_never_the_answer() -> None:
    said = "<think>The answer is 40</think>\nThe answer is 42"
    assert key_of(Kind.NUMBER, ask("?"), cast(said)) == "number:42"
    assert strip_thoughts("<THINK>it may be 7, the answer is 7") == ""
    assert key_of(Kind.NUMBER, ask("?"), cast("<think>The answer is 7")) is None


def test_what_abstains() -> None:
    for kind in Kind:
        request = ask(QUIZ)
        assert key_of(kind, request, cast(" \n")) is None
        assert key_of(kind, request, cast("The answer is 4", Finish.ERROR)) is None
        assert key_of(kind, request, cast("first 12, then 13 and", Finish.LENGTH)) is None
    cut = cast("Answer: 4\nThis is because", Finish.LENGTH)
    assert key_of(Kind.NUMBER, ask("?"), cut) == "number:4"
    assert key_of(Kind.TEXT, ask("?"), cast("", Finish.LENGTH, '{"kg": 1}')) is None


def test_tool_calls_are_compared_by_value() -> None:
    base = call_key('{"kg":1,"of":["a",null,true]}')
    assert base == call_key('{ "of" : ["a", null, true], "kg" : 1.0 }') == call_key(
        '{"kg":10e-1,"of":["\\u0061",null,true]}'
    )  # fmt: skip
    others = [
        '{"kg":"1","of":["a",null,true]}',
        '{"kg":true,"of":["a",null,true]}',
        '{"kg":1,"of":[null,"a",true]}',
        '{"kg":1.01,"of":["a",null,true]}',
        '{"kg":1}',
    ]
    assert len({base, *map(call_key, others)}) == len(others) + 1
    assert call_key('{"a":1}', '{"b":2}') == call_key('{"b":2}', '{"a":1}') != call_key('{"a":1}')
    assert call_key("") == call_key("{}") == "tool_call:weigh({})"
    assert call_key('{"kg":-0.0}') == call_key('{"kg":0}')
    assert tool_call.key((ToolCall("c", "unknown", "{}"),), OFFERED) is None


@pytest.mark.parametrize(("question", "kind"), [
    (QUIZ, Kind.CHOICE), ("Pick one:\nA. red\nB. blue", Kind.CHOICE),
    ("How many hens?", Kind.NUMBER), ("What is 3 + 4?", Kind.NUMBER),
    ("Give the total of it", Kind.NUMBER),
    ("Who wrote it?", Kind.SHORT), ("When was it?", Kind.DATE),
    ("Tell me of it", Kind.TEXT), ("", Kind.TEXT), ("A) alone", Kind.TEXT)])  # fmt: skip
def test_the_kind_comes_from_the_question(question: str, kind: Kind) -> None:
    assert kind_of(ask(question)) is kind


@pytest.mark.parametrize("arguments", ['{"a":1', "[1]", "1", "nonsense", "[" * 9999, '{"a":' * 99])
def test_broken_arguments_abstain(arguments: str) -> None:
    assert call_key(arguments) is None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("3/4.", "3/4"), ("0.75", "3/4"), ("2 1/2", "5/2"), ("1½", "3/2"), ("x = 18", "18"),
        ("12 + 3 = 15", "15"), ("3 \\times 10^{5}", "300000"), ("10^5", "100000"),
        ("1{,}000", "1000"), ("1 000", "1000"), ("-5.50", "-11/2"),
        ("21 apples.", "21"), ("75%", "3/4"), ("2^{10}", "1024"),
    ],
)  # fmt: skip
def test_a_number_has_one_key_in_all_its_spellings(said: str, value: str) -> None:
    assert said_by(number.key(said)) == f"number:{value}"
