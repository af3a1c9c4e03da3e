"""The engine process: llama.cpp's own HTTP server around one model, on a loopback port.

Run as `python -m local_swarm.backends.llama_child`. One JSON line on standard input configures
it; one JSON line on standard output says where it listens; it ends when standard input closes.
Exit codes: 2 the engine is not installed, 3 the model cannot be loaded.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any, NoReturn

from .tuning import apply


def main() -> NoReturn:
    """Serves until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the node decides when we end
    _die_with_parent()
    out = os.dup(1)
    os.dup2(2, 1)  # the library may print; our standard output carries one line only
    config = json.loads(sys.stdin.buffer.readline() or b"{}")
    # The watch starts before the model loads: a node that is killed leaves no loading engine.
    watch = threading.Thread(target=_wait_for_end, daemon=True)
    watch.start()
    try:
        import xllamacpp
    except ImportError as error:
        print(f"the engine package xllamacpp cannot be imported: {error}", file=sys.stderr)
        _exit(2)
    try:
        server = xllamacpp.Server(_params(xllamacpp, config))
    except Exception as error:  # the library raises bare RuntimeErrors
        print(f"the model cannot be loaded: {error}", file=sys.stderr)
        _exit(3)
    os.write(out, json.dumps({"url": server.listening_address}).encode() + b"\n")
    watch.join()
    _exit(0)


def _params(xllamacpp: Any, config: dict[str, Any]) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = config["path"]
    params.model_alias = {config["model"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [config["key"]]
    params.n_parallel = config["slots"]
    params.n_ctx = config["cells"]
    if pooling := config.get("embedding"):
        params.embedding = True
        params.n_batch = params.n_ubatch = config["cells"]  # an input must fit one batch
        if pooling == "mean":
            params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.kv_unified = True
    # Prefixes of earlier chats leave the KV cache for ordinary memory: attention would otherwise
    # walk over their cells in every step (docs/decisions/0002-engine.md has the figures).
    params.cache_idle_slots = True
    params.cache_ram_mib = config["prompt_cache_mib"]
    params.cpuparams.n_threads = config["threads"]
    params.cpuparams_batch.n_threads = config["threads"]
    params.fit_params = False  # the node planned already
    params.warmup = False  # the readiness probe does it
    params.endpoint_slots = True
    params.ui = False
    params.verbosity = 1  # errors only: no prompt is ever logged
    if tuning := config.get("tuning"):
        apply(xllamacpp, params, tuning)
    return params


def _wait_for_end() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    _exit(0)


def _die_with_parent() -> None:
    """Linux: the kernel ends us with our parent, whatever we are doing then."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def _exit(code: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(code)  # the library's own teardown may take seconds


if __name__ == "__main__":
    main()
