"""What is missing or wrong in the files, and in what Prometheus has after a run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from tests.support.eventually import ConditionNotMet, eventually
from tests.tools.monitoring.board import FOLDER, panels, rate_interval_s
from tests.tools.monitoring.field import TOKEN, WORKERS, Field
from tests.tools.monitoring.server import (
    SCRAPE_S,
    configuration,
    promtool,
)
from wikiembed.metrics.catalogue import METRICS, Process

CASES = Path(__file__).with_name("rules.yaml")
WITHIN_S = 90
"""Metrics that are read once a minute come as late as this."""
RAISED = ("WikiembedServerOutage", "WikiembedPausedLong")
"""Alerts that become pending in a run."""

OF_SEVERAL = [one for one in METRICS if one.process is Process.SEVERAL]
"""The console of a run serves one database."""
Check = Callable[[Field], Iterator[str]]
"""Yields a line for each thing that is missing or wrong."""


def wrong_files() -> Iterator[str]:
    """What promtool says against the configuration, the rules and their cases."""
    with tempfile.TemporaryDirectory() as name:
        configured = configuration(
            Path(name), console="127.0.0.1:8600", workers=["127.0.0.1:9401"], token="x"
        )
        for arguments in (
            ("check", "config", "--lint=all", "--lint-fatal", str(configured)),
            ("check", "rules", "--lint=all", "--lint-fatal", str(FOLDER / "wikiembed-rules.yaml")),
            ("test", "rules", str(CASES)),
        ):
            code, printed = promtool(*arguments)
            print(f"promtool {' '.join(arguments[:2])}: {'passed' if code == 0 else 'failed'}")
            if code != 0:
                yield printed


def absent_queries(run: Field) -> Iterator[str]:
    """Queries of the dashboard that have found nothing since the run began."""
    end, step_s = time.time(), float(SCRAPE_S)
    rate_s = rate_interval_s(step_s=step_s, scrape_s=SCRAPE_S)
    for panel in panels(rate_s=rate_s):
        for one in panel.targets:
            if any(metric.name in one.query for metric in OF_SEVERAL):
                continue
            if not run.prometheus.ranges(one.query, start=run.began, end=end, step_s=step_s):
                yield f"the dashboard's panel {panel.title!r} is empty: {one.query}"


def absent_metrics(run: Field) -> Iterator[str]:
    """Metrics without a sample, of another type, or with other labels than the catalogue's."""
    kinds = run.prometheus.get("metadata")
    for metric in METRICS:
        if metric in OF_SEVERAL:
            continue
        for name in metric.series:
            found = run.prometheus.series(name, start=run.began, end=time.time())
            if not found:
                yield f"no sample of {name}"
            for labels in found:
                own = set(labels) - {"__name__", "instance", "job", "le"}
                if own != {one for one in metric.labels if labels.get(one)}:
                    yield f"{name} has labels {sorted(own)}, not {sorted(metric.labels)}"
        types = {one["type"] for one in kinds.get(metric.name.removesuffix("_total"), [])}
        if types != {metric.kind.value}:
            yield f"{metric.name} is of type {types or 'unknown'}, not {metric.kind}"


def absent_choices(run: Field) -> Iterator[str]:
    """Sources that the dashboard's variable does not offer."""
    offered = run.prometheus.get("label/source/values", **{"match[]": "wikiembed_chunks"})
    for name in {"docs", "articles", "pages"} - set(offered):
        yield f"the dashboard does not offer source {name}"


def wrong_targets(run: Field) -> Iterator[str]:
    """Endpoints that were not scraped, or not always, or whose samples were refused."""
    active = run.prometheus.get("targets", state="active")["activeTargets"]
    if len(active) != 1 + WORKERS:
        yield f"{len(active)} endpoints, not {1 + WORKERS}"
    for one in active:
        if one["health"] != "up":
            yield f"{one['scrapeUrl']} is {one['health']}: {one['lastError']}"
    for series in run.prometheus.ranges("up", start=run.began, end=time.time(), step_s=SCRAPE_S):
        if lost := sum(value == 0 for value in series.values.values()):
            yield f"{series.labels['instance']} failed {lost} scrapes"
    for line in httpx.get(f"{run.prometheus.url}/metrics").text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("prometheus_target_scrapes_") and float(value):
            yield f"Prometheus refused samples: {line}"


def wrong_rules(run: Field) -> Iterator[str]:
    """Rules that Prometheus could not evaluate, and alerts that the run did not raise."""
    for group in run.prometheus.get("rules")["groups"]:
        for rule in group["rules"]:
            if rule["health"] != "ok":
                yield f"rule {rule['name']} is {rule['health']}: {rule.get('lastError')}"
    raised = {
        series.labels["alertname"]
        for series in run.prometheus.ranges(
            "ALERTS", start=run.began, end=time.time(), step_s=SCRAPE_S
        )
    }
    print(f"alerts that were pending or fired: {', '.join(sorted(raised)) or 'none'}")
    for name in RAISED:
        if name not in raised:
            yield f"alert {name} was not raised"


def wrong_pages(run: Field) -> Iterator[str]:
    """What promtool says against the pages of metrics, and who may read the console's."""
    bearer = {"authorization": f"Bearer {TOKEN.partition(':')[2]}"}
    for address in (run.console, *run.workers):
        page = httpx.get(f"http://{address}/metrics", headers=bearer)
        code, printed = promtool("check", "metrics", given=page.text)
        if code != 0:
            yield f"promtool check metrics, of {address}: {printed}"
    refused = httpx.get(f"http://{run.console}/metrics").status_code
    if refused != 401:
        yield f"the console answers {refused} without a token"


AT_ONCE: tuple[Check, ...] = (absent_choices, wrong_targets, wrong_rules, wrong_pages)
IN_TIME: tuple[Check, ...] = (absent_queries, absent_metrics)


def wrong_run(run: Field) -> Iterator[str]:
    """What is missing or wrong at the end of a run, after the time that it may take to come."""

    def absent() -> list[str]:
        return [line for check in IN_TIME for line in check(run)]

    try:
        eventually(lambda: not absent(), within_s=WITHIN_S, poll_s=SCRAPE_S)
    except ConditionNotMet:
        yield from absent()
    for check in AT_ONCE:
        yield from check(run)
