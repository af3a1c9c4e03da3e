"""Identity and book of peers: what is on the disk, and what happens when it is not as it should."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.errors import LanError
from local_swarm.network import book_file, identity, private
from local_swarm.network.book import Book, Peer, is_address
from tests.lan_peers import forge, machine

AS_ROOT = not hasattr(os, "geteuid") or os.geteuid() == 0


def peer(folder: Path, name: str = "laptop", **more: object) -> Peer:
    made = identity.load(folder)
    return replace(Peer(made.device_id, name, made.certificate), **more)  # type: ignore[arg-type]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_identity_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    made = identity.load(tmp_path / "lan")
    assert identity.load(tmp_path / "lan") == made
    assert made.device_id == identity.device_id_of(made.certificate)
    assert len(made.device_id) == 52 and made.device_id.isalnum()
    assert mode(tmp_path / "lan") == 0o700
    assert mode(made.file) == 0o600
    assert identity.load(tmp_path / "other").device_id != made.device_id
    assert [path.name for path in (tmp_path / "lan").iterdir() if path.name.count(".") > 1] == []


def test_our_own_certificate_is_one_that_we_would_take(tmp_path: Path) -> None:
    identity.check(identity.load(tmp_path).certificate)


@pytest.mark.parametrize("wrong", ["authority", "signed by another", "curve", "text", "huge"])
def test_certificates_that_no_peer_has_are_refused(tmp_path: Path, wrong: str) -> None:
    ours = identity.load(tmp_path)
    certificate = {
        "authority": forge(tmp_path / "a.pem", ca=True).certificate,
        "signed by another": forge(tmp_path / "b.pem", by=ours).certificate,
        "curve": forge(tmp_path / "c.pem", size=384).certificate,
        "text": b"hello",
        "huge": ours.certificate + bytes(5000),
    }[wrong]
    with pytest.raises(LanError, match="no certificate of a Local Swarm machine"):
        identity.check(certificate)


def test_a_key_that_others_may_read_is_closed(tmp_path: Path) -> None:
    made = identity.load(tmp_path)
    made.file.chmod(0o644)
    assert identity.load(tmp_path) == made
    assert mode(made.file) == 0o600


@pytest.mark.parametrize("content", ["", "hello", "-----BEGIN CERTIFICATE-----\nnonsense\n"])
def test_a_damaged_identity_is_told_and_kept(tmp_path: Path, content: str) -> None:
    made = identity.load(tmp_path)
    made.file.write_text(content)
    with pytest.raises(LanError, match="cannot be read"):
        identity.load(tmp_path)
    assert made.file.read_text() == content


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    one, other = identity.load(tmp_path / "a"), identity.load(tmp_path / "b")
    start = "-----BEGIN CERTIFICATE-----"
    key = one.file.read_text().partition(start)[0]
    one.file.write_text(key + start + other.file.read_text().partition(start)[2])
    with pytest.raises(LanError, match="cannot be read"):
        identity.load(tmp_path / "a")


def test_a_copy_of_another_machines_files_is_noticed(tmp_path: Path) -> None:
    made = identity.load(tmp_path)
    if not (tmp_path / "machine").read_text():
        pytest.skip("this system has no machine id")
    private.write(tmp_path / "machine", b"0" * 64)  # as it was on the machine of origin
    with pytest.raises(LanError, match="was copied from another machine") as told:
        identity.load(tmp_path)
    assert "delete" in told.value.hint
    (tmp_path / "machine").unlink()  # its owner says that this machine took its place
    assert identity.load(tmp_path) == made


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    known = peer(tmp_path / "peer")
    (tmp_path / "lan").mkdir()
    book = Book(tmp_path / "lan")
    (tmp_path / "lan").chmod(0o500)
    try:
        with pytest.raises(LanError, match="cannot be written"):
            identity.load(tmp_path / "lan")
        with pytest.raises(LanError, match="cannot be written"):
            book.put(known)
        assert book.peers() == ()
    finally:
        (tmp_path / "lan").chmod(0o700)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    known = peer(tmp_path / "peer")
    (tmp_path / "lan").write_text("")
    with pytest.raises(LanError, match="cannot be written"):
        identity.load(tmp_path / "lan")
    book = Book(tmp_path / "none" / "x")
    (tmp_path / "none").write_text("")
    with pytest.raises(LanError, match="cannot be written"):
        book.put(known)
    assert book.peers() == () and book.version == 0


def test_the_book_survives_a_restart(tmp_path: Path) -> None:
    book, told = Book(tmp_path), []
    undo = book.on_change(lambda: told.append(book.version))
    known = peer(tmp_path / "a", addresses=("10.0.0.1:17601",), listed=("box.local:1",))
    gone = peer(tmp_path / "b", "desktop")
    book.put(known)
    book.put(gone)
    book.put(gone)  # nothing new
    assert book.remove(gone.id)
    assert told == [1, 2, 3]
    undo()
    book.put(replace(known, trusted=True))
    assert told == [1, 2, 3]
    again = Book(tmp_path)
    assert again.peers() == (replace(known, trusted=True, version=4),)
    assert again.removed == {gone.id}
    assert again.version == book.version == 4
    assert mode(tmp_path / "peers.json") == 0o600


def test_a_removal_outlives_what_others_tell_but_not_the_owners_word(tmp_path: Path) -> None:
    book = Book(tmp_path)
    stolen = peer(tmp_path / "a")
    book.put(stolen)
    assert book.remove(stolen.id) and not book.remove(stolen.id)
    assert not book.learn([stolen])
    assert not Book(tmp_path).learn([stolen])
    assert book.get(stolen.id) is None
    marks = book.marks
    book.put(stolen)
    assert book.get(stolen.id) is not None and book.removed == book.marks == frozenset()
    assert not Book(tmp_path).learn([], marks)  # what was forgiven stays so
    other = Book(tmp_path / "other")
    assert other.remove(stolen.id) and other.marks.isdisjoint(marks)
    assert book.learn([], other.marks)  # a later removal does not
    assert book.get(stolen.id) is None


def test_who_is_introduced_is_not_trusted_and_changes_no_one_known(tmp_path: Path) -> None:
    book = Book(tmp_path)
    other = peer(tmp_path / "a", trusted=True, listed=("169.254.169.254:80",))
    assert book.learn([other])
    found = book.get(other.id)
    assert found is not None and not found.trusted and found.listed == ()
    assert not book.learn([replace(other, name="better")])
    assert book.get(other.id) == found


def test_a_record_that_lies_about_its_id_is_refused(tmp_path: Path) -> None:
    book = Book(tmp_path)
    one, other = peer(tmp_path / "a"), peer(tmp_path / "b")
    for wrong in (
        replace(one, id=other.id),
        replace(one, id="X"),
        replace(one, name=""),
        replace(one, name="a\x1b[2J"),
        replace(one, addresses=("http://x",)),
    ):
        with pytest.raises(LanError):
            book.put(wrong)
    with pytest.raises(LanError):
        book.remove("../../etc")
    assert book.peers() == ()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 1, "peers": [{}], "removed": [], "forgiven": []}', "[" * 100_000,
     '{"version": "1", "peers": [], "removed": [], "forgiven": []}', '{"version": 1, "peers": []}',
     '{"version": 1, "peers": [], "removed": ["X"], "forgiven": []}'],
)  # fmt: skip
def test_a_damaged_book_is_told_and_kept(tmp_path: Path, content: str) -> None:
    (tmp_path / "peers.json").write_text(content)
    with pytest.raises(LanError, match="damaged"):
        Book(tmp_path)
    assert (tmp_path / "peers.json").read_text() == content


def test_the_last_good_address_comes_first(tmp_path: Path) -> None:
    book = Book(tmp_path)
    known = peer(tmp_path / "a", addresses=("10.0.0.1:1", "10.0.0.2:2"))
    book.put(known)
    before = book.version
    book.good_address(known.id, "10.0.0.2:2")
    book.good_address(known.id, "nonsense")
    book.good_address("unknown", "10.0.0.3:3")
    for number in range(20):
        book.good_address(known.id, f"[fe80::{number}%eth0]:17601")
    found = Book(tmp_path).get(known.id)
    assert found is not None and found.addresses[0] == "[fe80::19%eth0]:17601"
    assert len(found.addresses) == 8 and book.version == before


@pytest.mark.parametrize(
    ("host", "name"),
    [("Größe-Küche.fritz.box", "Größe-Küche"), ("a\x1b[2Jb\udcff", "a[2Jb"), ("\udcff", "unnamed"),
     ("", "unnamed"), ("x" * 99, "x" * 64)],
)  # fmt: skip
def test_a_machine_is_called_as_its_host_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, name: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert identity.load(tmp_path).name == name


def test_many_good_addresses_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book, known = Book(tmp_path), peer(tmp_path / "a")
    book.put(known)
    writes, write = list[int](), book_file.write

    def counted(path: Path, kept: book_file.Kept) -> None:
        writes.append(1)
        write(path, kept)

    monkeypatch.setattr(book_file, "write", counted)

    async def main() -> None:
        for number in range(1, 100):
            book.good_address(known.id, f"10.0.0.{number}:17601")
        assert not writes
        async with asyncio.timeout(5):
            while not writes:  # noqa: ASYNC110 - a timer in the book
                await asyncio.sleep(0.05)
        assert len(writes) == 1

    asyncio.run(main())
    found = Book(tmp_path).get(known.id)
    assert found is not None and found.addresses[0] == "10.0.0.99:17601"


def test_peers_are_found_by_name_or_the_start_of_their_id(tmp_path: Path) -> None:
    book = Book(tmp_path)
    one, other = peer(tmp_path / "a"), peer(tmp_path / "b", "desktop")
    book.put(one)
    book.put(other)
    assert book.find("desktop").id == book.find(other.id[:9].lower()).id == other.id
    with pytest.raises(LanError, match="No peer"):
        book.find("tablet")
    book.put(replace(one, name="desktop"))
    with pytest.raises(LanError, match="2 peers"):
        book.find("desktop")


@given(st.text("a1.:[]%-/@ \n", max_size=30))
def test_addresses_have_a_host_and_a_port(text: str) -> None:
    if is_address(text):
        host, _, port = text.rpartition(":")
        assert host and 0 < int(port) < 65536
        assert not set("/@? #\n") & set(text)


def test_machines_of_the_tests_are_like_real_ones(tmp_path: Path) -> None:
    it = machine(tmp_path)
    assert it.book.peers() == () and it.as_peer.id == it.identity.device_id
