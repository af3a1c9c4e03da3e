"""GGUF headers: the facts of a whole file, and one clear error for everything else."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_swarm.errors import ModelFileError
from local_swarm.models.catalog import DEMO, ModelSpec, catalog
from local_swarm.models.gguf import read_spec
from local_swarm.models.store import demo_path, exact

U32, I32, STRING, ARRAY, U64 = 4, 5, 8, 9, 10
NEEDED = ("block_count", "attention.head_count", "embedding_length", "context_length")
one_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def text(said: str) -> bytes:
    return struct.pack("<Q", len(said.encode())) + said.encode()


def entry(key: str, kind: int, payload: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + payload


def number(key: str, value: int) -> bytes:
    return entry(key, U32, struct.pack("<I", value))


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    packed = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + packed + struct.pack("<IQ", kind, offset)


def gguf(entries: Iterable[bytes], tensors: Iterable[bytes] = (), version: int = 3) -> bytes:
    meta, table = list(entries), list(tensors)
    head = struct.pack("<IQQ", version, len(table), len(meta))
    whole = b"".join((b"GGUF", head, *meta, *table))
    return whole + bytes(-len(whole) % 32)  # the weights begin at the next multiple of 32


def model(**other: int) -> list[bytes]:
    facts = {"block_count": 3, "attention.head_count": 8, "embedding_length": 512,
             "context_length": 777} | other  # fmt: skip
    arch = entry("general.architecture", STRING, text("llama"))
    return [arch, *(number(f"llama.{name}", value) for name, value in facts.items())]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.model.gguf"


def refused(path: Path, content: bytes | None = None) -> str:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        read_spec(path)
    assert str(path) in caught.value.message
    return caught.value.full


@pytest.mark.parametrize("id", [DEMO, "demo-mini"])
def test_the_bundled_models(id: str) -> None:
    path = demo_path(id)
    found, listed = read_spec(path), catalog()[id]
    assert path.stat().st_size < 9_000_000
    assert found.id == id and found.file_bytes == path.stat().st_size
    for fact in ("layers", "kv_heads", "head_size", "context"):
        assert getattr(found, fact) == getattr(listed, fact)
    assert (exact(listed, path).name, exact(listed, path).file_bytes) == (
        listed.name,
        found.file_bytes,
    )


def test_facts_of_the_header(path: Path) -> None:
    path.write_bytes(gguf(model()))
    spec = read_spec(path)
    assert (spec.id, spec.name) == ("some.model", "some.model")
    assert (spec.layers, spec.kv_heads, spec.head_size, spec.context) == (3, 8, 64, 777)
    named = [entry("general.name", STRING, text("Größe")), *model(**{"attention.head_count_kv": 2,
             "attention.key_length": 96})]  # fmt: skip
    path.write_bytes(gguf(named, version=2))
    spec = read_spec(path)
    assert (spec.name, spec.kv_heads, spec.head_size) == ("Größe", 2, 96)


def test_facts_that_differ_by_layer_count_as_the_largest(path: Path) -> None:
    layers = struct.pack("<IQ3I", U32, 3, 2, 6, 4)
    path.write_bytes(gguf([*model(), entry("llama.attention.head_count_kv", ARRAY, layers)]))
    assert read_spec(path).kv_heads == 6


def test_all_kinds_of_metadata_are_passed_over(path: Path) -> None:
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    many = [entry(f"x{kind}", kind, b"\1" * size) for kind, size in sizes.items()]
    many.append(entry("words", ARRAY, struct.pack("<IQ", STRING, 2) + text("a") + text("bc")))
    nested = struct.pack("<IQ", ARRAY, 2) + 2 * struct.pack("<IQH", 2, 1, 9)
    path.write_bytes(gguf([*many, entry("nested", ARRAY, nested), *model()]))
    assert read_spec(path).layers == 3


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_without_the_facts_is_no_language_model(path: Path, name: str) -> None:
    assert "no language model" in refused(path, gguf(e for e in model() if name.encode() not in e))


def test_the_end_of_the_last_tensor_must_be_there(path: Path) -> None:
    # 32 x 2 weights in Q8_0 are two blocks of 34 bytes; F16 takes 2 bytes a weight.
    for kind, size in ((8, 68), (1, 128), (0, 256)):
        head = gguf(model(), [tensor("a", (32, 2), kind, 64)])
        whole = head + bytes(64 + size)
        path.write_bytes(whole)
        assert read_spec(path).file_bytes == len(whole)
        assert "truncated" in refused(path, whole[:-1])


def test_alignment_moves_the_weights(path: Path) -> None:
    head = gguf([*model(), number("general.alignment", 4096)], [tensor("a", (1,), 0, 0)])
    path.write_bytes(head + bytes(-len(head) % 4096) + bytes(4))
    assert read_spec(path)
    assert "truncated" in refused(path, head + bytes(-len(head) % 4096) + bytes(3))


def test_what_is_no_model_file(path: Path) -> None:
    assert "no model file" in refused(path)
    assert "no model file" in refused(path / "below" / "x.gguf")
    assert "no GGUF" in refused(path, b"")
    assert "no GGUF" in refused(path, b"GG")
    assert "no GGUF" in refused(path, b"PK\3\4 something else")
    assert "no GGUF" in refused(path, b"FUGG" + gguf(model())[4:])
    assert "no model file" in refused(path / "x.gguf")  # a file is no folder
    assert "folder" in refused(path.parent)


def test_a_file_that_cannot_be_read(path: Path) -> None:
    assert "cannot be read" in refused(path.with_name("x" * 999))  # too long for any disk


@pytest.mark.parametrize("version", [0, 1, 4, 1 << 24])
def test_other_versions_are_refused(path: Path, version: int) -> None:
    assert "damaged" in refused(path, gguf(model(), version=version))


def test_every_truncation_is_told(path: Path) -> None:
    whole = demo_path().read_bytes()
    path.write_bytes(whole)
    offsets = {len(whole) - 1, *range(0, len(whole), 40_009), *range(0, 40_000, 61), *range(200)}
    for offset in sorted(offsets, reverse=True):
        os.truncate(path, offset)
        assert "truncated" in refused(path) or offset < 4


@pytest.mark.parametrize("damage", [
    pytest.param(number("general.alignment", 0), id="alignment 0"),
    pytest.param(entry("general.alignment", STRING, text("x")), id="alignment of words"),
    pytest.param(entry("a", ARRAY, struct.pack("<IQ", ARRAY, 1) * 5000), id="nested without end"),
    pytest.param(entry("llama.block_count", I32, struct.pack("<i", -3)), id="layers below zero"),
    pytest.param(entry("llama.block_count", ARRAY, struct.pack("<IQIQIIQQs", ARRAY, 2, U32, 1, 1,
                       STRING, 1, 1, b"x")), id="lists that have no largest"),
])  # fmt: skip
def test_damaged_metadata_is_told(path: Path, damage: bytes) -> None:
    refused(path, gguf([*model(), damage]))


@one_file
@given(content=st.binary(max_size=400), version=st.sampled_from([b"", b"\3\0\0\0", b"\2\0\0\0"]))
def test_nonsense_after_the_magic_is_told(path: Path, content: bytes, version: bytes) -> None:
    refused(path, b"GGUF" + version + content)


@one_file
@given(st.data())
def test_flipped_bytes_raise_nothing_else(path: Path, data: st.DataObject) -> None:
    whole = bytearray(gguf(model(), [tensor("weights", (4, 2), 1, 0)]) + bytes(64))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    try:
        assert read_spec(path).file_bytes == len(whole)
    except ModelFileError as error:
        assert str(path) in error.message


def test_layers_with_a_sliding_window(path: Path) -> None:
    def spec(arch: str, **other: int) -> ModelSpec:
        facts = {"block_count": 26, "attention.head_count": 8, "embedding_length": 512,
                 "context_length": 777} | other  # fmt: skip
        entries = [number(f"{arch}.{name}", value) for name, value in facts.items()]
        path.write_bytes(gguf([entry("general.architecture", STRING, text(arch)), *entries]))
        return read_spec(path)

    # Gemma 3 has no pattern in its header: 4 of its 26 layers see everything.
    gemma = spec("gemma3", **{"attention.sliding_window": 512})
    assert (gemma.window, gemma.window_layers) == (512, 22)
    told = spec("new", **{"attention.sliding_window": 128, "attention.sliding_window_pattern": 2})
    assert (told.window, told.window_layers) == (128, 13)
    for plain in (spec("llama"), spec("mistral", **{"attention.sliding_window": 4096})):
        assert (plain.window, plain.window_layers) == (None, 0)  # a window nobody applies
