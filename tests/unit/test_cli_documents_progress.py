"""Progress and time left while documents are split, so that the number of chunks still grows."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from wikiembed.cli.coverage_report import report
from wikiembed.cli.progress import NEARLY, Reporter
from wikiembed.pipeline.stats import Stats
from wikiembed.store.coverage import Coverage, DocumentCounts
from wikiembed.times import about

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def row(
    *, split: int, of: int, embedded: int, total: int, failed: int = 0, chunks: int | None = None
) -> Coverage:
    """A source of documents at 10 chunks per second; `chunks` of the split ones, by default all."""
    counts = DocumentCounts(
        "articles", of, split, of - split - failed, failed, total if chunks is None else chunks
    )
    return Coverage(
        "articles", total, embedded, total - embedded, 0, 0, None, Decimal(10), None, False, None,
        False, 0, False, counts,
    )  # fmt: skip


class Listener(Reporter):
    """Records its updates, and how much of the bar is filled."""

    def __init__(self) -> None:
        super().__init__("embed")
        self.told: list[dict[str, Any]] = []
        self.bar: list[float | None] = []

    def update(self, done: int, total: int | None = None, **fields: Any) -> None:
        self.told.append({"done": done, "total": total, **fields})
        parts: Sequence[int] = fields["parts"]
        filled, whole = self._filled(done, total, growth=fields["growth"], grows=bool(parts))
        self.bar.append(None if whole is None else filled / whole)


@pytest.mark.parametrize(
    ("counts", "growth"),
    [
        (row(split=0, of=10, embedded=0, total=0), None),
        (row(split=2, of=10, embedded=1, total=6), 24),
        (row(split=10, of=10, embedded=1, total=30), 0),
        (row(split=8, of=10, embedded=0, total=24, failed=2), 0),
        # Two of ten were edited: their six old chunks are in the table.
        (row(split=8, of=10, embedded=30, total=30, chunks=24), 0),
    ],
)
def test_growth_is_by_the_mean_of_documents_that_are_split(
    counts: Coverage, growth: int | None
) -> None:
    """Failed documents add nothing, edited ones no more than they had."""
    assert counts.growth == growth


def test_time_left_includes_documents_that_wait() -> None:
    """2 of 10 documents gave 6 chunks: 24 more will come, at 10 chunks per second."""
    listener = Listener()
    stats = Stats(batches=10)
    report(listener, [row(split=2, of=10, embedded=6, total=6)], stats=stats)
    (told,) = listener.told
    assert (told["eta_s"], told["total"], told["growth"], told["parts"]) == (2, 6, 24, (2, 10))
    assert told["note"] == "10/s · a few seconds left"
    assert (told["documents"], told["documents_split"], told["documents_waiting"]) == (10, 2, 8)
    assert told["chunks_expected"] == 30
    report(listener, [row(split=0, of=10, embedded=0, total=0)], stats=stats)
    assert (listener.told[-1]["eta_s"], listener.told[-1]["chunks_expected"]) == (None, None)
    assert listener.told[-1]["note"] == "10/s · no estimate yet"


@pytest.mark.parametrize(
    ("done", "total", "growth", "eta_s"),
    [(5, 6, 14, 2), (20, 5, 0, 0), (0, 6, 19, 2)],
)
def test_bar_of_a_bounded_run_ends_with_it(done: int, total: int, growth: int, eta_s: int) -> None:
    """Of 24 chunks that documents will add, --max-chunks 20 leaves those that fit."""
    listener = Listener()
    stats = Stats(batches=10, chunks=done)
    rows = [row(split=2, of=10, embedded=5, total=6)]
    report(listener, rows, stats=stats, most=20)
    (told,) = listener.told
    assert (told["total"], told["growth"]) == (total, growth)
    assert told["eta_s"] == eta_s
    assert told["chunks_expected"] == 30


def test_bar_never_runs_backwards_and_is_not_full_before_the_end() -> None:
    """Whatever the documents turn out to hold."""
    listener = Listener()
    for one in (
        row(split=0, of=10, embedded=0, total=0),
        row(split=1, of=10, embedded=1, total=1),
        row(split=2, of=10, embedded=21, total=21),  # the second one is long
        row(split=3, of=10, embedded=21, total=200),
        row(split=9, of=10, embedded=300, total=300),
        row(split=10, of=10, embedded=310, total=400),
        row(split=10, of=10, embedded=400, total=400),
    ):
        report(listener, [one])
    first, *rest = listener.bar
    assert first is None
    known = [share for share in rest if share is not None]
    assert known == sorted(known)
    assert max(known[:-1]) <= NEARLY
    assert known[-1] == 1.0


def test_bar_without_documents_is_exact() -> None:
    """As far as it goes back when chunks are inserted meanwhile."""
    reporter = Reporter("embed")
    assert reporter._filled(50, 100, growth=0, grows=False) == (50, 100)
    assert reporter._filled(50, 200, growth=0, grows=False) == (50, 200)


class Terminal(io.StringIO):
    """A terminal's output."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("width", "counted"),
    [
        (80, "docs 1,200/3,000 · 2,400/6,120+"),
        (120, "1,200/3,000 documents, 2,400/6,120+ chunks"),
    ],
)
def test_terminal_shows_documents_and_chunks(
    monkeypatch: pytest.MonkeyPatch, width: int, counted: str
) -> None:
    """On one line at both widths, with all its numbers; + marks a number that still grows."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    stats = Stats(batches=10)

    def last() -> str:
        return _ESCAPE.sub("", terminal.getvalue()).replace("\r", "\n").splitlines()[-1]

    with Reporter("embed") as reporter:
        report(reporter, [row(split=1200, of=3000, embedded=2400, total=6120)], stats=stats)
        assert reporter._bar is not None
        reporter._bar.refresh()
        shown = last()
        report(reporter, [row(split=3000, of=3000, embedded=9000, total=9000)], stats=stats)
    assert f" {counted} " in shown
    assert f"10/s · {about(1290)} left" in shown
    assert len(shown.rstrip()) <= width
    assert "━ 9,000/9,000 " in last()
