"""The picture of docs/how-to/monitor.md: ``python -m tests.tools.docs.dashboard`` draws it.

A run with failures, an outage and a pause is scraped by a real Prometheus, as in
`scripts/monitoring.sh`. Each panel of the dashboard's JSON is drawn from what Prometheus answers to
its queries, with the chart library of the console, since no Grafana is at hand. Needs prometheus
and Chromium (`apt-get install prometheus chromium`).
"""

from __future__ import annotations

import argparse
import asyncio
import html
import json
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from tests.support.chromium import CHROMIUM, chromium
from tests.tools.docs.pages import DOCS
from tests.tools.docs.screenshots import small
from tests.tools.monitoring.board import Panel, legend, panels, rate_interval_s
from tests.tools.monitoring.field import Field, field
from tests.tools.monitoring.server import SCRAPE_S, missing_programs

FILE = DOCS / "how-to" / "monitor" / "dashboard.png"
SERVER = "http://gpu-1:8080"
"""Stands for the address of the run's stand-in server."""
COLUMNS, COLUMN, ROW, GAP = 24, 50, 26, 8
"""The grid's columns; the width of one and the height of a row, in pixels."""
COLORS = 256
"""Areas that lie upon one another have many."""
DRAW = Path(__file__).with_name("dashboard.js")
STYLE = """
body { margin: 0; background: #f4f5f5; font: 12px sans-serif; color: #24292e; }
main { position: relative; }
section { position: absolute; background: #fff; border: 1px solid #d8d9da; box-sizing: border-box; }
h2 { font-size: 13px; font-weight: 500; margin: 6px 10px 2px; }
.names { margin: 0 10px; max-height: 32px; overflow: hidden; color: #464c54; line-height: 16px; }
.names i { display: inline-block; width: 14px; height: 3px; margin: 0 5px 3px 0; }
.names span { margin-right: 14px; white-space: nowrap; }
"""

Drawn = Mapping[str, Any]
"""A panel as dashboard.js takes it: its place in pixels, unit, times (s) and series."""


def drawn(panel: Panel, run: Field, times: Sequence[float]) -> Drawn:
    """A panel with what Prometheus has for its queries at `times`, in seconds since the epoch."""
    series = []
    for target in panel.targets:
        for one in run.prometheus.ranges(
            target.query, start=times[0], end=times[-1], step_s=SCRAPE_S
        ):
            name = legend(target.legend, one.labels).replace(run.standin.url, SERVER)
            by_time = {round(at): value for at, value in one.values.items()}
            values = [by_time.get(round(at)) for at in times]
            # JSON has no NaN, and Grafana draws none.
            series.append({"name": name, "values": [v if v == v else None for v in values]})
    return {
        "title": panel.title,
        "kind": panel.kind,
        "unit": panel.unit,
        "x": panel.x * COLUMN,
        "y": panel.y * ROW,
        "w": panel.w * COLUMN - GAP,
        "h": panel.h * ROW - GAP,
        "times": list(times),
        "series": sorted(series, key=lambda one: one["name"]),
    }


def ask(run: Field) -> list[Drawn]:
    """Every panel, from the begin of the run until now."""
    began = run.began + SCRAPE_S
    times = [began + n * SCRAPE_S for n in range(int((time.time() - began) / SCRAPE_S))]
    rate_s = rate_interval_s(step_s=SCRAPE_S, scrape_s=SCRAPE_S)
    return [drawn(panel, run, times) for panel in panels(rate_s=rate_s)]


def page(board: Sequence[Drawn]) -> str:
    """The page that draws the panels."""
    static = files("wikiembed.web") / "static"
    height = max(one["y"] + one["h"] for one in board) + 2 * GAP
    data = json.dumps(board, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f"<!doctype html><meta charset=utf-8><title>{html.escape('wikiembed')}</title>"
        f"<style>{(static / 'uplot.min.css').read_text()}{STYLE}</style>"
        f'<main style="width: {COLUMNS * COLUMN + GAP}px; height: {height}px"></main>'
        f"<script>{(static / 'uplot.min.js').read_text()}</script>"
        f"<script>const board = {data};\n{DRAW.read_text()}</script>"
    )


async def photograph(board: Sequence[Drawn]) -> bytes:
    """The whole page as PNG."""

    async def take(browser: Browser) -> bytes:
        tab = await browser.new_page(viewport={"width": COLUMNS * COLUMN + GAP, "height": 800})
        failed: list[str] = []
        tab.on("pageerror", lambda error: failed.append(str(error)))
        await tab.set_content(page(board))
        await tab.wait_for_selector("main[data-drawn]")
        assert not failed, failed
        return await tab.screenshot(full_page=True)

    async with chromium() as browser:
        return small(await take(browser), colors=COLORS)


def main() -> int:
    """Draw it."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.docs.dashboard")
    parser.add_argument("--minutes", type=float, default=6, help="of the run; 6 by default")
    minutes = parser.parse_args().minutes
    missing = missing_programs() + ([] if CHROMIUM else ["chromium"])
    if missing:
        print(f"{', '.join(missing)}: apt-get install prometheus chromium", file=sys.stderr)
        return 2
    with field(minutes=minutes) as run:
        run.run(minutes)
        board = ask(run)
    FILE.parent.mkdir(exist_ok=True)
    png = asyncio.run(photograph(board))
    FILE.write_bytes(png)
    print(f"{FILE.name}: {len(png):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
