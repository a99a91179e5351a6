"""docs/reference/metrics.md and the files of docs/deploy/monitoring, from the catalogue."""

from __future__ import annotations

# ruff: noqa: E501 - rows of tables, and prose
import json
from collections.abc import Sequence
from typing import Any

import yaml

from tests.tools.docs.markdown import code, table
from wikiembed.control.measurements import MEASUREMENTS
from wikiembed.metrics import conventions
from wikiembed.metrics.catalogue import METRICS, Metric, Process

INTRODUCTION = """\
# Metrics

Two kinds of process serve metrics for Prometheus; [monitoring](../how-to/monitor.md) says how. No label holds a
text, a row's key or a secret.
"""
PROCESSES = {
    Process.SERVE: (
        "## Of `wikiembed serve`",
        "What Postgres knows, at `/metrics` of each console: one of them is enough, and restarts lose nothing."
        " A result is shared by all scrapes for 5 s, of the metrics that say so for a minute.",
    ),
    Process.SEVERAL: (
        "## Of `wikiembed serve` on several databases",
        "With several URLs in `WIKIEMBED_DATABASE_URL` every metric above has one more label, `database`: the"
        " [short name](../how-to/console.md#several-databases) of its database. `/db/NAME/metrics` has those of one of"
        " them, without it.",
    ),
    Process.WORKER: (
        "## Of each worker",
        "What one process did since it started, at `/metrics` of its own port. Requests that find out a server's"
        " model are left out. `process_…` of prometheus-client is there, too: memory, CPU, open files.",
    ),
}
TRACES = """\
## OpenTelemetry

A worker with [an exporter](../how-to/monitor.md#traces) makes a span of kind CONSUMER, `process embed_SOURCE`, of each
batch, and below it one of kind CLIENT, `embeddings MODEL`, of each request. Triggers in Postgres queue the jobs, so a
batch begins a trace of its own. Spans have no events and no description of errors.

What is not one call within another is linked; attribute `wikiembed.link` of the link says how. A run of a job that had
returned to the queue, after an outage, say, leads to the run before it (`earlier_run`), if the same worker traced that.
A probe of an outage that goes on after the batch that began it has a trace of its own, which leads to that batch
(`began_in`). Only the span of a batch is known to the worker that runs it: a transaction that writes a row has no link.
"""
NAMES = """\
The names are those of the conventions of [GenAI](https://opentelemetry.io/docs/specs/semconv/gen-ai/) and
[messaging](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/), which are in development:
`wikiembed/metrics/conventions.py` has them all. Metrics have the attributes of requests.
"""


def metrics_page() -> str:
    """The page."""
    lines = [INTRODUCTION]
    for process, (heading, introduction) in PROCESSES.items():
        lines += [heading, "", introduction, ""]
        lines += table(
            ["metric", "type", "labels", "meaning"],
            (
                [code(one.name), one.kind, ", ".join(map(_label, _labels(one))), one.meaning]
                for one in METRICS
                if one.process is process
            ),
        )
    lines += [TRACES]
    lines += table(
        ["metric", "type", "unit"],
        [
            [code(conventions.OPERATION_DURATION), "histogram", "s"],
            [code(conventions.TOKEN_USAGE), "histogram", "tokens that the server counted"],
        ],
    )
    lines += table(["attribute"], ([code(name)] for name in sorted(conventions.ATTRIBUTES)))
    lines += [NAMES]
    return "\n".join(lines)


def _labels(metric: Metric) -> list[tuple[str, Sequence[str]]]:
    known = dict(metric.values)
    return [(name, known.get(name, ())) for name in metric.labels]


def _label(label: tuple[str, Sequence[str]]) -> str:
    name, values = label
    return f"{code(name)} ({', '.join(values)})" if values else code(name)


class _Block(str):
    """A text that YAML shows line by line."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # it has no types
    """Writes blocks as blocks."""


_Dumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


def collector_file() -> str:
    """The collector of sql_exporter: the metrics of the console, where no console runs."""
    collector = {
        "collector_name": "wikiembed",
        "metrics": [
            {
                "metric_name": one.metric.name,
                "type": one.metric.kind.value,
                "help": one.metric.help,
                **({"key_labels": list(one.metric.labels)} if one.metric.labels else {}),
                "values": ["value"],
                "query": _Block(
                    f"with m ({', '.join([*one.metric.labels, 'value'])}) as (\n{one.query}\n)\n"
                    "select * from m\n"
                ),
            }
            for one in MEASUREMENTS
        ],
    }
    head = (
        "# Written by `python -m tests.tools.docs.generate`; do not edit.\n"
        "# For sql_exporter, as a role with wikiembed.grant_reader: see docs/how-to/monitor.md.\n"
    )
    body: str = yaml.dump(
        collector, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000
    )
    return head + body


SOURCES = '{source=~"$source"}'
PANELS: tuple[tuple[str, str, int, tuple[tuple[str, str], ...]], ...] = (
    # title, unit, width, (expression, legend)
    (
        "Coverage",
        "percentunit",
        12,
        (
            (
                'sum by (source) (wikiembed_chunks{state="embedded", source=~"$source"}) / sum by'
                ' (source) (wikiembed_chunks{state!="skipped", source=~"$source"})',
                "{{source}}",
            ),
        ),
    ),
    (
        "Chunks that wait",
        "short",
        12,
        (('wikiembed_chunks{state="waiting", source=~"$source"}', "{{source}}"),),
    ),
    (
        "Chunks embedded per second",
        "ops",
        12,
        (("rate(wikiembed_chunks_embedded_total" + SOURCES + "[$__rate_interval])", "{{source}}"),),
    ),
    (
        "Age of the oldest job",
        "s",
        12,
        (("wikiembed_queue_oldest_seconds" + SOURCES, "{{source}}, fresh: {{fresh}}"),),
    ),
    (
        "Jobs",
        "short",
        12,
        (("sum by (state) (wikiembed_queue_jobs" + SOURCES + ")", "{{state}}"),),
    ),
    (
        "Documents",
        "short",
        12,
        (("sum by (state) (wikiembed_documents" + SOURCES + ")", "{{state}}"),),
    ),
    (
        "Failed chunks and documents by class",
        "short",
        12,
        (
            (
                "sum by (source, error_class) (wikiembed_failures" + SOURCES + ")",
                "{{source}}: {{error_class}}",
            ),
        ),
    ),
    (
        "Paused, outside of windows, out of reach, drifted",
        "short",
        12,
        (
            ("wikiembed_source_paused" + SOURCES, "{{source}} paused"),
            ("wikiembed_bulk_closed" + SOURCES, "{{source}} outside of its windows"),
            ("wikiembed_server_outage", "{{server}} out of reach"),
            ("wikiembed_model_drift" + SOURCES, "{{source}}: another model"),
        ),
    ),
    (
        "Workers alive, databases in reach (of several)",
        "short",
        6,
        (("wikiembed_workers_alive", "workers"), ("wikiembed_database_up", "{{database}}")),
    ),
    (
        "Recall of the vector index",
        "percentunit",
        6,
        (("wikiembed_recall" + SOURCES, "{{source}} @{{depth}}"),),
    ),
    (
        "Models",
        "short",
        12,
        (
            (
                'wikiembed_source_info{model!="", source=~"$source"}',
                "{{source}}: {{model}} ({{dimensions}})",
            ),
        ),
    ),
    (
        "Lag of changed rows, p50, p95 and p99",
        "s",
        12,
        (("wikiembed_lag_seconds" + SOURCES, "{{source}} p{{percentile}}"),),
    ),
    (
        "Tokens today",
        "short",
        12,
        (("wikiembed_usage_tokens" + SOURCES, "{{source}}"),),
    ),
    (
        "Cost today",
        "short",
        12,
        (("wikiembed_usage_cost" + SOURCES, "{{source}} ({{currency}})"),),
    ),
    (
        "Budgets: used share, reached",
        "percentunit",
        12,
        (
            ("wikiembed_budget_used_ratio" + SOURCES, "{{source}} per {{period}}"),
            ("wikiembed_budget_reached" + SOURCES, "{{source}} per {{period}} reached"),
        ),
    ),
    (
        "Limits of servers: used share, waits",
        "percentunit",
        12,
        (
            ("wikiembed_limit_used_ratio", "{{server}} {{model}}"),
            ("wikiembed_limit_waits", "{{server}} {{model}} waits"),
        ),
    ),
    (
        "Commit to vector, p95, fresh rows",
        "s",
        12,
        (
            (
                "histogram_quantile(0.95, sum by (source, le)"
                ' (rate(wikiembed_commit_to_vector_seconds_bucket{fresh="true",'
                ' source=~"$source"}[$__rate_interval])))',
                "{{source}}",
            ),
        ),
    ),
    (
        "Duration of requests, p50 and p95",
        "s",
        12,
        tuple(
            (
                f"histogram_quantile({q}, sum by (server, le)"
                " (rate(wikiembed_request_duration_seconds_bucket[$__rate_interval])))",
                f"{{{{server}}}} p{q * 100:.0f}",
            )
            for q in (0.5, 0.95)
        ),
    ),
    (
        "Requests by outcome",
        "reqps",
        12,
        (
            (
                "sum by (server, outcome) (rate(wikiembed_request_duration_seconds_count[$__rate_interval]))",
                "{{server}}: {{outcome}}",
            ),
        ),
    ),
    (
        "Requests in flight",
        "short",
        12,
        (("sum by (server) (wikiembed_requests_in_flight)", "{{server}}"),),
    ),
    (
        "Tokens per second",
        "short",
        12,
        (
            (
                "sum by (server, counted_by) (rate(wikiembed_tokens_total[$__rate_interval]))",
                "{{server}}, by {{counted_by}}",
            ),
        ),
    ),
    (
        "Batches by outcome",
        "ops",
        12,
        (
            (
                'sum by (outcome) (rate(wikiembed_batches_total{source=~"$source"}[$__rate_interval]))',
                "{{outcome}}",
            ),
        ),
    ),
)
"""The last six are of workers, the others of the console."""
_WIDTH, _HEIGHT = 24, 8
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard_file() -> str:
    """The Grafana dashboard."""
    x = y = 0
    panels: list[dict[str, Any]] = []
    for number, (title, unit, width, targets) in enumerate(PANELS, 1):
        if x + width > _WIDTH:
            x, y = 0, y + _HEIGHT
        panels.append(
            {
                "id": number,
                "type": "timeseries",
                "title": title,
                "datasource": _DATASOURCE,
                "gridPos": {"x": x, "y": y, "w": width, "h": _HEIGHT},
                "fieldConfig": {
                    "defaults": {"unit": unit, "min": 0, "custom": {"fillOpacity": 10}},
                    "overrides": [],
                },
                "options": {
                    "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
                    "tooltip": {"mode": "multi", "sort": "desc"},
                },
                "targets": [
                    {
                        "refId": chr(ord("A") + place),
                        "datasource": _DATASOURCE,
                        "expr": expression,
                        "legendFormat": legend,
                    }
                    for place, (expression, legend) in enumerate(targets)
                ],
            }
        )
        x += width
    dashboard = {
        "uid": "wikiembed",
        "title": "wikiembed",
        "tags": ["wikiembed"],
        "editable": True,
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": _variables()},
        "panels": panels,
    }
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
        {
            "name": "source",
            "type": "query",
            "label": "Source",
            "datasource": _DATASOURCE,
            "query": "label_values(wikiembed_chunks, source)",
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]
