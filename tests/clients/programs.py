"""The programs: where they come from, how they are set up, how one question is put to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Command = Callable[[str], Sequence[str]]  # from the question


@dataclass(frozen=True, slots=True)
class Program:
    """One client.

    `source` is "npm" or "pip" with the `package`. `connect` is its name for `local-swarm connect
    --write`; `setup` a command of its own instead, in which "{url}" stands for the node's address.
    A program that works with files gets the question that asks for one as well. With `demo` it
    runs against the bundled model. `{snippet}` in a command is a file with what `local-swarm
    connect NAME` prints.
    """

    name: str
    source: str
    package: str
    binary: str
    ask: Command
    connect: str | None = None
    setup: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)
    files: bool = True
    demo: bool = False


PROGRAMS = (
    Program(
        "openai-python", "pip", "openai", "python", lambda said: ["python", "{snippet}.py"],
        files=False, demo=True,
    ),
    Program(
        "openai-node", "npm", "openai", "openai", lambda said: ["node", "{snippet}.mjs"],
        files=False, demo=True,
    ),
    Program(
        "llm", "pip", "llm", "llm", lambda said: ["llm", "-m", "local-swarm", said],
        connect="llm", files=False, demo=True,
    ),
    Program(
        "aider", "pip", "aider-chat", "aider",
        lambda said: [
            "aider", "--yes-always", "--no-check-update", "--analytics-disable",
            "--no-auto-commits", "--no-show-model-warnings", "--no-pretty", "--no-detect-urls",
            "--message", said, "hello.txt",
        ],
        connect="aider",
    ),
    Program(
        "opencode", "npm", "opencode-ai", "opencode",
        lambda said: ["opencode", "run", "--auto", said], connect="opencode",
    ),
    Program(
        "Continue (cn)", "npm", "@continuedev/cli", "cn",
        lambda said: ["cn", "-p", "--auto", "--config", "{home}/.continue/config.yaml", said],
        connect="continue",
    ),
    Program(
        "Cline", "npm", "cline", "cline",
        lambda said: ["cline", "-P", "openai", "-m", "local-swarm", "--retries", "1", said],
        setup=["cline", "auth", "-p", "openai", "-k", "local", "-b", "{url}/v1",
               "-m", "local-swarm"],
    ),
    Program(
        "pi", "npm", "@mariozechner/pi-coding-agent", "pi",
        lambda said: ["pi", "-p", "--offline", "--provider", "local-swarm", "--model",
                      "local-swarm", said],
        connect="pi",
    ),
    Program(
        "Codex", "npm", "@openai/codex", "codex",
        lambda said: ["codex", "exec", "--skip-git-repo-check", "-s", "danger-full-access", said],
        connect="codex",
    ),
    Program(
        "Claude Code", "npm", "@anthropic-ai/claude-code", "claude",
        lambda said: ["claude", "-p", said, "--permission-mode", "acceptEdits",
                      "--allowedTools", "Write"],
        connect="claude-code",
        environment={"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"},
    ),
)  # fmt: skip

# Known to `connect`, and why a terminal without a screen cannot try them.
ELSEWHERE = {
    "Zed": "a window is all it has, and that needs a graphics driver (Vulkan)",
    "VS Code": "its chat has no command line, only the window",
    "Open WebUI": "asked through a browser; its package brings gigabytes (PyTorch)",
}
