"""Who is no member, or no longer one, on a LAN of three hosts: no code and no certificate helps."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_swarm.network import identity
from tests.lan.hosts import PORT, Lan, address
from tests.lan.nodes import until
from tests.lan.told import Told
from tests.lan_peers import forge

HOME = f"{address(1)}:{PORT}"
BRIEF, BRIEF_S = f"{address(1)}:{PORT + 1}", 0.5


@dataclass
class Street:
    """`home` on host 1 and its one `member` on host 2; on host 1 also the home of somebody whose
    invitations end soon (`brief`). `stranger` and `rogue` on host 3 are nobody's peers."""

    lan: Lan
    folder: Path
    home: Told
    member: Told
    brief: Told
    stranger: Told
    rogue: Told
    used: str

    def seen(self, by: Told) -> dict[str, Any]:
        """The one peer of a door."""
        (peer,) = by("peers")["peers"]
        return dict(peer)

    def id_of(self, name: str) -> str:
        """The device id of whoever lives in a folder."""
        return identity.load(self.folder / name).device_id


@pytest.fixture(scope="module")
def street(namespaces: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    with Lan(3) as lan:
        doors = [
            Told(lan, 1, "door", folder / "home", PORT),
            Told(lan, 2, "door", folder / "member", PORT),
            Told(lan, 1, "door", folder / "brief", PORT + 1, BRIEF_S),
            Told(lan, 3, "door", folder / "stranger", PORT),
            Told(lan, 3, "rogue"),
        ]
        for door in doors:
            door.ready()
        code = doors[0]("invite")["code"]
        assert "error" not in doors[1]("join", code=code, at=HOME)
        home, member, brief, stranger, rogue = doors
        yield Street(lan, folder, home, member, brief, stranger, rogue, code)


def test_a_code_that_was_used_brings_nobody_else_in(street: Street) -> None:
    told = street.stranger("join", code=street.used, at=HOME)
    assert "used already" in told["error"]
    assert len(street.home("peers")["peers"]) == 1


def test_a_code_ends(street: Street) -> None:
    code = street.brief("invite")["code"]
    time.sleep(BRIEF_S)
    assert "older than 10 minutes" in street.stranger("join", code=code, at=BRIEF)["error"]
    assert street.brief("peers")["peers"] == []


def test_after_five_guesses_even_the_right_code_is_refused(street: Street) -> None:
    """One wrong code was tried above."""
    guesses = [f"{n:A>16}" for n in range(6)]
    told = [street.rogue("guess", at=BRIEF, secret=guess) for guess in guesses]
    assert told == [403] * 4 + [429] * 2
    code = street.brief("invite")["code"]
    assert "Too many wrong codes" in street.stranger("join", code=code, at=BRIEF)["error"]
    # Who was paired before is not kept out by that.
    until(lambda: street.seen(street.home)["state"] == "up")


def test_no_certificate_of_an_attackers_making_lets_him_in(street: Street) -> None:
    folder = street.folder
    member = identity.load(folder / "member")
    own = forge(folder / "own.pem")
    authority = forge(folder / "authority.pem", ca=True)
    papers = {
        "a stranger's own": own.file,
        "an authority": authority.file,
        "signed by an authority": forge(folder / "child.pem", by=authority).file,
        "signed by a member": forge(folder / "minted.pem", by=member).file,
        "a twin in all but the key": forge(folder / "twin.pem", like=member).file,
    }
    told = {what: street.rogue("ask", at=HOME, pem=str(pem)) for what, pem in papers.items()}
    assert all(isinstance(answer, str) for answer in told.values()), told
    assert street.rogue("ask", at=HOME) == 403  # without any it is a stranger
    # The member's own lets it in, from wherever it comes: it is the key that counts.
    assert street.rogue("ask", at=HOME, pem=str(member.file)) == 200


def test_a_code_makes_no_authority_a_member_and_no_ended_certificate_good(street: Street) -> None:
    """They have a code that is right."""
    folders = street.folder / "authority", street.folder / "ended"
    for folder in folders:
        folder.mkdir(mode=0o700)
    forge(folders[0] / "identity.pem", ca=True)
    forge(folders[1] / "identity.pem", days=(-9, -2))
    doors = [Told(street.lan, 3, "door", folder, PORT + 1 + n) for n, folder in enumerate(folders)]
    told = []
    for door in doors:
        door.ready()
        told.append(door("join", code=street.home("invite")["code"], at=HOME))
    assert "no certificate of a Local Swarm machine" in told[0]["error"]
    for folder in folders:
        pem = str(folder / "identity.pem")
        assert isinstance(street.rogue("ask", at=HOME, pem=pem), str)
    for peer in street.home("peers")["peers"]:
        if peer["id"] != street.id_of("member"):
            assert peer["state"] == "down"
            street.home("remove", who=peer["id"])


def test_whoever_answers_in_a_members_place_is_told_nothing(street: Street) -> None:
    """Host 2 is gone, and at its address somebody else shows a twin of its certificate."""
    until(lambda: street.seen(street.home)["state"] == "up")
    member = identity.load(street.folder / "member")
    twin = forge(street.folder / "servant.pem", like=member).file
    street.member.process.kill()
    street.member.process.wait()
    impostor = Told(street.lan, 2, "rogue")
    impostor.ready()
    impostor("serve", port=PORT, pem=str(twin))
    until(lambda: "somebody else answers" in (street.seen(street.home)["trouble"] or ""))
    connections, said = impostor("served")
    assert connections > 0 and said == 0
    impostor.process.kill()
    impostor.process.wait()
    street.member = Told(street.lan, 2, "door", street.folder / "member", PORT)
    street.member.ready()
    until(lambda: street.seen(street.home)["state"] == "up")


def test_a_removed_member_is_cut_off_on_its_open_connection(street: Street) -> None:
    pem = str(identity.load(street.folder / "member").file)
    assert street.rogue("hold", at=HOME, pem=pem) == 200
    assert street.rogue("held") == 200
    street.home("remove", who=street.seen(street.home)["id"])
    assert isinstance(street.rogue("held"), str)
    assert isinstance(street.rogue("ask", at=HOME, pem=pem), str)
    # What it tells of itself, and of others, is not heard any more.
    assert street.home("peers")["peers"] == []


def test_a_copy_of_a_machine_is_told_to_the_one_that_was_there(street: Street) -> None:
    street.stranger("invite")
    shutil.copytree(street.folder / "stranger", street.folder / "copy")
    copy = Told(street.lan, 2, "door", street.folder / "copy", PORT + 1)
    copy.ready()
    copy("invite")
    until(lambda: street.stranger("peers")["twin"])
    told = street.stranger("peers")["twin"]
    assert f"{address(2)}:{PORT + 1} has this one's identity" in told
    assert str(street.folder / "stranger") in told
