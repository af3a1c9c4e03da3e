"""What peers' ballots were worth: who is proven, and what of it outlives the node."""

from __future__ import annotations

import asyncio
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from local_swarm.ballot import Answer, Ballot, Finish, Meter, Verdict
from local_swarm.network.record import PROVEN, Credit, Record
from local_swarm.swarm.canonical import Asked, Kind, key_of
from local_swarm.swarm.decision import Rule, decide
from local_swarm.swarm.strategies import majority
from local_swarm.swarm.tally import Cast
from local_swarm.swarm.weights import HOME, Caps

IDS = {"p": "ID-P", "q": "ID-Q"}


def verdict(*said: tuple[str, str]) -> Verdict:
    """Of (machine, text), decided by majority."""
    ballots = [Ballot(Answer(text), "v", who, "m", Finish.STOP, 3, 0.1) for who, text in said]
    rule = Rule("majority", majority, Asked(Kind.NUMBER), caps=Caps())
    casts = [Cast(ballot, key_of(rule.asked, ballot)) for ballot in ballots]
    return decide(casts, rule, "r", asked=len(casts), meter=Meter())


def credits(record: Record) -> list[tuple[int, int]]:
    return [(record.of(id).ballots, record.of(id).agreed) for id in IDS.values()]


def test_ballots_are_held_to_what_home_found(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.heard(verdict((HOME, "5"), (HOME, "5"), (HOME, "6"), ("p", "5"), ("p", "7")), IDS)
    assert credits(record) == [(2, 1), (0, 0)]
    record.heard(verdict((HOME, "5"), (HOME, "5"), ("q", ""), ("p", "5"), ("x", "5")), IDS)
    assert credits(record) == [(3, 2), (1, 0)]


@pytest.mark.parametrize("home", [["5"], [], ["5", "6"], ["", "5"]])
def test_a_home_without_a_verdict_of_its_own_proves_nobody(
    tmp_path: Path, home: Sequence[str]
) -> None:
    """Else two peers could prove each other."""
    record = Record(tmp_path)
    said = [*((HOME, text) for text in home), ("p", "9"), ("q", "9"), ("p", "9"), ("q", "9")]
    record.heard(verdict(*said), IDS)
    assert credits(record) == [(0, 0), (0, 0)]


def test_proven_after_twenty_and_for_a_restart_until_it_breaks_its_word(tmp_path: Path) -> None:
    record = Record(tmp_path / "new")
    for _ in range(PROVEN):
        assert not record.of("ID-P").proven
        record.heard(verdict((HOME, "5"), (HOME, "5"), ("p", "5")), IDS)
    assert record.of("ID-P").proven and Record(tmp_path / "new").of("ID-P").proven
    record.audited("ID-P", "a ballot is not the one it had committed itself to")
    again = Record(tmp_path / "new").of("ID-P")
    assert (again.proven, again.audits) == (False, 1) and "committed" in again.audit
    record.forget("ID-P")
    assert Record(tmp_path / "new").of("ID-P") == Credit()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_only_the_owner_reads_it_and_it_holds_no_words(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.heard(verdict((HOME, "12345"), (HOME, "12345"), ("p", "12345")), IDS)
    file = tmp_path / "record.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "12345" not in file.read_text()
    file.chmod(0o644)
    assert Record(tmp_path).of("ID-P").ballots == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_vote_waits_for_the_disk_and_the_last_word_stays(tmp_path: Path) -> None:
    record = Record(tmp_path)

    async def main() -> None:
        for _ in range(9):
            record.heard(verdict((HOME, "5"), (HOME, "5"), ("p", "5")), IDS)

    asyncio.run(main())
    assert Record(tmp_path).of("ID-P").agreed == 9


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"a": 1}', '{"a": {"ballots": -1}}', "\xff"])
def test_a_damaged_record_proves_nobody(tmp_path: Path, torn: str) -> None:
    (tmp_path / "record.json").write_text(torn, encoding="latin-1")
    record = Record(tmp_path)
    assert not record.of("a").proven
    record.heard(verdict((HOME, "5"), (HOME, "5"), ("p", "5")), IDS)
    assert Record(tmp_path).of("ID-P").agreed == 1


def test_a_folder_that_cannot_be_written_costs_no_vote(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    record = Record(tmp_path / "file")
    record.heard(verdict((HOME, "5"), (HOME, "5"), ("p", "5")), IDS)
    assert record.of("ID-P").agreed == 1
