"""What of metrics and traces is on, by the settings and by OpenTelemetry's environment."""

from __future__ import annotations

import gc
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager

from wikiembed.config import Settings
from wikiembed.errors import ConfigurationError
from wikiembed.metrics.observer import Observer, Sink
from wikiembed.telemetry import emit

_OTEL = "OTEL_"


@contextmanager
def observing(settings: Settings) -> Iterator[Observer | None]:
    """A worker's observer while the block runs; None, and nothing is imported, where all is off.

    Raises: ConfigurationError when the endpoint cannot be opened, or its package is missing.
    """
    sinks: list[Sink] = []
    try:
        if settings.metrics_port is not None:
            sinks.append(_prometheus(settings.metrics_host, settings.metrics_port))
        if any(name.startswith(_OTEL) for name in os.environ):
            sinks += _tracing()
        # What is imported by now stays: collections would read all of it again and again, and more
        # of it with metrics than without.
        gc.collect()
        gc.freeze()
        yield Observer(sinks) if sinks else None
    finally:
        for sink in sinks:
            sink.close()


def _prometheus(host: str, port: int) -> Sink:
    if importlib.util.find_spec("prometheus_client") is None:
        raise ConfigurationError(
            "WIKIEMBED_METRICS_PORT needs prometheus-client: run `pip install"
            " 'wikiembed[metrics]'`."
        )
    from wikiembed.metrics.prometheus import Prometheus

    opened = Prometheus(host=host, port=port)
    emit("metrics_started", url=opened.url)
    return opened


def _tracing() -> list[Sink]:
    """The sink of OpenTelemetry, if an exporter is set; its environment may be that of others."""
    from wikiembed.metrics.environment import wants_export

    if not wants_export(os.environ):
        return []
    try:
        from wikiembed.metrics.tracing import Tracing

        return [Tracing.of_environment()]
    except (ImportError, LookupError, ValueError) as error:
        emit("tracing_off", level=30, reason=str(error))
        return []
