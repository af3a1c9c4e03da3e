"""Several machines: finding each other, pairing, voting together, model files, a crowd of nodes.

    scripts/bench lan [--only find,pair,vote,blob,crowd] [--hosts 30] [--rounds 5] [--json]

All machines are processes of this one, on a LAN of network namespaces (`find`, `crowd`) or on
loopback (the rest), so processors are shared and wires have no length: times are those of the
protocol, not of anybody's Wi-Fi. `vote` lets every seat take the same scripted half second, since
four engines on one processor would measure the processor. `crowd` runs nodes without an engine.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._crowd import Crowd, neighbours
from benchmarks._node import last_line, machine
from local_swarm.backends.base import Grant, Piece
from local_swarm.ballot import Answer, Ballot, Finish, Meter
from local_swarm.chat import ChatRequest
from local_swarm.models.by_hash import by_sha256
from local_swarm.models.fetch import fetch
from local_swarm.models.source import LocalSource, Wanted
from local_swarm.network import blobs, transport
from local_swarm.network.lan import Facts, Home, Lan, LanConfig
from local_swarm.network.shelf import Door, Shelf
from tests.lan import hosts
from tests.lan.conftest import Light
from tests.lan_peers import Machine, pair, serving
from tests.lan_peers import machine as new_machine
from tests.lan_votes import Seats, house

_ANSWER_S = 0.5
_BLOB = 512 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured: a line for people, figures for programs."""

    told: str
    figures: dict[str, float]


def find(rounds: int, folder: Path) -> Found:
    """Three hosts: from the last one's start until all see all."""
    took = []
    for turn in range(rounds):
        with hosts.Lan(3) as lan:
            lights = _lights(lan, folder / str(turn))
            took.append(_meet(lights))
    return Found(
        f"3 hosts see each other {median(took):.2f} s after the last one serves "
        f"(longest {max(took):.2f} s)",
        {"find_s": round(median(took), 3)},
    )


def pairing(rounds: int, folder: Path) -> Found:
    """Invite and join over loopback: until `join` returns, and until both see each other up."""
    joined, up = [], []

    async def once(turn: int) -> None:
        async def started(name: str) -> Lan:
            lan = Lan(
                LanConfig(folder / f"{turn}-{name}", host="127.0.0.1", port=0, discover=False)
            )
            await lan.start(Home("0", lambda: Facts(("demo",), 3)))
            return lan

        inviter, joiner = await started("a"), await started("b")
        try:
            code = (await inviter.invite(trust=False)).code
            where = f"127.0.0.1:{inviter.peers().port}"
            begun = time.perf_counter()
            await joiner.join(code, where, trust=False)
            joined.append(time.perf_counter() - begun)
            both = (inviter, joiner)
            while not all(p.state == "up" for lan in both for p in lan.peers().peers):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            up.append(time.perf_counter() - begun)
        finally:
            await inviter.close()
            await joiner.close()

    for turn in range(rounds):
        asyncio.run(once(turn))
    return Found(
        f"pairing: join returns after {median(joined) * 1000:.0f} ms, both up after "
        f"{median(up) * 1000:.0f} ms",
        {"join_ms": round(median(joined) * 1000), "up_ms": round(median(up) * 1000)},
    )


class _Timed:
    """Seats that all take the same time."""

    model = "small"

    def __init__(self, says: Sequence[str]) -> None:
        self.says = says

    async def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        yield Grant(seats, 10)
        await asyncio.sleep(_ANSWER_S)
        for seat in range(seats):
            yield Piece(seat, text=self.says[seat % len(self.says)], tokens=9, finish=Finish.STOP)

    async def close(self) -> None: ...


class _TimedPeer(Seats):
    """The same on a peer."""

    async def cast(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        meter.grant("home/m", seats, 10, None)
        await asyncio.sleep(_ANSWER_S)
        for said in self.script[:seats]:
            yield Ballot(Answer(said), "v", "home", "m", Finish.STOP, 9, _ANSWER_S)


def vote(rounds: int, folder: Path) -> Found:
    """A vote of 4 seats here and 3 peers with 4 each, against the 4 seats alone; all ballots are
    waited for."""
    alone, together = list[float](), list[float]()

    async def main() -> None:
        async with house(folder, ["5", "6", "7", "8"]) as it:
            it.engine = _Timed(["5", "6", "7", "8"])  # type: ignore[assignment]
            for name in ("attic", "study", "kitchen"):
                await it.peer(name, _TimedPeer(["5", "6", "7", "8"]), trusted=True)
            for turn in range(rounds + 1):
                for scope, times in (("local", alone), ("lan", together)):
                    begun = time.perf_counter()
                    done = await it.ask(id=f"{scope}-{turn}", scope=scope, early_stop=False)
                    times.append(time.perf_counter() - begun)
                    assert done.verdict.cast == (16 if scope == "lan" else 4)

    asyncio.run(main())
    extra = (median(together[1:]) - median(alone[1:])) * 1000  # the first opens the connections
    return Found(
        f"a vote with 3 peers takes {extra:.0f} ms longer than the {median(alone):.3f} s of home "
        f"alone (16 ballots against 4; the first one, with new connections, "
        f"{(together[0] - alone[0]) * 1000:.0f} ms)",
        {"vote_extra_ms": round(extra, 1)},
    )


def blob(rounds: int, folder: Path) -> Found:
    """Half a GiB over mutual TLS on loopback: as `pull` does it (hash and disk included), and by
    curl from the same port into the void."""
    folder.mkdir(parents=True)
    path = folder / "models" / "r" / "m.gguf"
    path.parent.mkdir(parents=True)
    block = os.urandom(1 << 20)
    with path.open("wb") as out:
        for _ in range(_BLOB >> 20):
            out.write(block)
    digest = hashlib.sha256(block * (_BLOB >> 20)).hexdigest()
    path.with_name("m.gguf.sha256").write_text(f"{digest}  m.gguf\n")
    home, other = new_machine(folder / "home"), new_machine(folder / "other")
    pair(home, other)
    ours: list[tuple[float, float]] = []
    voids: list[tuple[float, float]] = []
    curls: list[tuple[float, float]] = []
    server = _server(folder)
    with server as port:
        door = Door(
            f"127.0.0.1:{port}", transport.pinned(other.identity.certificate, home.identity)
        )
        for turn in range(rounds):
            target = folder / f"new-{turn}" / "m.gguf"
            source = Shelf([door], digest, _BLOB, LocalSource(Path("/nowhere")))
            begun, cpu = time.perf_counter(), time.process_time()
            fetch(source, Wanted("m.gguf", _BLOB, digest), target, lambda *_: None)
            ours.append((time.perf_counter() - begun, time.process_time() - cpu))
            target.unlink()
            voids.append(_to_nowhere(Shelf([door], digest, _BLOB, source)))
            curls.append(_curl(home.identity.file, port, digest))
    mb, gb = _BLOB / 1e6, _BLOB / 1e9
    (our_s, our_cpu), (curl_s, curl_cpu) = _medians(ours), _medians(curls)
    void_s, void_cpu = _medians(voids)
    return Found(
        f"a file of {mb:.0f} MB: {mb / our_s:.0f} MB/s and {our_cpu / gb:.1f} CPU s/GB "
        f"(with SHA-256, to disk); without the disk {mb / void_s:.0f} MB/s and "
        f"{void_cpu / gb:.1f} CPU s/GB; curl to the void {mb / curl_s:.0f} MB/s and "
        f"{curl_cpu / gb:.1f} CPU s/GB",
        {"blob_mb_s": round(mb / our_s), "curl_mb_s": round(mb / curl_s),
         "void_mb_s": round(mb / void_s), "void_cpu_s_gb": round(void_cpu / gb, 2),
         "blob_cpu_s_gb": round(our_cpu / gb, 2), "curl_cpu_s_gb": round(curl_cpu / gb, 2)},
    )  # fmt: skip


def _to_nowhere(source: Shelf) -> tuple[float, float]:
    """Wall and CPU seconds of a whole file with its hash, kept nowhere."""
    begun, cpu, digest = time.perf_counter(), time.process_time(), hashlib.sha256()
    with source.fetch(0) as stream:
        for chunk in stream.chunks:
            digest.update(chunk)
    return time.perf_counter() - begun, time.process_time() - cpu


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    """The peer port of `folder`/other in a process of its own."""
    code = f"from benchmarks.lan import serve; serve({str(folder)!r})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        try:
            yield int(it.stdout.readline())
        finally:
            it.kill()


def serve(folder: str) -> None:
    """Serves the blobs of `folder`/models until it is killed; prints the port."""

    async def main() -> None:
        other = new_machine(Path(folder) / "other")
        shelf = partial(by_sha256, Path(folder) / "models")
        async with serving(other, blobs.routes(shelf, lambda: False, lambda: None)) as server:
            print(server.port, flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())


def crowd(count: int, folder: Path) -> Found:
    """`count` nodes in namespaces: memory, traffic, time until all see all, and until all have
    noticed that one was killed; processor time of each part."""
    machines = {host: new_machine(folder / str(host)) for host in range(1, count + 1)}
    for one in machines.values():
        one.book.learn([other.as_peer for other in machines.values() if other is not one])
    with hosts.Lan(count) as lan:
        neighbours(lan)
        return _crowd(count, lan, machines)


def _crowd(count: int, lan: hosts.Lan, machines: dict[int, Machine]) -> Found:
    with Crowd(lan, machines) as them:
        nodes = them.nodes
        them.wait(lambda node: node.served, 60)
        last = max(node.served for node in nodes.values())
        them.wait(lambda node: node.met, 75)
        met = max(node.met for node in nodes.values()) - last
        half = median(node.met for node in nodes.values()) - last
        meeting = sum(node.cpu for node in nodes.values())
        time.sleep(3)
        before, begun = {host: node.traffic for host, node in nodes.items()}, time.monotonic()
        cpu = {host: node.cpu for host, node in nodes.items()}
        time.sleep(12)
        seconds = time.monotonic() - begun
        rate = median((node.traffic - before[host]) / seconds for host, node in nodes.items())
        used = [(node.cpu - cpu[host]) / seconds for host, node in nodes.items()]
        memory = [node.memory for node in nodes.values()]
        killed = time.monotonic()
        lost = them.kill(count)
        them.wait(lambda node: lost.id in node.lost, 60)
        down = [node.lost[lost.id] - killed for node in nodes.values()]
        strayed = sum(1 for node in nodes.values() if set(node.lost) - {lost.id})
    own, part = median(uss for uss, _ in memory), median(pss for _, pss in memory)
    pairs = count * (count - 1)
    return Found(
        f"{count} nodes on {os.cpu_count()} cores: all see all {met:.1f} s after the last one "
        f"serves (half of them {half:.1f} s), for {meeting:.0f} CPU s "
        f"({meeting / pairs * 1000:.1f} ms a connection); then {rate:.0f} B/s and "
        f"{median(used) * 100:.2f} % of a core each ({sum(used):.2f} cores in all); "
        f"{own / 1e6:.0f} MB each of its own, {part / 1e6:.0f} MB with its part of what is shared; "
        f"a killed one is down for the first after {min(down):.1f} s, for all after "
        f"{max(down):.1f} s; {strayed} nodes held a living one for dead",
        {"crowd": count, "meet_s": round(met, 1), "meet_half_s": round(half, 1),
         "meet_cpu_s": round(meeting, 1), "b_s": round(rate),
         "core_percent": round(median(used) * 100, 2), "cores": round(sum(used), 2),
         "mb": round(own / 1e6), "pss_mb": round(part / 1e6),
         "down_first_s": round(min(down), 1), "down_all_s": round(max(down), 1),
         "strayed": strayed},
    )  # fmt: skip


def _lights(lan: hosts.Lan, folder: Path) -> list[Light]:
    machines = {host: new_machine(folder / str(host)) for host in lan.hosts}
    pair(*machines.values())
    return [Light(lan, host, of) for host, of in machines.items()]


def _meet(lights: Sequence[Light], seconds: float = 60) -> float:
    """Seconds from the last one's first word until all see all."""
    for light in lights:
        light.wait(lambda of=light: bool(of.said), seconds)  # type: ignore[misc]
    served = max(light.said[0][0] for light in lights)
    for light in lights:
        light.wait(
            lambda of=light: all(told[0] == "up" for told in of.said[-1][1].values()),  # type: ignore[misc]
            seconds,
        )
    return max(light.said[-1][0] for light in lights) - served


def _curl(identity: Path, port: int, digest: str) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run(
        ["curl", "-sS", "--fail", "--insecure", "--noproxy", "*", "--cert", str(identity),
         "-o", "/dev/null", f"https://127.0.0.1:{port}{blobs.PATH}sha256-{digest}"],
        check=True,
    )  # fmt: skip
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return median(wall for wall, _ in pairs), median(cpu for _, cpu in pairs)


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--only", default="find,pair,vote,blob,crowd")
    options.add_argument("--hosts", type=int, default=30)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    asked = options.parse_args()
    runs: dict[str, Any] = {"find": find, "pair": pairing, "vote": vote, "blob": blob}
    figures: dict[str, float] = {}
    if not asked.json:
        print(machine())
    for name in asked.only.split(","):
        if name in ("find", "crowd") and (why := hosts.forbidden()):
            print(f"{name}: skipped, {why}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / name
            found = (
                crowd(asked.hosts, place) if name == "crowd" else runs[name](asked.rounds, place)
            )
        figures |= found.figures
        if not asked.json:
            print(found.told, flush=True)
    last_line(figures)


if __name__ == "__main__":
    main()
