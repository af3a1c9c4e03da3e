"""A verdict as a table that people can read."""

from __future__ import annotations

import re
from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..ballot import Group, Verdict

_MEANING = {
    "majority": "more than half agree",
    "plurality": "the most agree, but not half",
    "tie": "two answers are level; confidence decided",
    "no_consensus": "no two agree",
    "no_answer": "nobody gave a valid answer",
    "escalate": "a call that changes something, without a majority",
}

_HASH = re.compile("([0-9a-f]{24,64})?")  # or nothing at all


def explained(verdict: Verdict) -> None:
    """Prints the groups of equal answers, the winner's first, and how the vote went."""
    out = Console(highlight=False)
    weighted = verdict.measured or any(g.weight != g.votes for g in verdict.groups)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("votes", justify="right")
    if weighted:
        table.add_column("weight", justify="right")
    models = _models(verdict)
    mixed = len({model for counts in models.values() for model in counts}) > 1
    if mixed:
        table.add_column("by")
    table.add_column("sure", justify="right")
    table.add_column("answer", overflow="fold")
    table.add_column("said", overflow="fold")
    for at, group in enumerate(verdict.groups):
        cells = [f"{group.votes}{' *' if at == 0 else '  '}"]
        cells += [f"{group.weight:.2f}"] if weighted else []
        if mixed:
            said_by = models[group.key].items()
            cells.append(escape(", ".join(f"{count} {model}" for model, count in said_by)))
        cells.append("" if group.confidence is None else f"{group.confidence:.2f}")
        table.add_row(*cells, escape(_answer(group)), escape(_cut(group.text, 100)))
    out.print()
    out.print(table)
    out.print(*_lines(verdict), sep="\n")


def _models(verdict: Verdict) -> dict[str, Counter[str]]:
    """How many ballots of which models each group has."""
    found: dict[str, Counter[str]] = {group.key: Counter() for group in verdict.groups}
    for at, key in verdict.keys.items():
        if key in found:
            found[key][verdict.ballots[at].model] += 1
    return found


def _answer(group: Group) -> str:
    kind, _, key = group.key.partition(":")
    if (kind in ("text", "code", "json") and len(key) > 32) or _HASH.fullmatch(key):
        return "(text)" if kind == "short" else f"({kind})"
    return _cut(key, 48)


def _cut(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def _lines(verdict: Verdict) -> list[str]:
    said = [
        f"{verdict.status.value}: {_MEANING[verdict.status.value]}; "
        f"{verdict.share:.0%} of the valid votes"
        f"{'' if verdict.confidence is None else f', confidence {verdict.confidence:.2f}'}",
        f"compared as {verdict.kind or 'text'}, strategy {verdict.strategy}, "
        f"{'weights by measured accuracy' if verdict.measured else 'equal weights'}"
        f"{', put together field by field' if verdict.assembled else ''}",
        f"{verdict.cast} of {verdict.asked} seats answered, {verdict.cancelled} stopped early, "
        f"{verdict.abstained} abstained; {verdict.total_tokens} tokens"
        f"{f' (about {verdict.saved_tokens} saved)' if verdict.saved_tokens else ''}, "
        f"{verdict.seconds:.2f} s",
    ]
    if verdict.machines > 1:
        cast = Counter(ballot.machine for ballot in verdict.ballots)
        told = ", ".join(f"{count} of {machine}" for machine, count in cast.most_common())
        said.append(f"{verdict.machines} machines" + (f": {told}" if told else ""))
    for before, after in zip(verdict.rounds, verdict.rounds[1:], strict=False):
        asked = sum(after.asked.values())
        changed = "the same answer led" if after.winner == before.winner else "the leader changed"
        said.append(
            f"after {before.status.value} ({before.share:.0%}), {asked} more were asked "
            f"({after.name}): {changed}, {after.status.value} ({after.share:.0%})"
        )
    whys = Counter(
        one.why if one.worker.startswith("home") else f"{one.worker}: {one.why}"
        for one in verdict.absent
    )
    said += [f"abstained or absent: {count} ({why})" for why, count in whys.most_common()]
    if verdict.degraded:
        said.append(f"degraded: {verdict.degraded}")
    return [escape(line) for line in said]
