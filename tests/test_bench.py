"""Calibration and `bench vote`: real answers of the bundled model, kept and scored."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._pool import pooled
from local_swarm.ballot import Answer, Ballot, Finish
from local_swarm.bench import calibration, plot
from local_swarm.bench.calibration import (
    KINDS,
    Measured,
    accuracies,
    accuracies_of,
    by_kind,
    calibrate,
)
from local_swarm.bench.fingerprint import fingerprint
from local_swarm.bench.question import Question, is_right, parse, read
from local_swarm.bench.report import loses
from local_swarm.bench.scoring import _narrow, accuracy, scored
from local_swarm.bench.store import Candidates, Store
from local_swarm.bench.vote import Measurement, measure
from local_swarm.chat import ChatRequest, Event
from local_swarm.errors import EngineUnavailable, UsageError
from local_swarm.models.store import demo_path
from local_swarm.swarm.clusters import cosine
from local_swarm.swarm.embedding import Lexical
from local_swarm.wire.client import RemoteResponder

from .conftest import SUM, Running, settings_in

LINES = (
    json.dumps({"question": SUM, "answer": "21", "family": "number"}),
    json.dumps({"question": "What is 2 + 3?", "answer": ["5", "five"], "family": "number"}),
    json.dumps({"question": "What is 4 + 4?", "answer": 8, "family": "short"}),
)
QUESTIONS = [parse(line, "here") for line in LINES]


def said(text: str, **more: Any) -> Ballot:
    """A finished ballot."""
    made = Ballot(Answer(text), "w", "home", "m", Finish.STOP, 5, 0.5, confidence=0.5)
    return replace(made, **more)


class Dead:
    """A responder that must not be asked."""

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        raise EngineUnavailable("asked")
        yield


def test_the_probe_has_60_questions_a_kind_and_every_gold_is_right() -> None:
    probe = calibration.probe()
    assert {kind: sum(q.family == kind for q in probe) for kind in KINDS} == dict.fromkeys(
        KINDS, 60
    )
    assert len({q.hash() for q in probe}) == len(probe)
    golds = [replace(said(""), answer=answer) for q in probe for answer in q.gold[:1]]
    for at, question in enumerate(probe):
        for answer in question.gold:
            perfect = replace(said(""), answer=answer)
            assert is_right(question.asked, question.gold, perfect), question.id
        wrong = golds[(at + 7) % len(golds)]
        if wrong.answer not in question.gold and wrong.answer.text not in "ABCD":
            assert not is_right(question.asked, question.gold, wrong), question.id


def test_answers_are_graded_by_what_they_say() -> None:
    sum_, either, _ = QUESTIONS
    assert is_right(sum_.asked, sum_.gold, said("14 + 7 = 21, so the answer is 21."))
    assert not is_right(sum_.asked, sum_.gold, said("The answer is 12."))
    assert not is_right(sum_.asked, sum_.gold, said("The answer is", finish=Finish.LENGTH))
    assert is_right(either.asked, either.gold, said("five"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "no JSON"),
        ("[]", "no object"),
        ('{"answer": "1"}', "neither a question nor messages"),
        ('{"question": "1?"}', "no answer"),
        ('{"question": "1?", "calls": [{}]}', "a call without a name"),
        ('{"question": "1?", "answer": "1", "max_tokens": 0}', "max_tokens"),
        ('{"question": "1?", "answer": "1", "tools": 3}', "tools is no list"),
    ],
)
def test_an_unusable_question_is_told_with_its_line(line: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f"{LINES[0]}\n{line}\n")
    with pytest.raises(UsageError) as raised:
        read(path)
    assert "line 2" in raised.value.message
    assert told in raised.value.message


def test_kept_answers_survive_a_torn_line_and_are_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "kept.jsonl"
    store = Store(path, "m")
    whole = Candidates((said("1"), said("2", finish=Finish.LENGTH)), said("3"), 1.5, 9)
    store.put("first", whole)
    with path.open("a") as file:
        file.write('{"question": "torn", "seco')
    again = Store(path, "m")
    again.put("second", Candidates())
    last = Store(path, "m")
    assert "torn" not in last
    assert "second" in last
    found = last.get("first")
    assert found
    assert [b.answer.text for b in found.samples] == ["1", "2"]
    assert found.samples[1].finish is Finish.LENGTH
    assert found.greedy
    assert (found.greedy.answer.text, found.seconds, found.tokens) == ("3", 1.5, 9)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_fingerprint_is_counted_again_only_when_the_file_changed(tmp_path: Path) -> None:
    model, cache = tmp_path / "model.gguf", tmp_path / "known.json"
    model.write_bytes(b"one")
    first = fingerprint(model, cache)
    kept = model.stat()
    model.write_bytes(b"two")
    os.utime(model, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert fingerprint(model, cache) == first  # same size and time: taken as the same
    os.utime(model, ns=(kept.st_atime_ns, kept.st_mtime_ns + 1))
    assert fingerprint(model, cache) != first
    cache.write_text("damaged")
    assert fingerprint(model, cache) != first


def test_calibration_asks_the_node_and_goes_on_where_it_was(node: Running, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    responder = RemoteResponder(node.url)
    told: list[tuple[int, int]] = []
    asyncio.run(calibrate(responder, settings, "abc", model="demo", questions=QUESTIONS[:2]))
    found = asyncio.run(
        calibrate(
            responder,
            settings,
            "abc",
            model="demo",
            questions=QUESTIONS,
            on_progress=lambda done, total: told.append((done, total)),
        )
    )
    assert told == [(2, 3), (3, 3)]
    assert found["number"].asked == 2
    assert found["number"].right >= 1  # the bundled model can add
    assert accuracies(settings, "abc")["number"] == found["number"].accuracy
    kept = calibration.path_of(settings, "abc")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    again = asyncio.run(calibrate(Dead(), settings, "abc", model="demo", questions=QUESTIONS))
    assert again == found


def test_accuracies_are_empty_where_nothing_was_measured(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    model = tmp_path / "model.gguf"
    model.write_bytes(b"weights")
    assert accuracies_of(settings, model) == {}
    assert not (settings.data / "fingerprints.json").exists()  # not even read
    sha = calibration.sha_of(settings, model)
    kept = calibration.path_of(settings, sha)
    kept.parent.mkdir(parents=True)
    kinds = {"short": {"right": 58, "asked": 60}, "code": {"right": 0, "asked": 0}}
    kept.write_text(json.dumps({"format": 1, "kinds": kinds}))
    assert accuracies_of(settings, model) == {"short": 59 / 62, "date": 59 / 62}
    named = {"short": {"m": 59 / 62}, "date": {"m": 59 / 62}}
    assert by_kind(settings, {"m": model, "other": demo_path()}) == named
    for damaged in ("", "[]", '{"format": 0, "kinds": {}}', '{"format": 1, "kinds": {"a": 1}}'):
        kept.write_text(damaged)
        assert accuracies_of(settings, model) == {}
    assert Measured(0, 0).interval == (0.0, 0.0, 1.0)


def test_a_measured_vote_is_kept_and_complete(node: Running, tmp_path: Path) -> None:
    of = Measurement(RemoteResponder(node.url), "demo", "name", tmp_path)
    sampling = {"temperature": 0.7}
    result = asyncio.run(measure(of, QUESTIONS[:2], (5, 3), sampling, lambda done, total: None))
    assert list(result["all"]["votes"]) == ["3", "5"]
    assert result["all"]["questions"] == 2
    assert result["cost"]["3"]["tokens"] > result["cost"]["greedy"]["tokens"] > 0
    assert result["all"]["stopping"]["other winners"] == 0
    json.dumps(result)
    offline = replace(of, responder=Dead())
    again = asyncio.run(measure(offline, QUESTIONS[:2], (5, 3), sampling, lambda done, total: None))
    assert again == result
    once = asyncio.run(of.once(QUESTIONS[:1], lambda done, total: None))
    assert once["tokens"] > 0
    lines = list(plot.bars(result["all"]))
    assert lines[0].startswith("greedy ")
    assert len(lines) == 4


def test_a_greedy_seat_can_decide() -> None:
    question = QUESTIONS[0]
    samples = tuple(said(f"The answer is {n}.") for n in (21, 21, 12, 12))
    of = scored(question, Candidates(samples, said("The answer is 21.")))
    assert of.greedy_right
    assert accuracy(of, "auto", 5, greedy_seat=True) == 1.0
    assert accuracy(of, "auto", 1) == 0.5
    assert accuracy(of, "auto", 1, greedy_seat=True) == 1.0


def test_meanings_are_compared_over_all_seats_and_models() -> None:
    question = parse('{"question": "Why is the sky blue?", "answer": "It scatters."}', "here")
    words = (
        "The air scatters blue light.",
        "Blue light is scattered by the air.",
        "No idea at all.",
    )
    samples = Candidates(tuple(said(text) for text in words * 3), said("Blue light is scattered."))
    of = replace(scored(question, samples), right=(True, True, False) * 3)
    assert of.asked.kind.value == "text"
    assert accuracy(of, "similarity", 9) == 1.0
    assert 0.5 < accuracy(of, "similarity", 5, greedy_seat=True) <= 1.0
    assert pooled([of, of], [0.9, 0.6], seats=5, subsets=10) > 0.5


def test_families_where_the_vote_loses_are_named() -> None:
    families = {
        "good": {"against greedy": {"3": [-1, -2, 0], "5": [0.5, -1, 2]}},
        "bad": {"against greedy": {"3": [-1, -2, 0], "5": [-0.1, -1, 2]}},
    }
    assert loses(families) == ["bad"]


@given(st.lists(st.text("abc de", max_size=20), min_size=1, max_size=6))
def test_narrow_vectors_have_the_same_cosines(texts: list[str]) -> None:
    wide = Lexical().embed(texts)
    narrow = _narrow(wide)
    for a in range(len(texts)):
        for b in range(len(texts)):
            assert cosine(narrow[a], narrow[b]) == pytest.approx(cosine(wide[a], wide[b]), abs=1e-6)


def local_swarm(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "local_swarm", *words],
        env={**os.environ, "LOCAL_SWARM_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_bench_vote_on_the_command_line(node: Running, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(LINES[0] + "\n")
    words = ["bench", "vote", "--url", node.url, "--questions", str(questions), "--seats", "3"]
    table = local_swarm(tmp_path, *words)
    assert table.returncode == 0, table.stderr
    assert "vote of 3" in table.stdout
    assert "--alternative URL" in table.stdout
    told = local_swarm(tmp_path, *words, "--alternative", node.url, "--json")
    result = json.loads(told.stdout)
    assert result["model"] == "demo"
    assert result["alternative"]["model"] == "demo"
    kept = list((tmp_path / "bench").glob("*.jsonl"))
    assert len(kept) == 1
    assert kept[0].stem == fingerprint(demo_path(), tmp_path / "other.json")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["bench", "vote", "--seats", "30"], "more than the 20 samples"),
        (["bench", "vote", "--questions", "none.jsonl"], "none.jsonl cannot be read"),
        (["bench", "vote", "nothing.gguf", "--count", "1"], "nothing.gguf"),
        (["bench", "vote", "--url", "nowhere"], "is no address"),
        (["calibrate", "--url", "nowhere"], "is no address"),
    ],
)
def test_wrong_wishes_are_told_before_anything_is_asked(
    words: list[str], told: str, tmp_path: Path
) -> None:
    done = local_swarm(tmp_path, *words)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plot_without_matplotlib_tells_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as raised:
        plot.need_matplotlib()
    assert "local-swarm[plot]" in raised.value.hint


def test_questions_with_the_same_request_have_the_same_hash() -> None:
    one = Question("a", "f", ({"role": "user", "content": "1?"},), (Answer("1"),))
    other = replace(one, id="b", family="g", gold=(Answer("2"),))
    assert one.hash() == other.hash()
    assert one.hash(samples=20) != one.hash(samples=20, temperature=1.0)
