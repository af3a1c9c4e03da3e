"""`bench engine`: figures of a real engine, and what the planner keeps of them."""

from __future__ import annotations

import json
from pathlib import Path

from local_swarm.backends.tuning import Tuning
from local_swarm.bench.engine import Run
from local_swarm.hardware.detect import detect
from local_swarm.models.measured import read

from .conftest import settings_in
from .test_cli_run import cli


def test_it_measures_and_keeps_what_it_measured(tmp_path: Path) -> None:
    words = ("demo", "--seats", "1", "--seats", "3", "--prompt", "120", "--tokens", "12")
    made = cli(tmp_path, "bench", "engine", *words, "--json")
    found = json.loads(made.stdout)
    assert [run["seats"] for run in found["runs"]] == [1, 3]
    assert [run["tokens"] for run in found["runs"]] == [12, 36]
    assert all(90 < run["prompt"] < 160 for run in found["runs"])
    assert found["runs"][0]["cost"] == 1 and found["engine"] == "llama.cpp" and found["rss"]
    kept = read(settings_in(tmp_path).state, detect())
    assert [(one.file, one.seats) for one in kept] == [("demo.gguf", 1), ("demo.gguf", 3)]
    assert all(one.one and one.all for one in kept)


def test_what_is_measured_with_other_options_is_not_kept(tmp_path: Path) -> None:
    words = ("demo", "--seats", "2", "--prompt", "40", "--tokens", "4", "--kv", "q8_0", "--ngram")
    made = cli(tmp_path, "bench", "engine", *words)
    assert b"KV cache q8_0, guesses from the text so far" in made.stderr
    assert b"writes tokens/s" in made.stdout
    assert read(settings_in(tmp_path).state, detect()) == []


def test_bad_options_are_told(tmp_path: Path) -> None:
    made = cli(tmp_path, "bench", "engine", "demo", "--tokens", "600")
    assert made.returncode == 2 and b"do not fit a context of 512" in made.stderr
    made = cli(tmp_path, "bench", "engine", "demo", "--engine", "mlx")
    assert made.returncode == 2 and b"mlx" in made.stderr
    assert Tuning().told == ""


def test_speeds_are_those_of_one_answer() -> None:
    run = Run(seats=4, prompt=100, tokens=80, read_s=0.5, write_s=2.0, cpu_s=None)
    assert (run.prefill, run.decode, run.seconds) == (200, 10, 2.5)
