"""What a measurement of the server may be used for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.pipeline_fakes import Clock, vector_of
from wikiembed.config import Provider
from wikiembed.control.measure import Rate, measure, together
from wikiembed.embedders.base import ModelInfo, Role
from wikiembed.errors import EmbedderError, EmbedderThrottled, EmbedderUnavailable, TextTooLong
from wikiembed.vectors import Matrix


class Server:
    """Embeds a batch per second of `clock`; long texts fail, and one text ends the measurement."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.requests: list[Sequence[str]] = []

    async def describe(self) -> ModelInfo:
        return ModelInfo(provider=Provider.TEI, model="m", dimensions=4, max_batch=None)

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        self.requests.append(texts)
        self.clock.now += 1
        if "busy" in texts:
            raise EmbedderThrottled("Too many requests.", http_status=429)
        if any(text.startswith("long") for text in texts):
            raise TextTooLong("A text is too long.", http_status=400)
        return vector_of(texts[0]).reshape(1, -1).repeat(len(texts), axis=0)

    async def embed_cut(self, text: str, *, role: Role) -> None:
        """It cannot truncate."""

    async def aclose(self) -> None:
        """Nothing to close."""


async def measured(*texts: str, batch_size: int = 4) -> tuple[Rate, Server]:
    """Measure the rate with `texts`, one request at a time."""
    clock = Clock()
    server = Server(clock)
    rate = await measure(server, texts, batch_size=batch_size, concurrency=1, clock=clock)
    return rate, server


async def test_measure_leaves_out_only_the_text_at_fault() -> None:
    """A batch is halved until that text is alone, and the rest counts."""
    rate, server = await measured("a", "b", "long", "c")
    assert (rate.sampled, rate.refused, rate.refusal) == (3, 1, "A text is too long.")
    assert [len(batch) for batch in server.requests] == [4, 2, 2, 1, 1]
    assert rate.chunks_per_s == pytest.approx(3 / 5)


async def test_measure_of_refused_texts_reports_why() -> None:
    """There is no rate then."""
    with pytest.raises(TextTooLong):
        await measured("long 1", "long 2")


async def test_measure_ends_when_the_server_is_unreachable() -> None:
    """Earlier measurements count; no further request is made."""
    rate, server = await measured("a", "b", "busy", "c", batch_size=1)
    assert (rate.sampled, rate.refused, len(server.requests)) == (2, 0, 3)
    with pytest.raises(EmbedderError) as caught:
        await measured("busy", "a", batch_size=1)
    assert isinstance(caught.value, EmbedderUnavailable)


@pytest.mark.parametrize(
    ("sampled", "seconds", "chunks", "valid"),
    [
        *((3, 0.001, 30, True), (3, 0.001, 31, False), (3, 2.0, 200_000, True)),
        *((63, 0.01, 200_000, False), (64, 0.01, 200_000, True)),
    ],
)
def test_rate_of_a_small_sample_is_not_extrapolated(
    *, sampled: int, seconds: float, chunks: int, valid: bool
) -> None:
    """To ten times as many at most, unless the measurement took long enough."""
    rate = Rate(chunks_per_s=1000, known_from="probe", sampled=sampled, seconds=seconds)
    assert rate.applies_to(chunks) is valid
    assert Rate(chunks_per_s=1000, known_from="history").applies_to(chunks)


def test_rates_of_several_servers_add_up() -> None:
    """Those that failed add none; when all failed, the first error is raised."""
    rate = Rate(chunks_per_s=10.0, known_from="probe", sampled=5, seconds=0.5, refused=1)
    gone = EmbedderUnavailable("It is away.")
    both = together([rate, gone, rate])
    assert (both.chunks_per_s, both.sampled, both.seconds, both.refused) == (20.0, 10, 0.5, 2)
    with pytest.raises(EmbedderUnavailable):
        together([gone, gone])
