"""Many nodes without an engine, each in a network namespace: processes forked from one that has
imported everything, so that its pages are theirs."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import select
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Imported here, not in each child: what a node imports when it opens the LAN and dials.
import anyio._backends._asyncio  # noqa: F401
import cryptography.x509  # noqa: F401
import httpcore  # noqa: F401
import httpx  # noqa: F401
import psutil
import zeroconf.asyncio  # noqa: F401

from local_swarm.ballot import Answer, Ballot, Finish, Meter
from local_swarm.chat import ChatRequest
from local_swarm.network import rooms  # noqa: F401
from local_swarm.network.lan import Facts, Home, Lan, LanConfig
from tests.lan import hosts
from tests.lan_peers import Machine

_LOOK_S = 0.25


@dataclass
class Node:
    """One of them: `served`, `met` and `lost` (id -> time) are seconds of the monotonic clock."""

    machine: Machine
    pid: int
    served: float = 0.0
    met: float = 0.0
    lost: dict[str, float] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.machine.identity.device_id

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    @property
    def memory(self) -> tuple[int, int]:
        """Bytes of its own (USS), and with its part of what it shares (PSS)."""
        found = psutil.Process(self.pid).memory_full_info()
        return found.uss, found.pss

    @property
    def traffic(self) -> int:
        """Bytes in and out of its eth0 so far."""
        lines = Path(f"/proc/{self.pid}/net/dev").read_text().splitlines()
        fields = next(line for line in lines if "eth0" in line).split(":")[1].split()
        return int(fields[0]) + int(fields[8])


def neighbours(lan: hosts.Lan) -> None:
    """Tells every host the hardware address of every other, and switches IPv6 off.

    All namespaces of a machine share one table of 1,024 neighbours (`gc_thresh3` of Linux), which
    a hundred hosts that all speak to each other would overflow; fixed entries are not counted.
    """
    told = "".join(
        f"neigh replace {hosts.address(host)} lladdr {_hardware(host)} dev eth0 nud permanent\n"
        for host in lan.hosts
    )
    for host in lan.hosts:
        script = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set eth0 address "
        script += f"{_hardware(host)}; ip -batch -"
        lan.run(host, ["sh", "-c", script], input=told)


def _hardware(host: int) -> str:
    return f"02:00:00:00:00:{host:02x}"


class Crowd:
    """Forks them inside a `with` block, and hears what they see."""

    def __init__(self, lan: hosts.Lan, machines: dict[int, Machine]) -> None:
        self._lan, self._machines = lan, machines
        self.nodes: dict[int, Node] = {}
        self._rest = b""

    def __enter__(self) -> Crowd:
        self._out, self._in = os.pipe()
        gc.collect()
        gc.freeze()  # a collection would write to every page that is shared
        for host, machine in self._machines.items():
            pid = os.fork()
            if not pid:
                _child(self._lan, host, machine.folder, self._in)
            self.nodes[host] = Node(machine, pid)
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes.values():
            self._end(node)
        os.close(self._in)
        os.close(self._out)

    def kill(self, host: int) -> Node:
        """Kills one, and counts it no longer."""
        node = self.nodes.pop(host)
        self._end(node)
        return node

    def wait(self, so: Callable[[Node], object], seconds: float) -> None:
        """Until it is so of all. Raises TimeoutError that tells of how many it is."""
        until = time.monotonic() + seconds
        while not all(map(so, self.nodes.values())):
            if not select.select([self._out], [], [], max(0.0, until - time.monotonic()))[0]:
                done = sum(1 for node in self.nodes.values() if so(node))
                cpu = sum(node.cpu for node in self.nodes.values())
                told = f"{done} of {len(self.nodes)} after {seconds:.0f} s and {cpu:.0f} CPU s"
                raise TimeoutError(told)
            *lines, self._rest = (self._rest + os.read(self._out, 1 << 16)).split(b"\n")
            for line in lines:
                self._heard(json.loads(line))

    def _heard(self, told: dict[str, Any]) -> None:
        node = self.nodes.get(told["host"])
        if node is None:
            return
        if told["what"] == "lost":
            node.lost[told["who"]] = told["at"]
        else:
            setattr(node, told["what"], told["at"])

    @staticmethod
    def _end(node: Node) -> None:
        os.kill(node.pid, signal.SIGKILL)
        os.waitpid(node.pid, 0)


def _child(lan: hosts.Lan, host: int, folder: Path, pipe: int) -> None:
    """Never returns."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        holder = lan._holders[host].pid
        for space in ("user", "net", "uts"):
            handle = os.open(f"/proc/{holder}/ns/{space}", os.O_RDONLY)
            if libc.setns(handle, 0):
                raise OSError(ctypes.get_errno(), f"setns {space}")
            os.close(handle)
        asyncio.run(_live(host, folder, pipe))
    except BaseException as error:  # it must not go on as a second benchmark
        os.write(2, f"node {host}: {error!r}\n".encode())
    finally:
        os._exit(1)


async def _live(host: int, folder: Path, pipe: int) -> None:
    def say(what: str, who: str = "") -> None:
        told = {"host": host, "what": what, "at": time.monotonic(), "who": who}
        os.write(pipe, json.dumps(told).encode() + b"\n")  # shorter than PIPE_BUF: never mixed

    async def cast(request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        for seat in range(seats):
            yield Ballot(Answer("42"), f"home/demo#{seat}", "home", "demo", Finish.STOP, 3, 0.1)

    node = Lan(LanConfig(folder, port=hosts.PORT))
    await node.start(Home("bench", lambda: Facts(("demo",), 3), cast))
    assert node._rooms, node.trouble
    members, met, lost = node._rooms.members, False, set[str]()
    say("served")
    while True:
        await asyncio.sleep(_LOOK_S)
        states = {member.peer.id: member.state.value for member in members.states()}
        if not met and all(state == "up" for state in states.values()):
            met = True
            say("met")
        elif met:
            down = {id for id, state in states.items() if state == "down"}
            for id in down - lost:
                say("lost", id)
            lost = down
