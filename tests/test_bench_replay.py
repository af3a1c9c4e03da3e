"""Replays of stored samples: exact figures where there are any, and honest errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.replay import Unusable, curve, load, stops
from local_swarm.bench.intervals import bootstrap, paired, wilson
from local_swarm.bench.scoring import accuracy


def sampled(path: Path, answers: dict[str, list[str]], kind: str = "number") -> Path:
    """A file whose questions all have the gold 1."""
    lines = [
        {
            "id": name,
            "gold": "1",
            "kind": kind,
            "samples": [
                {"text": f"The answer is {text}", "tokens": 5 + len(text) * 7 + at}
                for at, text in enumerate(texts)
            ],
        }
        for name, texts in answers.items()
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


MIXED = {
    "all right": ["1", "1.0", "1", "1", "1"],
    "three of five": ["1", "1", "1", "2", "3"],
    "two of five": ["1", "1", "2", "2", "2"],
}


def test_one_worker_and_all_of_them_are_exact(tmp_path: Path) -> None:
    questions = load(sampled(tmp_path / "samples.jsonl", MIXED))
    values = curve(questions, "majority", 200)
    assert values[1] == [1.0, 0.6, 0.4]
    assert values[5] == [1.0, 1.0, 0.0]


def test_subsets_come_close_to_the_exact_chance(tmp_path: Path) -> None:
    """Of the 10 threes out of 1, 1, 1, 2, 3 a majority is in 7; in 3 others 1, 2 and 3 tie."""
    of = load(sampled(tmp_path / "samples.jsonl", MIXED))[1]
    assert accuracy(of, "majority", 3, subsets=4000) == pytest.approx(0.7 + 0.3 / 3, abs=0.03)
    assert accuracy(of, "majority", 3) == accuracy(of, "majority", 3)


def test_fastest_takes_the_shortest(tmp_path: Path) -> None:
    answers = {"short is wrong": ["2", "1001", "1001", "1001", "1001"]}
    of = load(sampled(tmp_path / "samples.jsonl", answers))[0]
    assert accuracy(of, "fastest", 5) == 0.0


def test_stopping_saves_and_never_changes_a_winner(tmp_path: Path) -> None:
    questions = load(sampled(tmp_path / "samples.jsonl", MIXED))
    saved = stops(questions, "majority")[5]
    assert saved.changed == 0
    assert saved.votes == 3
    # Three of five decide "all right"; "three of five" needs at least its fourth ballot.
    assert 0 < saved.samples <= (2 + 1 + 2) / 15
    assert 0 < saved.wall < 1
    assert stops(questions, "quality")[5].samples == 0


def test_intervals() -> None:
    assert bootstrap([]) == (0.0, 0.0, 0.0)
    assert bootstrap([0.5] * 9) == (0.5, 0.5, 0.5)
    gain = paired([1.0] * 60 + [0.0] * 40, [0.0] * 100)
    assert gain.mean == 0.6
    assert 0.48 < gain.low < 0.55 < 0.65 < gain.high < 0.72
    assert wilson(0, 0) == (0.0, 0.0, 1.0)
    assert wilson(50, 100).low == pytest.approx(0.4038, abs=1e-3)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 1: no question"),
        ('{"gold": "1", "kind": "sum", "samples": []}', "'sum' is not a valid Kind"),
        ('{"gold": "1", "kind": "number", "samples": []}', "line 1: no samples"),
        ('{"gold": "1", "kind": "number", "samples": [{"text": "1"}]}', "'tokens'"),
        ("", "has no questions"),
    ],
)
def test_unusable_files_say_where(line: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text(line)
    with pytest.raises(Unusable) as raised:
        load(path)
    assert told in str(raised.value)


def test_the_script_prints_json_last_and_exits_with_2_on_no_file(tmp_path: Path) -> None:
    file = sampled(tmp_path / "samples.jsonl", MIXED)
    command = [sys.executable, "-m", "benchmarks.replay", "--json", "--strategy", "majority"]
    done = subprocess.run([*command, str(file)], capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["questions"] == 3
    assert result["majority"]["1"]["accuracy"] == pytest.approx(66.67)
    assert result["majority"]["5"]["gain"][0] == 0.0
    none = subprocess.run([*command, "none.jsonl"], capture_output=True, text=True)
    assert none.returncode == 2
    assert "none.jsonl cannot be read" in none.stderr
