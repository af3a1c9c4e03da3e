"""The runner of test vectors, and what it says of files that it cannot use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks._vectors import Case, load, main, read, run

VECTORS = [
    case
    for name in ("vectors.json", "vectors_more.json")
    for case in load(Path(__file__).with_name(name))
]
RIGHT: dict[str, Any] = {
    "id": "two agree",
    "task": "num",
    "ballots": [{"text": "The answer is 4"}, {"text": "Answer: 4.0"}, {"text": "Answer: 5"}],
    "expect_one_of": [0, 1],
    "expect_status": "majority",
}


def written(folder: Path, content: Any) -> str:
    """A file of cases."""
    path = folder / "cases.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case.id)
def test_vector(case: Case) -> None:
    assert run(case) is None


def test_a_file_whose_cases_all_hold_exits_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([written(tmp_path, [RIGHT])]) == 0
    assert capsys.readouterr().out == "1 of 1 pass\n"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"expect_one_of": [2]}, "expected the winner among [2], got ballot"),
        ({"expect_status": "tie"}, "expected tie, got majority"),
        ({"expect_one_of": None}, "expected no winner, got ballot"),
        ({"ballots": [{"text": ""}], "expect_one_of": [0]}, "got none"),
    ],
)
def test_a_case_that_fails_is_named_with_what_came_instead(
    wrong: dict[str, Any], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([written(tmp_path, [RIGHT, RIGHT | wrong | {"id": "the wrong one"}])]) == 1
    said = capsys.readouterr().out
    assert "the wrong one\n" in said
    assert told in said
    assert said.endswith("1 of 2 pass\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "no JSON"),
        ({}, "no list of cases"),
        ([{"task": "num"}], "case 1: no object with an id"),
        ([RIGHT | {"task": "sum"}], "task 'sum' is none of num, mc"),
        ([RIGHT | {"ballots": [{}]}], "ballot 0: neither a text nor calls"),
        ([RIGHT | {"expect_one_of": [3]}], "no list of places"),
        ([RIGHT | {"expect_status": "sure"}], "'sure' is no status"),
        ([RIGHT | {"peer_cap": "1"}], "peer_cap is no number"),
    ],
)
def test_an_unusable_file_exits_with_2_and_says_where(
    content: Any, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([written(tmp_path, content)]) == 2
    assert told in capsys.readouterr().err


def test_no_file_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.json")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert main([]) == 2


def test_every_field_of_a_ballot_reaches_the_engine() -> None:
    """Copies count once, a cap binds, truncation abstains, confidence decides a tie."""
    text = "The answer is "
    cases = [
        {"ballots": [{"text": text + "1", "model": "m", "seed": 1}] * 2 + [{"text": text + "2"}],
         "expect_one_of": [0, 2], "expect_status": "no_consensus"},
        {"ballots": [{"text": text + "1"}] * 2 + [{"text": text + "2", "peer": "p"}] * 3,
         "peer_cap": 1, "expect_one_of": [0, 1], "expect_status": None},
        {"ballots": [{"text": "1 and then", "finish": "length"}, {"text": text + "2"}],
         "expect_one_of": [1], "expect_status": "majority"},
        {"ballots": [{"text": text + "1", "conf": 0.2}, {"text": text + "2", "conf": 0.9}],
         "expect_one_of": [1], "expect_status": "no_consensus"},
        {"task": "tool", "side_effect": True,
         "ballots": [{"calls": [{"name": "f", "arguments": {}}]}, {"text": ""}],
         "expect_one_of": [0], "expect_status": "escalate"},
    ]  # fmt: skip
    for case in cases:
        assert run(read({"id": "case", "task": "num", **case}, "here")) is None
