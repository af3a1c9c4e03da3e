"""Files by what their name promises: those that may hold secrets, and those that run unasked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase, translate

_SECRET_FOLDERS = frozenset({".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".gcloud"})
_SECRETS = (
    ".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".npmrc",
    ".pypirc", ".git-credentials", ".htpasswd", ".vault-token", ".boto", ".s3cfg", ".dockercfg",
    "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.asc", "*.gpg",
    "*.ovpn", "*.ppk", "*.tfstate", "*.tfvars", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
    "credentials", "credentials.*", "*credentials*.json", "secret", "secret.*", "secrets",
    "secrets.*", "*_secret", "*_secret.*", "*-secret.*", "*service[-_]account*.json", "kubeconfig",
    "*.kubeconfig", "token", "token.*", "*_token", "*.token", "passwords.*", "passwd", "shadow",
    "*.secret", "*.secrets", "*_history", "master.key", "wallet.dat",
)  # fmt: skip
_HARMLESS = ("*.example", "*.sample", "*.template", "*.dist", "*.defaults", "*.pub", "*.example.*")
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")
# What editors and people put around a name when they keep the old file.
_KEPT = re.compile(r"#?(.+?)(?:~|#|\.(?:bak|backup|old|orig|save|sw[op]|tmp))+")
_KEEPS = ("~", "#", ".bak", ".backup", ".old", ".orig", ".save", ".swo", ".swp", ".tmp")
# Programs, which a command must be able to run, whatever they are called.
_CODE = re.compile(
    r"(?:token|credentials)\.(?:.*\.)?(?:py[ci]?|[cm]?[jt]sx?|go|rs|java|kt|[ch](?:pp|c|xx)?|rb|php|cs"
    r"|swift|scala|ex|hs|ml|d\.ts|map|md|rst|html)"
)

# What programs run or obey without being asked, when somebody later works in the folder.
_RUNS_FOLDERS = frozenset(
    {".vscode", ".idea", ".devcontainer", ".husky", ".githooks", ".github", ".circleci", ".cargo",
     ".cursor", ".claude", ".gemini", ".codex", ".zed", ".continue"}
)  # fmt: skip
_RUNS = (
    ".envrc", ".gitattributes", ".gitconfig", ".gitmodules", ".gitlab-ci.yml", ".npmrc", ".yarnrc*",
    ".pnpmfile*", ".pre-commit-config.yaml", ".lefthook*", "lefthook.y*ml", ".bashrc",
    ".bash_profile", ".profile", ".zshrc", ".zshenv", ".zprofile", ".vimrc", ".exrc", ".nvimrc",
    ".gdbinit", ".lldbinit", ".inputrc", ".mise.toml", "mise.toml", ".tool-versions", "*.pth",
    "sitecustomize.py", "usercustomize.py", ".mcp.json", "mcp.json", "*.code-workspace", ".condarc",
    ".rprofile", "*.desktop", "*.plist",
)  # fmt: skip


def _any_of(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name fits one of `patterns`: most are endings, which are looked at in one go."""
    endings = tuple(each[1:] for each in patterns if re.fullmatch(r"\*[\w.-]+", each))
    others = [translate(each) for each in patterns if each[1:] not in endings]
    matches = re.compile("|".join(others) or r"(?!)").match
    return lambda name: name.endswith(endings) or matches(name) is not None


_IS_SECRET, _IS_HARMLESS = _any_of(_SECRETS), _any_of(_HARMLESS)


def secret(path: str, head: bytes = b"") -> bool:
    """Whether a file may hold a secret, by its real path and the first bytes of it."""
    *folders, name = (plain(part) for part in path.split("/"))
    if private_key(head):
        return True
    if _SECRET_FOLDERS.intersection(folders) or (".git" in folders and name == "config"):
        return True
    return _named(name)


def secret_name(name: str) -> bool:
    """Whether a file by its own name may hold secrets, and is no program."""
    name = plain(name)
    return _named(name) and not _CODE.fullmatch(name)


def secret_folder(name: str) -> bool:
    """Whether a folder by its own name holds keys."""
    return plain(name) in _SECRET_FOLDERS


def private_key(head: bytes) -> bool:
    """Whether these are the first bytes of a file with a private key."""
    return _PRIVATE_KEY.search(head) is not None


def _named(name: str) -> bool:
    kept = _KEPT.fullmatch(name) if name.endswith(_KEEPS) else None
    names = (name, kept[1]) if kept else (name,)
    return any(_IS_SECRET(each) and not _IS_HARMLESS(each) for each in names)


def runs_unasked(path: str) -> bool:
    """Whether some program runs or obeys this file without being asked."""
    *folders, name = (plain(part) for part in path.split("/"))
    if _RUNS_FOLDERS.intersection(folders):
        return True
    return any(fnmatchcase(name, each.casefold()) for each in _RUNS)


def of_git(path: str) -> bool:
    """Whether a path is inside a repository's own folder, `.git`, however it is spelled."""
    parts = [plain(part) for part in path.split("/")]
    return any(part == ".git" or re.fullmatch(r"git~\d+", part) for part in parts)


def plain(name: str) -> str:
    """A name as file systems compare it that look at neither case nor invisible characters."""
    if name.isascii() and name.isprintable():
        return name.lower().rstrip(". ").partition(":")[0] or name
    name = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", name).casefold().rstrip(". ").partition(":")[0] or name
