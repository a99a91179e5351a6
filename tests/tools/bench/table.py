"""The benchmark's result as a table, JSON and plots."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.tools.bench.result import Measured

SIGN = {"more": "≥", "less": "≤"}
REACHED = {True: "yes", False: "no", None: "–"}


def line_of(measured: Measured) -> tuple[str, str, str, str, str]:
    """One row: name, what, value, goal, and whether the goal is reached."""
    goal = "–" if measured.goal is None else f"{SIGN[measured.better]} {measured.goal:g}"
    return (
        measured.row,
        measured.what,
        f"{_number(measured.value)} {measured.unit}",
        goal,
        REACHED[measured.reached],
    )


def _number(value: float) -> str:
    """Three significant digits; large numbers as integers."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def show(results: Sequence[Measured]) -> None:
    """Print the table."""
    table = Table(title="wikiembed benchmark: ratios within one run")
    for name in ("row", "what", "measured", "goal", "reached"):
        table.add_column(name, overflow="fold")
    for measured in results:
        table.add_row(*line_of(measured), style="yellow" if measured.reached is False else None)
    Console(width=130 if not Console().is_terminal else None).print(table)


def markdown(results: Sequence[Measured]) -> str:
    """The table for docs/reference/performance.md."""
    lines = ["| row | what | measured | goal | reached |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(line_of(measured)) + " |" for measured in results]
    return "\n".join(lines) + "\n"


def save(results: Sequence[Measured], path: Path, *, form: str) -> None:
    """Write JSON: the machine's kind, the form, and all rows with their details."""
    path.write_text(
        json.dumps(
            {
                "form": form,
                "python": platform.python_version(),
                "system": f"{platform.system()} {platform.machine()}",
                "rows": [measured.as_json() for measured in results],
            },
            indent=1,
        )
        + "\n"
    )


def _margin(measured: Measured, goal: float) -> float:
    """The factor by which it is better than its goal; less than 1: not reached."""
    if measured.better == "more":
        return measured.value / goal
    return goal / max(measured.value, 1e-9)


def plot(results: Sequence[Measured], folder: Path) -> list[Path]:
    """Draw each row's value over its goal, and the repeated measurements, as PNG files.

    Raises: ImportError without the extra `bench`.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    shown = [(m.row, _margin(m, m.goal), m.reached) for m in results if m.goal]
    figure, axes = plt.subplots(figsize=(9, 0.4 * len(shown) + 1.5), layout="constrained")
    colours = ["tab:green" if reached else "tab:orange" for _, _, reached in shown]
    axes.barh(
        [row for row, _, _ in shown], [min(margin, 10) for _, margin, _ in shown], color=colours
    )
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("times better than the goal, cut at 10; left of the line: not reached")
    summary = folder / "goals.png"
    figure.savefig(summary, dpi=120)
    plt.close(figure)
    drawn = [summary]
    for measured in results:
        series = {k: v for k, v in measured.detail.items() if isinstance(v, list) and len(v) > 2}
        if not series:
            continue
        figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
        for name, values in series.items():
            axes.plot(range(1, len(values) + 1), values, marker="o", label=name)
        axes.set_title(measured.row)
        axes.set_xlabel("measurement")
        axes.set_ylim(bottom=0)
        axes.legend()
        path = folder / f"{measured.row.replace(' ', '-').replace(',', '')}.png"
        figure.savefig(path, dpi=120)
        plt.close(figure)
        drawn.append(path)
    return drawn
