"""The speed options of llama.cpp that a user may set, for both ways of running it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError

KV_TYPES = ("f16", "q8_0")
FLASH = ("auto", "on", "off")
NUMA = ("distribute", "isolate", "numactl")
_SCALE = "Write a number behind the colon: FILE:0.5."


@dataclass(frozen=True, slots=True)
class Tuning:
    """None leaves a choice to the engine.

    `gpu_layers` of the model lie on graphics cards (0: none); `kv` is how the KV cache is stored;
    `draft` is a small model whose guesses the large one checks, `ngram` guesses from the text so
    far; `lora` are adapters with their scale; `cpu_moe` keeps the experts of a mixture in RAM;
    `threads` as the user wants them; `mmproj` makes a model that was trained for it see images.
    """

    gpu_layers: int | None = None
    flash: str = "auto"
    kv: str = "f16"
    draft: str | None = None
    ngram: bool = False
    lora: tuple[tuple[str, float], ...] = ()
    threads: int | None = None
    numa: str | None = None
    cpu_moe: bool = False
    mmproj: str | None = None

    def check(self) -> None:
        """Raises UsageError for what cannot be."""
        for option, value, known in (
            ("--flash-attn", self.flash, FLASH),
            ("--kv", self.kv, KV_TYPES),
            ("--numa", self.numa or NUMA[0], NUMA),
        ):
            if value not in known:
                raise UsageError(f"{option} {value} is unknown.", hint=f"Try {', '.join(known)}.")
        if self.kv != "f16" and self.flash == "off":
            raise UsageError(
                f"--kv {self.kv} needs flash attention.", hint="Leave --flash-attn out."
            )
        if self.draft and self.ngram:
            raise UsageError("--draft-model and --ngram are two ways to guess.", hint="Take one.")
        if self.threads is not None and not 1 <= self.threads <= 1024:
            raise UsageError(f"{self.threads} threads are not possible.", hint="Try 4.")
        if self.gpu_layers is not None and not 0 <= self.gpu_layers <= 9999:
            raise UsageError(f"{self.gpu_layers} layers are not possible.", hint="0 to 999.")
        for file in self.files:
            if not Path(file).is_file():
                raise UsageError(f"There is no file {file}.", hint="Give the path of a GGUF file.")
        for path, scale in self.lora:
            if not math.isfinite(scale):
                raise UsageError(f"{scale} is no scale for {path}.", hint=_SCALE)

    @property
    def files(self) -> tuple[str, ...]:
        """What is loaded beside the model."""
        given = (self.draft, self.mmproj, *(path for path, _ in self.lora))
        return tuple(file for file in given if file)

    @property
    def config(self) -> dict[str, Any]:
        """As JSON, for the engine's child."""
        return asdict(self)

    @property
    def told(self) -> str:
        """What is not as usual, in words; empty where all is."""
        said = [
            f"{self.gpu_layers} layers on the card" if self.gpu_layers is not None else "",
            f"flash attention {self.flash}" if self.flash != "auto" else "",
            f"KV cache {self.kv}" if self.kv != "f16" else "",
            f"guesses by {Path(self.draft).name}" if self.draft else "",
            "guesses from the text so far" if self.ngram else "",
            *(f"LoRA {Path(path).name} x {scale:g}" for path, scale in self.lora),
            f"NUMA {self.numa}" if self.numa else "",
            "experts in RAM" if self.cpu_moe else "",
            f"images by {Path(self.mmproj).name}" if self.mmproj else "",
        ]
        return ", ".join(filter(None, said))


def lora(text: str) -> tuple[str, float]:
    """PATH or PATH:SCALE. Raises UsageError."""
    path, colon, scale = text.rpartition(":")
    try:
        return (path, float(scale)) if colon and path else (text, 1.0)
    except ValueError:  # a colon in the path itself, as in C:\\model.gguf
        if Path(path).is_file() and not Path(text).exists():
            raise UsageError(f"{scale!r} is no scale for {path}.", hint=_SCALE) from None
        return text, 1.0


def flags(tuning: Tuning) -> Sequence[str]:
    """The flags of llama-server (its README, 2026)."""
    made: list[str] = ["--flash-attn", tuning.flash]
    if tuning.gpu_layers is not None:
        made += ["--n-gpu-layers", str(tuning.gpu_layers)]
    if tuning.kv != "f16":
        made += ["--cache-type-k", tuning.kv, "--cache-type-v", tuning.kv]
    if tuning.draft:
        made += ["--model-draft", tuning.draft]
    if tuning.ngram:
        made += ["--spec-type", "ngram-mod"]
    for path, scale in tuning.lora:
        made += ["--lora-scaled", f"{path}:{scale:g}"]
    if tuning.numa:
        made += ["--numa", tuning.numa]
    if tuning.cpu_moe:
        made += ["--cpu-moe"]
    if tuning.mmproj:
        made += ["--mmproj", tuning.mmproj]
    return made


def apply(xllamacpp: Any, params: Any, tuning: dict[str, Any]) -> None:
    """Sets the options on the parameters of the `xllamacpp` module."""
    states = {"auto": "AUTO", "on": "ENABLED", "off": "DISABLED"}
    flash = xllamacpp.llama_flash_attn_type
    params.flash_attn_type = getattr(flash, f"LLAMA_FLASH_ATTN_TYPE_{states[tuning['flash']]}")
    if tuning["gpu_layers"] is not None:
        params.n_gpu_layers = tuning["gpu_layers"]
    if tuning["kv"] != "f16":
        kind = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{tuning['kv'].upper()}")
        params.cache_type_k = params.cache_type_v = kind
    kinds = xllamacpp.common_speculative_type
    if tuning["draft"]:
        params.speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
        params.speculative.draft.mparams.path = tuning["draft"]
    if tuning["ngram"]:
        params.speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_NGRAM_MOD]
    if tuning["lora"]:
        adapters = []
        for path, scale in tuning["lora"]:
            adapter = xllamacpp.CommonAdapterLoraInfo()
            adapter.path, adapter.scale = path, scale
            adapters.append(adapter)
        params.lora_adapters = adapters
    if tuning["numa"]:
        strategy = f"GGML_NUMA_STRATEGY_{tuning['numa'].upper()}"
        params.numa = getattr(xllamacpp.ggml_numa_strategy, strategy)
    if tuning["mmproj"]:
        params.mmproj.path = tuning["mmproj"]
    if tuning["cpu_moe"]:
        params.tensor_buft_overrides = r"\.ffn_(up|down|gate)_(ch|)exps=CPU"
