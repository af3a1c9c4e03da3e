"""How many requests a second go through us, and through the LiteLLM proxy, to an instant engine.

    scripts/bench routing [--rounds N] [--requests N] [--clients N] [--json]

Both stand before the same engine, which answers at once; both are asked for plain answers by the
same clients over kept connections, in turns. Ours holds an election of one seat and tells its
verdict. LiteLLM is installed under .cache/clients on first use, with its log at errors only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._fake import MODEL
from benchmarks._node import last_line, machine

_CACHE = Path(__file__).resolve().parent.parent / ".cache" / "clients" / "litellm"


@contextmanager
def fake() -> Iterator[str]:
    """The instant engine's address."""
    with _process([sys.executable, "-m", "benchmarks._fake"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


@contextmanager
def ours(engine: str, home: str) -> Iterator[str]:
    """A node before the engine."""
    command = [sys.executable, "-m", "local_swarm", "run", "--endpoint", f"{engine}#{MODEL}:1"]
    environment = {**os.environ, "LOCAL_SWARM_HOME": home}
    command += ["--port", "0", "--mode", "standalone"]
    with _process(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        for line in process.stdout:
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/v1", line):
                yield found[1]
                return
    raise RuntimeError("the node did not start")


@contextmanager
def litellm(engine: str, home: str) -> Iterator[str]:
    """LiteLLM's proxy before the engine."""
    if not (_CACHE / "bin" / "litellm").exists():
        subprocess.run([sys.executable, "-m", "venv", str(_CACHE)], check=True)
        subprocess.run([_CACHE / "bin/pip", "install", "-q", "litellm[proxy]"], check=True)
    config = Path(home, "config.yaml")
    model = {"model": f"openai/{MODEL}", "api_base": f"{engine}/v1", "api_key": "none"}
    listed = [{"model_name": "local-swarm", "litellm_params": model}]
    config.write_text(json.dumps({"model_list": listed}))
    port = _free_port()
    command = [str(_CACHE / "bin" / "litellm"), "--config", str(config), "--port", str(port)]
    quiet = {
        "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "HOME": home,
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # as we: no key on loopback
    }  # fmt: skip
    with _process(
        [*command, "--host", "127.0.0.1"],
        env={**os.environ, **quiet}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ):  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/health/liveliness", timeout=2)
                break
            except OSError:
                time.sleep(0.2)
        yield url


@contextmanager
def _process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, text=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


async def rate(url: str, requests: int, clients: int) -> float:
    """Requests a second over `clients` kept connections. Raises RuntimeError on a wrong answer."""
    model = MODEL if url.endswith("#") else "local-swarm"
    url = url.rstrip("#")
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]})
    host = url.removeprefix("http://")
    sent = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    left = iter(range(requests))

    async def client() -> None:
        reader, writer = await asyncio.open_connection(*host.split(":"))
        for _ in left:
            writer.write(sent)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if b"The answer is 42." not in await reader.readexactly(length):
                raise RuntimeError("a wrong answer")
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return requests / (time.perf_counter() - started)


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--requests", type=int, default=300, help="a round")
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    asked = options.parse_args()
    with ExitStack() as stack:
        homes = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(2)]
        engine = stack.enter_context(fake())
        sides = {
            "the engine alone": f"{engine}#",
            "local-swarm": stack.enter_context(ours(engine, homes[0])),
            "LiteLLM proxy": stack.enter_context(litellm(engine, homes[1])),
        }
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for at in range(asked.rounds + 1):
            for name, url in sides.items():
                found = asyncio.run(rate(url, asked.requests, asked.clients))
                if at:  # the first round warms up
                    rates[name].append(found)
    told = {name: median(found) for name, found in rates.items()}
    ratio = median(a / b for a, b in zip(rates["local-swarm"], rates["LiteLLM proxy"], strict=True))
    if not asked.json:
        print(f"{machine()}; {asked.clients} clients, {asked.rounds} rounds of {asked.requests}")
        for name, value in told.items():
            print(f"{name:18}{value:8.0f} requests a second")
        print(f"local-swarm / LiteLLM proxy: {ratio:.2f}")
    last_line({"requests_per_second": told, "local_swarm_over_litellm": round(ratio, 3)})


if __name__ == "__main__":
    main()
