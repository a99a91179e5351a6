"""The dashboard, the alert rules and the collector name metrics and labels that are emitted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.support.database import Database
from tests.tools.docs.metrics import PANELS
from tests.tools.docs.pages import ROOT
from tests.tools.monitoring.board import FOLDER, filled, legend, panels, rate_interval_s
from tests.tools.monitoring.checks import CASES, wrong_files
from tests.tools.monitoring.server import missing_programs
from wikiembed.control.measurements import MEASUREMENTS
from wikiembed.metrics.catalogue import DATABASE_UP, METRICS, Kind, Metric

DURATION = re.compile(r"(\d+(ms|[smhdwy]))+")
SERIES = {name: metric for metric in METRICS for name in metric.series}
EXACT = (promql.MatchOp.Equal, promql.MatchOp.NotEqual)
OF_PROMETHEUS = {"le", "instance", "job"}
OF_SEVERAL = set(DATABASE_UP.labels)
"""What every metric of the console has besides, where it serves several databases."""


def rules() -> list[dict[str, Any]]:
    """Every rule."""
    parsed = yaml.safe_load((FOLDER / "wikiembed-rules.yaml").read_text())
    return [rule for group in parsed["groups"] for rule in group["rules"]]


def queries() -> list[str]:
    """Every expression of the rules and of the dashboard, whose variables are filled in."""
    board = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in rules()] + [filled(one, rate_s=60) for one in shown]


def parts(expression: promql.Expr) -> Iterator[promql.Expr]:
    """An expression and all below it."""
    yield expression
    for name in ("expr", "lhs", "rhs", "param", "vector_selector", "vs"):
        below = getattr(expression, name, None)
        if isinstance(below, promql.Expr):
            yield from parts(below)
    for argument in getattr(expression, "args", None) or []:
        yield from parts(argument)


def check(query: str) -> None:
    """Assert that each selector of a query is of a metric, its labels and their values."""
    tree = promql.parse(query)
    selected: list[Metric] = []
    for part in parts(tree):
        if not isinstance(part, promql.VectorSelector):
            continue
        assert part.name in SERIES, f"{part.name} in {query}"
        metric = SERIES[part.name]
        selected.append(metric)
        values = dict(metric.values)
        for matcher in part.matchers.matchers:
            assert matcher.name in metric.labels, f"{matcher.name} of {part.name}"
            if matcher.name in values and matcher.op in EXACT:
                assert matcher.value in values[matcher.name], f"{matcher.value} of {part.name}"
    assert selected, query
    known = {label for metric in selected for label in metric.labels} | OF_PROMETHEUS | OF_SEVERAL
    for part in parts(tree):
        modifier = getattr(part, "modifier", None)
        grouped = set(_labels_of(modifier))
        assert grouped <= known, f"{grouped - known} in {query}"


def _labels_of(modifier: Any) -> list[str]:
    """Labels of `by`, `on` and so on."""
    matching = getattr(modifier, "matching", modifier)
    return list(getattr(matching, "labels", None) or [])


@pytest.mark.parametrize("query", queries())
def test_queries_name_what_is_emitted(query: str) -> None:
    """The metric, its labels, and the values of labels that have few."""
    check(query)


@pytest.mark.parametrize(
    "query",
    [
        "wikiembed_chunk",
        "wikiembed_request_duration_seconds",
        'wikiembed_chunks{status="waiting"}',
        'wikiembed_chunks{state="missing"}',
        "sum by (server) (rate(wikiembed_chunks_embedded_total[5m]))",
        "wikiembed_chunks and on (host) wikiembed_source_paused",
        "1 + 2",
    ],
)
def test_check_finds_a_wrong_name(query: str) -> None:
    """Of a metric, a label, a value or a group."""
    with pytest.raises(AssertionError):
        check(query)


def cases() -> list[tuple[str, list[dict[str, Any]]]]:
    """The alert and the expected alerts of each case for promtool."""
    return [
        (check["alertname"], check.get("exp_alerts", []))
        for one in yaml.safe_load(CASES.read_text())["tests"]
        for check in one["alert_rule_test"]
    ]


def test_each_alert_has_a_case_that_fires_and_a_quiet_one() -> None:
    """For promtool, which scripts/monitoring.sh runs; with the labels and severity of the rule."""
    fires = {name for name, expected in cases() if expected}
    quiet = {name for name, expected in cases() if not expected}
    by_name = {rule["alert"]: rule for rule in rules()}
    assert fires == set(by_name)
    assert quiet == set(by_name)
    for name, expected in cases():
        for one in expected:
            assert one["exp_labels"]["severity"] == by_name[name]["labels"]["severity"]
            assert set(one["exp_annotations"]) == {"summary", "action"}


def test_cases_name_what_is_emitted() -> None:
    """Each series is of a metric, with its labels."""
    given = {
        series["series"]
        for one in yaml.safe_load(CASES.read_text())["tests"]
        for series in one["input_series"]
    }
    for one in given:
        name, _, labels = one.partition("{")
        written = set(re.findall(r"(\w+)=", labels)) - OF_PROMETHEUS - OF_SEVERAL
        assert name in SERIES, one
        assert written <= set(SERIES[name].labels), one


@pytest.mark.skipif(bool(missing_programs()), reason="no promtool: apt-get install prometheus")
def test_promtool_finds_nothing_wrong() -> None:
    """In the configuration, the rules, and their cases."""
    assert list(wrong_files()) == []


def test_board_is_filled_in_as_by_grafana() -> None:
    """Rates are of four scrapes at least; no query keeps a variable or has a span of its own."""
    assert rate_interval_s(step_s=5, scrape_s=15) == 60
    assert rate_interval_s(step_s=600, scrape_s=15) == 615
    queries = [one.query for panel in panels(rate_s=60) for one in panel.targets]
    assert [one for one in queries if "$" in one] == []
    assert {span for one in queries for span in re.findall(r"\[(.+?)\]", one)} == {"60s"}
    written = (FOLDER / "grafana-dashboard.json").read_text()
    assert set(re.findall(r"\[([^\[\]\s]+)\]", written)) == {"$__rate_interval"}
    assert legend("{{source}} p{{percentile}}", {"source": "docs", "percentile": "95"}) == (
        "docs p95"
    )
    assert legend("{{source}}: {{model}} (4)", {"source": "docs"}) == "docs:  (4)"


def test_every_metric_is_on_the_dashboard() -> None:
    """So that each one that is emitted is shown."""
    shown = " ".join(expression for _, _, _, targets in PANELS for expression, _ in targets)
    assert [one.name for one in METRICS if one.name not in shown] == []


def test_rules_have_what_prometheus_wants() -> None:
    """Only its fields; a name each, and an action for the operator."""
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
        assert DURATION.fullmatch(rule.get("for", "1m")), rule
        assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", rule["alert"])
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "action"}
        assert all(isinstance(text, str) for text in rule["annotations"].values())
        templated = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        named = [metric for metric in METRICS if metric.name in rule["expr"]]
        known = {label for metric in named for label in metric.labels}
        assert templated <= known, rule["alert"]


def test_dashboard_has_only_fields_of_grafana() -> None:
    """What its own models read and write again is the same; panels do not overlap."""
    text = (FOLDER / "grafana-dashboard.json").read_text()
    board = json.loads(text)
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    assert _unknown(board, again) == []
    cells: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        mine = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & mine, panel["title"]
        cells |= mine
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def _unknown(mine: Any, read: Any, path: str = "") -> list[str]:
    """Paths of what the models lost."""
    if isinstance(mine, dict):
        if not isinstance(read, dict):
            return [path]
        return [
            lost
            for name, value in mine.items()
            for lost in (
                [f"{path}.{name}"]
                if name not in read
                else _unknown(value, read[name], f"{path}.{name}")
            )
        ]
    if isinstance(mine, list):
        if not isinstance(read, list) or len(mine) != len(read):
            return [path]
        return [lost for a, b in zip(mine, read, strict=True) for lost in _unknown(a, b, path)]
    return [] if mine == read else [path]


def test_dashboard_check_finds_a_wrong_field() -> None:
    """A misspelt one is lost by Grafana's models."""
    board = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    board["panels"][0]["gridPoss"] = board["panels"][0].pop("gridPos")
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    assert _unknown(board, again) == [".panels.gridPoss"]


def test_collector_runs_on_postgres_as_a_reader(docs_table: Database) -> None:
    """Each query's columns are its labels and its value, as sql_exporter wants them."""
    collector = yaml.safe_load((FOLDER / "wikiembed.collector.yml").read_text())
    assert [one["metric_name"] for one in collector["metrics"]] == [
        one.metric.name for one in MEASUREMENTS
    ]
    role = docs_table.create_role("exporter", grant="reader")
    with docs_table.connect(role=role) as connection:
        for one in collector["metrics"]:
            assert set(one) <= {"metric_name", "type", "help", "key_labels", "values", "query"}
            assert one["type"] in (Kind.GAUGE, Kind.COUNTER)
            cursor = connection.execute(one["query"].encode())
            columns = [column.name for column in cursor.description or ()]
            assert columns == [*one.get("key_labels", []), *one["values"]], one["metric_name"]


def test_scrape_configuration_has_what_prometheus_wants() -> None:
    """Its fields, the console's port, and the file of the rules beside it."""
    parsed = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    assert set(parsed) == {"scrape_configs", "rule_files"}
    assert [(FOLDER / name).is_file() for name in parsed["rule_files"]] == [True]
    known = {"job_name", "scrape_interval", "authorization", "static_configs"}
    for job in parsed["scrape_configs"]:
        assert set(job) <= known
        assert DURATION.fullmatch(job["scrape_interval"])
    assert "8600" in str(parsed["scrape_configs"][0]["static_configs"])


def test_page_names_every_file() -> None:
    """Of the folder, and each alert."""
    page = (ROOT / "docs" / "how-to" / "monitor.md").read_text()
    assert [one.name for one in FOLDER.iterdir() if one.name not in page] == []
    assert [rule["alert"] for rule in rules() if rule["alert"] not in page] == []
