"""A whole backfill in the benchmark: its tenths by arithmetic, and one small run."""

from __future__ import annotations

import math

import pytest

from tests.tools.bench.place import a_place
from tests.tools.bench.result import Form
from tests.tools.bench.rows import whole as row
from tests.tools.bench.rows import written
from tests.tools.bench.whole import Sample, parts_of, progress


def test_tenths_are_cut_where_as_many_texts_were_done() -> None:
    """Between two samples time, texts and fetches are taken as even."""
    samples = [
        Sample(at=100.0, texts=0),
        Sample(
            at=110.0, texts=1000, fetches=10, fetch_ms=5.0, cpu_s=1.0, worker_mb=80, backend_mb=8
        ),
        Sample(
            at=130.0, texts=2000, fetches=30, fetch_ms=45.0, cpu_s=3.0, worker_mb=88, backend_mb=6
        ),
    ]
    parts = parts_of(samples)
    assert [part.chunks_per_s for part in parts] == [pytest.approx(100)] * 5 + [
        pytest.approx(50)
    ] * 5
    assert [part.fetch_ms for part in parts] == [pytest.approx(0.5)] * 5 + [pytest.approx(2)] * 5
    assert [part.cpu_us for part in parts] == [pytest.approx(1000)] * 5 + [pytest.approx(2000)] * 5
    assert (parts[4].worker_mb, parts[9].worker_mb, parts[9].backend_mb) == (80, 88, 6)
    assert math.isnan(parts[0].worker_mb)


def test_a_halt_belongs_to_the_part_that_it_ends_in() -> None:
    """Samples without a new text are no edge; what was not seen is not a number."""
    samples = [
        Sample(at=0.0, texts=0),
        Sample(at=1.0, texts=10),
        Sample(at=5.0, texts=10),
        Sample(at=6.0, texts=20),
    ]
    first, second = parts_of(samples, parts=2)
    assert (first.chunks_per_s, second.chunks_per_s) == (10, 2)
    assert math.isnan(first.fetch_ms)


def test_lines_of_a_run() -> None:
    """Last over first; the fetch of the slowest tenth; without one no goal is reached."""
    samples = [
        Sample(at=0.0, texts=0, worker_mb=100, backend_mb=10),
        Sample(at=10.0, texts=1000, fetches=10, fetch_ms=5, cpu_s=1, worker_mb=100, backend_mb=10),
        Sample(
            at=30.0, texts=2000, fetches=20, fetch_ms=25, cpu_s=2.05, worker_mb=104, backend_mb=12
        ),
    ]
    lines = {one.row: one for one in row.measured(2000, parts_of(samples), seconds=30.0)}
    assert {name: round(one.value, 3) for name, one in lines.items()} == {
        "whole 2,000": 0.5,
        "whole 2,000 rate": 66.667,
        "whole 2,000 CPU": 1.05,
        "whole 2,000 worker": 1.04,
        "whole 2,000 backend": 2.0,
        "whole 2,000 fetch": 2.0,
    }
    assert [one.reached for one in lines.values()] == [False, None, True, True, True, False]
    blind = [Sample(at=0.0, texts=0), Sample(at=1.0, texts=10)]
    unseen = {one.row: one for one in row.measured(10, parts_of(blind), seconds=1.0)}
    assert math.isnan(unseen["whole 10 fetch"].value)
    assert unseen["whole 10 fetch"].reached is False


def test_progress_is_told_once_per_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    """However many samples there are."""
    tell = progress(1000)
    for i in range(101):
        tell(Sample(at=float(i), texts=10 * i, worker_mb=90, backend_mb=8))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "  100 of 1,000 chunks, 10/s, worker 90 MB, backend 8 MB"


def test_small_backfill_and_writers_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """From nothing to ready; and two workers beside a client that only updates."""
    monkeypatch.setattr(Form, "of", lambda self, short, long: 640 if short > 640 else 1)
    with a_place() as place:
        lines = {one.row: one for one in row.whole(place, Form(short=True, sizes=(2_000,)))}
        share, cpu = written.written(place, Form(short=True))
    assert lines["whole 2,000"].value > 0
    assert len(lines["whole 2,000"].detail["chunks_per_s"]) == 10
    assert lines["whole 2,000 worker"].value > 0
    assert share.value > 0
    assert min(cpu.detail["ours_us"]) > 0
    assert min(share.detail["connections"]) >= 2
