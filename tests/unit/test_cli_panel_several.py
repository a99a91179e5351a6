"""The live view of several databases fits its terminal, whatever it has to show."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from tests.unit.test_cli_panel import source, view
from wikiembed.cli.panel_several import SeveralPanel, sum_of
from wikiembed.control.watch import View, nothing_yet

AWAY = View(nothing_yet(), 75.0, "Postgres is out of reach: start it.")


def lines(
    *views: tuple[str, View], width: int = 80, height: int = 24, plain: bool = False
) -> list[str]:
    """The drawn lines."""
    drawn = SeveralPanel(width=width, height=height, plain=plain).draw(views)
    return drawn.plain.split("\n")


def test_each_database_has_a_line_with_its_sums() -> None:
    """Of all its sources; those that are ready come last."""
    two = view([source("a"), source("b", embedded=900, missing=100, failed=0, chunks_per_s=2.5)])
    ready = source(embedded=1000, missing=0, failed=0, ready=True, coverage_pct=100.0, eta_s=None)
    shown = lines(("ready", view([ready])), ("two", two))
    assert shown[0].endswith("2 databases")
    assert [line.split()[0] for line in shown[2:4]] == ["two", "ready"]
    assert "70.00 %" in shown[2]
    assert "15.0/s" in shown[2]
    assert "2 failed" in shown[2]
    assert "1,400 of 2,000" in shown[2]
    assert "100.00 %" in shown[3]


def test_sources_are_shown_where_there_is_room() -> None:
    """Below the databases that have several."""
    two = ("two", view([source("a"), source("b")]))
    assert [line.split()[0] for line in lines(two, ("one", view())) if line.strip()][2:6] == [
        *("two", "two", "a", "b")
    ]
    assert not any(line.startswith("a ") for line in lines(two, ("one", view()), height=8))


def test_a_database_without_an_answer_says_since_when_and_why() -> None:
    """The others are shown as before, and its last numbers if it ever answered."""
    shown = lines(("app", AWAY), ("lost", view(why="It is gone.")), ("here", view()))
    assert shown[0].endswith("3 databases, 2 without an answer")
    assert shown[2].startswith("app: No answer for 1 min 15 s, retrying: Postgres is out of reach")
    assert shown[3].startswith("lost: No answer for 7 s, retrying: It is gone.")
    assert sorted(line.split()[0] for line in shown[4:6]) == ["here", "lost"]


def test_a_database_with_nothing_but_paused_work_shows_no_rate() -> None:
    """Though a source of it that is complete is not paused."""
    rows = [source("a", waits_for="resume", paused=True), source("b", missing=0, failed=0)]
    shown = lines(("app", view(rows)), height=8)
    assert "paused" in shown[2]
    assert "/s" not in shown[2]


def test_a_share_is_rounded_down() -> None:
    """One chunk of a million is missing: not 100 %."""
    row = source(total=1_000_000, embedded=999_999, missing=1, failed=0)
    assert sum_of("app", view([row]))["coverage_pct"] == 99.99


@pytest.mark.parametrize(
    ("changed", "waits"),
    [
        ([{"waits_for": "resume"}, {"waits_for": "resume"}], "resume"),
        ([{"waits_for": "resume"}, {"waits_for": None}], None),
        ([{"waits_for": "server"}, {"waits_for": None, "missing": 0, "failed": 0}], "server"),
    ],
)
def test_a_database_waits_only_if_all_its_work_does(
    changed: list[dict[str, Any]], waits: str | None
) -> None:
    """A source with nothing left does not count."""
    rows = [source(str(n), **one) for n, one in enumerate(changed)]
    assert sum_of("app", view(rows))["waits_for"] == waits


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (200, 60), (20, 5)])
def test_it_fits_any_terminal(width: int, height: int, *, plain: bool) -> None:
    """Forty databases with long names, some of them away."""
    views = [
        (
            f"tenant_한국_{n}@db{n}.example:5432",
            AWAY if n % 9 == 0 else view([source(), source("b")]),
        )
        for n in range(40)
    ]
    shown = lines(*views, width=width, height=height, plain=plain)
    assert len(shown) <= max(height - 1, 6)
    assert max(cell_len(line) for line in shown) <= width
    assert not plain or all(line.isascii() for line in shown)
