"""A text that crashes its server each time is found; an unrelated crash blames no text."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.support.pipeline_fakes import FakeEmbedder, channel_of, rejected, texts_of
from wikiembed.embedders.base import Role
from wikiembed.errors import (
    EmbedderError,
    EmbedderLost,
    EmbedderThrottled,
    EmbedderTimeout,
    EmbedderUnavailable,
)
from wikiembed.pipeline.bisection import FAILURES_BEFORE_BLAME, Bisection

LOST = EmbedderLost("The embedding server broke off the connection.")
GONE = EmbedderUnavailable("The embedding server cannot be reached.")


class CrashingServer(FakeEmbedder):
    """A server that crashes on `deadly` texts with `last`, and is back after two probes."""

    def __init__(self, deadly: Sequence[str], last: EmbedderError = LOST) -> None:
        super().__init__()
        self.deadly = set(deadly)
        self.last = last
        self.crashes = 0
        self.judge = self._crash

    def _crash(self, texts: Sequence[str]) -> EmbedderError | None:
        if self.deadly.isdisjoint(texts):
            return None
        self.crashes += 1
        self.probe_script = [GONE, GONE]
        return self.last


@pytest.mark.parametrize("deadly", [["text 7"], ["text 0", "text 63"], ["text 30", "text 100"]])
async def test_quarantine_blames_only_the_text_that_crashes_its_server(deadly: list[str]) -> None:
    """Four jobs at once: those texts are blamed after three crashes alone, all others pass."""
    embedder, texts = CrashingServer(deadly), texts_of(128)
    channel = channel_of(embedder)
    jobs = [Bisection(channel, texts[at : at + 32]) for at in range(0, 128, 32)]
    await asyncio.gather(*(job.run() for job in jobs))
    blamed = {job._texts[i]: blame for job in jobs for i, blame in job.blamed.items()}
    assert sorted(blamed) == sorted(deadly)
    assert {(b.error_class, b.attempts) for b in blamed.values()} == {
        ("no_answer", FAILURES_BEFORE_BLAME)
    }
    # The first crash of a batch blames no text; then five halvings, and three crashes alone.
    assert embedder.crashes <= len(deadly) * (1 + 5 + FAILURES_BEFORE_BLAME)
    assert sum(len(job.vectors) for job in jobs) == 128 - len(deadly)


@pytest.mark.parametrize(
    ("last", "error_class"),
    [
        (EmbedderLost("A proxy says 502.", http_status=502), "no_answer"),
        (EmbedderTimeout("No answer."), "timeout"),
        (rejected(500), "rejected"),
    ],
)
async def test_quarantine_ends_however_the_server_crashes(
    last: EmbedderError, error_class: str
) -> None:
    """A proxy in front of it, a process that hangs as a whole, an error as its last answer."""
    embedder, texts = CrashingServer(["text 7"], last), texts_of(32)
    bisection = Bisection(channel_of(embedder), texts)
    await bisection.run()
    assert {i: (b.error_class, b.http_status) for i, b in bisection.blamed.items()} == {
        7: (error_class, last.http_status)
    }


@pytest.mark.parametrize(
    "error",
    [GONE, EmbedderUnavailable("503", http_status=503), EmbedderThrottled("429")],
    ids=["refused", "503", "429"],
)
async def test_throttling_blames_no_text_however_often(error: EmbedderError) -> None:
    """Each probe passes and the next request is throttled, ten times: the job only waits."""
    embedder = FakeEmbedder()
    embedder.script = [error] * 10
    embedder.probe_script = [error, None] * 10
    bisection = Bisection(channel_of(embedder), ["text 0"])
    await bisection.run()
    assert (bisection.blamed, list(bisection.vectors)) == ({}, [0])


async def test_two_crashes_of_a_server_blame_no_text() -> None:
    """The same lone text meets two crashes, and then passes."""
    embedder = FakeEmbedder()
    embedder.script = [LOST, LOST]
    embedder.probe_script = [GONE, GONE, None, GONE, GONE]
    bisection = Bisection(channel_of(embedder), ["text 0"])
    await bisection.run()
    assert (bisection.blamed, list(bisection.vectors)) == ({}, [0])


async def test_suspects_are_sent_one_at_a_time_after_a_crash() -> None:
    """Until each text that was in flight has passed; later texts are not delayed."""
    embedder = FakeEmbedder()
    channel = channel_of(embedder)
    await channel.describe()
    embedder.script = [LOST] * 3
    embedder.probe_script = [GONE]
    under_way = most = 0
    inner = embedder.embed

    async def counted(texts: Sequence[str], *, role: Role) -> object:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await inner(texts, role=role)
        finally:
            under_way -= 1

    embedder.embed = counted  # type: ignore[method-assign,assignment]
    await asyncio.gather(*(channel.embed([text]) for text in texts_of(3)))
    assert most == 3
    assert embedder.log[-6:] == ["probe", "embed 1"] * 3
    before = embedder.probes
    await asyncio.gather(*(channel.embed([text]) for text in texts_of(3)))
    assert embedder.probes == before
