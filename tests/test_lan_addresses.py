"""Which addresses may be dialled, and what our own are."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_swarm.network import addresses
from local_swarm.network.addresses import (
    Link,
    changes,
    dialable,
    join,
    links,
    neighbour,
    split,
)

OURS = (
    Link("eth0", "192.168.1.20/24"),
    Link("eth0", "fe80::20/64"),
    Link("eth0", "2001:db8:1::20/64"),
    Link("tun0", "10.9.0.2/32"),
    Link("usb0", "169.254.7.7/16"),
)


def _dial(address: str, *, vouched: bool = False) -> tuple[str, ...]:
    return asyncio.run(dialable(address, OURS, vouched=vouched))


@pytest.mark.parametrize(
    "host",
    ["192.168.1.21", "169.254.7.8", "2001:db8:1::21", "fe80::21%eth0", "::ffff:192.168.1.21"],
)
def test_a_hint_leads_to_machines_beside_us(host: str) -> None:
    assert _dial(join(host, 17601)) == (join(host, 17601),)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",  # though usb0 is on its network
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "::",
        "224.0.0.251",
        "ff02::fb",
        "255.255.255.255",
        "192.168.1.255",
        "192.168.1.0",
        "192.168.1.20",  # ourselves
        "fe80::20%eth0",
        "fe80::21",  # on which link?
        "192.168.2.20",  # behind a router
        "10.9.0.1",  # the far end of a tunnel
        "8.8.8.8",
        "2001:db8:2::1",
        "printer.local",
        "localhost",
    ],
)
def test_a_hint_leads_nowhere_else(host: str) -> None:
    assert _dial(join(host, 17601)) == ()


@pytest.mark.parametrize("host", ["192.168.2.20", "10.9.0.1", "8.8.8.8", "127.0.0.1", "fe80::21%1"])
def test_what_the_user_typed_may_lie_elsewhere(host: str) -> None:
    assert _dial(join(host, 17601), vouched=True) == (join(host, 17601),)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "ff02::1"]
)
def test_nobody_asks_the_metadata_service(host: str) -> None:
    assert _dial(join(host, 80), vouched=True) == ()


def test_a_name_is_resolved_before_it_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(found: str) -> tuple[str, ...]:
        async def resolve(host: str, port: int, **_: object) -> list[object]:
            return [(2, 1, 6, "", (found, port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        return await dialable("nas:17601", OURS, vouched=True)

    assert asyncio.run(main("10.1.2.3")) == ("10.1.2.3:17601",)
    assert asyncio.run(main("169.254.169.254")) == ()


@given(st.ip_addresses())
def test_only_neighbours_are_neighbours(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    on = any(ip in link.ip.network for link in OURS if link.ip.version == ip.version)
    assert not neighbour(str(ip), OURS) or on


@given(st.text(max_size=60))
@settings(max_examples=30)
def test_no_text_is_dialled_by_accident(text: str) -> None:
    for address in _dial(text):
        host, port = split(address)
        assert neighbour(host, OURS)
        assert 0 < port < 65536


@given(st.ip_addresses(), st.integers(1, 65535))
def test_an_address_comes_back_whole(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    plain = ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip
    host, back = split(join(str(ip), port))
    assert (ipaddress.ip_address(host), back) == (plain, port)


@pytest.mark.parametrize("text", ["", ":1", "host", "host:", "host:0", "host:65536", "::1:80"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"brackets|no host"):
        split(text)


def test_our_own_addresses_are_no_loopback() -> None:
    assert all(not link.ip.is_loopback and link.ip.network.prefixlen for link in links())


def test_changes_are_told_and_so_is_the_end_of_a_suspension(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        now, slept = frozenset(OURS), 0.0
        real = time.time
        monkeypatch.setattr(addresses, "links", lambda: now)
        monkeypatch.setattr(time, "time", lambda: real() + slept)
        async with aclosing(changes(now, every=0.01)) as told:
            coming = asyncio.ensure_future(anext(told))
            await asyncio.sleep(0.1)
            assert not coming.done()
            now = frozenset(OURS[1:])
            assert await coming == now
            coming = asyncio.ensure_future(anext(told))
            await asyncio.sleep(0.1)
            assert not coming.done()
            slept += 3600
            assert await coming == now

    asyncio.run(main())


def test_an_address_to_be_typed_elsewhere() -> None:
    four, six = Link("eth0", "192.168.1.5/24"), Link("eth0", "fd77::5/64")
    beside = Link("eth0", "fe80::5/64")
    assert [str(ip) for ip in addresses.telling([six, beside, four])] == ["192.168.1.5"]
    assert [str(ip) for ip in addresses.telling([six, beside])] == ["fd77::5"]
    assert addresses.telling([beside]) == []
