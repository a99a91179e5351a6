"""The live view of several databases: a line for each, and its sources where there is room."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from wikiembed.cli.panel import END, Panel
from wikiembed.cli.sections import Row
from wikiembed.control.standing import Wait
from wikiembed.control.watch import View
from wikiembed.times import local, now
from wikiembed.words import count

Named = tuple[str, View]
"""A database's name, and what was last seen of it."""


class SeveralPanel:
    """Renders for a terminal of `width` × `height`; `plain`: with ASCII characters only."""

    def __init__(self, *, width: int, height: int, plain: bool) -> None:
        self._height = height
        self._panel = Panel(width=width, height=height, plain=plain)

    def draw(self, views: Sequence[Named]) -> Text:
        """Every database, in lines truncated to the width and the height.

        First come those that do not answer, then those that are not ready.
        """
        lost = sum(view.why is not None for _, view in views)
        head = Text(f"wikiembed  {local(now())}  ", style="bold")
        head.append(count(len(views), "database"), style="not bold")
        if lost:
            head.append(f", {lost:,} without an answer", style="bold red")
        # Of the height, the head, the end, two blank lines and the last row are not for databases.
        room = max(self._height - 5, 1)
        whole = [sum_of(name, view) for name, view in views]
        losses = [line for name, view in views for line in self._loss(name, view)][: room // 2]
        answered = [row for row, (_, view) in zip(whole, views, strict=True) if row["seen"]]
        room -= len(losses)
        body = list(self._panel.sources(answered, max(room, 1), in_full=False, noun="database"))
        left = room - len(body)
        for name, view in views:
            rows = view.snapshot.state["coverage"]
            if len(rows) < 2 or left < len(rows) + 2:
                continue
            body += [Text(), Text(name, style="bold")]
            body += self._panel.sources(rows, len(rows), in_full=False)
            left -= len(rows) + 2
        end = Text(END, style="dim")
        return self._panel.fitted([head, Text(), *losses, *body, Text(), end])

    def _loss(self, name: str, view: View) -> list[Text]:
        return [Text(f"{name}: {line.plain}", style="bold red") for line in self._panel.loss(view)][
            :1
        ]


def sum_of(name: str, view: View) -> Row:
    """A database as one row, as of a source: the sums of its sources' rows."""
    rows = view.snapshot.state["coverage"]
    total, embedded, missing, failed, skipped = (
        sum(row[column] for row in rows)
        for column in ("total", "embedded", "missing", "failed", "skipped")
    )
    known, rate = total - skipped, float(sum(row["chunks_per_s"] for row in rows))
    waiting = sum(row.get("documents_waiting", 0) for row in rows)
    expected = [row.get("chunks_expected", row["total"] - row["skipped"]) for row in rows]
    waits = _waits(rows)
    etas = [row["eta_s"] for row in rows if row["eta_s"]]
    return {
        "source": name,
        "seen": bool(rows) or view.why is None,
        "total": total,
        "embedded": embedded,
        "missing": missing,
        "failed": failed,
        "skipped": skipped,
        # Rounded down: 100 % means that nothing is missing.
        "coverage_pct": math.floor(10_000 * embedded / known) / 100 if known else None,
        "chunks_per_s": rate,
        "eta_s": max(etas, default=None),
        "paused": waits == "resume",
        "ready": all(row["ready"] or row.get("unused", False) for row in rows),
        "waits_for": waits,
        "documents_waiting": waiting,
        "chunks_expected": None if None in expected else sum(expected),
    }


def _waits(rows: Sequence[Row]) -> Wait | None:
    """What all sources with work left wait for; None if one of them waits for nothing."""
    waits = {
        row.get("waits_for")
        for row in rows
        if row["missing"] > row["failed"] or row.get("documents_waiting")
    }
    return waits.pop() if len(waits) == 1 else None
