"""Parts of metrics and traces: buckets, waits, outcomes, the environment, the limit of spans."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import numpy as np
import psycopg
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from tests.support.pipeline_fakes import Clock, FakeEmbedder
from tests.support.samples import Samples
from wikiembed.config import Provider
from wikiembed.embedders.base import Cut, Role
from wikiembed.embedders.usage import Usage, count_answer, metered, metered_apart
from wikiembed.errors import EmbedderError, EmbedderThrottled, EmbedderTimeout
from wikiembed.metrics.catalogue import COMMIT_TO_VECTOR, METRICS, BatchOutcome
from wikiembed.metrics.conventions import LINK
from wikiembed.metrics.environment import METRICS as OF_METRICS
from wikiembed.metrics.environment import TRACES, exporters, protocol_of, wants_export
from wikiembed.metrics.observer import Batch, Observer, Request, Server, Wait
from wikiembed.metrics.prometheus import Weighted
from wikiembed.metrics.tracing import MOST_EARLIER, Allowance, Tracing
from wikiembed.pipeline.lag import LagMeter
from wikiembed.pipeline.observe import outcome_of, waits_to
from wikiembed.pipeline.record import BatchRecord
from wikiembed.servers.classify import OutageTooLong
from wikiembed.servers.observed import ObservedEmbedder, server_at
from wikiembed.store.outcome import Outcome

SERVER = Server(name="http://a:1", provider=Provider.OPENAI)
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.batches: list[Batch] = []
        self.waits: list[Wait] = []
        self.in_flight = 0

    def begin_request(self, request: Request) -> None:
        self.in_flight += 1

    def end_request(self, request: Request) -> None:
        self.in_flight -= 1
        self.requests.append(request)

    def begin_batch(self, batch: Batch) -> None:
        self.batches.append(batch)

    def end_batch(self, batch: Batch) -> None:
        assert batch.seconds >= 0

    def written(self, source: str, waits: Sequence[Wait]) -> None:
        self.waits += waits

    def close(self) -> None:
        """Nothing."""


def test_histogram_takes_many_equal_values_at_once() -> None:
    """As prometheus_client's would have taken them one by one: a bound belongs to its bucket."""
    histogram = Weighted(COMMIT_TO_VECTOR)
    for value, times in ((0.05, 3), (0.06, 2), (1e9, 1)):
        histogram.observe(("docs", "true"), value, times=times)
    registry = CollectorRegistry()
    registry.register(histogram)
    samples = Samples(generate_latest(registry).decode())
    name, labels = COMMIT_TO_VECTOR.name, {"source": "docs", "fresh": "true"}
    upto = {le: samples.of(f"{name}_bucket", le=le, **labels) for le in ("0.05", "0.1", "+Inf")}
    assert upto == {"0.05": 3, "0.1": 5, "+Inf": 6}
    assert samples.of(f"{name}_count", **labels) == 6
    assert samples.of(f"{name}_sum", **labels) == pytest.approx(0.15 + 0.12 + 1e9)


def test_names_are_those_of_prometheus() -> None:
    """One prefix; counters end with _total, and help is plain text."""
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    for metric in METRICS:
        assert metric.name.startswith("wikiembed_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert not set(metric.help) & set("`[]")
        # What `promtool check metrics` refuses: labels and endings of summaries and histograms.
        assert not {"quantile", "le"} & set(metric.labels)
        assert not metric.name.endswith(("_count", "_sum", "_bucket", "_info_total", "_created"))


async def test_waits_of_written_chunks_are_observed_by_job() -> None:
    """Each write's own; a job that Postgres dates later than now waited for 0 s, not for less."""
    meter = LagMeter(lambda: 100.0)
    meter.add(90.0, ["1", "2"], fresh=True)
    meter.add(103.0, ["3"], fresh=False)
    meter.add(99.0, ["4"], fresh=False)
    sink = Kept()
    record = BatchRecord(meter, on_waits=waits_to(Observer([sink]), "docs"))
    stale, written = Outcome.STALE, Outcome.WRITTEN
    record.wrote({"1": written, "2": written, "3": written, "4": stale})
    record.wrote({"4": stale})
    assert sink.waits == [(10.0, True, 2), (0.0, False, 1)]
    assert waits_to(None, "docs") is None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OutageTooLong("x"), BatchOutcome.REQUEUED),
        (psycopg.OperationalError("x"), BatchOutcome.REQUEUED),
        (asyncio.CancelledError(), BatchOutcome.REQUEUED),
        (ZeroDivisionError(), BatchOutcome.ERROR),
    ],
)
def test_outcome_of_a_run_that_raised(error: BaseException, outcome: BatchOutcome) -> None:
    """What is known returns the job to the queue, what is not is an error."""
    assert outcome_of(error) is outcome


@pytest.mark.parametrize(
    ("environment", "traces", "metrics"),
    [
        ({}, [], []),
        ({"OTEL_SERVICE_NAME": "x"}, [], []),
        ({ENDPOINT: ""}, [], []),
        ({ENDPOINT: "http://c:4318"}, ["otlp"], ["otlp"]),
        ({ENDPOINT: "http://c:4318", "OTEL_METRICS_EXPORTER": "none"}, ["otlp"], []),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"}, ["otlp"], []),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["console", "otlp"], []),
        ({"OTEL_TRACES_EXPORTER": "none"}, [], []),
    ],
)
def test_export_is_on_when_an_exporter_is_set(
    environment: dict[str, str], traces: list[str], metrics: list[str]
) -> None:
    """By the names of the specification; the SDK's switch turns all off."""
    assert (exporters(TRACES, environment), exporters(OF_METRICS, environment)) == (traces, metrics)
    assert wants_export(environment) == bool(traces or metrics)
    assert not wants_export(environment | {"OTEL_SDK_DISABLED": "True"})


def test_protocol_is_that_of_the_signal() -> None:
    """Else that of all, else http/protobuf."""
    of_all = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert protocol_of("traces", {}) == "http/protobuf"
    assert protocol_of("traces", of_all) == "grpc"
    one = of_all | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
    assert (protocol_of("traces", one), protocol_of("metrics", one)) == ("http/protobuf", "grpc")


def test_allowance_is_of_a_rate() -> None:
    """Two a second: two at once, then one for each half second, and never more than two."""
    clock = Clock()
    allowance = Allowance(2.0, clock=clock)
    assert [allowance.take() for _ in range(3)] == [True, True, False]
    clock.now = 0.5
    assert [allowance.take() for _ in range(2)] == [True, False]
    clock.now = 60.0
    assert [allowance.take() for _ in range(3)] == [True, True, False]
    assert all(Allowance(None, clock=clock).take() for _ in range(100))


def traced(*, most_per_s: float | None = None) -> tuple[Observer, InMemorySpanExporter]:
    """An observer that traces, and where its spans go."""
    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    return Observer([Tracing(tracers, MeterProvider(), most_per_s=most_per_s)]), exporter


def a_batch(job_id: int) -> Batch:
    """A run of a job with one chunk."""
    return Batch(source="docs", queue="embed_docs", job_id=job_id, chunks=1)


def links(span: ReadableSpan) -> list[tuple[int, str]]:
    """The span and the meaning of each link."""
    return [(one.context.span_id, str((one.attributes or {})[LINK])) for one in span.links]


def test_requests_of_a_batch_that_is_not_traced_have_no_span() -> None:
    """Beyond the rate; a request outside of any batch has one."""
    observer, exporter = traced(most_per_s=1)
    for number in range(3):
        with (
            observer.batch(a_batch(number)),
            observer.request(Request(server=SERVER, model="m", texts=1)),
        ):
            pass
    with observer.request(Request(server=SERVER, model="m", texts=1)):
        pass
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["embeddings m", "process embed_docs", "embeddings m"]


async def test_requests_that_outlive_their_batch_are_linked_to_it() -> None:
    """A task that a batch began, as a probe: below its span until that ends, then in new traces.

    Of a batch that is not traced there is nothing to link to, and a request has its span.
    """
    observer, exporter = traced(most_per_s=1)
    ended = asyncio.Event()

    async def probe() -> None:
        with observer.request(Request(server=SERVER, model="within", texts=1)):
            pass
        await ended.wait()
        for _ in range(2):
            with observer.request(Request(server=SERVER, model="after", texts=1)):
                pass

    for number in range(2):
        with observer.batch(a_batch(number)):
            probing = asyncio.create_task(probe())
            await asyncio.sleep(0)
        ended.set()
        await probing
        ended.clear()
    within, batch, *after = exporter.get_finished_spans()
    assert (within.name, batch.name) == ("embeddings within", "process embed_docs")
    assert [span.name for span in after] == ["embeddings after"] * 4
    assert batch.context is not None
    assert within.parent is not None
    assert within.parent.span_id == batch.context.span_id
    assert [span.parent for span in after] == [None] * 4
    assert len({span.context.trace_id for span in after if span.context} - {0}) == 4
    began_in = [(batch.context.span_id, "began_in")]
    assert [links(span) for span in (within, *after)] == [[], began_in, began_in, [], []]


def test_next_run_of_a_job_is_linked_to_the_last_one() -> None:
    """Of a job that returned to the queue; not of another job, nor twice, nor of all that ever."""
    observer, exporter = traced()
    outcomes = (BatchOutcome.REQUEUED, BatchOutcome.ERROR, BatchOutcome.EMBEDDED)
    for outcome in (*outcomes, BatchOutcome.EMBEDDED):
        with observer.batch(a_batch(7)) as batch:
            batch.outcome = outcome
    with observer.batch(a_batch(8)):
        pass
    first, second, third, fourth, other = exporter.get_finished_spans()
    assert first.context is not None
    assert second.context is not None
    assert [links(span) for span in (first, second, third, fourth, other)] == [
        [], [(first.context.span_id, "earlier_run")], [(second.context.span_id, "earlier_run")],
        [], [],
    ]  # fmt: skip
    for number in range(100, 101 + MOST_EARLIER):
        with observer.batch(a_batch(number)) as batch:
            batch.outcome = BatchOutcome.REQUEUED
    exporter.clear()
    for number in (100, 101):
        with observer.batch(a_batch(number)):
            pass
    assert [len(span.links) for span in exporter.get_finished_spans()] == [0, 1]


async def test_observed_requests_have_their_outcome() -> None:
    """The status of HTTP, else the class; in flight while they are; the answers pass through."""
    embedder, sink = FakeEmbedder(), Kept()
    server = server_at("https://a.example:8443/x", Provider.TEI)
    assert (server.address, server.port) == ("a.example", 8443)
    assert server_at("http://a", Provider.TEI).port == 80
    assert server_at("local", Provider.LOCAL).address is None
    observed = ObservedEmbedder(embedder, Observer([sink]), server=server, model=None)
    errors: list[EmbedderError] = [
        EmbedderThrottled("slow down", http_status=429, retry_after_s=None),
        EmbedderTimeout("late"),
    ]
    embedder.script = [*errors]
    for _ in errors:
        with pytest.raises(EmbedderError):
            await observed.embed(["a", "b"], role=Role.DOCUMENT)
    await observed.describe()
    await observed.embed(["a"], role=Role.DOCUMENT)
    embedder.cuts = lambda text: Cut(matrix=np.ones((1, 4), np.float32), chars_kept=1)
    assert (await observed.embed_cut("a", role=Role.DOCUMENT)) is not None
    assert [one.outcome for one in sink.requests] == ["429", "EmbedderTimeout", "ok", "ok"]
    assert [one.model for one in sink.requests] == [None, None, "fake", "fake"]
    assert [one.dimensions for one in sink.requests] == [None, None, 4, 4]
    assert sink.in_flight == 0


def test_requests_count_for_the_batch_as_well() -> None:
    """What is metered apart is added to the meter around it, also when the block raises."""
    with metered(Usage()) as outer:
        with metered_apart() as inner:
            count_answer(["one two three four"])
        with contextlib.suppress(ZeroDivisionError), metered_apart():
            count_answer(["one two three four"])
            raise ZeroDivisionError
    assert (inner.requests, outer.requests, outer.texts) == (1, 2, 2)
    assert outer.tokens == 2 * inner.tokens > 0
