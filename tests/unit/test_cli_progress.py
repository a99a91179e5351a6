"""When a line of progress is due."""

from __future__ import annotations

from tests.support.pipeline_fakes import Clock
from wikiembed.cli.progress import LONGEST_SILENCE_S, Cadence


def test_cadence_counts_batches() -> None:
    """One line per three batches; several that ended between two checks give one line."""
    cadence = Cadence(batches=3, clock=Clock())
    told = [batches for batches in (0, 1, 2, 3, 4, 5, 6, 17, 18, 19, 20) if cadence.is_due(batches)]
    assert told == [3, 6, 17, 20]


def test_cadence_by_batches_is_never_silent_for_long() -> None:
    """Where no batch ends a line is due every 30 s; a line due by batches restarts that time."""
    clock = Clock()
    cadence = Cadence(batches=3, clock=clock)
    told = []
    for clock.now in (10, 29, 30, 40, 59, 60):
        if cadence.is_due(0):
            told.append(clock.now)
    assert (told, LONGEST_SILENCE_S) == ([30, 60], 30)
    clock.now = 80
    assert cadence.is_due(3)
    clock.now = 100
    assert not cadence.is_due(3)


def test_cadence_by_seconds_ignores_batches() -> None:
    """For `load`, and a worker's drain."""
    clock = Clock()
    cadence = Cadence(every_s=5, clock=clock)
    assert not cadence.is_due(1000)
    clock.now = 5
    assert cadence.is_due(0)
