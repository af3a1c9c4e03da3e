"""Text without a chat: OpenAI's legacy completions (with `suffix`), Mistral's fill-in-the-middle,
llama.cpp's own /completion and /infill. One seat, no vote: this is what autocomplete wants."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from ..capabilities import Completer, Completion
from ..errors import InvalidRequest
from .answer import AnswerResponse, Wire
from .completions_wire import FimWire, Numbered, PlainWire, TextWire
from .front import Front
from .schema import PASSED, Loose, StreamOptions

_DEFAULT_TOKENS = 16  # OpenAI's
_INFILL_TOKENS = 128  # a few lines; llama.cpp's own default is without end
_MOST = 64  # answers a request


class Asked(Loose):
    """What all these bodies share."""

    model: str | None = None
    stream: bool | None = None
    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, ge=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None

    def sampling(self) -> dict[str, Any]:
        """What passes through to the engine; `stop` is a list there."""
        given = self.model_dump(exclude_none=True)
        passed = {name: given[name] for name in PASSED if name in given}
        if isinstance(self.stop, str):
            passed["stop"] = [self.stop]
        if isinstance(bias := passed.get("logit_bias"), dict):  # a list of pairs there
            passed["logit_bias"] = [[_id(token), weight] for token, weight in bias.items()]
        return passed


class CompletionBody(Asked):
    """The body of POST /v1/completions. `prompt` is a text, tokens, or a list of either."""

    prompt: str | list[str] | list[int] | list[list[int]]
    suffix: str | None = None
    max_tokens: int | None = Field(None, ge=0)
    n: int | None = Field(None, ge=1, le=_MOST)
    echo: bool | None = None
    logprobs: int | None = Field(None, ge=0, le=20)
    stream_options: StreamOptions | None = None

    def prompts(self) -> list[str | tuple[int, ...]]:
        """Each prompt as often as answers to it are wanted. Raises InvalidRequest."""
        given = self.prompt
        if isinstance(given, str):
            each: list[str | tuple[int, ...]] = [given]
        elif given and isinstance(given[0], int):
            each = [tuple(given)]
        else:
            each = [one if isinstance(one, str) else tuple(one) for one in given]  # type: ignore[arg-type]
        wanted = [prompt for prompt in each for _ in range(self.n or 1)]
        if not wanted or len(wanted) > _MOST:
            raise InvalidRequest(
                f"{len(wanted)} answers are asked for; 1 to {_MOST} are possible.", param="prompt"
            )
        return wanted


class FimBody(Asked):
    """The body of POST /v1/fim/completions."""

    prompt: str
    suffix: str | None = None
    max_tokens: int | None = Field(None, ge=0)


class InfillExtra(Loose):
    """Another file that helps."""

    filename: str = "file"
    text: str = ""


class NativeBody(Asked):
    """The body of POST /completion."""

    prompt: str | list[int]
    n_predict: int | None = None


class InfillBody(Asked):
    """The body of POST /infill. `prompt` is text that follows the prefix."""

    input_prefix: str = ""
    input_suffix: str = ""
    input_extra: list[InfillExtra] | None = None
    prompt: str | None = None
    n_predict: int | None = None


def routes(front: Front) -> APIRouter:
    """The routes, with and without /v1."""
    router = APIRouter()

    def answer(
        asked: Sequence[Completion], model: str | None, wire: Wire[Numbered], stream: bool | None
    ) -> AnswerResponse[Numbered]:
        front.check_name(model)
        front.status()
        completer = front.completer
        return AnswerResponse(
            lambda: front.metrics.text(run(completer, asked)), wire, stream=bool(stream)
        )

    @router.post("/v1/completions", response_model=None)
    @router.post("/completions", response_model=None)
    async def completions(body: CompletionBody) -> AnswerResponse[Numbered]:
        limit = _DEFAULT_TOKENS if body.max_tokens is None else body.max_tokens
        prompts = body.prompts()
        echoes = await _echoes(front, prompts) if body.echo else [""] * len(prompts)
        options = body.stream_options
        wire = TextWire(
            f"cmpl-{uuid.uuid4().hex}",
            body.model or "local-swarm",
            echoes,
            include_usage=bool(options and options.include_usage),
        )
        sampling = body.sampling()
        asked = [
            Completion(
                prompt=prompt if body.suffix is None else await _text(front, prompt),
                suffix=body.suffix,
                max_tokens=max(1, limit),
                top=body.logprobs,
                sampling=_seeded(sampling, at % (body.n or 1)),
            )
            for at, prompt in enumerate(prompts)
        ]
        return answer(asked, body.model, wire, body.stream)

    @router.post("/v1/fim/completions", response_model=None)
    @router.post("/fim/completions", response_model=None)
    async def fim(body: FimBody) -> AnswerResponse[Numbered]:
        wire = FimWire(f"cmpl-{uuid.uuid4().hex}", body.model or "local-swarm", [""])
        limit = body.max_tokens or _INFILL_TOKENS
        asked = Completion(body.prompt, body.suffix, (), limit, None, body.sampling())
        return answer([asked], body.model, wire, body.stream)

    @router.post("/completion", response_model=None)
    async def native(body: NativeBody) -> AnswerResponse[Numbered]:
        prompt = body.prompt if isinstance(body.prompt, str) else tuple(body.prompt)
        asked = Completion(prompt, None, (), _limit(body.n_predict), None, body.sampling())
        return answer([asked], body.model, PlainWire(), body.stream)

    @router.post("/infill", response_model=None)
    async def infill(body: InfillBody) -> AnswerResponse[Numbered]:
        files = tuple((extra.filename, extra.text) for extra in body.input_extra or ())
        asked = Completion(
            prompt=body.input_prefix + (body.prompt or ""),
            suffix=body.input_suffix,
            files=files,
            max_tokens=_limit(body.n_predict),
            sampling=body.sampling(),
        )
        return answer([asked], body.model, PlainWire(), body.stream)

    return router


async def run(completer: Completer, asked: Sequence[Completion]) -> AsyncIterator[Numbered]:
    """The parts of all answers, one after the other: each finds its prompt's beginning cached."""
    for at, completion in enumerate(asked):
        async with aclosing(completer.complete(completion)) as parts:  # type: ignore[type-var]
            async for part in parts:
                yield Numbered(at, part, last=part.finish is not None and at == len(asked) - 1)


async def _echoes(front: Front, prompts: Sequence[str | tuple[int, ...]]) -> list[str]:
    return [await _text(front, prompt) for prompt in prompts]


async def _text(front: Front, prompt: str | tuple[int, ...]) -> str:
    return prompt if isinstance(prompt, str) else await front.tokenizer.detokenize(prompt)


def _seeded(sampling: dict[str, Any], at: int) -> dict[str, Any]:
    """The n answers to one prompt differ also where the caller gave a seed."""
    seed = sampling.get("seed")
    return {**sampling, "seed": (seed + at) % (1 << 32)} if isinstance(seed, int) else sampling


def _limit(wanted: int | None) -> int:
    return wanted if wanted is not None and wanted > 0 else _INFILL_TOKENS


def _id(token: str) -> int:
    try:
        return int(token)
    except ValueError:
        raise InvalidRequest("logit_bias has keys that are no ids.", param="logit_bias") from None
