"""`mlx_lm.server` as an engine: Apple Silicon in earnest, and any Linux with MLX's CPU build.

It serves folders (config.json, safetensors), not GGUF files. Requests that come together are
decoded together. It knows no key: on the loopback port, which is chosen anew at each start, every
program of this machine could ask it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .care import USUAL, Care
from .endpoint import Endpoint, EndpointConfig
from .openai_wire import LOGPROBS

NAME = "mlx"


def engine(
    python: Path,
    folder: Path,
    model: str,
    *,
    slots: int,
    context: int | None,
    environment: Mapping[str, str],
    care: Care = USUAL,
) -> Endpoint:
    """Serves the model in `folder`; `context` in tokens. Raises UsageError for what is no MLX
    model."""
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise UsageError(
            f"{folder} is no MLX model.", hint="It is a folder with config.json and *.safetensors."
        )
    config = EndpointConfig(
        url="",
        model="default_model",
        name=model,
        slots=slots,
        kind=NAME,
        context=context,
        choices=False,
        checks_length=False,
        refuses=frozenset({LOGPROBS}),  # its streams do not carry them
        file=folder,
    )
    # Nothing is to be looked for on a network: the model is here.
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return Endpoint(config, launched(python, folder), {**environment, **offline}, care)


def launched(python: Path, folder: Path) -> dict[str, Any]:
    """The configuration of launch_child. Pure."""
    command = [
        str(python), "-m", "mlx_lm", "server", "--model", str(folder),
        "--host", "127.0.0.1", "--port", "{port}",
        "--temp", "0.8",  # its own default is 0: all seats would say the same
        "--log-level", "ERROR",  # no prompt is ever logged
    ]  # fmt: skip
    return {"command": command}
