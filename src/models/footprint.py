"""How many bytes a model needs. Pure.

bytes = weights + KV cache (2 x layers x KV heads x head size x 2 bytes x tokens) + buffers.
"""

from __future__ import annotations

from .catalog import ModelSpec, Quant

_CELL_BYTES = 2  # an F16 key or value
_BUFFERS = 160 << 20  # compute buffers and the engine itself, measured at batch 512
_MIB = 1 << 20


def weight_bytes(spec: ModelSpec, quant: Quant | None) -> int:
    """Bytes of the weights: the file's size where it is known, else parameters x bits / 8."""
    if spec.file_bytes is not None:
        return spec.file_bytes
    return int(spec.parameters * (quant.bits if quant else 16) / 8)


def cell_bytes(spec: ModelSpec) -> int:
    """Bytes of one token in the KV cache."""
    return 2 * spec.layers * spec.kv_heads * spec.head_size * _CELL_BYTES


def kv_cells(context: int, seats: int) -> int:
    """Tokens that the KV cache must hold: half a context of prompt, kept once for all seats,
    and half a context of answer for each seat."""
    return max(context, -(-context // 2) * (seats + 1))


def footprint(spec: ModelSpec, quant: Quant | None, cells: int) -> int:
    """Bytes for one loaded model with a KV cache of `cells` tokens."""
    return weight_bytes(spec, quant) + cells * cell_bytes(spec) + _BUFFERS


def prompt_cache_bytes(budget: int) -> int:
    """Bytes for prefixes of earlier chats, kept outside of the KV cache."""
    return max(64 * _MIB, min(budget // 10, 2048 * _MIB))
