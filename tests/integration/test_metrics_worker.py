"""A worker's metrics and traces: what it records of real batches, and its endpoint."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import generate_latest

from tests.support.chunks import add, add_chunks
from tests.support.cli import Call, StartCli
from tests.support.database import Database
from tests.support.samples import Samples
from tests.support.standin import BadText, Canned, StandIn
from tests.support.workers import drain, environment_of, settings_of
from wikiembed.errors import EmbedderUnavailable
from wikiembed.metrics import conventions
from wikiembed.metrics.catalogue import METRICS, Process
from wikiembed.metrics.observer import Observer
from wikiembed.metrics.prometheus import Prometheus
from wikiembed.metrics.tracing import Tracing

SECRET = "한글이 confidential zebra"
OF_THE_PROBE = 2
"""Tokens of the request that finds out the model, which is not recorded."""


@pytest.fixture
def endpoint() -> Iterator[Prometheus]:
    """A worker's endpoint on a free port."""
    opened = Prometheus(host="127.0.0.1", port=0)
    yield opened
    opened.close()


class Traces:
    """What a worker exports by OpenTelemetry."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._reader = InMemoryMetricReader()
        self.sink = Tracing(tracers, MeterProvider(metric_readers=[self._reader]))

    def spans(self, kind: SpanKind) -> list[Any]:
        """The ended spans of a kind, in order."""
        return [span for span in self._spans.get_finished_spans() if span.kind is kind]

    def attributes(self) -> list[tuple[str, Any]]:
        """Every attribute of every span, and of every point of a metric."""
        spans = self._spans.get_finished_spans()
        found: list[tuple[str, Any]] = []
        for span in spans:
            found += (span.attributes or {}).items()
            found += [item for link in span.links for item in (link.attributes or {}).items()]
        for points in self.points().values():
            found += [item for point in points for item in point.attributes.items()]
        return found

    def points(self) -> dict[str, list[Any]]:
        """The points of each metric."""
        data = self._reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data is not None else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def scrape(endpoint: Prometheus) -> Samples:
    """The samples of a worker's endpoint."""
    return Samples(httpx.get(endpoint.url).text)


async def test_worker_counts_requests_tokens_and_waits(
    docs_table: Database, standin: StandIn, endpoint: Prometheus
) -> None:
    """Of 100 texts of three words each, in batches, one of which is refused."""
    standin.controls.bad_texts = [BadText(contains="poison")]
    add_chunks(docs_table, 98)
    add(docs_table, "poison")
    docs_table.execute("update wikiembed_queue.procrastinate_jobs set queued_at ="
                       " queued_at - interval '40 s', priority = 0 where id = (select min(id)"
                       " from wikiembed_queue.procrastinate_jobs)")  # fmt: skip
    await drain(settings_of(docs_table, standin.url), observer=Observer([endpoint]))
    samples = scrape(endpoint)
    assert samples.of("wikiembed_requests_in_flight", server=standin.url) == 0
    counts = samples.by("wikiembed_request_duration_seconds_count", "outcome")
    assert set(counts) == {"ok", "500"}
    assert sum(counts.values()) == standin.stats.requests - 1  # but the list of models, if any
    assert samples.by("wikiembed_tokens_total", "counted_by") == {
        "server": standin.stats.tokens - OF_THE_PROBE
    }
    outcomes = samples.by("wikiembed_batches_total", "outcome")
    assert outcomes["failed"] == 1
    assert outcomes.get("embedded", 0) >= 1
    waited = samples.by("wikiembed_commit_to_vector_seconds_count", "fresh")
    assert waited["true"] + waited["false"] == 98
    bulk = {"source": "docs", "fresh": "false"}
    within = samples.of("wikiembed_commit_to_vector_seconds_bucket", le="30", **bulk)
    assert within == 0
    upto = samples.of("wikiembed_commit_to_vector_seconds_bucket", le="300", **bulk)
    assert upto == waited["false"] > 0
    emitted = {name for name in samples.names if name.startswith("wikiembed_")}
    series = {s for one in METRICS if one.process is Process.WORKER for s in one.series}
    created = {name for name in emitted if name.endswith("_created")}
    assert emitted - created == series
    docs_table.check_invariants()


async def test_estimates_are_told_from_counts(
    docs_table: Database, standin: StandIn, endpoint: Prometheus
) -> None:
    """Of a server that counts no tokens."""
    standin.controls.counts_tokens = False
    add(docs_table, "x" * 400)
    await drain(settings_of(docs_table, standin.url), observer=Observer([endpoint]))
    tokens = scrape(endpoint).by("wikiembed_tokens_total", "counted_by")
    assert set(tokens) == {"estimate"}
    assert tokens["estimate"] >= 100


async def test_requests_are_in_flight_until_they_are_answered(
    docs_table: Database, standin: StandIn, endpoint: Prometheus
) -> None:
    """Read from within the server, while it has them."""
    seen: list[float | None] = []
    vectors = standin.controls.vectors

    def looking(*given: object) -> object:
        seen.append(scrape(endpoint).of("wikiembed_requests_in_flight", server=standin.url))
        return vectors(*given)  # type: ignore[arg-type]

    standin.controls.vectors = looking  # type: ignore[assignment]
    add_chunks(docs_table, 10)
    await drain(settings_of(docs_table, standin.url), observer=Observer([endpoint]), concurrency=1)
    assert seen[-1] == 1


async def test_spans_follow_the_conventions(docs_table: Database, standin: StandIn) -> None:
    """A batch is a CONSUMER span, its requests are CLIENT spans below it in the same trace."""
    traces = Traces()
    add_chunks(docs_table, 70)
    await drain(settings_of(docs_table, standin.url), observer=Observer([traces.sink]))
    batches = traces.spans(SpanKind.CONSUMER)
    assert {span.name for span in batches} == {"process embed_docs"}
    embedding = [one for one in batches if one.attributes["wikiembed.batch.embedded"]]
    assert sum(one.attributes["wikiembed.batch.embedded"] for one in embedding) == 70
    assert dict(embedding[0].attributes) | {"messaging.message.id": "", "wikiembed.batch.chunks": 0,
            "wikiembed.batch.embedded": 0} == {
        "messaging.system": "procrastinate", "messaging.operation.name": "process",
        "messaging.operation.type": "process", "messaging.destination.name": "embed_docs",
        "messaging.message.id": "", "wikiembed.source": "docs", "wikiembed.batch.chunks": 0,
        "wikiembed.batch.embedded": 0, "wikiembed.batch.failed": 0,
        "wikiembed.batch.outcome": "embedded",
    }  # fmt: skip
    requests = traces.spans(SpanKind.CLIENT)
    assert {span.name for span in requests} == {"embeddings standin-model"}
    of_batches = {span.context.span_id: span.context.trace_id for span in batches}
    children = [span for span in requests if span.parent is not None]
    assert {span.parent.span_id for span in children} == {s.context.span_id for s in embedding}
    assert all(of_batches[s.parent.span_id] == s.context.trace_id for s in children)
    port = int(standin.url.rpartition(":")[2])
    assert dict(children[0].attributes) | {"gen_ai.usage.input_tokens": 0,
            "wikiembed.request.texts": 0} == {
        "gen_ai.operation.name": "embeddings", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "standin-model", "server.address": "127.0.0.1",
        "server.port": port, "gen_ai.embeddings.dimension.count": 4,
        "gen_ai.usage.input_tokens": 0, "wikiembed.request.texts": 0,
    }  # fmt: skip
    points = traces.points()
    assert set(points) == {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"}
    assert sum(point.count for point in points["gen_ai.client.operation.duration"]) == len(requests)
    usage = points["gen_ai.client.token.usage"]
    assert sum(point.sum for point in usage) == standin.stats.tokens - OF_THE_PROBE
    assert {point.attributes["gen_ai.token.type"] for point in usage} == {"input"}


async def test_failed_requests_have_an_error_type(docs_table: Database, standin: StandIn) -> None:
    """The status of HTTP; the batch goes on, so its span has no error."""
    traces = Traces()
    standin.controls.fail_next = [Canned(status=429, headers={"retry-after": "0"})]
    standin.controls.spare_probe = True
    add_chunks(docs_table, 5)
    await drain(settings_of(docs_table, standin.url), observer=Observer([traces.sink]))
    failed = [s for s in traces.spans(SpanKind.CLIENT) if s.status.status_code is StatusCode.ERROR]
    assert [span.attributes["error.type"] for span in failed] == ["429"]
    assert failed[0].status.description is None
    assert not [s for s in traces.spans(SpanKind.CONSUMER) if "error.type" in s.attributes]


async def test_run_after_an_outage_is_linked_to_the_one_before(
    docs_table: Database, standin: StandIn
) -> None:
    """The job has returned to the queue, and its message id is the same."""
    traces = Traces()
    add(docs_table, "one")
    standin.controls.spare_probe = True
    standin.controls.status_for_all = Canned(status=429)
    with pytest.raises(EmbedderUnavailable):
        await drain(
            settings_of(docs_table, standin.url, outage_limit_s=0.5),
            observer=Observer([traces.sink]),
        )
    standin.controls.status_for_all = None
    await drain(settings_of(docs_table, standin.url), observer=Observer([traces.sink]))
    *_, before, last = traces.spans(SpanKind.CONSUMER)
    assert before.attributes["wikiembed.batch.outcome"] == "requeued"
    assert last.attributes["wikiembed.batch.outcome"] == "embedded"
    assert before.attributes["messaging.message.id"] == last.attributes["messaging.message.id"]
    (link,) = last.links
    assert (link.context, dict(link.attributes)) == (
        before.context, {"wikiembed.link": "earlier_run"},
    )  # fmt: skip


async def test_nothing_that_is_exported_holds_a_text(
    docs_table: Database, standin: StandIn, endpoint: Prometheus
) -> None:
    """Nor a row's key or the server's key; also of a text that fails, whose error quotes it."""
    traces = Traces()
    key = "sk-secret-of-the-server"
    standin.controls.api_key = key
    standin.controls.bad_texts = [BadText(contains="poison", body=f'{{"error": "{SECRET}"}}')]
    docs_table.execute(
        "insert into public.docs (id, body) overriding system value"
        " values (987654321, %s), (987654322, %s)",
        [SECRET, f"poison {SECRET}"],
    )
    settings = settings_of(docs_table, standin.url, api_key=key)
    await drain(settings, observer=Observer([endpoint, traces.sink]))
    exported = traces.attributes()
    page = generate_latest(endpoint.registry).decode()
    for word in (*SECRET.split(), "poison", key, "98765432"):
        assert word not in page
        assert word not in str(exported), word
    assert {name for name, _ in exported} <= conventions.ATTRIBUTES
    spans = traces.spans(SpanKind.CLIENT) + traces.spans(SpanKind.CONSUMER)
    assert not any(span.events or span.status.description for span in spans)


def test_port_in_use_is_one_sentence(docs_table: Database, call: Call, standin: StandIn) -> None:
    """With exit code 2, before a job is fetched; so is an address of another machine."""
    env = environment_of(settings_of(docs_table, standin.url))
    add_chunks(docs_table, 3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        elsewhere = {"WIKIEMBED_METRICS_PORT": "0", "WIKIEMBED_METRICS_HOST": "192.0.2.1"}
        for more in ({"WIKIEMBED_METRICS_PORT": str(port)}, elsewhere):
            for command in (["worker", "--drain"], ["backfill"]):
                refused = call(*command, env=env | more)
                assert refused.returncode == 2
                assert len(refused.stderr.splitlines()) == 1
                assert "The metrics cannot be served on" in refused.stderr
    assert standin.stats.requests == 0


def test_missing_package_is_named(
    docs_table: Database, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that installs it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused = call("worker", "--drain", env={"WIKIEMBED_METRICS_PORT": "0"})
    assert (refused.returncode, refused.stderr) == (
        2,
        "WIKIEMBED_METRICS_PORT needs prometheus-client: run `pip install 'wikiembed[metrics]'`.\n",
    )


def test_worker_serves_its_metrics_until_it_stops(
    docs_table: Database, start_cli: StartCli, standin: StandIn
) -> None:
    """On the port that it logs; an exporter that does not answer delays neither work nor stop."""
    env = environment_of(settings_of(docs_table, standin.url))
    more = {
        "WIKIEMBED_METRICS_PORT": "0",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    add_chunks(docs_table, 70)
    running = start_cli("worker", env=env | more)
    running.wait_for(lambda: "metrics_started" in running.stderr)
    (line,) = [one for one in running.stderr.splitlines() if "metrics_started" in one]
    url = json.loads(line)["url"]
    running.wait_for(lambda: Samples(httpx.get(url).text).by("wikiembed_batches_total", "outcome"))
    stopped = running.stop()
    assert stopped.returncode == 0
    assert "Traceback" not in stopped.stderr
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


RUN = """
import atexit, sys
NAMES = ("prometheus_client", "opentelemetry.sdk")
atexit.register(lambda: print([name for name in NAMES if name in sys.modules]))
from wikiembed.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("env", "imported"),
    [
        ({}, []),
        ({"OTEL_TRACES_EXPORTER": "none"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}, []),
        ({"WIKIEMBED_METRICS_PORT": "0"}, ["prometheus_client"]),
        ({"OTEL_TRACES_EXPORTER": "console"}, ["opentelemetry.sdk"]),
    ],
)
def test_only_what_is_on_is_imported(
    docs_table: Database, standin: StandIn, env: dict[str, str], imported: list[str]
) -> None:
    """By a worker that embeds a chunk; with the console's exporter it prints its spans."""
    add(docs_table, "one")
    done = subprocess.run(
        [sys.executable, "-c", RUN, "worker", "--drain"],
        capture_output=True,
        text=True,
        check=True,
        env=environment_of(settings_of(docs_table, standin.url)) | env,
    )
    assert done.stdout.splitlines()[-1] == str(imported)
    assert ("process embed_docs" in done.stdout) == ("opentelemetry.sdk" in imported)
