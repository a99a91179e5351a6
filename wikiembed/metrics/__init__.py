"""Metrics for Prometheus and traces for OpenTelemetry; imported only if they are on."""
