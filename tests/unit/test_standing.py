"""No estimate of the time left while the work stands still, and no more digits than are known."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from wikiembed.cli.coverage_report import LEAST_BATCHES, report
from wikiembed.cli.progress import Reporter
from wikiembed.control.standing import of_all, time_left, waits_for
from wikiembed.pipeline import Stats
from wikiembed.store import Coverage
from wikiembed.times import about
from wikiembed.words import roughly


def row(source: str = "docs", **changed: Any) -> Coverage:
    """A source with 480 chunks to embed, 12 a second."""
    values: dict[str, Any] = {
        "total": 1000,
        "embedded": 500,
        "missing": 500,
        "failed": 20,
        "skipped": 0,
        "coverage_pct": Decimal("50.00"),
        "chunks_per_s": Decimal("12.0"),
        "eta": dt.timedelta(seconds=40),
        "paused": False,
        "pause_reason": None,
        "ready": False,
        "held_back": 0,
        "unused": False,
    }
    return Coverage(**{"source": source, **values, **changed})


DONE = row("done", missing=20)
PAUSED = row("paused", paused=True)


@pytest.mark.parametrize(
    ("one", "outages_s", "waits"),
    [
        *((row(), [], None), (row(), [3.0], "server"), (PAUSED, [], "resume"), (DONE, [3.0], None)),
        # Chunks came in the last minute though the server went before: it is another source's.
        *((row(), [90.0], None), (row(chunks_per_s=Decimal(0)), [90.0], "server")),
        (row(chunks_per_s=Decimal(0)), [], None),
    ],
)
def test_source_waits_for(one: Coverage, outages_s: list[float], waits: str | None) -> None:
    """A pause before an outage; nothing when nothing is left."""
    assert waits_for(one, outages_s) == waits
    assert of_all([one, DONE], outages_s) == waits


def test_sources_wait_together_when_none_goes_on() -> None:
    """A paused one beside one that goes on is no halt."""
    assert of_all([PAUSED, row()], []) is None
    assert of_all([PAUSED, PAUSED, DONE], []) == "resume"


def test_time_left_says_why_it_is_not_known() -> None:
    """A pause, an outage, or that it is too early."""
    assert time_left(left=9, eta_s=40, waits=None) == "40 s left"
    assert time_left(left=9, eta_s=40, waits="resume") == "paused"
    assert time_left(left=9, eta_s=40, waits="server") == "waiting for the server"
    assert time_left(left=9, eta_s=None, waits=None) == "no estimate yet"
    assert time_left(left=0, eta_s=0, waits=None) == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((0.2, "a few seconds"), (10, "10 s"), (47, "50 s"), (59, "1 min"), (725, "12 min")),
        *((3590, "1 h"), (12_345, "3 h 30 min"), (454_321, "5 d 6 h"), (12_345_678, "143 d")),
    ],
)
def test_about_is_no_more_exact_than_a_guess(seconds: float, said: str) -> None:
    """The unit that fits, and no second of three hours."""
    assert about(seconds) == said


@pytest.mark.parametrize(
    ("n", "said"),
    [(4566.3, "4,600"), (55.31, "55"), (9.96, "10"), (1.234, "1.2"), (0.0368, "0.037"), (0, "0")],
)
def test_roughly_has_two_digits(n: float, said: str) -> None:
    """As many as a measurement of some seconds is good for."""
    assert roughly(n) == said


class Listener(Reporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("embed")
        self.note = ""
        self.fields: dict[str, object] = {}

    def update(
        self, done: int, total: int | None = None, *, note: str = "", batches: int = 0,
        **fields: object,
    ) -> None:  # fmt: skip
        self.note, self.fields = note, fields


def told(*rows: Coverage, batches: int = LEAST_BATCHES, outage_s: float = 0) -> Listener:
    """What a drain reports after so many batches of its own, of which two chunks failed."""
    listener, stats = Listener(), Stats(batches=batches)
    stats.failed.update({"rejected": 2})
    report(listener, list(rows), stats=stats, outage_s=outage_s)
    return listener


def test_report_estimates_while_the_work_goes_on() -> None:
    """The rate, the time left, and failures of this process by class."""
    listener = told(row())
    assert listener.note == "12/s · 40 s left · 2 rejected"
    assert listener.fields["eta_s"] == 40
    assert "waits_for" not in listener.fields


def test_report_makes_no_estimate_of_a_standstill() -> None:
    """The progress line and its JSON say what it waits for."""
    for listener, note, waits in (
        (told(row(), outage_s=1), "waiting for the server · 2 rejected", "server"),
        (told(PAUSED), "paused · 2 rejected", "resume"),
    ):
        assert listener.note == note
        assert (listener.fields["eta_s"], listener.fields["waits_for"]) == (None, waits)


def test_report_does_not_extrapolate_from_the_first_batches() -> None:
    """They load the model, and find out how many requests in flight the server gains by."""
    listener = told(row(), batches=LEAST_BATCHES - 1)
    assert listener.note == "12/s · no estimate yet · 2 rejected"
    assert listener.fields["eta_s"] is None
    assert told(DONE, batches=0).fields["eta_s"] == 0
