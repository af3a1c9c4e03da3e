"""Writes a checkpoint as GGUF for llama.cpp, and the manifest of how it came to be."""

from __future__ import annotations

import hashlib
import json
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGUFWriter, LlamaFileType, TokenType

from . import corpus, paths, sample
from .model import Model, Shape
from .template import TEMPLATE
from .tokenizer import SPECIAL
from .train import load_model

NAMES = {"demo": "Local Swarm demo", "mini": "Local Swarm demo-mini"}


def export(size: str) -> None:
    """Writes the GGUF and the manifest of one size."""
    out = paths.made(size)
    write_gguf(load_model(paths.checkpoint(size)), paths.TOKENIZER, out, NAMES[size])
    paths.manifest(size).write_text(json.dumps(manifest_of(size), indent=2) + "\n")
    print(f"{out.name}: {out.stat().st_size} bytes, sha256 {_sha256(out)}")


def manifest_of(size: str) -> dict[str, object]:
    """Seeds, steps, tokens, versions and hashes."""
    state = torch.load(paths.checkpoint(size), map_location="cpu", weights_only=True)
    packages = ("torch", "tokenizers", "numpy", "gguf")
    return {
        "name": NAMES[size],
        "license": "Apache-2.0",
        "made": date.today().isoformat(),
        "shape": state["shape"],
        "parameters": sum(weight.numel() for weight in state["weights"].values()),
        "plan": state["plan"],
        "steps": state["step"],
        "tokens": state["tokens"],
        "resumed_at_steps": state.get("resumed", []),
        "legs": json.loads(paths.LEGS.read_text()) if size == "demo" else None,
        "seeds": {**corpus.SEEDS, "tokenizer": 1},
        "split": f"n = sha256({sample.SALT.decode()!r} + prompt); n % {sample.HELD_OUT_OF} == 0 is "
        f"held out, of these n // {sample.HELD_OUT_OF} % 2 == 1 is test",
        "versions": {"python": platform.python_version(), **{p: version(p) for p in packages}},
        "sha256": {
            "gguf": _sha256(paths.made(size)),
            "tokenizer": _sha256(paths.TOKENIZER),
            "sources": _sources(),
        },
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sources() -> str:
    """One hash over the files that make the text."""
    files = [paths.HERE / f for f in ("words.py", "sample.py", "corpus.py", "template.py")]
    files += sorted((paths.HERE / "families").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def write_gguf(model: Model, tokenizer: Path, out: Path, name: str) -> None:
    """F16 matrices, F32 norms, the tokenizer and the chat template in one file."""
    shape = model.shape
    writer = GGUFWriter(out, "llama")
    writer.add_name(name)
    writer.add_license("Apache-2.0")
    writer.add_description("A tiny model trained from scratch on text that a script made")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.theta)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(LlamaFileType.MOSTLY_F16)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_tokenizer(writer, tokenizer)
    for key, array in tensors(model).items():
        writer.add_tensor(key, array.astype(np.float32 if array.ndim == 1 else np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: GGUFWriter, path: Path) -> None:
    data = json.loads(path.read_text())["model"]
    tokens = sorted(data["vocab"], key=data["vocab"].__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")  # single digits, then the byte-level pieces
    writer.add_token_list(tokens)
    writer.add_token_types(
        [TokenType.CONTROL if token in SPECIAL else TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges([" ".join(m) if isinstance(m, list) else m for m in data["merges"]])
    text_end, _, turn_end = range(3)
    writer.add_bos_token_id(text_end)
    writer.add_eos_token_id(turn_end)
    writer.add_eot_token_id(turn_end)
    writer.add_pad_token_id(text_end)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def tensors(model: Model) -> dict[str, np.ndarray]:
    """The weights under llama.cpp's names; the tied output layer is left out."""
    weights = {key: value.float().numpy() for key, value in model.state_dict().items()}
    shape = model.shape
    named = {
        "token_embd.weight": weights["embed.weight"],
        "output_norm.weight": weights["norm.weight"],
    }
    parts = {
        "attn_norm": "norm1",
        "attn_q": "q",
        "attn_k": "k",
        "attn_v": "v",
        "attn_output": "o",
        "ffn_norm": "norm2",
        "ffn_gate": "gate",
        "ffn_up": "up",
        "ffn_down": "down",
    }
    for i in range(shape.layers):
        for theirs, ours in parts.items():
            array = weights[f"blocks.{i}.{ours}.weight"]
            if theirs in ("attn_q", "attn_k"):
                array = interleaved(
                    array, shape.heads if theirs == "attn_q" else shape.kv_heads, shape
                )
            named[f"blk.{i}.{theirs}.weight"] = array
    return named


def interleaved(rows: np.ndarray, heads: int, shape: Shape) -> np.ndarray:
    """Rows of half-split rotary channels in llama.cpp's interleaved order."""
    halves = rows.reshape(heads, 2, shape.head // 2, rows.shape[1])
    return halves.swapaxes(1, 2).reshape(rows.shape)
