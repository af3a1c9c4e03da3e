"""Files by what their name promises: those that may hold secrets, and those that run unasked."""

from __future__ import annotations

import re
import unicodedata
from fnmatch import fnmatchcase

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

# What programs run or obey without being asked, when somebody later works in the folder.
_RUNS_FOLDERS = frozenset(
    {".vscode", ".idea", ".devcontainer", ".husky", ".githooks", ".github", ".circleci", ".cargo"}
)
_RUNS = (
    ".envrc", ".gitattributes", ".gitconfig", ".gitmodules", ".gitlab-ci.yml", ".npmrc", ".yarnrc*",
    ".pnpmfile*", ".pre-commit-config.yaml", ".lefthook*", "lefthook.y*ml", ".bashrc",
    ".bash_profile", ".profile", ".zshrc", ".zshenv", ".zprofile", ".vimrc", ".exrc", ".nvimrc",
    ".gdbinit", ".lldbinit", ".inputrc", ".mise.toml", "mise.toml", ".tool-versions", "*.pth",
    "sitecustomize.py", "usercustomize.py", ".mcp.json", "*.code-workspace", ".condarc",
    ".rprofile", "*.desktop", "*.plist",
)  # fmt: skip


def secret(path: str, head: bytes = b"") -> bool:
    """Whether a file may hold a secret, by its real path and the first bytes of it."""
    *folders, name = (plain(part) for part in path.split("/"))
    if _PRIVATE_KEY.search(head):
        return True
    if _SECRET_FOLDERS.intersection(folders) or (".git" in folders and name == "config"):
        return True
    if any(fnmatchcase(name, each) for each in _HARMLESS):
        return False
    return any(fnmatchcase(name, each) for each in _SECRETS)


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
    name = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", name).casefold().rstrip(". ").partition(":")[0] or name
