"""The only place that reads the environment, and where files of ours live."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 17600
DEFAULT_PEER_PORT = 17601
DEFAULT_HOST = "127.0.0.1"
DEFAULT_CONTEXT = 4096  # tokens; what is said of a node that does not run


@dataclass(frozen=True, slots=True)
class Settings:
    """Read once, frozen, handed down.

    `data` holds models, `state` logs, `runtime` the file by which commands find the node.
    `port` is LOCAL_SWARM_PORT, `peer_port` LOCAL_SWARM_PEER_PORT, `hub` the address of the model
    hub, `hub_token` its token, `endpoint_key` the key of the first foreign server that is named.
    """

    data: Path
    state: Path
    runtime: Path
    port: int | None
    peer_port: int | None
    hub: str
    hub_token: str | None
    offline: bool
    api_key: str | None
    endpoint_key: str | None = None

    @property
    def models(self) -> Path:
        """The folder of downloaded models."""
        return self.data / "models"

    @property
    def lan(self) -> Path:
        """The folder of this machine's identity and its peers (mode 0700)."""
        return self.data / "lan"

    @property
    def engines(self) -> Path:
        """The folder of engines that have an environment of their own."""
        return self.data / "engines"

    @property
    def nodes(self) -> Path:
        """The folder where each running node leaves address and control token (mode 0600)."""
        return self.runtime / "nodes"


def read() -> Settings:
    """The settings of this process, from the environment. Creates nothing."""
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("local-swarm", appauthor=False)
    home = os.environ.get("LOCAL_SWARM_HOME")
    data = Path(home) if home else Path(dirs.user_data_dir)
    state = data / "state" if home else Path(dirs.user_state_dir)
    runtime = state if home else Path(dirs.user_state_dir)
    return Settings(
        data=data,
        state=state,
        runtime=runtime,
        port=_port("LOCAL_SWARM_PORT"),
        peer_port=_port("LOCAL_SWARM_PEER_PORT"),
        hub=os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/"),
        hub_token=os.environ.get("HF_TOKEN", "").strip() or None,
        offline=os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0"),
        api_key=os.environ.get("LOCAL_SWARM_API_KEY") or None,
        endpoint_key=os.environ.get("LOCAL_SWARM_ENDPOINT_KEY") or None,
    )


def shell_environment() -> dict[str, str]:
    """The environment for commands outside a sandbox: what a shell needs, and nothing else."""
    needed = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE")
    return {name: os.environ[name] for name in needed if name in os.environ}


def editor() -> str:
    """The command of the user's editor, with its flags."""
    usual = "notepad" if os.name == "nt" else "vi"
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or usual


def _port(name: str) -> int | None:
    told = os.environ.get(name, "")
    return int(told) if told.isdecimal() and 0 < int(told) < 65536 else None


def clean_environment() -> dict[str, str]:
    """The environment for an engine process: ours without secrets."""
    secrets = ("HF_TOKEN", "LOCAL_SWARM_API_KEY", "LOCAL_SWARM_ENDPOINT_KEY")
    return {name: value for name, value in os.environ.items() if name not in secrets}
