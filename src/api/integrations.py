"""What other programs need in order to use this node: ready to paste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Request

from .front import Front


@dataclass(frozen=True, slots=True)
class Client:
    """One program: `where` says where `text` belongs, `note` what else to know."""

    id: str
    name: str
    where: str
    text: str
    note: str = ""


def routes(front: Front) -> APIRouter:
    """The snippets, with the address by which the caller reached us."""
    router = APIRouter()

    @router.get("/swarm/integrations")
    async def integrations(request: Request) -> dict[str, Any]:
        url = f"{request.url.scheme}://{request.url.netloc}"
        return {"clients": [asdict(client) for client in clients(url)]}

    return router


def clients(url: str, model: str = "local-swarm") -> Sequence[Client]:
    """Every program we know a configuration for. `url` is the node's, without /v1."""
    return (
        Client(
            "curl", "curl", "in a terminal",
            f"curl {url}/v1/chat/completions -H 'Content-Type: application/json' \\\n"
            f'  -d \'{{"model":"{model}",'
            '"messages":[{"role":"user","content":"What is 17 + 25?"}]}\'',
        ),
        Client(
            "openai-python", "OpenAI for Python", "pip install openai",
            "from openai import OpenAI\n\n"
            f'client = OpenAI(base_url="{url}/v1", api_key="local")\n'
            "answer = client.chat.completions.create(\n"
            f'    model="{model}",\n'
            '    messages=[{"role": "user", "content": "What is 17 + 25?"}],\n'
            ")\n"
            "print(answer.choices[0].message.content)\n"
            'print(answer.swarm["status"])',
        ),
        Client(
            "openai-node", "OpenAI for Node", "npm install openai",
            'import OpenAI from "openai";\n\n'
            f'const client = new OpenAI({{ baseURL: "{url}/v1", apiKey: "local" }});\n'
            "const answer = await client.chat.completions.create({\n"
            f'  model: "{model}",\n'
            '  messages: [{ role: "user", content: "What is 17 + 25?" }],\n'
            "});\n"
            "console.log(answer.choices[0].message.content);",
        ),
    )  # fmt: skip
