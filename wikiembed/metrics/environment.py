"""Whether OpenTelemetry's environment asks for an export, read without its packages.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

from collections.abc import Mapping

TRACES = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
METRICS = ("OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
_ALL = "OTEL_EXPORTER_OTLP_ENDPOINT"
DEFAULT_PROTOCOL = "http/protobuf"


def wants_export(environment: Mapping[str, str]) -> bool:
    """Whether an exporter is set, and the SDK is not disabled."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    return bool(exporters(TRACES, environment) or exporters(METRICS, environment))


def exporters(variables: tuple[str, str], environment: Mapping[str, str]) -> list[str]:
    """Names of a signal's exporters: those that are set, else OTLP where an endpoint is set."""
    named = environment.get(variables[0], "").strip()
    if named:
        return [one.strip() for one in named.split(",") if one.strip() not in ("", "none")]
    return ["otlp"] if environment.get(variables[1]) or environment.get(_ALL) else []


def protocol_of(signal: str, environment: Mapping[str, str]) -> str:
    """The protocol of OTLP for signal `traces` or `metrics`."""
    given = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
    given = given or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    return (given or DEFAULT_PROTOCOL).strip()
