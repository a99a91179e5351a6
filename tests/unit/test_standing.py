"""No estimate of the time left while work is blocked, and only significant digits."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from wikiembed.cli.coverage_report import LEAST_BATCHES, report
from wikiembed.cli.progress import Reporter
from wikiembed.control.standing import of_all, time_left, waits_for
from wikiembed.pipeline.stats import Stats
from wikiembed.store.coverage import Coverage
from wikiembed.times import about
from wikiembed.words import roughly


def row(source: str = "docs", **changed: Any) -> Coverage:
    """A source with 480 chunks to embed, at 12 a second."""
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
        # Chunks were embedded in the last minute, after the outage began: by another source.
        *((row(), [90.0], None), (row(chunks_per_s=Decimal(0)), [90.0], "server")),
        (row(chunks_per_s=Decimal(0)), [], None),
    ],
)
def test_source_reports_what_it_waits_for(
    one: Coverage, outages_s: list[float], waits: str | None
) -> None:
    """A pause has precedence over an outage; with nothing left it waits for nothing."""
    assert waits_for(one, outages_s) == waits
    assert of_all([one, DONE], outages_s) == waits


def test_sources_wait_together_when_none_is_active() -> None:
    """A paused source beside an active one does not block."""
    assert of_all([PAUSED, row()], []) is None
    assert of_all([PAUSED, PAUSED, DONE], []) == "resume"


def test_time_left_reports_why_it_is_unknown() -> None:
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
def test_about_shows_one_unit(seconds: float, said: str) -> None:
    """The largest fitting unit, without seconds beside hours."""
    assert about(seconds) == said


@pytest.mark.parametrize(
    ("n", "said"),
    [(4566.3, "4,600"), (55.31, "55"), (9.96, "10"), (1.234, "1.2"), (0.0368, "0.037"), (0, "0")],
)
def test_roughly_has_two_digits(n: float, said: str) -> None:
    """As many as a measurement of some seconds is good for."""
    assert roughly(n) == said


class Listener(Reporter):
    """Records its reports."""

    def __init__(self) -> None:
        super().__init__("embed")
        self.note = ""
        self.fields: dict[str, object] = {}

    def update(
        self, done: int, total: int | None = None, *, note: str = "", batches: int = 0,
        **fields: object,
    ) -> None:  # fmt: skip
        self.note, self.fields = note, fields


def reported(*rows: Coverage, batches: int = LEAST_BATCHES, outage_s: float = 0) -> Listener:
    """What a drain reports after so many batches, of which two chunks failed."""
    listener, stats = Listener(), Stats(batches=batches)
    stats.failed.update({"rejected": 2})
    report(listener, list(rows), stats=stats, outage_s=outage_s)
    return listener


def test_report_estimates_while_work_proceeds() -> None:
    """The rate, the time left, and failures of this process by class."""
    listener = reported(row())
    assert listener.note == "12/s · 40 s left · 2 rejected"
    assert listener.fields["eta_s"] == 40
    assert "waits_for" not in listener.fields


def test_report_makes_no_estimate_while_work_is_blocked() -> None:
    """The progress line and its JSON report what the work waits for."""
    for listener, note, waits in (
        (reported(row(), outage_s=1), "waiting for the server · 2 rejected", "server"),
        (reported(PAUSED), "paused · 2 rejected", "resume"),
    ):
        assert listener.note == note
        assert (listener.fields["eta_s"], listener.fields["waits_for"]) == (None, waits)


def test_report_does_not_extrapolate_from_the_first_batches() -> None:
    """They load the model, and the number of requests in flight is still adapting."""
    listener = reported(row(), batches=LEAST_BATCHES - 1)
    assert listener.note == "12/s · no estimate yet · 2 rejected"
    assert listener.fields["eta_s"] is None
    assert reported(DONE, batches=0).fields["eta_s"] == 0
