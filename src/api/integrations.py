"""What other programs need in order to use this node: ready to paste, or to write to a file.

Versions that these were tried with are in docs/clients.md; contexts are in tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Request

from .front import Front

_MODEL, _FAST = "local-swarm", "local-swarm-fast"


@dataclass(frozen=True, slots=True)
class Client:
    """One program: `where` says where `text` belongs, `note` what else to know. `file` is the
    path of its configuration in the home folder, None where there is none to write."""

    id: str
    name: str
    where: str
    text: str
    note: str = ""
    file: str | None = None


def routes(front: Front) -> APIRouter:
    """The snippets, with the address by which the caller reached us."""
    router = APIRouter()

    @router.get("/swarm/integrations")
    async def integrations(request: Request) -> dict[str, Any]:
        url = f"{request.url.scheme}://{request.url.netloc}"
        found = clients(url, front.source.status(memory=False).context)
        return {"clients": [asdict(client) for client in found]}

    return router


def clients(url: str, context: int, key: str = "local") -> Sequence[Client]:
    """Every program we know a configuration for. `url` is the node's, without /v1."""
    return (*_libraries(url, key), *_terminal(url, context, key), *_editors(url, context, key))


def _libraries(url: str, key: str) -> tuple[Client, ...]:
    auth = f" -H 'Authorization: Bearer {key}'" if key != "local" else ""
    return (
        Client(
            "curl", "curl", "in a terminal",
            f"curl {url}/v1/chat/completions -H 'Content-Type: application/json'{auth} \\\n"
            f'  -d \'{{"model":"{_MODEL}",'
            '"messages":[{"role":"user","content":"What is 17 + 25?"}]}\'\n',
        ),
        Client(
            "openai-python", "OpenAI for Python", "pip install openai",
            "from openai import OpenAI\n\n"
            f'client = OpenAI(base_url="{url}/v1", api_key="{key}")\n'
            "answer = client.chat.completions.create(\n"
            f'    model="{_MODEL}",\n'
            '    messages=[{"role": "user", "content": "What is 17 + 25?"}],\n'
            ")\n"
            "print(answer.choices[0].message.content)\n"
            'print(answer.swarm["status"])\n',
        ),
        Client(
            "openai-node", "OpenAI for Node", "npm install openai",
            'import OpenAI from "openai";\n\n'
            f'const client = new OpenAI({{ baseURL: "{url}/v1", apiKey: "{key}" }});\n'
            "const answer = await client.chat.completions.create({\n"
            f'  model: "{_MODEL}",\n'
            '  messages: [{ role: "user", content: "What is 17 + 25?" }],\n'
            "});\n"
            "console.log(answer.choices[0].message.content);\n",
        ),
    )  # fmt: skip


def _terminal(url: str, context: int, key: str) -> tuple[Client, ...]:
    small = (
        f"Its first request is far longer than this node's context of {context} tokens: give a "
        "model with a larger one."
    )
    return (
        Client(
            "llm", "llm", "extra-openai-models.yaml in the folder of `llm logs path`",
            f"- model_id: {_MODEL}\n  model_name: {_MODEL}\n  api_base: {url}/v1\n"
            "  can_stream: true\n  supports_tools: true\n"
            + ("  api_key_name: local-swarm\n" if key != "local" else ""),
            f"Then: llm -m {_MODEL} 'What is 17 + 25?'"
            + (" (the key: llm keys set local-swarm)" if key != "local" else ""),
            ".config/io.datasette.llm/extra-openai-models.yaml",
        ),
        Client(
            "aider", "aider", "~/.aider.conf.yml",
            f"model: openai/{_MODEL}\nopenai-api-base: {url}/v1\nopenai-api-key: {key}\n"
            f"weak-model: openai/{_FAST}\n",
            "aider asks with temperature 0, where all seats would say the same and one answers; "
            "use-temperature: false in this file lets the swarm vote.",
            ".aider.conf.yml",
        ),
        Client(
            "opencode", "opencode", "~/.config/opencode/opencode.json",
            _json({
                "$schema": "https://opencode.ai/config.json",
                "provider": {
                    "local-swarm": {
                        "npm": "@ai-sdk/openai-compatible",
                        "name": "Local Swarm",
                        "options": {"baseURL": f"{url}/v1", "apiKey": key},
                        "models": {
                            _MODEL: {
                                "name": "Local Swarm",
                                "limit": {"context": context, "output": max(256, context // 4)},
                            },
                            _FAST: {"name": "Local Swarm, one seat"},
                        },
                    }
                },
                "model": f"local-swarm/{_MODEL}",
                "small_model": f"local-swarm/{_FAST}",
            }),
            small if context < 12000 else "", ".config/opencode/opencode.json",
        ),
        Client(
            "pi", "pi", "~/.pi/agent/models.json",
            _json({
                "providers": {
                    "local-swarm": {
                        "baseUrl": f"{url}/v1",
                        "api": "openai-completions",
                        "apiKey": key,
                        "models": [{"id": _MODEL, "contextWindow": context}, {"id": _FAST}],
                    }
                }
            }),
            "Then: pi --provider local-swarm --model local-swarm",
            ".pi/agent/models.json",
        ),
        Client(
            "codex", "Codex", "~/.codex/config.toml",
            f'model = "{_MODEL}"\nmodel_provider = "local-swarm"\n\n'
            '[model_providers.local-swarm]\nname = "Local Swarm"\n'
            f'base_url = "{url}/v1"\nwire_api = "responses"\n'
            + ('env_key = "LOCAL_SWARM_API_KEY"\n' if key != "local" else ""),
            " ".join([
                *(["It takes the key from LOCAL_SWARM_API_KEY."] if key != "local" else []),
                *([small] if context < 14000 else []),
            ]),
            ".codex/config.toml",
        ),
        Client(
            "claude-code", "Claude Code", "~/.claude/settings.json",
            _json({
                "env": {
                    "ANTHROPIC_BASE_URL": url,
                    "ANTHROPIC_AUTH_TOKEN": key,
                    "ANTHROPIC_MODEL": _MODEL,
                    "ANTHROPIC_SMALL_FAST_MODEL": _FAST,
                }
            }),
            small if context < 24000 else "", ".claude/settings.json",
        ),
    )  # fmt: skip


def _editors(url: str, context: int, key: str) -> tuple[Client, ...]:
    return (
        Client(
            "continue", "Continue", "~/.continue/config.yaml",
            "name: Local Swarm\nversion: 0.0.1\nschema: v1\nmodels:\n"
            f"  - name: Local Swarm\n    provider: openai\n    model: {_MODEL}\n"
            f"    apiBase: {url}/v1\n    apiKey: {key}\n    roles: [chat, edit, apply]\n"
            f"  - name: Local Swarm autocomplete\n    provider: openai\n    model: {_FAST}\n"
            f"    apiBase: {url}/v1\n    apiKey: {key}\n    roles: [autocomplete]\n",
            "Autocomplete needs a model that was trained to fill gaps.",
            ".continue/config.yaml",
        ),
        Client(
            "cline", "Cline", "in its settings: API provider `OpenAI Compatible`",
            f"Base URL: {url}/v1\nAPI key: {key}\nModel ID: {_MODEL}\n"
            f"Context window: {context}\n",
        ),
        Client(
            "zed", "Zed", "in settings.json",
            _json({
                "language_models": {
                    "openai_compatible": {
                        "Local Swarm": {
                            "api_url": f"{url}/v1",
                            "available_models": [{
                                "name": _MODEL,
                                "display_name": "Local Swarm",
                                "max_tokens": context,
                                "capabilities": {
                                    "tools": True,
                                    "images": False,
                                    "parallel_tool_calls": True,
                                    "prompt_cache_key": False,
                                },
                            }],
                        }
                    }
                }
            }),
            f"Zed wants a key, and takes it from LOCAL_SWARM_API_KEY: {key}",
            ".config/zed/settings.json",
        ),
        Client(
            "vscode", "VS Code", "in chatLanguageModels.json, which opens at the end of `Chat: "
            "Manage Language Models`, Add Models, Custom Endpoint (VS Code 1.122 and later)",
            _json([{
                "name": "Local Swarm",
                "vendor": "customendpoint",
                "apiKey": key,
                "apiType": "chat-completions",
                "models": [
                    {
                        "id": model,
                        "name": name,
                        "url": f"{url}/v1/chat/completions",
                        "toolCalling": True,
                        "vision": False,
                        "maxInputTokens": context - max(256, context // 4),
                        "maxOutputTokens": max(256, context // 4),
                    }
                    for model, name in ((_MODEL, "Local Swarm"), (_FAST, "Local Swarm, one seat"))
                ],
            }]),
            "It needs no GitHub account. For titles and commit messages choose the one seat as "
            "chat.utilitySmallModel.",
        ),
        Client(
            "open-webui", "Open WebUI", "in the environment that starts it",
            f"OPENAI_API_BASE_URL={url}/v1\nOPENAI_API_KEY={key}\nENABLE_OLLAMA_API=false\n",
            "It reads these at its first start only; later they are in its settings under "
            "Connections. In a container it needs --network=host: this node answers to loopback.",
        ),
    )  # fmt: skip


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
