"""The bundled model as a folder with safetensors, as MLX and PyTorch want it."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NAMES = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip


def as_folder(gguf: Path, folder: Path) -> Path:
    """Writes the llama model in `gguf` to `folder`, and returns it."""
    from gguf import GGUFReader

    reader = GGUFReader(gguf)
    facts: dict[str, Any] = {name: field.contents() for name, field in reader.fields.items()}
    heads, kv_heads = facts["llama.attention.head_count"], facts["llama.attention.head_count_kv"]
    tensors: dict[str, NDArray[Any]] = {}
    for tensor in reader.tensors:
        data = np.asarray(tensor.data)
        if tensor.name.endswith("attn_q.weight"):
            data = _plain_order(data, heads)
        elif tensor.name.endswith("attn_k.weight"):
            data = _plain_order(data, kv_heads)
        tensors[_name(tensor.name)] = data.astype(np.float16)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "model.safetensors", tensors)
    _json(folder / "config.json", _config(facts))
    _json(folder / "tokenizer.json", _tokenizer(facts))
    _json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "chat_template": facts["tokenizer.chat_template"],
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "clean_up_tokenization_spaces": False,
        },
    )
    return folder


def _plain_order(weights: NDArray[Any], heads: int) -> NDArray[Any]:
    """Undoes the order of rotary channels that GGUF files of llama models have."""
    rows, columns = weights.shape
    pairs = weights.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def _name(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{_NAMES[parts[2]]}.weight"
    return {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}[parts[0]] + ".weight"


def _config(facts: dict[str, Any]) -> dict[str, Any]:
    heads = facts["llama.attention.head_count"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": facts["llama.embedding_length"],
        "intermediate_size": facts["llama.feed_forward_length"],
        "num_hidden_layers": facts["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": facts["llama.attention.head_count_kv"],
        "head_dim": facts["llama.embedding_length"] // heads,
        "max_position_embeddings": facts["llama.context_length"],
        "rms_norm_eps": facts["llama.attention.layer_norm_rms_epsilon"],
        "rope_theta": facts["llama.rope.freq_base"],
        "vocab_size": facts["llama.vocab_size"],
        "tie_word_embeddings": True,
        "torch_dtype": "float16",
        "bos_token_id": facts["tokenizer.ggml.bos_token_id"],
        "eos_token_id": facts["tokenizer.ggml.eos_token_id"],
    }


def _tokenizer(facts: dict[str, Any]) -> dict[str, Any]:
    tokens = facts["tokenizer.ggml.tokens"]
    special = [
        {
            "id": at, "content": token, "special": True, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False,
        }
        for at, token in enumerate(tokens)
        if facts["tokenizer.ggml.token_type"][at] == 3
    ]  # fmt: skip
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Digits", "individual_digits": True},
                {**level, "use_regex": True},
            ],
        },
        "post_processor": None,
        "decoder": {**level, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: at for at, token in enumerate(tokens)},
            "merges": facts["tokenizer.ggml.merges"],
        },
    }


def _write(path: Path, tensors: dict[str, NDArray[Any]]) -> None:
    """The safetensors format: the header's length, the header in JSON, the bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "mlx"}}
    at = 0
    for name, data in tensors.items():
        header[name] = {
            "dtype": "F16", "shape": list(data.shape), "data_offsets": [at, at + data.nbytes],
        }  # fmt: skip
        at += data.nbytes
    text = json.dumps(header).encode()
    body = b"".join(np.ascontiguousarray(data).tobytes() for data in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def _json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
