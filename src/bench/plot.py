"""The curve of a measured vote, in the terminal and as PNG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import UsageError

_WIDTH = 50


def bars(found: Mapping[str, Any]) -> Iterator[str]:
    """A bar a line, 0 to 100 %, with the 95 % interval drawn at its end."""
    rows = {"greedy": found["greedy"], "one sample": found["one sample"]}
    rows |= {f"vote of {size}": value for size, value in found["votes"].items()}
    for name, (mean, low, high) in rows.items():
        cells = [" "] * (_WIDTH + 1)
        for at in range(_place(mean)):
            cells[at] = "█"
        for at in range(_place(low), _place(high) + 1):
            cells[at] = "▓" if at < _place(mean) else "─"
        yield f"{name:12}{''.join(cells).rstrip():{_WIDTH + 1}} {mean:5.1f} %"


def _place(percent: float) -> int:
    return round(percent / 100 * _WIDTH)


def need_matplotlib() -> None:
    """Raises UsageError where it is not installed."""
    if find_spec("matplotlib") is None:
        raise UsageError(
            "A PNG needs matplotlib, which is not installed.",
            hint="Install it: pip install 'local-swarm[plot]', or leave --plot out.",
        )


def write_png(path: Path, result: Mapping[str, Any]) -> None:
    """Accuracy by number of votes, a line a family, the greedy answer dashed. Raises UsageError,
    and OSError where the file cannot be written."""
    need_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    families = result["families"] if len(result["families"]) > 1 else {}
    for at, (name, found) in enumerate({**families, "all": result["all"]}.items()):
        curve = {1: found["one sample"]} | {int(n): value for n, value in found["votes"].items()}
        sizes, means = list(curve), [value[0] for value in curve.values()]
        below = [value[0] - value[1] for value in curve.values()]
        above = [value[2] - value[0] for value in curve.values()]
        colour, width = f"C{at}", 2.5 if name == "all" else 1.2
        axes.errorbar(
            sizes, means, yerr=[below, above], label=name, color=colour, capsize=3, linewidth=width
        )
        axes.axhline(found["greedy"][0], color=colour, linestyle="--", linewidth=width / 2)
    axes.set_xlabel("votes (dashed: one greedy answer)")
    axes.set_ylabel("right, %")
    axes.set_title(f"{result['model']}, {result['all']['questions']} questions")
    axes.set_xticks([1, *(int(n) for n in result["all"]["votes"])])
    axes.legend()
    figure.savefig(path, format="png", dpi=150)
