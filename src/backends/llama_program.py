"""How a `llama-server` that is installed on the machine is started. Pure but for `help_of`."""

from __future__ import annotations

import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any

from ..errors import EngineUnavailable
from .tuning import flags

if TYPE_CHECKING:
    from .llama_server import LlamaConfig

_HELP_S = 20.0


def launched(config: LlamaConfig, program: str, known: str) -> dict[str, Any]:
    """The configuration of launch_child for `program`; flags that its help text (`known`) does
    not have are left out where the engine can do without them."""
    command = [
        program, "--model", str(config.path), "--alias", config.model,
        "--host", "127.0.0.1", "--port", "{port}", "--api-key-file", "{folder}/key",
        "--parallel", str(config.slots), "--ctx-size", str(config.cells),
        "--threads", str(config.threads), "--threads-batch", str(config.threads),
    ]  # fmt: skip
    optional = [
        ["--kv-unified"],
        ["--cache-ram", str(config.prompt_cache_mib)],
        ["--cache-idle-slots"],
        ["--fit", "off"],  # the node planned already
        ["--no-warmup"],  # the readiness probe does it
        ["--slots"],
        ["--jinja"],
        ["--no-webui"],
        ["--log-verbosity", "1"],  # errors only: no prompt is ever logged
    ]
    for words in optional:
        if words[0] in known:
            command += words
    return {"command": [*command, *flags(config.tuning)], "files": {"key": "{key}\n"}}


def cards_of(program: str) -> tuple[str, ...]:
    """The graphics cards that a llama-server computes on: "CUDA0: NVIDIA ... (... MiB, ... free)"
    is a line of what it lists. Empty where it does not tell."""
    try:
        done = subprocess.run(
            [program, "--list-devices"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_HELP_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    text = done.stdout.decode("utf-8", "replace")
    found = re.findall(r"^\s+([A-Za-z]+\d+): (.+?)(?: \(\d.*)?$", text, re.MULTILINE)
    return tuple(f"{name} ({told})" for name, told in found)


def help_of(program: str) -> str:
    """The help text of a llama-server. Raises EngineUnavailable where it is none, or cannot run
    here."""
    try:
        done = subprocess.run(
            [program, "--help"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_HELP_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineUnavailable(f"{program} cannot be run: {error}.") from None
    text = done.stdout.decode("utf-8", "replace")
    if -done.returncode == getattr(signal, "SIGILL", None):
        why = "this processor lacks instructions that it was built for"
    elif done.returncode < 0:
        why = f"it was ended by signal {-done.returncode}"
    elif "--ctx-size" not in text:
        why = "it is no llama-server"
    else:
        return text
    raise EngineUnavailable(f"{program} cannot be used: {why}.", hint="Try another --engine.")
