"""Does the engine see what PyTorch saw? Tokens, chat template, probabilities, greedy text."""

from __future__ import annotations

from itertools import islice
from typing import Any

import torch
from tokenizers import Tokenizer

from . import corpus
from .engine import Engine, messages, schemas
from .model import Model
from .sample import Sample
from .template import text_of
from .tokenizer import END

ODD = (
    "héllo wörld ☃ 12345 \n\n  tabs\tand   spaces 3.14 don't <b>x</b> ",
    "日本語 テスト 42",
    '{"name": "x", "arguments": {"a": [1, 2.5, null]}}',
    "  def f(x):\n        return x ** 2\n",
    "it's we'll I'm you've they'd 1st 2nd 100%",
)


def parity(engine: Engine, model: Model, words: Tokenizer) -> dict[str, Any]:
    """The figures of all four comparisons."""
    made = list(islice(corpus.training(4321), 300))
    texts = [text_of(one.turns, one.tools) for one in made] + list(ODD)
    tokens = engine.many(lambda text: _engine_ids(engine, text), texts)
    asked = [_first(one) for one in made]
    prompts = [text_of(one.turns, one.tools, open_turn=True) for one in asked]
    templates = engine.many(lambda one: _engine_prompt(engine, one), asked)
    return {
        "texts": len(texts),
        "tokenizer differs": sum(
            ids != words.encode(text).ids for ids, text in zip(tokens, texts, strict=True)
        ),
        "prompts": len(prompts),
        "template differs": sum(a != b for a, b in zip(templates, prompts, strict=True)),
        **_probabilities(engine, model, words, prompts[:60]),
        **_greedy(engine, model, words, prompts[:60]),
    }


def _first(made: Sample) -> Sample:
    """The conversation up to its last reply."""
    turns = made.turns[:-1]
    return Sample(made.family, turns, made.key, tools=made.tools)


def _engine_ids(engine: Engine, text: str) -> list[int]:
    body = {"content": text, "add_special": False, "parse_special": True}
    ids: list[int] = engine.post("/tokenize", body)["tokens"]
    return ids


def _engine_prompt(engine: Engine, one: Sample) -> str:
    body: dict[str, Any] = {"messages": messages(one.turns)}
    if one.tools:
        body["tools"] = schemas(one.tools)
    return str(engine.post("/apply-template", body)["prompt"])


def _probabilities(engine: Engine, model: Model, words: Tokenizer, prompts: list[str]) -> dict:
    """Log-probabilities of the first token of each reply."""
    body = {"n_predict": 1, "temperature": 0, "n_probs": 64, "cache_prompt": False}
    answers = engine.many(
        lambda text: engine.post("/completion", {"prompt": text, **body}), prompts
    )
    worst, same = 0.0, 0
    for text, answer in zip(prompts, answers, strict=True):
        ours = _next(model, words.encode(text).ids).log_softmax(-1)
        theirs = {
            p["id"]: p["logprob"] for p in answer["completion_probabilities"][0]["top_logprobs"]
        }
        likely = {i: p for i, p in theirs.items() if p > -12}
        worst = max([worst, *(abs(float(ours[i]) - p) for i, p in likely.items())])
        same += int(ours.argmax()) == max(theirs, key=theirs.__getitem__)
    return {
        "largest log-probability difference": round(worst, 4),
        "same first token": same,
        "first tokens": len(prompts),
    }


@torch.no_grad()
def _next(model: Model, ids: list[int]) -> torch.Tensor:
    keep = torch.tensor([len(ids) - 1])
    return model.logits(model(torch.tensor(ids), [len(ids)], keep))[0]


def _greedy(engine: Engine, model: Model, words: Tokenizer, prompts: list[str]) -> dict[str, int]:
    body = {"n_predict": 60, "temperature": 0}
    answers = engine.many(
        lambda text: engine.post("/completion", {"prompt": text, **body}), prompts
    )
    same = 0
    for text, answer in zip(prompts, answers, strict=True):
        ids = words.encode(text).ids
        start = len(ids)
        while len(ids) < start + 60 and (token := int(_next(model, ids).argmax())) != END:
            ids.append(token)
        same += words.decode(ids[start:], skip_special_tokens=False) == answer["content"]
    return {"same greedy text": same, "greedy texts": len(prompts)}
