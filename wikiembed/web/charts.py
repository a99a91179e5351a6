"""Bars and sparklines as SVG, without a script or a style attribute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from wikiembed.times import now

SPARK_WIDTH, SPARK_HEIGHT = 180, 32
CHART_WIDTH, CHART_HEIGHT = 720, 160
LEAST_SHARE = 0.6
"""Per cent of a bar that a single row takes, so that it is seen."""

_RECT = Markup('<rect class="{}" x="{:.2f}%" width="{:.2f}%" y="0" height="100%"/>')
_BAR = Markup(
    '<svg class="{}" role="img" aria-label="{}"><rect class="{}" x="0" y="0" width="100%"'
    ' height="100%"/>{}</svg>'
)
_AREA = Markup(
    '<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">'
    '<polygon class="area" points="{}"/><polyline class="line" points="{}"/></svg>'
)


def bar(*, total: int, embedded: int, failed: int, skipped: int, label: str) -> Markup:
    """The shares of a source's rows: embedded, failed, skipped; the rest waits."""
    parts, x = [], 0.0
    for kind, n in (("embedded", embedded), ("failed", failed), ("skipped", skipped)):
        width = 100 * n / total if total else 0.0
        width = min(max(width, LEAST_SHARE if n else 0.0), 100 - x)
        if width > 0:
            parts.append(_RECT.format(kind, x, width))
        x += width
    return _BAR.format("bar", label, "waiting", Markup("").join(parts))


def sparkline(values: Sequence[int], *, label: str) -> Markup:
    """An area of the values, as high as the largest one."""
    return _area(values, SPARK_WIDTH, SPARK_HEIGHT, kind="spark", label=label)


def chart(values: Sequence[int], *, label: str) -> Markup:
    """The same, large: what is shown without a script."""
    return _area(values, CHART_WIDTH, CHART_HEIGHT, kind="plain-chart", label=label)


def _area(values: Sequence[int], width: int, height: int, *, kind: str, label: str) -> Markup:
    top = max([*values, 1])
    step = width / max(len(values) - 1, 1)
    line = " ".join(
        f"{n * step:.1f},{height - 1 - (height - 3) * value / top:.1f}"
        for n, value in enumerate(values)
    )
    area = f"0,{height} {line} {width},{height}"
    return _AREA.format(kind, label, width, height, area, line)


def timeline(outages: Iterable[Mapping[str, Any]], *, span: dt.timedelta, label: str) -> Markup:
    """The outages of one server within the last `span`, on a line that ends now."""
    end = now()
    begin = end - span
    parts = []
    for outage in outages:
        since = max(outage["since"], begin)
        until = min(outage["ended_at"] or end, end)
        if until < begin:
            continue
        x = min(100 * (since - begin) / span, 100 - LEAST_SHARE)
        width = min(max(100 * (until - since) / span, LEAST_SHARE), 100 - x)
        parts.append(_RECT.format("outage", x, width))
    return _BAR.format("timeline", label, "reachable", Markup("").join(parts))
