"""How many bytes a model needs. Pure.

bytes = weights + KV cache (2 x layers x KV heads x head size x bytes x tokens) + buffers + what is
kept of earlier chats. `benchmarks/footprint.py` compares it with what an engine takes.
"""

from __future__ import annotations

from dataclasses import dataclass

from .catalog import ModelSpec, Quant

_MIB = 1 << 20
# Bytes of one key or value; Q8_0 stores 32 of them in 34 bytes.
CELL_BYTES = {"f16": 2.0, "q8_0": 34 / 32}
_BATCH = 512  # tokens that the engine works on at once
_PAD = 256  # the engine rounds its KV cache up to so many tokens
# Measured with the engine of today (docs/planning.md has the figures).
_ENGINE = 25 * _MIB
_TOKEN = 250  # the vocabulary's strings and tables
_SAMPLER = 16  # for each token of the vocabulary and each sequence that samples
_VOCABULARY = 152_000  # where it is unknown
_CACHE = 64 * _MIB


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes by what they are for: `cache` is the least that prefixes of earlier chats get, `beside`
    what is loaded beside the model (adapters, a projector, a draft model with its KV cache)."""

    weights: int
    kv: int
    compute: int
    cache: int
    beside: int = 0

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.compute + self.cache + self.beside


def need(
    spec: ModelSpec,
    quant: Quant | None,
    *,
    cells: int,
    slots: int,
    kv: str = "f16",
    copies: int = 1,
    draft: ModelSpec | None = None,
    adapters: int = 0,
) -> Need:
    """What `copies` engines take, each with a KV cache of `cells` tokens for `slots` sequences.

    A `draft` model has as many cells as the model, in f16 whatever `kv` says; `adapters` are the
    bytes of other files that each engine loads.
    """
    beside = adapters
    if draft:
        small = need(draft, None, cells=cells, slots=slots)
        beside += small.weights + small.kv + small.compute - _ENGINE
    one = Need(
        weights=weight_bytes(spec, quant),
        kv=kv_bytes(spec, cells, slots, kv),
        compute=_compute(spec, slots) + spec.surplus,
        cache=_CACHE,
    )
    parts = (one.weights, one.kv, one.compute, one.cache, beside)
    return Need(*(part * copies for part in parts))


def weight_bytes(spec: ModelSpec, quant: Quant | None) -> int:
    """Bytes of the weights: the file's size where it is known, else parameters x bits / 8."""
    if spec.file_bytes is not None:
        return spec.file_bytes
    return int(spec.parameters * (quant.bits if quant else 16) / 8)


def cell_bytes(spec: ModelSpec, kv: str = "f16") -> int:
    """Bytes of one token in the KV cache of all layers that keep every token."""
    layers = (spec.layers if spec.kv_layers is None else spec.kv_layers) - spec.window_layers
    return int(2 * layers * spec.kv_heads * spec.head_size * CELL_BYTES[kv])


def window_cell_bytes(spec: ModelSpec, kv: str = "f16") -> int:
    """Bytes of one token in the layers with a sliding window."""
    heads = spec.window_kv_heads or spec.kv_heads
    size = spec.window_head_size or spec.head_size
    return int(2 * spec.window_layers * heads * size * CELL_BYTES[kv])


def kv_bytes(spec: ModelSpec, cells: int, slots: int, kv: str = "f16") -> int:
    """Bytes of the KV cache, and of the state that hybrids keep for each sequence.

    Layers with a sliding window keep that window for each sequence and one batch.
    """
    kept = min(cells, (spec.window or 0) * slots + _BATCH)
    return (
        _padded(cells) * cell_bytes(spec, kv)
        + _padded(kept) * window_cell_bytes(spec, kv)
        + slots * spec.state_bytes
    )


def kv_cells(context: int, seats: int) -> int:
    """Tokens that the KV cache must hold: half a context of prompt, kept once for all seats,
    and half a context of answer for each seat."""
    return max(context, -(-context // 2) * (seats + 1))


def prompt_cache_bytes(budget: int, left: int = 2048 * _MIB) -> int:
    """Bytes for prefixes of earlier chats, kept outside of the KV cache: a tenth of the budget,
    but no more than 2 GiB, nor than what the plan leaves of the budget (`left`)."""
    return max(_CACHE, min(budget // 10, 2048 * _MIB, left))


def _compute(spec: ModelSpec, slots: int) -> int:
    """Activations of a batch, the vocabulary, the sampling of half the slots at a time."""
    vocabulary = spec.vocabulary or _VOCABULARY
    width = spec.width or _width(spec)
    ffn = spec.ffn or 4 * width
    activations = 4 * _BATCH * (2 * ffn + 6 * width)
    sampling = vocabulary * _SAMPLER * max(1, slots // 2)
    return _ENGINE + vocabulary * _TOKEN + activations + sampling


def _width(spec: ModelSpec) -> int:
    """A width that such a model may have: a layer has about 14 x width x width parameters."""
    parameters = spec.parameters or (spec.file_bytes or 0)
    return int((parameters / max(1, spec.layers) / 14) ** 0.5)


def _padded(cells: int) -> int:
    return -(-cells // _PAD) * _PAD
