"""What a cable does to frames, for kernels without netem. Runs in the switch's namespace:

wire.py cable IF_A IF_B DELAY_MS LOSS     passes frames between two interfaces, late or not at all
wire.py capture FILE IF...                writes the bytes of every frame it sees to FILE
wire.py plain IF...                       no checksum or segment offload: a userspace cable cannot
                                          finish what a network card would

Prints "ready" once it listens, then runs until it is killed (`plain` returns).
"""

from __future__ import annotations

import array
import fcntl
import heapq
import random
import select
import socket
import struct
import sys
import time
from pathlib import Path

_ETH_P_ALL = 3
_SOL_PACKET, _ADD_MEMBERSHIP, _PROMISCUOUS = 263, 1, 1
_OUTGOING = 4
_SIOCETHTOOL = 0x8946
_OFFLOADS = (0x17, 0x1F, 0x24, 0x2C)  # ETHTOOL_STXCSUM, STSO, SGSO, SGRO (linux/ethtool.h)


def _listen(name: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    sock.bind((name, 0))
    sock.setblocking(False)
    member = struct.pack("IHH8s", socket.if_nametoindex(name), _PROMISCUOUS, 0, b"")
    sock.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, member)
    return sock


def _frames(sock: socket.socket) -> list[tuple[bytes, int]]:
    """What waits at a socket: frames and whether each came in or went out."""
    found: list[tuple[bytes, int]] = []
    while True:
        try:
            frame, source = sock.recvfrom(1 << 16)
        except (BlockingIOError, OSError):  # OSError: the interface went down
            return found
        found.append((frame, source[2]))


def cable(first: str, second: str, delay_ms: float, loss: float) -> None:
    ends = [_listen(first), _listen(second)]
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    under_way: list[tuple[float, int, socket.socket, bytes]] = []
    count = 0
    print("ready", flush=True)
    while True:
        wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else 1.0
        for sock in select.select(ends, [], [], wait)[0]:
            for frame, kind in _frames(sock):
                if kind != _OUTGOING and random.random() >= loss:
                    count += 1
                    due = time.monotonic() + delay_ms / 1000
                    heapq.heappush(under_way, (due, count, other[sock], frame))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, sock, frame = heapq.heappop(under_way)
            try:
                sock.send(frame)
            except OSError:
                continue  # the interface is down: a lost frame


def capture(path: Path, names: list[str]) -> None:
    socks = [_listen(name) for name in names]
    with path.open("wb", buffering=0) as file:
        print("ready", flush=True)
        while True:
            for sock in select.select(socks, [], [], 1)[0]:
                for frame, _ in _frames(sock):
                    file.write(frame + b"\n")


def plain(names: list[str]) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for name in names:
        for command in _OFFLOADS:
            value = array.array("B", struct.pack("II", command, 0))
            fcntl.ioctl(
                sock, _SIOCETHTOOL, struct.pack("16sP", name.encode(), value.buffer_info()[0])
            )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["cable", first, second, delay_ms, loss]:
            cable(first, second, float(delay_ms), float(loss))
        case ["capture", path, *names]:
            capture(Path(path), names)
        case ["plain", *names]:
            plain(names)
        case _:
            sys.exit(__doc__)
