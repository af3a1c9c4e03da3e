"""Two machines with one identity, as a cloned disk makes them, are told."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.lan.hosts import ROOT, Lan, address

# Ends with the first news of a twin, or when its standard input does.
_NODE = """
import asyncio, sys
from pathlib import Path
from local_swarm.network.lan import Home, Lan, LanConfig

async def main():
    lan = Lan(LanConfig(Path(sys.argv[1])))
    await lan.start(Home())
    await lan.invite(trust=False)
    print("open", flush=True)
    while not lan.peers().twin:
        await asyncio.sleep(0.05)
    print(lan.peers().twin, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await lan.close()

asyncio.run(main())
"""


def _start(lan: Lan, host: int, folder: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _NODE, str(folder)]
    process = lan.start(
        host, words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None
    )
    assert process.stdout and process.stdout.readline() == "open\n"
    return process


def test_a_copy_of_a_machine_is_told_to_the_one_that_was_there(lan: Lan, tmp_path: Path) -> None:
    one = _start(lan, 1, tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    _start(lan, 2, tmp_path / "two")
    assert one.stdout
    told = one.stdout.readline()
    assert f"{address(2)}:17601 has this one's identity" in told and str(tmp_path / "one") in told
