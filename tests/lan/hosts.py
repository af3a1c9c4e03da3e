"""A throw-away LAN: hosts made of Linux network namespaces on one switch, as any user.

Everything lives in a user namespace of its own, so no packet can reach an interface of this
machine, and the kernel removes all of it with its last process. Host i (from 1) has a host name,
`lo`, and `eth0` with 10.77.0.i/24 and fd77::i/64, and no route to anywhere else. It takes
`unshare` and `nsenter` (util-linux) and `ip` (iproute2). Latency and loss come from `wire.py`, a
cable in userspace, since few kernels have netem and a test should not need nftables.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[2]
PORT = 17601  # for peers
_WIRE = Path(__file__).with_name("wire.py")
_SWITCH = 0


def address(host: int) -> str:
    """The IPv4 address of a host's eth0."""
    return f"10.77.0.{host}"


def name(host: int) -> str:
    """The host name of a host."""
    return f"annas-laptop-{host}"


def forbidden() -> str | None:
    """Why no LAN can be made here; None where one can."""
    for tool in ("unshare", "nsenter", "ip"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    trial = "ip link add br0 type bridge && ip link add v0 type veth peer name v1"
    told = subprocess.run(
        ["unshare", "-Urn", "--uts", "sh", "-c", trial], capture_output=True, text=True
    )
    return None if told.returncode == 0 else f"network namespaces: {told.stderr.strip()}"


class Lan:
    """`hosts` hosts on a switch, for the length of a `with` block.

    Commands in a host are ordinary child processes of ours. What is still running when the block
    ends is killed.
    """

    def __init__(self, hosts: int) -> None:
        self.hosts = range(1, hosts + 1)
        self._holders: dict[int, subprocess.Popen[str]] = {}
        self._started: list[subprocess.Popen[Any]] = []
        self._cables: dict[int, subprocess.Popen[str]] = {}

    def __enter__(self) -> Lan:
        try:
            self._holders[_SWITCH] = _holder(["unshare", "-Urn", "--uts"])
            self._switch("ip link set lo up")
            for name in ("br0", "br1", "br2"):  # the LAN, a second one, the far side of a partition
                self._switch(
                    f"ip link add {name} type bridge stp_state 0 mcast_snooping 0 forward_delay 0"
                )
                self._switch(f"ip link set {name} up")
            for host in self.hosts:
                self._add(host)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in (*self._started, *self._cables.values(), *self._holders.values()):
            _end(process)

    def start(self, host: int, command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """A child process in a host; its pid is the command's own."""
        process = subprocess.Popen(self._inside(host, command), text=True, **options)
        self._started.append(process)
        return process

    def run(
        self,
        host: int,
        command: Sequence[str],
        timeout: float = 60,
        check: bool = True,
        **more: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in a host to its end."""
        told = subprocess.run(
            self._inside(host, command),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **more,
        )
        if check and told.returncode:
            raise AssertionError(
                f"{' '.join(command)}: {told.returncode}\n{told.stdout}{told.stderr}"
            )
        return told

    def http(
        self,
        host: int,
        url: str,
        body: Any = None,
        timeout: float = 60,
        headers: Sequence[str] = (),
    ) -> Any:
        """The JSON that a URL answers with inside a host: GET, or POST where there is a body."""
        command = ["curl", "-sS", "--noproxy", "*", "--max-time", str(timeout), url]
        for header in headers:
            command += ["-H", header]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        return json.loads(self.run(host, command, timeout + 5).stdout)

    def cut(self, host: int) -> None:
        """Pulls the cable out of the switch: the host sees that it has no carrier."""
        self._switch(f"ip link set p{host} down")

    def heal(self, host: int) -> None:
        """Undoes `cut`."""
        self._switch(f"ip link set p{host} up")

    def black_hole(self, host: int) -> None:
        """Drops every packet from and to a host, whose link stays up: a suspended machine, a dead
        access point."""
        self._switch(f"ip link set p{host} nomaster")

    def partition(self, hosts: Iterable[int]) -> None:
        """Moves hosts to another switch: they reach each other and none of the rest."""
        for host in hosts:
            self._switch(f"ip link set p{host} master br2")

    def join(self, *hosts: int) -> None:
        """Puts hosts back on the one switch after `black_hole` or `partition`."""
        for host in hosts:
            self._switch(f"ip link set p{host} master br0")

    def multicast(self, on: bool) -> None:
        """Whether the switch forwards multicast. Without it mDNS and IPv6 are dead: guest Wi-Fi."""
        for host in self.hosts:
            self._switch(f"bridge link set dev p{host} mcast_flood {'on' if on else 'off'}")

    def deaf(self, host: int) -> None:
        """Lets no multicast through to one host; what it sends arrives."""
        self._switch(f"bridge link set dev p{host} mcast_flood off")

    def link(self, host: int, up: bool) -> None:
        """Takes eth0 of a host down, with its addresses, or up again."""
        self._at(host, f"ip link set eth0 {'up' if up else 'down'}")

    def second(self, host: int) -> None:
        """Gives a host eth1 with 10.78.0.i/24 on a second LAN."""
        self._plug(host, "eth1", f"q{host}", "br1")
        self._at(host, f"ip addr add 10.78.0.{host}/24 dev eth1")
        self._at(host, "ip link set eth1 up")

    def cable(self, host: int, loss: float = 0, delay_ms: float = 0) -> None:
        """Puts a cable of this quality between a host and the switch: `loss` (0 to 1) of the
        frames are lost each way, each takes `delay_ms` longer. Without either the old one is
        plugged in again."""
        if old := self._cables.pop(host, None):
            _end(old)
            self._switch(f"ip link del w{host}")
            self._switch(f"ip link set p{host} master br0")
        if not (loss or delay_ms):
            return
        self._switch(f"ip link add w{host} type veth peer name x{host}")
        for name in (f"w{host}", f"x{host}"):
            self._switch(f"ip link set {name} up")
        self._switch(f"ip link set x{host} master br0")
        self._switch(f"ip link set p{host} nomaster")
        for other in self.hosts:  # what it sends reaches us as well
            self._at(other, f"{sys.executable} {_WIRE} plain eth0")
        words = [sys.executable, str(_WIRE), "cable", f"p{host}", f"w{host}"]
        self._cables[host] = self._ready([*words, str(delay_ms), str(loss)])

    def capture(self, path: Path) -> subprocess.Popen[str]:
        """Writes every frame that passes the switch to a file, until the process is killed."""
        ports = [f"p{host}" for host in self.hosts]
        process = self._ready([sys.executable, str(_WIRE), "capture", str(path), *ports])
        self._started.append(process)
        return process

    def _add(self, host: int) -> None:
        self._holders[host] = _holder([*self._enter(_SWITCH), "unshare", "--net", "--uts"])
        self._at(host, "sh -c", f"echo {name(host)} > /proc/sys/kernel/hostname")
        self._plug(host, "eth0", f"p{host}", "br0")
        self._at(host, "ip link set lo up")
        # The kernel drops IPv6 addresses with the link, IPv4 ones stay.
        self._at(host, "sh -c", "echo 1 > /proc/sys/net/ipv6/conf/all/keep_addr_on_down")
        self._at(host, f"ip addr add {address(host)}/24 dev eth0")
        self._at(host, f"ip addr add fd77::{host:x}/64 dev eth0 nodad")
        self._at(host, "ip link set eth0 up")

    def _plug(self, host: int, name: str, port: str, switch: str) -> None:
        pid = self._holders[host].pid
        self._switch(f"ip link add {port} type veth peer name {name} netns {pid}")
        # Duplicate address detection would keep IPv6 back for two seconds.
        self._at(host, "sh -c", f"echo 0 > /proc/sys/net/ipv6/conf/{name}/accept_dad")
        self._switch(f"ip link set {port} master {switch} up")

    def _switch(self, command: str) -> None:
        self._at(_SWITCH, command)

    def _at(self, host: int, command: str, script: str | None = None) -> None:
        self.run(host, [*command.split(), *([script] if script else [])])

    def _ready(self, command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self._inside(_SWITCH, command), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def _inside(self, host: int, command: Sequence[str]) -> list[str]:
        return [*self._enter(host), *command]

    def _enter(self, host: int) -> list[str]:
        pid = str(self._holders[host].pid)
        return ["nsenter", "--target", pid, "--user", "--preserve-credentials", "--net", "--uts"]


def _end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _holder(inside: list[str]) -> subprocess.Popen[str]:
    """A process that keeps a namespace alive until it or we end."""
    process = subprocess.Popen(
        [*inside, "sh", "-c", "echo ready; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise AssertionError("no namespace could be made")
    return process
