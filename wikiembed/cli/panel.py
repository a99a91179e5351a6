"""The live view: lines of text that fit a terminal, drawn from one snapshot."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from wikiembed.cli.console import count, duration, percent
from wikiembed.control.standing import time_left_of
from wikiembed.control.watch import View
from wikiembed.times import local

Row = Mapping[str, Any]
BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = ".:-=+*%#"
FULL, EMPTY = "█", "░"
PLAIN_FULL, PLAIN_EMPTY = "#", "."
LONGEST_NAME = 32
LABEL_WIDTH = 11
LONGEST = 3
MOST_CLASSES = 5


class Panel:
    """Draws for a terminal of `width` × `height`; `plain`: without characters beyond ASCII."""

    def __init__(self, *, width: int, height: int, plain: bool) -> None:
        self._width = width
        self._height = height
        self._plain = plain

    def draw(self, view: View) -> Text:
        """The whole view, in lines that are cut to the width and the height."""
        state = view.snapshot.state
        head = [Text(f"wikiembed  {local(view.snapshot.at)}", style="bold")]
        head += list(self._loss(view))
        foot = [
            Text(),
            self._throughput(view.snapshot.throughput),
            *self._queue(state),
            *self._paused(state["pauses"]),
            *self._servers(state),
            *self._failures(state["failures"]),
        ]
        end = Text("Ctrl-C ends this view; workers go on.", style="dim")
        # Sources give way first, then failures by class.
        room = self._height - len(head) - len(foot) - 4
        sources = self._sources(state["coverage"], max(room, 3 * min(len(state["coverage"]), 2)))
        lines = [*head, Text(), *sources, *foot]
        lines = [*lines[: max(self._height - 3, 1)], Text(), end]
        for line in lines:
            line.no_wrap = True
            line.truncate(self._width, overflow="ellipsis")
            if self._plain:
                line.plain = line.plain.replace("…", ".").encode("ascii", "replace").decode()
        return Text("\n").join(lines)

    def _loss(self, view: View) -> Iterator[Text]:
        if view.why is not None:
            said = f"No news for {duration(view.lost_s)}, trying on: {view.why}"
            yield from self._wrapped("", said, "bold red", indent=0)

    def _sources(self, rows: Sequence[Row], room: int) -> Iterator[Text]:
        """Two lines a source; those that are not ready first, the rest counted."""
        if not rows:
            yield Text("No source is attached: wikiembed attach")
            return
        ordered = sorted(rows, key=lambda row: (row["ready"], row["source"]))
        width = min(max(len(row["source"]) for row in rows), LONGEST_NAME, self._width // 2)
        fit = len(ordered) if 2 * len(ordered) <= room else max((room - 1) // 2, 1)
        for row in ordered[:fit]:
            yield from self._source(row, max(width, LABEL_WIDTH - 1))
        if hidden := ordered[fit:]:
            ready = sum(row["ready"] for row in hidden)
            yield Text(
                f"… and {count(len(hidden), 'source')} more, {ready:,} ready: wikiembed status"
            )

    def _source(self, row: Row, name_width: int) -> Iterator[Text]:
        name = row["source"]
        if len(name) > name_width:
            name = name[: name_width - 1] + "…"
        done = row["coverage_pct"]
        width = max(self._width - name_width - 12, 10)
        filled = int(width * (done or 0) / 100)
        full, empty = (PLAIN_FULL, PLAIN_EMPTY) if self._plain else (FULL, EMPTY)
        line = Text(f"{name:<{name_width}} ")
        line.append(full * filled, style="green" if row["ready"] else "cyan")
        line.append(empty * (width - filled), style="dim")
        line.append(f" {percent(done):>10}")
        yield line
        parts = [f"{row['embedded']:,} of {row['total'] - row['skipped']:,}"]
        if row["ready"]:
            parts.append("ready")
        else:
            if not row["paused"]:
                parts.append(f"{row['chunks_per_s']:,.1f}/s")
            parts += filter(None, [time_left_of(row)])
        if row["failed"]:
            parts.append(f"{row['failed']:,} failed")
        if row["skipped"]:
            parts.append(f"{row['skipped']:,} skipped")
        yield Text(f"{'':<{name_width}} {self._dots(parts)}")

    def _dots(self, parts: Sequence[str]) -> str:
        return (", " if self._plain else " · ").join(parts)

    def _wrapped(
        self, word: str, text: str, style: str, *, indent: int = LABEL_WIDTH
    ) -> Iterator[Text]:
        """A sentence in as many lines as `LONGEST` allows, beside its label."""
        lines = textwrap.wrap(
            text, max(self._width - indent, 20), max_lines=LONGEST, placeholder=" ..."
        )
        for number, line in enumerate(lines):
            label = Text(f"{word if number == 0 else '':<{indent}}", style="bold")
            yield label.append(line, style=style)

    def _paused(self, rows: Sequence[Row]) -> Iterator[Text]:
        for row in rows:
            why = f": {row['pause_reason']}" if row["pause_reason"] else ""
            until = f" until {local(row['resume_at'])}" if row["resume_at"] else ""
            said = f"{row['source']} by {row['paused_by']}{until}{why}"
            yield from self._wrapped("paused", said, "bold yellow")

    def _label(self, word: str, text: str, style: str = "") -> Text:
        line = Text(f"{word:<{LABEL_WIDTH}}", style="bold")
        return line.append(text, style=style or "not bold")

    def _throughput(self, minutes: Sequence[int]) -> Text:
        """One character a minute, the present one last."""
        most = max(minutes, default=0)
        tail = f" up to {most:,} a minute, last hour" if most else " nothing in the last hour"
        shown = minutes[-max(self._width - LABEL_WIDTH - len(tail), 10) :]
        blocks = PLAIN_BLOCKS if self._plain else BLOCKS
        bars = "".join(
            blocks[min(7, (8 * n - 1) // most)] if n else " " if most else "" for n in shown
        )
        return self._label("throughput", bars, "cyan").append(tail, style="not bold")

    def _queue(self, state: Mapping[str, Sequence[Row]]) -> Iterator[Text]:
        todo, doing, later = (
            sum(row[name] for row in state["queue"])
            for name in ("todo", "doing", "scheduled_later")
        )
        parts = [f"{count(todo, 'job')} waiting", f"{doing:,} in hand"]
        if later:
            parts.append(f"{later:,} for later")
        oldest = max((row["oldest_todo_s"] or 0 for row in state["queue"]), default=0)
        if oldest >= 1:
            parts.append(f"the oldest for {duration(oldest)}")
        yield self._label("queue", self._dots(parts))
        alive = [worker for worker in state["workers"] if worker["alive"]]
        if alive:
            yield self._label("workers", f"{len(alive)} alive")
        else:
            style = "bold red" if todo else ""
            yield self._label("workers", "none alive: wikiembed worker", style)

    def _servers(self, state: Mapping[str, Sequence[Row]]) -> Iterator[Text]:
        if not state["outages"]:
            yield self._label("server", "no outage")
        for outage in state["outages"]:
            stale = f", unseen for {duration(outage['unseen_s'])}" if outage["stale"] else ""
            said = (
                f"{outage['server']} out of reach for {duration(outage['lasted_s'])}{stale}:"
                f" {outage['reason']}"
            )
            yield from self._wrapped("server", said, "bold red")

    def _failures(self, rows: Sequence[Row]) -> Iterator[Text]:
        if not rows:
            yield self._label("failures", "none")
        for number, row in enumerate(rows[:MOST_CLASSES]):
            style = "red" if row["state"] == "failed" else ""
            text = f"{row['source']}: {row['chunks']:,} {row['error_class']}"
            if row["state"] == "skipped":
                text += " (skipped)"
            yield self._label("failures" if number == 0 else "", text, style)
        if len(rows) > MOST_CLASSES:
            yield self._label("", f"and {len(rows) - MOST_CLASSES} more: wikiembed failures")


def plain_line(view: View) -> str:
    """The view in one line, for a log."""
    state = view.snapshot.state
    parts = [f"{local(view.snapshot.at)}"]
    if view.why is not None:
        parts.append(f"no news for {duration(view.lost_s)}: {view.why.rstrip('.')}")
    for row in state["coverage"]:
        known = row["eta_s"] or row["paused"] or row.get("waits_for")
        left = f", {time_left_of(row)}" if known else ""
        failed = f", {row['failed']:,} failed" if row["failed"] else ""
        parts.append(
            f"{row['source']} {percent(row['coverage_pct'])} ({row['missing']:,} missing{failed},"
            f" {row['chunks_per_s']:,.1f}/s{left})"
        )
    parts.append(count(sum(row["todo"] + row["doing"] for row in state["queue"]), "job"))
    parts.append(count(sum(worker["alive"] for worker in state["workers"]), "worker"))
    parts += [f"{outage['server']} out of reach" for outage in state["outages"]]
    return "; ".join(parts)


def as_json(view: View) -> dict[str, object]:
    """The view as `status --json` has it, with the throughput and the loss of Postgres."""
    return {
        "at": view.snapshot.at,
        **view.snapshot.state,
        "throughput": view.snapshot.throughput,
        "database_lost_s": round(view.lost_s, 1) if view.why is not None else None,
        "database_lost": view.why,
    }
