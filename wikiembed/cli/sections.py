"""The sections of the live view below the sources: lists of lines that may be truncated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from wikiembed.cli.cells import wrap
from wikiembed.cli.console import alike, count, duration, listed
from wikiembed.times import local

Row = Mapping[str, Any]
State = Mapping[str, Sequence[Row]]
BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = ".:-=+*%#"
LABEL_WIDTH = 11
LONGEST = 3
"""Most lines of one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines, how many of them are always shown, and the command that shows the rest."""

    lines: Sequence[Text]
    least: int
    more: str = "wikiembed status --json"

    def cut(self, room: int) -> list[Text]:
        """At most `room` lines; if some are left out, the last line gives their number."""
        if len(self.lines) <= room:
            return list(self.lines)
        if room <= 1:
            return list(self.lines[:room])
        hidden = len(self.lines) - room + 1
        more = Text(f"{'':<{LABEL_WIDTH}}… and {hidden:,} more: {self.more}")
        return [*self.lines[: room - 1], more]


class Renderer:
    """Writes labelled lines for a terminal of `width` cells; `plain`: with ASCII alone."""

    def __init__(self, *, width: int, plain: bool) -> None:
        self._width = width
        self._plain = plain

    def dots(self, parts: Sequence[str]) -> str:
        """Parts of a line."""
        return (", " if self._plain else " · ").join(parts)

    def label(self, word: str, text: str, style: str = "") -> Text:
        """A line beside its label."""
        line = Text(f"{word:<{LABEL_WIDTH}}", style="bold")
        return line.append(text, style=style or "not bold")

    def wrapped(
        self, word: str, text: str, style: str, *, indent: int = LABEL_WIDTH
    ) -> Iterator[Text]:
        """A sentence in at most `LONGEST` lines, beside its label."""
        lines = wrap(text, max(self._width - indent, 20), most=LONGEST)
        for number, line in enumerate(lines):
            label = Text(f"{word if number == 0 else '':<{indent}}", style="bold")
            yield label.append(line, style=style)

    def throughput(self, minutes: Sequence[int], *, rows: int = 1) -> Section:
        """One column per minute, the current one last, in `rows` rows."""
        most = max(minutes, default=0)
        if not most:
            return Section(lines=[self.label("throughput", "nothing in the last hour")], least=1)
        tail = f" up to {most:,} per minute, last hour"
        shown = minutes[-max(self._width - LABEL_WIDTH - len(tail), 10) :]
        blocks = " " + (PLAIN_BLOCKS if self._plain else BLOCKS)
        levels = [(8 * rows * n - 1) // most + 1 if n else 0 for n in shown]
        lines: list[Text] = []
        for row in reversed(range(rows)):
            bars = "".join(blocks[min(max(level - 8 * row, 0), 8)] for level in levels)
            lines.append(self.label("" if lines else "throughput", bars, "cyan"))
        lines[0].append(tail, style="not bold")
        return Section(lines=lines, least=rows)

    def queue(self, state: State) -> Section:
        """Jobs that are waiting and running."""
        todo, doing, later = (
            sum(row[name] for row in state["queue"])
            for name in ("todo", "doing", "scheduled_later")
        )
        parts = [f"{count(todo, 'job')} waiting", f"{doing:,} running"]
        if later:
            parts.append(f"{later:,} scheduled")
        oldest = max((row["oldest_todo_s"] or 0 for row in state["queue"]), default=0)
        if oldest >= 1:
            parts.append(f"oldest waiting {duration(oldest)}")
        return Section(lines=[self.label("queue", self.dots(parts))], least=1)

    def documents(self, rows: Sequence[Row]) -> Section:
        """How many documents are split, of each source that has some to split or failed ones."""
        lines: list[Text] = []
        for row in rows:
            if row["waiting"] or row["failed"]:
                parts = [f"{row['source']}: {row['split']:,} of {row['total']:,} split"]
                if row["failed"]:
                    parts.append(f"{row['failed']:,} failed")
                lines.append(self.label("" if lines else "documents", self.dots(parts)))
        return Section(lines=lines, least=min(len(lines), 2), more="wikiembed status")

    def workers(self, state: State) -> Section:
        """How many processes are alive, and where each runs."""
        alive = [worker for worker in state["workers"] if worker["alive"]]
        if not alive:
            waiting = any(row["todo"] for row in state["queue"])
            line = self.label(
                "workers", "none alive: wikiembed worker", "bold red" if waiting else ""
            )
            return Section(lines=[line], least=1)
        lines = [self.label("workers", f"{len(alive)} alive")]
        if len(state["workers"]) == 1:
            lines = [self.label("workers", f"1 alive: {self._worker(alive[0])}")]
            return Section(lines=lines, least=1)
        for worker in state["workers"]:
            style = "" if worker["alive"] else "yellow"
            lines.append(self.label("", self._worker(worker), style))
        return Section(lines=lines, least=1)

    def _worker(self, worker: Row) -> str:
        unknown = worker["host"] is None
        where = "unknown process" if unknown else f"{worker['host']} pid {worker['pid']}"
        model = [worker["model"]] if worker["model"] else []
        running = f"{count(worker['doing'], 'job')} running"
        heartbeat = f"heartbeat {duration(worker['heartbeat_age_s'])} ago"
        return self.dots([where, *model, running, heartbeat])

    def paused(self, rows: Sequence[Row]) -> Section:
        """Who paused what, until when, and why."""
        lines: list[Text] = []
        for group in alike(rows, ("paused_by", "pause_reason", "resume_at")):
            row = group[0]
            why = f": {row['pause_reason']}" if row["pause_reason"] else ""
            until = f" until {local(row['resume_at'])}" if row["resume_at"] else ""
            text = f"{listed([r['source'] for r in group])} by {row['paused_by']}{until}{why}"
            lines += self.wrapped("" if lines else "paused", text, "bold yellow")
        return Section(lines=lines, least=min(len(lines), LONGEST))

    def servers(self, state: State) -> Section:
        """Servers out of reach."""
        lines: list[Text] = []
        for outage in state["outages"]:
            stale = f", last seen {duration(outage['unseen_s'])} ago" if outage["stale"] else ""
            text = (
                f"{outage['server']} out of reach for {duration(outage['lasted_s'])}{stale}:"
                f" {outage['reason']}"
            )
            style = "yellow" if outage["partial"] else "bold red"
            lines += self.wrapped("" if lines else "server", text, style)
        lines = lines or [self.label("server", "no outage")]
        return Section(lines=lines, least=min(len(lines), LONGEST))

    def failures(self, rows: Sequence[Row], documents: Sequence[Row]) -> Section:
        """Failed and skipped chunks by source and class, and failed documents by source."""
        lines: list[Text] = []
        for row in rows:
            style = "red" if row["state"] == "failed" else ""
            text = f"{row['source']}: {row['chunks']:,} {row['error_class']}"
            if row["state"] == "skipped":
                text += " (skipped)"
            lines.append(self.label("" if lines else "failures", text, style))
        for row in documents:
            if row["failed"]:
                text = f"{row['source']}: {count(row['failed'], 'document')} not split"
                lines.append(self.label("" if lines else "failures", text, "red"))
        lines = lines or [self.label("failures", "none")]
        return Section(lines=lines, least=min(len(lines), 2), more="wikiembed failures")

    def actions(self, rows: Sequence[Row]) -> Section:
        """The latest actions, and who took them."""
        lines: list[Text] = []
        for row in rows:
            at = f"{local(row['at'])}"
            why = f": {row['why']}" if row["why"] else ""
            text = f"{at} {row['action']} {row['source'] or ''} by {row['who']}{why}"
            lines.append(self.label("" if lines else "actions", " ".join(text.split())))
        return Section(lines=lines, least=0, more="select * from wikiembed.action_log")
