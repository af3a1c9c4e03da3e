"""Plays a `llama-server` on PATH: its flags, and behind them the same server from the wheel.

With LACKS set it dies as a program does that was built for another processor.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading


def main() -> None:
    if os.environ.get("LACKS"):
        os.kill(os.getpid(), signal.SIGILL)
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in (
        "model", "alias", "host", "port", "api-key-file", "parallel", "ctx-size", "threads",
        "threads-batch", "cache-ram", "flash-attn", "fit", "log-verbosity",
    ):  # fmt: skip
        parser.add_argument(f"--{name}")
    for name in ("kv-unified", "cache-idle-slots", "no-warmup", "slots", "jinja", "no-webui"):
        parser.add_argument(f"--{name}", action="store_true")
    asked = parser.parse_args()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.model_alias = asked.model, {asked.alias}
    params.hostnames, params.port = [asked.host], int(asked.port)
    with open(asked.api_key_file, encoding="utf-8") as file:  # noqa: PTH123
        params.api_keys = [file.read().strip()]
    assert os.stat(asked.api_key_file).st_mode & 0o077 == 0  # noqa: PTH116
    params.n_parallel, params.n_ctx = int(asked.parallel), int(asked.ctx_size)
    params.kv_unified, params.endpoint_slots = asked.kv_unified, asked.slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(asked.threads)
    params.verbosity, params.warmup, params.ui = 1, False, False
    server = xllamacpp.Server(params)
    sys.stdout.flush()
    threading.Event().wait()
    del server


if __name__ == "__main__":
    main()
