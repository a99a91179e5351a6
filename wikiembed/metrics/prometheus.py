"""The endpoint of a worker for Prometheus, and the samples of all endpoints."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
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


class Sums(Collector):
    """A gauge or a counter, for a tenth of what prometheus_client's own takes for each change."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[tuple[str, ...], float] = {}

    def add(self, labels: tuple[str, ...], number: float) -> None:
        """Add `number`; called from one thread."""
        self._values[labels] = self._values.get(labels, 0.0) + number

    def collect(self) -> Iterable[Family]:
        """The values."""
        return [family(self._metric, list(self._values.items()))]


class Weighted(Collector):
    """A histogram that takes many equal values at once, as prometheus_client's does not."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, labels: tuple[str, ...], value: float, *, times: int = 1) -> None:
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
        self._in_flight = Sums(catalogue.REQUESTS_IN_FLIGHT)
        self._duration = Weighted(catalogue.REQUEST_DURATION)
        self._tokens = Sums(catalogue.TOKENS)
        self._batches = Sums(catalogue.BATCHES)
        self._waited = Weighted(catalogue.COMMIT_TO_VECTOR)
        counts = (self._in_flight, self._tokens, self._batches)
        for collector in (*counts, self._duration, self._waited):
            registry.register(collector)
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
        self._in_flight.add((request.server.name,), 1)

    def end_request(self, request: Request) -> None:
        """Observe its duration and count its tokens."""
        name = request.server.name
        self._in_flight.add((name,), -1)
        self._duration.observe((name, request.outcome), request.seconds)
        if counted := request.tokens - request.estimated:
            self._tokens.add((name, "server"), counted)
        if request.estimated:
            self._tokens.add((name, "estimate"), request.estimated)

    def begin_batch(self, batch: Batch) -> None:
        """Nothing is counted before its end."""

    def end_batch(self, batch: Batch) -> None:
        """Count it by its outcome."""
        self._batches.add((batch.source, batch.outcome.value), 1)

    def written(self, source: str, waits: Sequence[Wait]) -> None:
        """Observe how long the chunks waited."""
        for seconds, fresh, chunks in waits:
            self._waited.observe((source, "true" if fresh else "false"), seconds, times=chunks)

    def close(self) -> None:
        """End the endpoint."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
