"""Which settings of git do nothing but describe: every other one may name a program to run.

git-config(1) has hundreds, and new ones come; so these are named, and not the dangerous ones.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

_HARMLESS = (
    "core.repositoryformatversion", "core.filemode", "core.bare", "core.logallrefupdates",
    "core.ignorecase", "core.precomposeunicode", "core.symlinks", "core.autocrlf", "core.eol",
    "core.safecrlf", "core.quotepath", "core.abbrev", "user.name", "user.email", "author.name",
    "author.email", "committer.name", "committer.email", "init.defaultbranch", "remote.*.url",
    "remote.*.pushurl", "remote.*.fetch", "remote.*.prune", "remote.*.tagopt", "branch.*.remote",
    "branch.*.merge", "branch.*.rebase", "branch.*.description", "pull.rebase", "pull.ff",
    "push.default", "push.autosetupremote", "merge.ff", "merge.conflictstyle", "rebase.autostash",
    "rebase.autosquash", "commit.gpgsign", "tag.sort", "branch.sort", "color.ui", "gc.auto",
    "submodule.*.url", "submodule.*.active", "extensions.objectformat", "extensions.refstorage",
    "extensions.worktreeconfig",
)  # fmt: skip
_SECTION = re.compile(r'\[\s*([\w.-]+)(?:\s+"((?:[^"\\\n]|\\["\\])*)")?\s*\]')
_SETTING = re.compile(r"([A-Za-z][\w-]*)\s*(?:=\s*([^\\]*))?")
_PROGRAM = re.compile(r'"?\s*(?:ext::|[!|-]|file:.*[;&`$])', re.IGNORECASE)
_OBEYED = re.compile(r"(?:^|[\]\s])(hookspath|path)[ \t]*=([^\n#;]+)", re.IGNORECASE)
Settings = frozenset[tuple[str, str]]


def settings(text: str) -> Settings | None:
    """Pairs of a name (`remote.origin.url`) and its value; None for what is not read strictly."""
    found, section = set(), ""
    for line in text.splitlines():
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            head = _SECTION.fullmatch(line)
            if head is None:
                return None
            section = head[1].lower() + ("" if head[2] is None else f".{head[2]}")
            continue
        setting = _SETTING.fullmatch(line)
        if setting is None or not section:
            return None
        found.add((f"{section}.{setting[1].lower()}", (setting[2] or "").strip()))
    return frozenset(found)


def harmless(before: str, after: str) -> bool:
    """Whether what `after` has and `before` has not names no program and no file."""
    old, new = settings(before), settings(after)
    if new is None:
        return before == after
    return all(_is_harmless(name, value) for name, value in new - (old or frozenset()))


def obeyed(text: str) -> list[tuple[str, str]]:
    """Other files that these settings bring in: (`hooks` or `include`, path).

    More than git reads rather than less: whatever the section, and however odd the rest.
    """
    return [
        ("hooks" if found[1].lower() == "hookspath" else "include", found[2].strip().strip('"'))
        for found in _OBEYED.finditer(text)
    ]


def _is_harmless(name: str, value: str) -> bool:
    if not any(fnmatchcase(name, each) for each in _HARMLESS):
        return False
    return not _PROGRAM.match(value)
