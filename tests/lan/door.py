"""The LAN of a node without the node: python -m tests.lan.door FOLDER PORT [VALID_S]

It does what lines of JSON tell it ({"do": "invite"}, "join" with "code" and "at", "peers", "remove"
with "who") and answers each with a line. An invitation lasts VALID_S seconds where that is given:
ten minutes are too long for a test.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local_swarm.errors import SwarmError
from local_swarm.network import code
from local_swarm.network.lan import Facts, Home, Lan, LanConfig


async def _done(lan: Lan, asked: dict[str, Any]) -> Any:
    match asked["do"]:
        case "invite":
            return asdict(await lan.invite(trust=True))
        case "join":
            return asdict(await lan.join(asked["code"], asked.get("at"), trust=True))
        case "remove":
            return asdict(lan.remove(asked["who"]))
        case _:
            return asdict(lan.peers())


async def main(folder: Path, port: int) -> None:
    lan = Lan(LanConfig(folder, port=port))
    await lan.start(Home("1.2.3", lambda: Facts(("demo",), 1)))
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            told = await _done(lan, json.loads(line))
        except SwarmError as error:
            told = {"error": error.full}
        print(json.dumps(told), flush=True)
    await lan.close()


if __name__ == "__main__":
    code.VALID_S = float(sys.argv[3]) if len(sys.argv) > 3 else code.VALID_S
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
