"""The live view: lines of text that fit a terminal, rendered from one snapshot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from wikiembed.cli.cells import fit
from wikiembed.cli.console import count, duration, percent
from wikiembed.cli.sections import LABEL_WIDTH, Renderer, Row, Section
from wikiembed.control.standing import time_left_of
from wikiembed.control.watch import View
from wikiembed.db.endpoint import Endpoint
from wikiembed.times import local
from wikiembed.words import roughly

FULL, EMPTY = "█", "░"
PLAIN_FULL, PLAIN_EMPTY = "#", "."
LONGEST_NAME = 32
SHORT_BAR = 10
PERCENT_WIDTH = 9
MOST_CHART_ROWS = 8
END = "Ctrl-C ends this view; workers continue."


class Panel:
    """Renders for a terminal of `width` × `height`; `plain`: with ASCII characters only."""

    def __init__(
        self, *, width: int, height: int, plain: bool, database: Endpoint | None = None
    ) -> None:
        self._width = width
        self._height = height
        self._plain = plain
        self._database = database
        self._renderer = Renderer(width=width, plain=plain)

    def draw(self, view: View) -> Text:
        """The whole view, in lines truncated to the width and the height."""
        head = [Text(f"wikiembed  {local(view.snapshot.at)}", style="bold")]
        if self._database is not None:
            head[0].append(f"  {self._database}", style="not bold")
        head += list(self.loss(view))
        end = Text(END, style="dim")
        # The last row stays free. Blank lines are dropped if else a source would be left out.
        below = len(head) + 3
        tight = self._height - below < self._wanted(view)
        gap = [] if tight else [Text()]
        body = self._body(view, room=self._height - below - 2 * len(gap))
        lines = [*head, *gap, *body]
        lines = [*lines[: max(self._height - 2 - len(gap), 1)], *gap, end]
        return self.fitted(lines)

    def fitted(self, lines: Sequence[Text]) -> Text:
        """Lines as one text, each truncated to the width."""
        for line in lines:
            line.no_wrap = True
            line.truncate(self._width, overflow="ellipsis")
            if self._plain:
                line.plain = self._ascii(line.plain)
        return Text("\n").join(lines)

    def _body(self, view: View, *, room: int) -> list[Text]:
        """Sources, a blank line, and the sections.

        Each section gets its minimum. The rest of the rows goes, in this order, to one line per
        source, to pauses, outages, failures and documents, to the sources' second lines, to
        workers, to recent actions and to a higher chart.
        """
        state = view.snapshot.state
        sections = self._sections(view)
        _, _, documents, workers, paused, servers, failures, actions = sections
        rows = {id(section): section.least for section in sections}
        left = room - sum(rows.values())
        sources = len(state["coverage"])
        of_sources = max(min(sources, left), min(sources, 2))
        left -= of_sources

        def grow(section: Section) -> None:
            nonlocal left
            more = max(min(len(section.lines) - rows[id(section)], left), 0)
            rows[id(section)] += more
            left -= more

        for section in (paused, servers, failures, documents):
            grow(section)
        in_full = of_sources == sources and left >= sources
        left -= sources if in_full else 0
        for section in (workers, actions):
            grow(section)
        lines = list(self.sources(state["coverage"], of_sources, in_full=in_full))
        chart = self._renderer.throughput(
            view.snapshot.throughput, rows=min(max(left, 0) + 1, MOST_CHART_ROWS)
        )
        below = [line for s in sections[1:] for line in s.cut(rows[id(s)])]
        lines += [Text(), *chart.lines]
        return [*lines, *below]

    def _sections(self, view: View) -> list[Section]:
        """The sections below the sources."""
        state, renderer = view.snapshot.state, self._renderer
        return [
            renderer.throughput(view.snapshot.throughput),
            renderer.queue(state),
            renderer.documents(state["documents"]),
            renderer.workers(state),
            renderer.paused(state["pauses"]),
            renderer.servers(state),
            renderer.failures(state["failures"], state["documents"]),
            renderer.actions(view.snapshot.actions),
        ]

    def _wanted(self, view: View) -> int:
        """Rows for all sources, the sections' minimums, and two blank lines."""
        least = sum(section.least for section in self._sections(view))
        return len(view.snapshot.state["coverage"]) + least + 2

    def _ascii(self, text: str) -> str:
        """`text` with a stand-in for each character that an old terminal cannot show."""
        if not self._plain:
            return text
        kept = (c if c.isascii() else "?" * cell_len(c) for c in text.replace("…", "."))
        return "".join(kept)

    def loss(self, view: View) -> Iterator[Text]:
        """That the database does not answer, and why, if so."""
        if view.why is not None:
            text = f"No answer for {duration(view.lost_s)}, retrying: {view.why}"
            yield from self._renderer.wrapped("", text, "bold red", indent=0)

    def sources(
        self, rows: Sequence[Row], room: int, *, in_full: bool, noun: str = "source"
    ) -> Iterator[Text]:
        """One or two lines per source, those not ready first; the rest are counted.

        The wiki's source, while it is unused, is never ready and needs nothing. `noun`: what each
        row is.
        """
        if not rows:
            if noun == "source":
                yield Text("No source is attached: wikiembed attach")
            return
        ordered = sorted(
            rows, key=lambda row: (row.get("unused", False), row["ready"], row["source"])
        )
        widest = max(cell_len(row["source"]) for row in rows)
        width = max(min(widest, LONGEST_NAME, self._width // 2), LABEL_WIDTH - 1)
        shown = len(rows) if len(rows) <= room else max(room - 1, 1)
        for row in ordered[:shown]:
            yield from self._source(row, width, in_full=in_full)
        if hidden := ordered[shown:]:
            ready = sum(row["ready"] for row in hidden)
            yield Text(f"… and {count(len(hidden), noun)} more, {ready:,} ready: wikiembed status")

    def _source(self, row: Row, name_width: int, *, in_full: bool) -> Iterator[Text]:
        bar = max(self._width - name_width - PERCENT_WIDTH - 3, 10) if in_full else SHORT_BAR
        share, whole = _share(row)
        filled = int(bar * (share or 0) / 100)
        full, empty = (PLAIN_FULL, PLAIN_EMPTY) if self._plain else (FULL, EMPTY)
        line = Text(f"{self._ascii(fit(row['source'], name_width))} ")
        line.append(full * filled, style="green" if row["ready"] else "cyan")
        line.append(empty * (bar - filled), style="dim")
        line.append(f" {percent(share):>{PERCENT_WIDTH}}")
        now = list(self._details(row))
        if in_full:
            yield line
            yield Text(f"{'':<{name_width}} {self._renderer.dots([whole, *now])}")
        else:
            yield line.append(f"  {self._renderer.dots([*now, whole])}")

    def _details(self, row: Row) -> Iterator[str]:
        if row["ready"]:
            yield "ready"
        else:
            if not row["paused"]:
                yield f"{row['chunks_per_s']:,.1f}/s"
            if left := time_left_of(row):
                yield left
        if row["failed"]:
            yield f"{row['failed']:,} failed"
        if row["skipped"]:
            yield f"{row['skipped']:,} skipped"


def _share(row: Row) -> tuple[float | None, str]:
    """Percent of the chunks that are embedded, and their numbers.

    While documents wait to be split, of the chunks that they are expected to give.
    """
    known = row["total"] - row["skipped"]
    embedded = row["embedded"]
    if not row.get("documents_waiting"):
        return row["coverage_pct"], f"{embedded:,} of {known:,}"
    expected = row["chunks_expected"]
    if expected is None:
        return None, f"{embedded:,} of {known:,} so far"
    share = math.floor(10_000 * embedded / max(expected, 1)) / 100
    about = roughly(expected)
    if int(about.replace(",", "")) < known:  # rounded down to less than there are
        about = f"{expected:,}"
    return min(share, 99.99), f"{embedded:,} of about {about}"


def plain_line(view: View) -> str:
    """The view in one line, for a log."""
    state = view.snapshot.state
    parts = [f"{local(view.snapshot.at)}"]
    if view.why is not None:
        parts.append(f"no answer for {duration(view.lost_s)}: {view.why.rstrip('.')}")
    for row in state["coverage"]:
        known = row["eta_s"] or row["paused"] or row.get("waits_for")
        left = f", {time_left_of(row)}" if known else ""
        failed = f", {row['failed']:,} failed" if row["failed"] else ""
        parts.append(
            f"{row['source']} {percent(row['coverage_pct'])} ({row['missing']:,} missing{failed},"
            f" {row['chunks_per_s']:,.1f}/s{left})"
        )
    parts += [
        f"{row['source']} {count(row['waiting'], 'document')} to split"
        for row in state["documents"]
        if row["waiting"]
    ]
    parts.append(count(sum(row["todo"] + row["doing"] for row in state["queue"]), "job"))
    parts.append(count(sum(worker["alive"] for worker in state["workers"]), "worker"))
    parts += [f"{outage['server']} out of reach" for outage in state["outages"]]
    return "; ".join(parts)


def as_json(view: View) -> dict[str, object]:
    """The JSON of `status --json`, with throughput, recent actions and a lost database."""
    return {
        "at": view.snapshot.at,
        **view.snapshot.state,
        "throughput": view.snapshot.throughput,
        "actions": view.snapshot.actions,
        "database_lost_s": round(view.lost_s, 1) if view.why is not None else None,
        "database_lost": view.why,
    }
