"""Text without a chat: completions, gaps, tokens and embeddings, on real engines."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import openai
import pytest

from benchmarks import _shapes
from local_swarm.models.store import demo_path

from .conftest import Running, planned, running

PROMPT = "Sam has 14 apples."


@pytest.fixture
def client(node: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{node.url}/v1", api_key="none", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A node whose model knows the tokens that mark a gap; its words mean nothing."""
    folder = tmp_path_factory.mktemp("gaps")
    marks = ("pre", "suf", "mid")
    ids = {f"tokenizer.ggml.fim_{name}_token_id": 300 + at for at, name in enumerate(marks)}
    path = tiny(folder, ids)
    with running(folder, planned(path, seats=3), path) as it:
        yield it


def tiny(folder: Path, facts: dict[str, int]) -> Path:
    """A tiny model of random weights, with more facts in its header."""
    with pytest.MonkeyPatch.context() as patch:
        tokenizer = _shapes._add_tokenizer

        def marked(writer: Any, vocabulary: int) -> None:
            tokenizer(writer, vocabulary)
            assert isinstance(writer, gguf.GGUFWriter)
            for name, value in facts.items():
                writer.add_uint32(name, value)

        patch.setattr(_shapes, "_add_tokenizer", marked)
        return _shapes.make("tiny", "f16", folder)


def test_text_goes_on_without_a_chat(client: openai.OpenAI) -> None:
    made = client.completions.create(
        model="local-swarm", prompt=PROMPT, max_tokens=8, extra_body={"ignore_eos": True}
    )
    assert made.choices[0].text
    assert made.choices[0].finish_reason == "length"
    assert made.usage is not None
    assert made.usage.completion_tokens == 8


def test_streamed_text_is_the_same_as_whole(client: openai.OpenAI) -> None:
    asked: Any = {"model": "demo", "prompt": PROMPT, "max_tokens": 12, "temperature": 0,
                  "extra_body": {"ignore_eos": True}}  # fmt: skip
    whole = client.completions.create(**asked)
    chunks = list(
        client.completions.create(stream=True, stream_options={"include_usage": True}, **asked)
    )
    assert "".join(c.choices[0].text for c in chunks[:-1]) == whole.choices[0].text
    assert chunks[-2].choices[0].finish_reason == "length"
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)


def test_several_prompts_and_several_answers(client: openai.OpenAI) -> None:
    made = client.completions.create(
        model="local-swarm", prompt=["Write", "Write"], n=2, seed=7, max_tokens=6,
        echo=True, temperature=2, extra_body={"ignore_eos": True, "min_p": 0, "top_k": 0},
    )  # fmt: skip
    texts = [choice.text for choice in made.choices]
    assert [choice.index for choice in made.choices] == [0, 1, 2, 3]
    assert all(text.startswith("Write") for text in texts)
    assert texts[0] != texts[1]
    tokens = client.completions.create(model="demo", prompt=[10, 11], max_tokens=1)
    assert tokens.usage is not None
    assert tokens.usage.prompt_tokens == 2


def test_probabilities_of_tokens_are_told(client: openai.OpenAI) -> None:
    made = client.completions.create(
        model="demo", prompt=PROMPT, max_tokens=4, logprobs=2, extra_body={"ignore_eos": True}
    )
    chances = made.choices[0].logprobs
    assert chances is not None
    assert chances.tokens is not None
    assert chances.token_logprobs is not None
    assert len(chances.tokens) == len(chances.token_logprobs) == 4
    assert all(value is not None and value <= 0 for value in chances.token_logprobs)


def test_a_prompt_longer_than_the_context_names_the_maximum(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="maximum context length is 512 tokens"):
        client.completions.create(model="demo", prompt="apple " * 3000)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"prompt": []}, "0 answers"),
        ({"prompt": [99999]}, "invalid tokens"),
        ({"prompt": [-1]}, "invalid tokens"),
        ({"prompt": ["a"] * 65}, "64"),
        ({"prompt": "x", "suffix": "y"}, "not supported"),
        ({"prompt": "x", "model": "gpt-9"}, "gpt-9"),
        ({"prompt": "x", "logit_bias": {"a": 1}}, "logit_bias"),
        ({}, "prompt"),
    ],
)
def test_what_cannot_be_completed_is_told(node: Running, body: Any, told: str) -> None:
    for stream in (False, True):
        response = node.http.post("/v1/completions", json={**body, "stream": stream})
        assert response.status_code == (404 if "model" in body else 400)
        assert told in response.json()["error"]["message"]


def test_gaps_are_filled_on_every_wire_that_knows_them(gaps: Running) -> None:
    gap = {"prompt": "def f(", "suffix": "return 1", "max_tokens": 5, "ignore_eos": True}
    made = gaps.http.post("/v1/completions", json=gap).json()
    assert made["choices"][0]["finish_reason"] == "length"
    assert made["usage"]["completion_tokens"] == 5
    made = gaps.http.post("/v1/fim/completions", json=gap).json()
    assert made["choices"][0]["message"]["content"]
    files = [{"filename": "a.py", "text": "x = 1"}]
    infill = {"input_prefix": "def f(", "input_suffix": "return 1", "n_predict": 5,
              "input_extra": files, "ignore_eos": True}  # fmt: skip
    made = gaps.http.post("/infill", json=infill).json()
    assert (made["stop"], made["tokens_predicted"]) == (True, 5)
    options = {"num_predict": 5}
    native = {"prompt": "def f(", "suffix": "return 1", "stream": False, "options": options}
    made = gaps.http.post("/api/generate", json=native).json()
    assert (made["done"], bool(made["response"])) == (True, True)


def test_a_streamed_gap(gaps: Running) -> None:
    infill = {"input_prefix": "a" * 9000, "input_suffix": "b", "n_predict": 5, "stream": True,
              "ignore_eos": True}  # fmt: skip
    with gaps.http.stream("POST", "/infill", json=infill) as response:
        lines = [line for line in response.iter_lines() if line]
    assert response.status_code == 200
    assert '"stop": true' in lines[-1]
    assert gaps.node.status().engines[0].kv_reserved == 0


def test_tokens_go_there_and_back(node: Running) -> None:
    made = node.http.post("/tokenize", json={"content": "hello é"}).json()["tokens"]
    assert len(made) > 1
    assert node.http.post("/detokenize", json={"tokens": made}).json() == {"content": "hello é"}
    told = node.http.post("/tokenize", json={"content": "hello é", "with_pieces": True}).json()
    assert [token["id"] for token in told["tokens"]] == made
    for wrong in ([99999], [-1]):
        response = node.http.post("/detokenize", json={"tokens": wrong})
        assert response.status_code == 400


def test_embeddings_are_alike_for_like_texts(client: openai.OpenAI) -> None:
    made = client.embeddings.create(model="local-swarm", input=["apples", "apples", "17 + 25"])
    one, same, other = (item.embedding for item in made.data)
    assert math.isclose(math.hypot(*one), 1, abs_tol=1e-5)
    assert one == pytest.approx(same, abs=1e-5)
    assert sum(a * b for a, b in zip(one, other, strict=True)) < 0.999
    assert made.usage.prompt_tokens > 3


def test_embeddings_come_as_floats_and_as_base64(node: Running) -> None:
    def ask(**extra: Any) -> Any:
        return node.http.post("/v1/embeddings", json={"input": [[10, 11]], **extra}).json()

    floats = ask()["data"][0]["embedding"]
    packed = ask(encoding_format="base64")["data"][0]["embedding"]
    assert struct.unpack(f"<{len(floats)}f", base64.b64decode(packed)) == pytest.approx(floats)
    short = ask(dimensions=8)["data"][0]["embedding"]
    assert len(short) == 8
    assert math.isclose(math.hypot(*short), 1, abs_tol=1e-6)
    assert "dimensions" in ask(dimensions=9999)["error"]["message"]


@pytest.mark.parametrize("given", [[], "", [""], ["a"] * 2049, "apple " * 3000, [[99999]], None])
def test_what_has_no_embedding_is_told(node: Running, given: Any) -> None:
    response = node.http.post("/v1/embeddings", json={"input": given})
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_ollamas_embeddings(node: Running) -> None:
    made = node.http.post("/api/embed", json={"model": "demo:latest", "input": ["a", "b"]}).json()
    assert len(made["embeddings"]) == 2
    old = node.http.post("/api/embeddings", json={"model": "demo", "prompt": "a"}).json()
    assert old["embedding"] == pytest.approx(made["embeddings"][0], abs=1e-5)


def test_an_embedding_model_in_the_store_is_used(tmp_path: Path) -> None:
    store = tmp_path / "models"
    tiny(store / "somebody--tiny", {"llama.pooling_type": int(gguf.PoolingType.MEAN)})
    made = planned(demo_path(), seats=1)
    with running(tmp_path, made, demo_path(), models=store) as node:
        vectors = node.http.post("/v1/embeddings", json={"input": ["a", "b"]}).json()["data"]
    assert [len(item["embedding"]) for item in vectors] == [64, 64]
