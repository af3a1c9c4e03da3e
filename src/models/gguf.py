"""Reads the header of a GGUF file: what the model is, and whether the file is whole.

Source of the layout: the GGUF specification, version 3, in ggml's documentation.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ModelFileError
from .catalog import ModelSpec

_MAGIC = b"GGUF"
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9
# ggml type -> (elements in a block, bytes in a block)
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 36), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
_LIMIT = 1 << 24  # no honest header has more entries, or a longer string


def read_spec(path: Path) -> ModelSpec:
    """The spec of the model in `path`, its id being the file's stem.

    Raises ModelFileError when the file is missing, unreadable, no GGUF, truncated, or no
    language model.
    """
    size, meta = _whole(path)
    arch = meta.get("general.architecture")
    if _embeds(meta):
        raise ModelFileError(
            f"{path} makes embeddings and answers no questions (architecture {arch!r}).",
            hint="Give the file of a chat model.",
        )

    def number(name: str) -> int | None:
        value = meta.get(f"{arch}.{name}")
        if isinstance(value, list):  # one entry a layer in some families
            value = max((v for v in value if isinstance(v, int)), default=None)
        return value if isinstance(value, int) and 0 < value < _LIMIT else None

    layers, heads, width = (
        number("block_count"),
        number("attention.head_count"),
        number("embedding_length"),
    )
    context, tokens = number("context_length"), meta.get("tokenizer.ggml.tokens")
    if not (layers and heads and width and context):
        raise ModelFileError(
            f"{path} is a GGUF file, but no language model (architecture {arch!r}).",
            hint="Give the file of a chat model.",
        )
    windows = _windows(arch, meta, layers)
    return ModelSpec(
        id=path.stem,
        name=_plain(str(meta.get("general.name") or path.stem)),
        parameters=0,
        layers=layers,
        kv_heads=number("attention.head_count_kv") or heads,
        head_size=number("attention.key_length") or width // heads,
        context=context,
        licence=meta.get("general.license"),
        file_bytes=size,
        width=width,
        ffn=number("feed_forward_length"),
        vocabulary=len(tokens) if isinstance(tokens, list) else None,
        window=number("attention.sliding_window") if windows else None,
        window_layers=windows,
    )


def check_whole(path: Path) -> None:
    """Raises ModelFileError where `path` is no GGUF file, or has not all that its header tells of;
    what kind of model it is does not matter."""
    _whole(path)


def _whole(path: Path) -> tuple[int, dict[str, Any]]:
    """(file size, metadata)."""
    size, meta, end, _ = _read(path)
    if size < end:
        raise ModelFileError(
            f"{path} is truncated: it has {size:,} bytes of at least {end:,}.",
            hint="Download it again.",
        )
    return size, meta


def architecture(path: Path) -> str:
    """What the header calls the family of the model. Raises ModelFileError."""
    return str(_read(path)[1].get("general.architecture"))


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The extents of every tensor, the fastest one first. Raises ModelFileError."""
    return _read(path)[3]


def adapter_for(path: Path) -> str:
    """The architecture of the models that the LoRA adapter in `path` is for. Raises ModelFileError
    where the file is missing, no GGUF, truncated, or no adapter."""
    _, meta = _whole(path)
    if (meta.get("general.type"), meta.get("adapter.type")) != ("adapter", "lora"):
        raise ModelFileError(
            f"{path} is a GGUF file, but no LoRA adapter.",
            hint="llama.cpp's convert_lora_to_gguf.py makes one.",
        )
    return str(meta.get("general.architecture"))


def is_embedding(path: Path) -> bool:
    """Whether the file is a model for embeddings: an encoder, or one with a pooling of its own.
    False for what cannot be read."""
    try:
        return _embeds(_read(path)[1])
    except ModelFileError:
        return False


def _embeds(meta: dict[str, Any]) -> bool:
    arch = str(meta.get("general.architecture"))
    return "bert" in arch or bool(meta.get(f"{arch}.pooling_type")) or "embedding" in arch


def _windows(arch: object, meta: dict[str, Any], layers: int) -> int:
    """How many layers have a sliding window. Where the header has no pattern, the last of so many
    layers has none, as llama.cpp knows of these architectures."""
    window = meta.get(f"{arch}.attention.sliding_window")
    if not isinstance(window, int) or window <= 0:
        return 0
    pattern = meta.get(f"{arch}.attention.sliding_window_pattern", _PATTERNS.get(str(arch)))
    if isinstance(pattern, list):
        return min(layers - 1, sum(1 for entry in pattern if entry))
    return layers - layers // pattern if isinstance(pattern, int) and pattern > 1 else 0


_PATTERNS = {"gemma2": 2, "gemma3": 6, "gpt-oss": 2, "cohere2": 4}


def _plain(name: str) -> str:
    """`name` without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in name)[:80].strip() or "unnamed"


def _read(path: Path) -> tuple[int, dict[str, Any], int, dict[str, tuple[int, ...]]]:
    """(file size, metadata, the least size of a whole file, shapes of the tensors)."""
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would wait for ever
            raise ModelFileError(f"{path} is no regular file.", hint="Give a .gguf file.")
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            if file.read(4) != _MAGIC:
                raise ModelFileError(
                    f"{path} is no GGUF file.", hint="Local Swarm reads models in GGUF format."
                )
            return size, *_header(file)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelFileError(
            f"There is no model file {path}.", hint="`local-swarm run --demo` needs none."
        ) from None
    except IsADirectoryError:
        raise ModelFileError(f"{path} is a folder.", hint="Give the .gguf file in it.") from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from None
    except (struct.error, ValueError, UnicodeDecodeError, MemoryError):
        raise ModelFileError(
            f"{path} is truncated or damaged: its header ends too early.",
            hint="Download it again.",
        ) from None


def _header(file: BinaryIO) -> tuple[dict[str, Any], int, dict[str, tuple[int, ...]]]:
    version, tensors, entries = _unpack(file, "IQQ")
    if version not in (2, 3) or tensors > _LIMIT or entries > _LIMIT:
        raise ValueError(version)
    meta: dict[str, Any] = {}
    for _ in range(entries):
        key = _string(file)
        meta[key] = _value(file, _unpack(file, "I")[0])
    end, shapes = 0, {}
    for _ in range(tensors):
        name = _string(file)
        dimensions = _unpack(file, "I")[0]
        if dimensions > 8:
            raise ValueError(dimensions)
        shapes[name] = shape = _unpack(file, f"{dimensions}Q")
        kind, offset = _unpack(file, "IQ")
        elements = 1
        for extent in shape:
            elements *= extent
        block, size = _BLOCKS.get(kind, (1, 0))
        end = max(end, offset + elements // block * size)
    alignment = meta.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 16:
        raise ValueError(alignment)
    start = -(-file.tell() // alignment) * alignment
    return meta, start + end, shapes


def _unpack(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    size = struct.calcsize("<" + layout)
    return struct.unpack("<" + layout, file.read(size))


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "Q")
    if length > _LIMIT:
        raise ValueError(length)
    data = file.read(length)
    if len(data) != length:
        raise ValueError(length)
    return data.decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int, depth: int = 4) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _unpack(file, _SCALARS[kind])[0] if kind in _SCALARS else _bad(kind)
    inner, count = _unpack(file, "IQ")
    if count > _LIMIT or depth == 0:
        raise ValueError(count)
    if inner in _SCALARS:
        return list(_unpack(file, f"{count}{_SCALARS[inner]}"))
    return [_value(file, inner, depth - 1) for _ in range(count)]


def _bad(kind: int) -> Any:
    raise ValueError(kind)
