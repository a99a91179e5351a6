"""What a backfill prints about a source before it begins, and how many failures it shows."""

from __future__ import annotations

from decimal import Decimal

import pytest

from wikiembed.cli.failed import MOST_SHOWN, FailedChunks
from wikiembed.cli.progress import Reporter
from wikiembed.cli.queued import queued_phrase, say_queued
from wikiembed.control.actions import Enqueued
from wikiembed.error_class import ErrorClass
from wikiembed.pipeline.stats import FailedChunk
from wikiembed.store.coverage import Coverage


def row(*, missing: int, failed: int = 0) -> Coverage:
    """A source of a hundred chunks."""
    return Coverage(
        "docs", 100, 100 - missing, missing, failed, 0, Decimal(0), Decimal(0), None, False, None,
        False, 0, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("chunks", "jobs", "missing", "failed", "said"),
    [
        (66, 2, 66, 0, "66 chunks queued in 2 jobs"),
        (1, 1, 1, 0, "1 chunk queued in 1 job"),
        (0, 0, 66, 0, "66 chunks are queued already"),
        (0, 0, 1, 0, "1 chunk is queued already"),
        (16, 1, 66, 0, "16 chunks queued in 1 job, 50 more chunks are queued already"),
        (0, 0, 0, 0, "nothing to queue"),
        (0, 0, 5, 5, "nothing to queue, 5 failed before (`wikiembed retry docs`)"),
        (1, 1, 6, 5, "1 chunk queued in 1 job, 5 failed before (`wikiembed retry docs`)"),
    ],
)
def test_backfill_opens_with_the_waiting_chunks(
    *, chunks: int, jobs: int, missing: int, failed: int, said: str
) -> None:
    """Never zero chunks in zero jobs while chunks wait."""
    done = Enqueued("docs", jobs, chunks)
    assert queued_phrase(done, row(missing=missing, failed=failed), bounded=False) == said


def test_backfill_with_a_bound_does_not_report_the_rest() -> None:
    """Whether the rest is in a job is unknown then."""
    some, none = Enqueued("docs", 1, 16), Enqueued("docs", 0, 0)
    assert queued_phrase(some, row(missing=66), bounded=True) == "16 chunks queued in 1 job"
    assert queued_phrase(none, row(missing=66), bounded=True) == "nothing was queued"


def test_backfill_of_many_sources_names_those_with_chunks_to_embed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It counts the others."""
    some = (Enqueued("docs", 1, 16), row(missing=16))
    idle = [(Enqueued(f"table_{n}", 0, 0), row(missing=0)) for n in range(12)]
    say_queued([some, *idle], bounded=False)
    assert capsys.readouterr().out.splitlines() == [
        "docs: 16 chunks queued in 1 job.",
        "Nothing to queue: 12 sources.",
    ]


class Listener(Reporter):
    """Records its lines."""

    def __init__(self) -> None:
        super().__init__("embed")
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


def test_failures_are_listed_up_to_a_bound() -> None:
    """With their keys, escaped for a terminal."""
    listener = Listener()
    show = FailedChunks(listener)
    for n in range(120):
        show(
            FailedChunk(
                source="docs",
                key=f"key\x1b[31m {n}",
                error_class=ErrorClass.REJECTED,
                message="No.",
                http_status=500,
                attempts=3,
                job_id=1,
            )
        )
    assert len(listener.lines) == MOST_SHOWN + 1
    assert listener.lines[0] == "docs key?[31m 0: rejected: No."
