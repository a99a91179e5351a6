"""Spans and metrics of OpenTelemetry, set up by the environment that its SDK documents."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from typing import Any

from opentelemetry import context, metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, TracerProvider

from wikiembed.metrics import conventions as names
from wikiembed.metrics.catalogue import OK, BatchOutcome
from wikiembed.metrics.environment import METRICS, TRACES, exporters, protocol_of
from wikiembed.metrics.observer import Batch, Request, Wait

SCOPE = "wikiembed"
SERVICE = "wikiembed-worker"
MOST_PER_S = 5
"""Batches per second that are traced unless OTEL_TRACES_SAMPLER is set: a batch with one request
costs 0.4 ms of CPU to trace and export, 5 % of what it costs a worker with a server that answers at
once. Metrics are of all requests."""
FLUSH_S = 5.0
"""A worker that ends waits as long for what is not exported yet."""
_RUN_AGAIN = (BatchOutcome.REQUEUED, BatchOutcome.ERROR)
MOST_EARLIER = 1000
"""Runs of jobs that returned to the queue, which their next run in this process is linked to."""


@dataclass(slots=True)
class Traced:
    """A batch for the requests below it; `span`: None where the batch is not traced."""

    span: Span | None
    ended: bool = False


_batch: ContextVar[Traced | None] = ContextVar("wikiembed_traced_batch", default=None)
"""The batch in which the present task runs or began: a probe of an outage outlives its batch."""


class Allowance:
    """Allows `per_s` things a second, at most as many at once; None: all."""

    def __init__(self, per_s: float | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._clock = clock
        self._left = per_s or 0.0
        self._at = clock()

    def take(self) -> bool:
        """Whether one more is allowed now."""
        if self._per_s is None:
            return True
        now = self._clock()
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Tracing:
    """A sink that makes a span of a batch and, below it, of each request.

    Spans that belong together without one being a call in the other are linked: see `_links_of`,
    and `begin_request` for a task that outlives its batch. `most_per_s`: batches per second that
    have spans; None: all. `are_own`: the providers end with it.
    """

    def __init__(
        self,
        tracers: TracerProvider,
        meters: MeterProvider,
        *,
        most_per_s: float | None = None,
        are_own: bool = False,
    ) -> None:
        self._providers = (tracers, meters)
        self._are_own = are_own
        self._allowance = Allowance(most_per_s)
        self._known: dict[tuple[str, str | None], dict[str, str | int]] = {}
        self._earlier: OrderedDict[int, SpanContext] = OrderedDict()
        self._tracer = tracers.get_tracer(SCOPE, version(SCOPE))
        meter = meters.get_meter(SCOPE, version(SCOPE))
        self._duration = meter.create_histogram(
            names.OPERATION_DURATION,
            unit="s",
            description="Duration of requests to an embedding server.",
            explicit_bucket_boundaries_advisory=list(names.DURATION_BUCKETS_S),
        )
        self._usage = meter.create_histogram(
            names.TOKEN_USAGE,
            unit="{token}",
            description="Tokens of requests, as the embedding server counts them.",
            explicit_bucket_boundaries_advisory=[float(one) for one in names.TOKEN_BUCKETS],
        )

    @classmethod
    def of_environment(cls) -> Tracing:
        """By the SDK's environment; providers that the process has already are used as they are.

        Raises: LookupError for an exporter that is not installed.
        """
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # a retry is no event
        tracers, meters = trace.get_tracer_provider(), metrics.get_meter_provider()
        are_own = isinstance(tracers, trace.ProxyTracerProvider)
        if are_own:
            from opentelemetry.sdk.resources import SERVICE_NAME, Resource

            named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get(
                "OTEL_RESOURCE_ATTRIBUTES", ""
            )
            resource = Resource.create({} if named else {SERVICE_NAME: SERVICE})
            tracers, meters = _tracers(resource), _meters(resource)
        most = None if os.environ.get("OTEL_TRACES_SAMPLER") else MOST_PER_S
        return cls(tracers, meters, most_per_s=most, are_own=are_own)

    def begin_request(self, request: Request) -> None:
        """Begin its span, the child of its batch's; after that has ended, linked to it.

        The child of a span that has ended would change a trace that is complete, for as long as the
        outage lasts whose probe it is.
        """
        batch = _batch.get()
        within, links = None, []
        if batch is not None and batch.ended:
            within = context.Context()
            if batch.span is not None:
                links = [_link(batch.span.get_span_context(), names.BEGAN_IN)]
        elif batch is not None and batch.span is None:
            return
        attributes = self._attributes(request)
        request.span = self._tracer.start_span(
            names.name_of_request(request),
            context=within,
            kind=SpanKind.CLIENT,
            attributes={**attributes, names.TEXTS: request.texts},
            links=links,
        )

    def _attributes(self, request: Request) -> dict[str, str | int]:
        key = (request.server.name, request.model)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = names.request_attributes(request)
        return known

    def end_request(self, request: Request) -> None:
        """End its span, and observe its duration and its tokens."""
        attributes = self._attributes(request)
        counted = request.tokens - request.estimated
        if request.outcome != OK:
            attributes = {**attributes, names.ERROR_TYPE: request.outcome}
        if isinstance(request.span, Span):
            if request.dimensions is not None:
                request.span.set_attribute(names.DIMENSIONS, request.dimensions)
            if counted:
                request.span.set_attribute(names.INPUT_TOKENS, counted)
            if request.outcome != OK:
                request.span.set_attribute(names.ERROR_TYPE, request.outcome)
                request.span.set_status(StatusCode.ERROR)
            request.span.end()
        self._duration.record(request.seconds, attributes)
        if counted:
            self._usage.record(counted, {**attributes, names.TOKEN_TYPE: names.INPUT})

    def begin_batch(self, batch: Batch) -> None:
        """Begin its span, of which those of its requests are children, if it is traced."""
        if not self._allowance.take():
            traced = Traced(None)
            batch.span = (traced, _batch.set(traced), None)
            return
        span = self._tracer.start_span(
            names.name_of_batch(batch),
            kind=SpanKind.CONSUMER,
            attributes=names.batch_attributes(batch),
            links=self._links_of(batch),
        )
        traced = Traced(span)
        attached = context.attach(trace.set_span_in_context(span))
        batch.span = (traced, _batch.set(traced), attached)

    def _links_of(self, batch: Batch) -> list[Link]:
        """A link to the last run of the job, if this process traced it."""
        earlier = None if batch.job_id is None else self._earlier.pop(batch.job_id, None)
        return [] if earlier is None else [_link(earlier, names.EARLIER_RUN)]

    def _keep_run(self, batch: Batch, span: Span) -> None:
        if batch.job_id is None or batch.outcome not in _RUN_AGAIN:
            return
        self._earlier[batch.job_id] = span.get_span_context()
        if len(self._earlier) > MOST_EARLIER:
            self._earlier.popitem(last=False)

    def end_batch(self, batch: Batch) -> None:
        """End its span."""
        if not isinstance(batch.span, tuple):
            return
        traced, token, attached = batch.span
        _batch.reset(token)
        traced.ended = True
        if traced.span is None:
            return
        span = traced.span
        context.detach(attached)
        if span.is_recording():
            self._keep_run(batch, span)
            span.set_attributes(
                {
                    names.EMBEDDED: batch.embedded,
                    names.FAILED: batch.failed,
                    names.OUTCOME: batch.outcome.value,
                }
            )
        if batch.error is not None:
            span.set_attribute(names.ERROR_TYPE, batch.error)
            span.set_status(StatusCode.ERROR)
        span.end()

    def written(self, source: str, waits: Sequence[Wait]) -> None:
        """Nothing: spans have the times."""

    def close(self) -> None:
        """Export what is left, within `FLUSH_S`: an exporter's trouble is not the worker's."""
        ending = threading.Thread(target=self._end, name="export", daemon=True)
        ending.start()
        ending.join(FLUSH_S)  # the SDK's own timeouts begin anew with each attempt

    def _end(self) -> None:
        for provider in self._providers:
            end = getattr(provider, "shutdown" if self._are_own else "force_flush", None)
            if end is not None:
                with contextlib.suppress(Exception):
                    end()


def _link(to: SpanContext, what: str) -> Link:
    return Link(to, {names.LINK: what})


def _tracers(resource: Any) -> TracerProvider:
    """A provider with the exporters of spans; the SDK itself reads OTEL_TRACES_SAMPLER."""
    from opentelemetry.sdk.trace import TracerProvider as Provider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    made = Provider(resource=resource, shutdown_on_exit=False)
    for exporter in exporters(TRACES, os.environ):
        made.add_span_processor(BatchSpanProcessor(_load("traces", exporter)()))
    return made


def _meters(resource: Any) -> MeterProvider:
    """A provider with the exporters of metrics; the SDK reads OTEL_METRIC_EXPORT_INTERVAL."""
    from opentelemetry.sdk.metrics import MeterProvider as Provider
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader

    readers = []
    for exporter in exporters(METRICS, os.environ):
        kind = _load("metrics", exporter)
        is_reader = isinstance(kind, type) and issubclass(kind, MetricReader)
        readers.append(kind() if is_reader else PeriodicExportingMetricReader(kind()))
    return Provider(resource=resource, metric_readers=readers, shutdown_on_exit=False)


def _load(signal: str, exporter: str) -> Callable[[], Any]:
    """The class of an exporter by its standard name.

    Raises: LookupError.
    """
    name = exporter
    if exporter == "otlp":
        grpc = protocol_of(signal, os.environ) == "grpc"
        name = "otlp_proto_grpc" if grpc else "otlp_proto_http"
    for entry in entry_points(group=f"opentelemetry_{signal}_exporter", name=name):
        found: Callable[[], Any] = entry.load()
        return found
    raise LookupError(f"no exporter {exporter!r} of {signal} is installed")
