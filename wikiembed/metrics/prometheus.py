"""The endpoint of a worker for Prometheus, and the samples of all endpoints."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from wikiembed.errors import ConfigurationError
from wikiembed.metrics import catalogue
from wikiembed.metrics.catalogue import Kind, Metric
from wikiembed.metrics.observer import Batch, Request, Wait

Sample = tuple[Sequence[str], float]
"""Values of the labels, in the metric's order, and the value."""
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


def family(metric: Metric, samples: Iterable[Sample]) -> Family:
    """The samples of a gauge or a counter, in the form of prometheus_client."""
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    made = kind(metric.name.removesuffix("_total"), metric.help, labels=list(metric.labels))
    for labels, value in samples:
        made.add_metric(list(labels), value)
    return made


class Families(Collector):
    """Families that are known already."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        """The families."""
        return self._families


def exposition(families: Sequence[Family], accept: str) -> tuple[bytes, str]:
    """A page of metrics and its content type, in the format that header Accept asks for."""
    encode, content_type = choose_encoder(accept)
    return encode(Families(families)), content_type


class Weighted(Collector):
    """A histogram that takes many equal values at once, as prometheus_client's does not."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, labels: tuple[str, ...], value: float, *, times: int) -> None:
        """Add `times` observations of `value`."""
        place = bisect.bisect_left(self._metric.buckets, value)
        with self._lock:
            counts = self._counts.get(labels)
            if counts is None:
                counts = self._counts[labels] = [0] * (len(self._metric.buckets) + 1)
                self._sums[labels] = 0.0
            counts[place] += times
            self._sums[labels] += value * times

    def collect(self) -> Iterable[Family]:
        """The histogram."""
        made = HistogramMetricFamily(
            self._metric.name, self._metric.help, labels=list(self._metric.labels)
        )
        bounds = [*(f"{bound:g}" for bound in self._metric.buckets), "+Inf"]
        with self._lock:
            kept = [(k, list(v), self._sums[k]) for k, v in self._counts.items()]
        for labels, counts, total in kept:
            buckets = list(zip(bounds, map(float, accumulate(counts)), strict=True))
            made.add_metric(list(labels), buckets=buckets, sum_value=total)
        return [made]


class Prometheus:
    """A sink whose counts Prometheus fetches from `host` and `port` (0: a free one).

    Raises: ConfigurationError when the address cannot be listened on.
    """

    def __init__(self, *, host: str, port: int) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self._in_flight = Gauge(*_named(catalogue.REQUESTS_IN_FLIGHT), registry=registry)
        self._duration = Histogram(
            *_named(catalogue.REQUEST_DURATION),
            buckets=catalogue.REQUEST_DURATION.buckets,
            registry=registry,
        )
        self._tokens = Counter(*_named(catalogue.TOKENS), registry=registry)
        self._batches = Counter(*_named(catalogue.BATCHES), registry=registry)
        self._waited = Weighted(catalogue.COMMIT_TO_VECTOR)
        registry.register(self._waited)
        ProcessCollector(registry=registry)
        try:
            self._server, self._thread = start_http_server(port, host, registry=registry)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigurationError(
                f"The metrics cannot be served on {host} port {port} ({reason}): set"
                " WIKIEMBED_METRICS_PORT to another port for each worker of a machine, or to 0 for"
                " a free one, and WIKIEMBED_METRICS_HOST to an address of this machine."
            ) from None
        named = f"[{host}]" if ":" in host else host
        self.url = f"http://{named}:{self._server.server_port}/metrics"

    def begin_request(self, request: Request) -> None:
        """Count it as in flight."""
        self._in_flight.labels(request.server.name).inc()

    def end_request(self, request: Request) -> None:
        """Observe its duration and count its tokens."""
        name = request.server.name
        self._in_flight.labels(name).dec()
        self._duration.labels(name, request.outcome).observe(request.seconds)
        if counted := request.tokens - request.estimated:
            self._tokens.labels(name, "server").inc(counted)
        if request.estimated:
            self._tokens.labels(name, "estimate").inc(request.estimated)

    def begin_batch(self, batch: Batch) -> None:
        """Nothing is counted before its end."""

    def end_batch(self, batch: Batch) -> None:
        """Count it by its outcome."""
        self._batches.labels(batch.source, batch.outcome.value).inc()

    def written(self, source: str, waits: Sequence[Wait]) -> None:
        """Observe how long the chunks waited."""
        for seconds, fresh, chunks in waits:
            self._waited.observe((source, "true" if fresh else "false"), seconds, times=chunks)

    def close(self) -> None:
        """End the endpoint."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _named(metric: Metric) -> tuple[str, str, list[str]]:
    """The first arguments of prometheus_client's constructors."""
    return metric.name, metric.help, list(metric.labels)
