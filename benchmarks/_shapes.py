"""Makes GGUF files with the shape of real models and random weights: same work, no meaning.

The files are made once and kept out of git, under .cache/shapes of the repository.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "shapes"
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_TEMPLATE = (
    "{% for m in messages %}{{'<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{'<|im_start|>assistant\n'}}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions of a Llama-style model with tied embeddings; with `experts` a mixture, of
    which each token uses two."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    vocabulary: int
    experts: int = 0


SHAPES = {
    "135m": Shape(576, 30, 9, 3, 1536, 49152),  # SmolLM2-135M
    "0.5b": Shape(896, 24, 14, 2, 4864, 151936),  # Qwen2.5-0.5B
    "1.5b": Shape(1536, 28, 12, 2, 8960, 151936),  # Qwen2.5-1.5B
    "tiny": Shape(64, 2, 2, 1, 128, 512),  # for tests of files, not of speed
    "tiny-moe": Shape(64, 2, 2, 1, 128, 512, experts=4),
}


def make(name: str, quant: str = "q8_0", folder: Path = CACHE) -> Path:
    """The file of shape `name` with weights in `quant` (q4_0, q4_k, q4_k_m, q8_0 or f16), made if
    it is not there. Rows of q4_k must have a multiple of 256 weights, as those of 1.5b have; q4_k_m
    takes q5_0 for other rows and q8_0 for the tokens' matrix, as llama.cpp's quantizer does."""
    path = folder / f"random-{name}-{quant}.gguf"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")  # two test runs may make it at once
    _write(partial, name, SHAPES[name], quant)
    partial.replace(path)
    return path


def _write(path: Path, name: str, shape: Shape, quant: str) -> None:
    import gguf
    import numpy as np

    kinds = {
        "f16": (gguf.LlamaFileType.MOSTLY_F16, gguf.GGMLQuantizationType.F16),
        "q4_k": (gguf.LlamaFileType.MOSTLY_Q4_K_M, gguf.GGMLQuantizationType.Q4_K),
        "q4_k_m": (gguf.LlamaFileType.MOSTLY_Q4_K_M, gguf.GGMLQuantizationType.Q4_K),
        "q4_0": (gguf.LlamaFileType.MOSTLY_Q4_0, gguf.GGMLQuantizationType.Q4_0),
        "q8_0": (gguf.LlamaFileType.MOSTLY_Q8_0, gguf.GGMLQuantizationType.Q8_0),
    }
    file_type, main_kind = kinds[quant]
    head = shape.width // shape.heads
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(f"random {name}")
    writer.add_context_length(8192)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(head)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(file_type)
    if shape.experts:
        writer.add_expert_count(shape.experts)
        writer.add_expert_used_count(2)
    _add_tokenizer(writer, shape.vocabulary)

    random = np.random.default_rng(0)

    def matrix(tensor: str, *extents: int) -> None:
        rows, columns = math.prod(extents[:-1]), extents[-1]
        kind = main_kind
        if quant == "q4_k_m":
            tied = tensor == "token_embd.weight"
            other = gguf.GGMLQuantizationType.Q8_0 if tied else gguf.GGMLQuantizationType.Q5_0
            kind = other if tied or columns % 256 else kind
        # Blocks of 256: two halves for scale and minimum, then 140 bytes.
        if kind is gguf.GGMLQuantizationType.Q4_K:
            blocks = random.integers(0, 256, (rows, columns // 256, 144), dtype=np.uint8)
            blocks[:, :, :4] = np.full(2, 0.0005, np.float16).view(np.uint8)
            writer.add_tensor(tensor, blocks.reshape(*extents[:-1], -1), raw_dtype=kind)
            return
        values = random.standard_normal(extents, dtype=np.float32) * 0.02
        if quant == "f16":
            writer.add_tensor(tensor, values.astype(np.float16))
        else:
            writer.add_tensor(tensor, gguf.quants.quantize(values, kind), raw_dtype=kind)

    def ones(tensor: str) -> None:
        writer.add_tensor(tensor, np.ones(shape.width, np.float32))

    matrix("token_embd.weight", shape.vocabulary, shape.width)
    ones("output_norm.weight")
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        ones(block + "attn_norm.weight")
        matrix(block + "attn_q.weight", shape.width, shape.width)
        matrix(block + "attn_k.weight", head * shape.kv_heads, shape.width)
        matrix(block + "attn_v.weight", head * shape.kv_heads, shape.width)
        matrix(block + "attn_output.weight", shape.width, shape.width)
        ones(block + "ffn_norm.weight")
        each = (shape.experts,) if shape.experts else ()
        suffix = "_exps.weight" if each else ".weight"
        if each:
            writer.add_tensor(
                block + "ffn_gate_inp.weight",
                random.standard_normal((shape.experts, shape.width), dtype=np.float32),
            )
        matrix(block + "ffn_gate" + suffix, *each, shape.ffn, shape.width)
        matrix(block + "ffn_up" + suffix, *each, shape.ffn, shape.width)
        matrix(block + "ffn_down" + suffix, *each, shape.width, shape.ffn)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def adapter(
    base: Path, path: Path, *, strength: float = 1.0, rank: int = 4, of: str | None = None
) -> Path:
    """A LoRA adapter of random weights for the queries and outputs of the model in `base`, written
    to `path`; it says that it is for the architecture `of` (the model's own by default)."""
    import gguf
    import numpy as np

    read = gguf.GGUFReader(base)
    arch = read.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(path, of or arch)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    random = np.random.default_rng(1)
    for tensor in read.tensors:
        if tensor.name.endswith(("attn_q.weight", "attn_output.weight")):
            inside, out = (int(extent) for extent in tensor.shape)
            for name, shape in (("a", (rank, inside)), ("b", (out, rank))):
                values = random.standard_normal(shape, dtype=np.float32) * strength
                writer.add_tensor(f"{tensor.name}.lora_{name}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: object, vocabulary: int) -> None:
    """Byte-level BPE without merges: every byte is one token, so prompts have exact lengths."""
    import gguf

    assert isinstance(writer, gguf.GGUFWriter)
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    # GPT-2's table: bytes that do not print stand as characters from 256 on.
    table = [chr(byte) for byte in printable] + [chr(256 + at) for at in range(len(others))]
    tokens = [*_SPECIAL, *table]
    tokens += [f"word{at}" for at in range(vocabulary - len(tokens))]
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([control] * 3 + [normal] * (len(tokens) - 3))
    writer.add_token_merges(["q q"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(_TEMPLATE)
