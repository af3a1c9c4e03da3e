"""Paired machines find each other, and notice when one is gone."""

from __future__ import annotations

import getpass
import ipaddress
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.lan.conftest import Light
from tests.lan.hosts import PORT, ROOT, Lan, name

Start = Callable[[int], Light]


def _meet(*lights: Light) -> None:
    for one in lights:
        for other in lights:
            if one is not other:
                one.sees(other)


def test_three_hosts_find_each_other(lights: Start) -> None:
    nodes = [lights(host) for host in (1, 2, 3)]
    for node in nodes:
        node.begun()
    started = max(node.said[0][0] for node in nodes)
    _meet(*nodes)
    last = max(node.said[-1][0] for node in nodes)
    assert last - started < 10  # 0.5 s by `scripts/bench lan`; tests may run beside others
    for node in nodes:
        for other in nodes:
            if node is not other:
                assert str(PORT) in str(node.address(other))


def test_a_late_link_is_announced(lan: Lan, lights: Start) -> None:
    lan.link(2, up=False)
    one, two = lights(1), lights(2)
    two.begun()
    one.begun()
    assert one.state(two) == "down"
    lan.link(2, up=True)
    one.sees(two, "up", 40)
    two.sees(one, "up", 40)


def test_a_new_interface_is_announced(lan: Lan, lights: Start) -> None:
    """Two hosts on two switches meet over a second network that is plugged in later."""
    lan.partition([2])
    one, two = lights(1), lights(2)
    two.begun()
    one.begun()
    lan.second(1)
    lan.second(2)
    one.sees(two, "up", 40)
    two.sees(one, "up", 40)
    assert str(one.address(two)).startswith("10.78.")


def test_one_way_multicast_is_cured_by_hello(lan: Lan, lights: Start) -> None:
    """Host 2 hears no multicast at all; it learns of host 1 by being greeted."""
    lan.deaf(2)
    one, two = lights(1), lights(2)
    one.sees(two, "up", 40)
    two.sees(one, "up", 40)


def test_a_third_of_the_frames_lost_is_no_reason_to_be_down(lan: Lan, lights: Start) -> None:
    lan.cable(2, loss=0.3)
    one, two = lights(1), lights(2)
    one.sees(two, "up", 40)
    two.sees(one, "up", 40)


def test_the_announcement_says_nothing_of_the_person(
    lan: Lan, lights: Start, tmp_path: Path
) -> None:
    """What goes over the wire: the start of a hash, a port and addresses; the rest is TLS."""
    watching = lan.capture(tmp_path / "wire")
    one, two = lights(1), lights(2)
    _meet(one, two)
    watching.kill()
    wire = (tmp_path / "wire").read_bytes().lower()
    assert f"ls-{one.id[:12]}".lower().encode() in wire
    for secret in (name(1), "annas", getpass.getuser(), one.id[:20], "demo", "health"):
        assert secret.lower().encode() not in wire


def _sought(wire: bytes, ip: str) -> bool:
    """Whether anybody asked who has an address (ARP, RFC 826)."""
    asked = re.escape(ipaddress.ip_address(ip).packed)
    return (
        re.search(rb"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01.{16}" + asked, wire, re.S) is not None
    )


def test_a_faked_announcement_lures_nobody(lan: Lan, lights: Start, tmp_path: Path) -> None:
    """Host 3 says that host 2 is at the metadata service of a cloud and at other places."""
    lan.run(1, ["ip", "addr", "add", "169.254.7.7/16", "dev", "eth0"])
    watching = lan.capture(tmp_path / "wire")
    two = lights(2)
    two.begun()
    two.process.kill()
    lies = ("169.254.169.254", "10.77.0.77", "8.8.8.8", "127.0.0.1")
    words = [sys.executable, "-m", "tests.lan.lure", two.id, str(PORT), *lies]
    lure = lan.start(3, words, cwd=ROOT, stdout=subprocess.PIPE)
    assert lure.stdout is not None
    assert lure.stdout.readline() == "ready\n"
    one = lights(1)
    one.wait(lambda: one.trouble(two) not in (None, _NO_ADDRESS))
    watching.kill()
    wire = (tmp_path / "wire").read_bytes()
    assert _sought(wire, "10.77.0.77")  # a neighbour as it seems: TLS would have found it out
    assert not _sought(wire, "169.254.169.254")
    assert ipaddress.ip_address("8.8.8.8").packed in wire  # it was announced
    one.sees(lights(2))  # the true one is found beside the lies


_NO_ADDRESS = "no address is known where it may be looked for"
