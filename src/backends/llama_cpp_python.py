"""The server module of llama-cpp-python as an engine: built from source in an environment of its
own, it serves processors and systems that no wheel of the default engine fits.

It runs one answer after the other (the prompt is kept between them) and knows no choices.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .care import USUAL, Care
from .endpoint import Endpoint, EndpointConfig
from .openai_wire import LOGPROBS
from .tuning import Tuning

NAME = "llama-cpp-python"


def engine(
    python: Path,
    path: Path,
    model: str,
    *,
    slots: int,
    context: int,
    threads: int,
    environment: Mapping[str, str],
    tuning: Tuning | None = None,
    care: Care = USUAL,
) -> Endpoint:
    """Serves the GGUF file at `path` with the interpreter of the environment; sizes in tokens."""
    config = EndpointConfig(
        url="",
        model=model,
        name=model,
        slots=slots,
        kind=NAME,
        context=context,
        choices=False,
        refuses=frozenset({LOGPROBS}),  # they would cost context x vocabulary x 4 bytes
        file=path,
    )
    launch = launched(python, path, model, context, threads, tuning)
    # As for the default engine: threads that spin at barriers stop whatever runs beside them.
    return Endpoint(config, launch, {"GOMP_SPINCOUNT": "2000", **environment}, care)


def check(tuning: Tuning) -> None:
    """Raises UsageError for what would change the answers, and its server module does not have."""
    lacks = "images (--mmproj)" if tuning.mmproj else ""
    if len(tuning.lora) > 1:
        lacks = "several adapters (--lora)"
    elif any(scale != 1 for _, scale in tuning.lora):
        lacks = "adapters with a scale (--lora FILE:SCALE)"
    if lacks:
        raise UsageError(f"{NAME} serves no {lacks}.", hint="Leave --engine out.")


def launched(
    python: Path, path: Path, model: str, context: int, threads: int, tuning: Tuning | None = None
) -> dict[str, Any]:
    """The configuration of launch_child. Pure. The key is in a file that only we can read."""
    tuning = tuning or Tuning()
    settings: dict[str, Any] = {
        "model": str(path),
        "model_alias": model,
        "n_ctx": context,
        "n_threads": threads,
        "n_threads_batch": threads,
        "n_gpu_layers": tuning.gpu_layers or 0,
        "flash_attn": tuning.flash == "on" or tuning.kv != "f16",
        "verbose": False,  # no prompt is ever logged
    }
    if tuning.kv != "f16":
        settings["type_k"] = settings["type_v"] = 8  # GGML_TYPE_Q8_0
    if tuning.ngram:
        settings["draft_model"] = "prompt-lookup-decoding"
    if tuning.lora:
        settings["lora_path"] = tuning.lora[0][0]
    server = {
        "host": "127.0.0.1",
        "port": "{port}",
        "api_key": "{key}",
        # By default a new request ends the one before it.
        "interrupt_requests": False,
        "models": [settings],
    }
    command = [str(python), "-m", "llama_cpp.server", "--config_file", "{folder}/server.json"]
    return {"command": command, "files": {"server.json": json.dumps(server)}}


def python_of(engines: Path, name: str = NAME) -> Path | None:
    """The interpreter of an engine's environment in the folder `engines`; None where there is
    none."""
    scripts, file = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    python = engines / name / scripts / file
    return python if python.is_file() else None
