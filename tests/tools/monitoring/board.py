"""The dashboard as its JSON has it, with its variables filled in as Grafana does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.tools.docs.pages import DOCS

FOLDER = DOCS / "deploy" / "monitoring"
FILE = FOLDER / "grafana-dashboard.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One query of a panel; `legend` has labels as ``{{label}}``."""

    query: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel; its place is in units of the grid: 24 are the width, `h` is 30 pixels."""

    title: str
    kind: str
    unit: str
    x: int
    y: int
    w: int
    h: int
    targets: tuple[Target, ...]


def rate_interval_s(*, step_s: float, scrape_s: float) -> float:
    """What Grafana takes for `$__rate_interval`.

    Source: https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
    """
    return max(step_s + scrape_s, 4 * scrape_s)


def filled(query: str, *, rate_s: float) -> str:
    """A query with all sources, whose rates are of `rate_s`."""
    return query.replace("$source", ".*").replace("$__rate_interval", f"{rate_s:.0f}s")


def panels(*, rate_s: float) -> list[Panel]:
    """Those of the file, in its order."""
    return [
        Panel(
            title=one["title"],
            kind=one["type"],
            unit=one["fieldConfig"]["defaults"]["unit"],
            **{side: one["gridPos"][side] for side in "xywh"},
            targets=tuple(
                Target(query=filled(each["expr"], rate_s=rate_s), legend=each["legendFormat"])
                for each in one["targets"]
            ),
        )
        for one in json.loads(FILE.read_text())["panels"]
    ]


def legend(pattern: str, labels: Mapping[str, str]) -> str:
    """The name of a series; an empty label is none for Prometheus, and is left out."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), pattern)
