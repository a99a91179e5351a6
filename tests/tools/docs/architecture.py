"""The pictures of docs/architecture.md, written by `python -m tests.tools.docs.generate`.

The packages are the layers that import-linter checks, with their docstrings; the data's way is the
list below.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from collections.abc import Iterator
from html import escape

from tests.tools.docs.pages import ROOT

WIDTH = 880
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .name { font-weight: 600; }
  .small { font-size: 12px; fill: #57606a; }
  .page { fill: #ffffff; }
  .box { fill: #f6f8fa; stroke: #afb8c1; }
  .line { stroke: #57606a; fill: none; }
  .lane { stroke: #d0d7de; stroke-dasharray: 4 4; }
  .head { fill: #57606a; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } text { fill: #e6edf3; } .small, .head { fill: #9198a1; }
    .box { fill: #161b22; stroke: #3d444d; } .line { stroke: #9198a1; } .lane { stroke: #3d444d; }
  }
"""
LANES = ("Your application", "Your table", "Queue", "Worker", "Embedding server")
STEPS = (
    ("Your application", "Your table", "insert or update chunks"),
    ("Your table", "Queue", "trigger, same transaction: a job per batch"),
    ("Queue", "Worker", "notify; fetch through the pause gate"),
    ("Your table", "Worker", "read_chunks: key, text, version"),
    ("Worker", "Embedding server", "texts; no transaction is open"),
    ("Embedding server", "Worker", "vectors, or an error to classify"),
    ("Worker", "Your table", "write_embeddings: compare and set, with the ledger"),
    ("Worker", "Queue", "finish_jobs; a bad chunk goes into failures"),
    ("Your table", "Your application", "coverage, is_ready, search"),
)


def layers() -> list[list[str]]:
    """Modules of each layer, the highest first, as pyproject.toml has them."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = config["tool"]["importlinter"]["contracts"]
    (found,) = [one["layers"] for one in contracts if one["type"] == "layers"]
    return [[name.strip() for name in layer.split("|")] for layer in found]


def first_sentence(module: str) -> str:
    """What the docstring of ``wikiembed.<module>`` begins with, without its markup."""
    path = ROOT / "wikiembed" / module
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""
    return doc.partition("\n\n")[0].replace("\n", " ").replace("`", "")


def picture(height: int, body: Iterator[str], *, title: str) -> str:
    """An SVG that follows the reader's light or dark scheme."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{height}"/>',
            '<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8"'
            ' markerHeight="8" orient="auto-start-reverse">'
            '<path class="head" d="M0 0 8 4 0 8z"/></marker>',
            *body,
            "</svg>",
            "",
        ]
    )


def packages() -> str:
    """A row of boxes per layer; what stands higher may import what stands lower."""
    gap, left, padding, line = 10, 28, 12, 17
    rows: list[str] = []
    y = gap
    for layer in layers():
        width = (WIDTH - left - gap * len(layer)) / len(layer)
        chars = int((width - 2 * padding) / 6.6)
        texts = [textwrap.wrap(first_sentence(module), chars)[:6] for module in layer]
        height = 2 * padding + line * (1 + max(len(text) for text in texts))
        for n, (module, text) in enumerate(zip(layer, texts, strict=True)):
            x = left + n * (width + gap)
            rows.append(
                f'<rect class="box" x="{x:.0f}" y="{y}" width="{width:.0f}" height="{height}"'
                ' rx="6"/>'
            )
            rows.append(
                f'<text class="name" x="{x + padding:.0f}" y="{y + padding + 12}">{module}</text>'
            )
            for at, words in enumerate(text, 1):
                rows.append(
                    f'<text class="small" x="{x + padding:.0f}" y="{y + padding + 12 + at * line}">'
                    f"{escape(words)}</text>"
                )
        y += height + gap
    rows.append(f'<path class="line" d="M12 {gap} V{y - gap}" marker-end="url(#head)"/>')
    return picture(y, iter(rows), title="The packages of wikiembed; arrows of imports go down")


def data_flow() -> str:
    """Who sends what to whom, from an insert to a search, in order."""
    top, step = 56, 46
    x = {lane: 90 + n * 175 for n, lane in enumerate(LANES)}
    height = top + step * len(STEPS) + 20
    rows: list[str] = []
    for lane in LANES:
        rows.append(f'<rect class="box" x="{x[lane] - 78}" y="10" width="156" height="30" rx="6"/>')
        rows.append(f'<text class="name" x="{x[lane]}" y="30" text-anchor="middle">{lane}</text>')
        rows.append(f'<path class="lane" d="M{x[lane]} 40 V{height - 10}"/>')
    for n, (sender, receiver, words) in enumerate(STEPS):
        y = top + step * n + 30
        rows.append(
            f'<path class="line" d="M{x[sender]} {y} H{x[receiver]}" marker-end="url(#head)"/>'
        )
        middle = (x[sender] + x[receiver]) / 2
        half = 3.2 * len(words)
        middle = min(max(middle, half + 6), WIDTH - half - 6)
        rows.append(
            f'<text class="small" x="{middle:.0f}" y="{y - 7}" text-anchor="middle">'
            f"{n + 1}. {escape(words)}</text>"
        )
    return picture(height, iter(rows), title="From an insert to a vector, step by step")


PICTURES = {"packages.svg": packages, "data-flow.svg": data_flow}
