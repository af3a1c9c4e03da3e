"""A picture, and a projector of random weights that lets the demo model take pictures: it sees
nothing in them, but they go the whole way."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import gguf
import numpy as np

_WIDTH, _FFN, _BLOCKS, _HEADS, _IMAGE, _PATCH = 32, 64, 1, 2, 28, 14


def picture(size: int = _IMAGE) -> str:
    """A PNG as a data URL: a gradient of `size` by `size` pixels."""
    raw = b"".join(
        b"\0" + bytes(v for x in range(size) for v in (x * 9 % 256, y * 9 % 256, 128))
        for y in range(size)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


def projector(path: Path, width: int = 256) -> Path:
    """A CLIP of one block whose images become embeddings of `width`, as LLaVA's (`mlp`)."""
    made = gguf.GGUFWriter(path, "clip")
    made.add_bool("clip.has_vision_encoder", True)
    made.add_string("clip.projector_type", "mlp")
    made.add_bool("clip.use_gelu", True)
    facts = {
        "image_size": _IMAGE, "patch_size": _PATCH, "embedding_length": _WIDTH,
        "feed_forward_length": _FFN, "block_count": _BLOCKS, "attention.head_count": _HEADS,
        "projection_dim": width,
    }  # fmt: skip
    for name, value in facts.items():
        made.add_uint32(f"clip.vision.{name}", value)
    made.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    for name in ("image_mean", "image_std"):
        made.add_array(f"clip.vision.{name}", [0.5, 0.5, 0.5])
    made.add_file_type(gguf.LlamaFileType.ALL_F32)
    random = np.random.default_rng(0)

    def tensor(name: str, *shape: int) -> None:
        made.add_tensor(name, (random.standard_normal(shape) * 0.05).astype(np.float32))

    def layer(name: str, *shape: int) -> None:
        tensor(f"{name}.weight", *shape)
        tensor(f"{name}.bias", shape[0])

    tensor("v.patch_embd.weight", _WIDTH, 3, _PATCH, _PATCH)
    tensor("v.class_embd", _WIDTH)
    tensor("v.position_embd.weight", (_IMAGE // _PATCH) ** 2 + 1, _WIDTH)
    layer("v.pre_ln", _WIDTH)
    for block in range(_BLOCKS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            layer(f"v.blk.{block}.{name}", _WIDTH, _WIDTH)
        for name in ("ln1", "ln2"):
            layer(f"v.blk.{block}.{name}", _WIDTH)
        layer(f"v.blk.{block}.ffn_up", _FFN, _WIDTH)
        layer(f"v.blk.{block}.ffn_down", _WIDTH, _FFN)
    layer("mm.0", width, _WIDTH)
    layer("mm.2", width, width)
    made.write_header_to_file()
    made.write_kv_data_to_file()
    made.write_tensors_to_file()
    made.close()
    return path
