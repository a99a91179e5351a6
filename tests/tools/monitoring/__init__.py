"""The files of docs/deploy/monitoring, tried with a real Prometheus."""
