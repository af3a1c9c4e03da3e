"""Pairing over real sockets: one line makes two machines peers, and nothing else does."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local_swarm.errors import LanError, UsageError
from local_swarm.network import identity, membership, pairing, transport
from local_swarm.network.book import Peer
from local_swarm.network.code import Code, CodeRefused, Invitations, parse
from local_swarm.network.pairing import Place
from tests.lan_peers import WHO, Machine, forge, machine, pair, serving


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Inviter:
    """A machine that waits to be joined. `paired` are those who did."""

    it: Machine
    port: int
    invitations: Invitations
    clock: Clock
    paired: list[Peer]

    def code(self, *, trust: bool = False) -> Code:
        return self.invitations.issue(self.it.identity.device_id, trust=trust)

    @property
    def place(self) -> Place:
        return Place(f"127.0.0.1:{self.port}", listed=True)


@asynccontextmanager
async def inviting(it: Machine) -> AsyncIterator[Inviter]:
    clock, paired = Clock(), list[Peer]()
    invitations = Invitations(clock)
    door = pairing.routes(it.identity, it.book, invitations, paired.append)
    routes = [WHO, *membership.routes(it.book, it.identity.device_id)]
    async with serving(it, routes, door) as server:
        assert server.port
        yield Inviter(it, server.port, invitations, clock, paired)


async def join(it: Machine, code: Code, *places: Place, trust: bool = False) -> Peer:
    return await pairing.join(it.identity, it.book, code, places, 17601, trust=trust)


def test_one_line_makes_two_machines_peers(tmp_path: Path) -> None:
    async def main() -> None:
        a, b, c = (machine(tmp_path / name) for name in "abc")
        pair(a, c)
        async with inviting(a) as inviter:
            found = await join(b, parse(f" {inviter.code()}\n".lower()), inviter.place)
            assert found.id == a.identity.device_id
            known = b.book.get(found.id)
            assert known is not None
            assert known.addresses == known.listed == (inviter.place.address,)
            assert b.book.get(c.identity.device_id) is not None  # members are told
            seen = a.book.get(b.identity.device_id)
            assert seen is not None and seen.addresses == ("127.0.0.1:17601",)
            assert [peer.id for peer in inviter.paired] == [b.identity.device_id]
            assert not any(p.trusted for p in (*a.book.peers(), *b.book.peers()))
            async with b.client(a, inviter.port) as http:
                assert (await http.get("/peer/v1/who")).status_code == 200

    asyncio.run(main())


def test_each_owner_gives_trust_on_his_own_machine(tmp_path: Path) -> None:
    async def main() -> None:
        a, b, c = (machine(tmp_path / name) for name in "abc")
        async with inviting(a) as inviter:
            await join(b, inviter.code(trust=True), inviter.place)
            await join(c, inviter.code(), inviter.place, trust=True)
        assert [p.trusted for p in a.book.peers()] == [True, False]
        assert [p.trusted for p in b.book.peers()] == [False]
        assert [p.trusted for p in c.book.peers()] == [True, False]

    asyncio.run(main())


def test_a_code_works_once(tmp_path: Path) -> None:
    async def main() -> None:
        a, b, c = (machine(tmp_path / name) for name in "abc")
        async with inviting(a) as inviter:
            code = inviter.code()
            await join(b, code, inviter.place)
            with pytest.raises(CodeRefused, match="used already"):
                await join(c, code, inviter.place)
            assert a.book.get(c.identity.device_id) is None and c.book.peers() == ()

    asyncio.run(main())


def test_a_code_ends_after_ten_minutes(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        async with inviting(a) as inviter:
            code = inviter.code()
            inviter.clock.now += 599
            still = inviter.code()
            inviter.clock.now += 1
            with pytest.raises(CodeRefused, match="older than 10 minutes"):
                await join(b, code, inviter.place)
            await join(b, still, inviter.place)

    asyncio.run(main())


def test_five_guesses_a_minute(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        async with inviting(a) as inviter:
            right = inviter.code()
            wrong = replace(right, secret="A" * 16)
            for _ in range(5):
                with pytest.raises(CodeRefused, match="is wrong"):
                    await join(b, wrong, inviter.place)
            with pytest.raises(CodeRefused, match="Too many"):
                await join(b, right, inviter.place)
            inviter.clock.now += 60
            await join(b, right, inviter.place)

    asyncio.run(main())


def test_nothing_is_sent_to_a_machine_that_the_code_does_not_name(tmp_path: Path) -> None:
    async def main() -> None:
        a, b, rogue = (machine(tmp_path / name) for name in "abc")
        got: list[bytes] = []

        async def steal(request: Request) -> JSONResponse:
            got.append(await request.body())
            return JSONResponse({})

        door = [Route("/{path:path}", steal, methods=["GET", "POST"])]
        async with inviting(a) as inviter, serving(rogue, strangers=door) as trap:
            code = inviter.code()
            with pytest.raises(LanError, match="another machine answers"):
                await join(b, code, Place(f"127.0.0.1:{trap.port}"))
            assert b.book.peers() == ()
            # in between is no obstacle
            await join(b, code, Place(f"127.0.0.1:{trap.port}"), inviter.place)
        assert got == []

    asyncio.run(main())


def test_a_machine_that_is_not_there_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        code = Invitations().issue(a.identity.device_id, trust=False)
        with pytest.raises(LanError, match="not found") as told:
            await join(b, code)
        assert "--at" in told.value.hint
        with pytest.raises(LanError, match="not there"):
            await join(b, code, Place("127.0.0.1:9"), Place("no.such.host.invalid:9"))

        async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-x\r\n")
            writer.close()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LanError, match="not there"):
            await join(b, code, Place(f"127.0.0.1:{port}"))
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_a_copy_of_the_inviter_is_noticed(tmp_path: Path) -> None:
    async def main() -> None:
        a = machine(tmp_path / "a")
        shutil.copytree(tmp_path / "a", tmp_path / "copy")
        copy = machine(tmp_path / "copy")
        async with inviting(a) as inviter:
            with pytest.raises(UsageError, match="same identity"):
                await join(copy, inviter.code(), inviter.place)

    asyncio.run(main())


@pytest.mark.parametrize("wrong", ["another's certificate", "authority", "copy", "words"])
def test_who_lies_about_its_certificate_is_no_peer(tmp_path: Path, wrong: str) -> None:
    """A joiner that keeps to the protocol, but for its certificate and proof."""

    async def main() -> None:
        a, b, c = (machine(tmp_path / name) for name in "abc")
        authority = forge(tmp_path / "ca.pem", ca=True)
        certificate = {
            "another's certificate": c.identity.certificate,
            "authority": authority.certificate,
            "copy": a.identity.certificate,
            "words": b"hello",
        }[wrong]
        status = {"another's certificate": 403, "copy": 409}.get(wrong, 400)
        signer = a.identity if wrong == "copy" else b.identity
        async with inviting(a) as inviter:
            code = inviter.code()
            ask = {
                "secret": code.secret,
                "certificate": base64.b64encode(certificate).decode(),
                "proof": identity.sign(
                    signer, pairing._statement(a.identity.device_id, code.secret)
                ),
                "name": "b",
                "port": 1,
            }
            async with transport.stranger(a.identity.certificate, inviter.place.address) as http:
                response = await http.post(pairing.PATH, json=ask)
                assert response.status_code == status
                for bad in (b"", b"{}", b"[" * 9000, b"\xff"):
                    assert (await http.post(pairing.PATH, content=bad)).status_code == 400
            assert a.book.peers() == () and inviter.paired == []

    asyncio.run(main())


def test_members_tell_each_other_and_removals_win(tmp_path: Path) -> None:
    async def main() -> None:
        a, b, c, d = (machine(tmp_path / name) for name in "abcd")
        pair(a, b)
        pair(a, c)
        pair(b, d)
        async with inviting(a) as inviter:

            async def told(by: Machine) -> bool:
                async with by.client(a, inviter.port) as http:
                    return await membership.exchange(
                        http, by.book, by.identity.device_id, a.identity.device_id
                    )

            prints = [membership.fingerprint(m.book, m.identity.device_id) for m in (a, b)]
            assert prints[0] != prints[1]
            assert await told(b) and not await told(b)
            prints = [membership.fingerprint(m.book, m.identity.device_id) for m in (a, b)]
            assert prints[0] == prints[1] < 1 << 53
            assert {p.id for p in b.book.peers()} == {m.identity.device_id for m in (a, c, d)}
            assert a.book.get(d.identity.device_id) is not None
            # c removes d: a hears it, and b's older knowledge does not bring it back
            c.book.learn([d.as_peer])
            c.book.remove(d.identity.device_id)
            assert await told(c)
            assert prints[0] != membership.fingerprint(a.book, a.identity.device_id)
            assert a.book.get(d.identity.device_id) is None
            assert await told(b)
            assert b.book.get(d.identity.device_id) is None
            # nobody removes the one who is told, or the teller
            b.book.remove(a.identity.device_id)
            assert not a.book.removed & {a.identity.device_id, b.identity.device_id}
            await told(c)

    asyncio.run(main())


def test_a_member_that_introduces_nonsense_is_not_believed(tmp_path: Path) -> None:
    async def main() -> None:
        a, b, c = (machine(tmp_path / name) for name in "abc")
        pair(a, b)
        authority = base64.b64encode(forge(tmp_path / "ca.pem", ca=True).certificate).decode()
        good = base64.b64encode(c.identity.certificate).decode()
        own = base64.b64encode(a.identity.certificate).decode()
        members = [
            {"name": "ca", "certificate": authority},
            {"name": "self", "certificate": own},
            {"name": "c\x1b[2J\n" + "x" * 99, "certificate": good,
             "addresses": ["http://x", "10.0.0.9:17601", *["a:1"] * 99]},
        ]  # fmt: skip
        async with inviting(a) as inviter, b.client(a, inviter.port) as http:
            own_id = a.identity.device_id
            ok = await http.post(
                membership.PATH, json={"members": members, "removed": [f"{own_id}.{0:016x}"]}
            )
            assert ok.status_code == 200
            (new,) = [p for p in a.book.peers() if p.id != b.identity.device_id]
            assert new.id == c.identity.device_id and new.name.isprintable()
            assert new.addresses[0] == "10.0.0.9:17601" and len(new.addresses) <= 8
            assert a.book.removed == frozenset()
            wrong: list[dict[str, object]]
            wrong = [
                {"removed": ["../x"]},
                {"members": [{}]},
                {"removed": [f"{own_id}.{0:016x}"] * 9999},
            ]
            for bad in wrong:
                assert (await http.post(membership.PATH, json=bad)).status_code == 400

    asyncio.run(main())


def test_an_inviter_of_another_kind_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")

        async def odd(request: Request) -> JSONResponse:
            return JSONResponse({"hello": 1})

        door = [Route(pairing.PATH, odd, methods=["POST"])]
        async with serving(a, strangers=door) as server:
            code = Invitations().issue(a.identity.device_id, trust=False)
            with pytest.raises(LanError, match="none of ours"):
                await join(b, code, Place(f"127.0.0.1:{server.port}"))
        assert b.book.peers() == ()

    asyncio.run(main())


def test_of_many_invitations_the_oldest_ends() -> None:
    invitations = Invitations()
    codes = [invitations.issue("A" * 52, trust=False) for _ in range(17)]
    assert len({code.secret for code in codes}) == 17
    with pytest.raises(CodeRefused):
        invitations.redeem(codes[0].secret)
    for code in codes[1:]:
        assert invitations.redeem(code.secret) is False


@given(st.one_of(st.text(), st.from_regex(r"LS1-[A-Z2-7]{26}-[A-Z2-7]{16}", fullmatch=True)))
def test_a_text_is_a_code_or_is_refused(text: str) -> None:
    try:
        code = parse(text)
    except UsageError:
        assert "invite" not in text
    else:
        assert str(code) == text.strip().upper() and parse(str(code)) == code


def test_the_code_is_no_part_of_any_error(tmp_path: Path) -> None:
    """Errors may be logged; a secret that still works must not be."""
    code = Invitations().issue("B" * 52, trust=False)

    async def main() -> None:
        with pytest.raises(LanError) as told:
            await join(machine(tmp_path), code, Place("127.0.0.1:9"))
        assert code.secret not in told.value.full

    asyncio.run(main())


def test_http_errors_of_the_exchange_are_told(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        async with serving(a) as server, b.client(a, server.port) as http:
            with pytest.raises(httpx.HTTPError):
                await membership.exchange(http, b.book, b.identity.device_id, "X")

    asyncio.run(main())
