"""docs/explanation/scale.md has the benchmark's tables, complete and between their markers."""

from __future__ import annotations

import re

from tests.tools.bench.rows.growth import NEAR, QUANTITIES
from tests.tools.bench.slopes import BEGIN, END
from tests.tools.docs.pages import DOCS

PAGE = DOCS / "explanation" / "scale.md"


def test_page_has_every_quantity() -> None:
    """A new one is measured by tests.tools.bench.slopes; none is of an older version."""
    tables = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line for line in tables.splitlines() if line.startswith("| ")]
    printed = {row.split(" | ")[0].removeprefix("| ") for row in rows}
    assert printed - {"a chunk"} == {one.what for one in [*QUANTITIES, *NEAR]}


def test_what_was_not_measured_is_called_computed() -> None:
    """Columns beyond the measured sizes are marked, in every table."""
    tables = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    heads = re.findall(r"^\| a chunk \|(.*)\|$", tables, re.MULTILINE)
    assert heads
    for head in heads:
        assert head.split(" | ")[-2:] == ["100 M, computed", "1 G, computed "]
