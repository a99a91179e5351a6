"""The arithmetic of growth, and the tables generated from its JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tools.bench import __main__ as bench
from tests.tools.bench import slopes, table
from tests.tools.bench.rows.growth import NEAR, QUANTITIES, Law, Quantity, ratios

FEW_PAGES = {
    "jobs bytes", "job indexes bytes", "events bytes", "queue after bytes", "ledger bytes",
}  # fmt: skip
"""What may not grow at sizes this small."""
BYTES = Quantity(key="heap bytes", what="heap", unit="bytes")


@pytest.mark.parametrize(
    ("law", "share", "total", "n", "cost", "doubled"),
    [
        ("n", 1, 3000.0, 1000, 3.0, 6000.0),
        ("n", 10, 300.0, 1000, 3.0, 6000.0),
        ("1", 1, 0.5, 1000, 0.5, 0.5),
        ("n log n", 1, 1024 * 10 * 0.25, 1024, 0.25, 2048 * 11 * 0.25),
    ],
)
def test_cost_is_the_total_over_what_it_grows_with(
    law: Law, share: int, total: float, n: int, cost: float, doubled: float
) -> None:
    """Per chunk, per call, or per n log n; the cost at twice the chunks follows from it."""
    quantity = Quantity(key="k", what="w", unit="s", law=law, share=share)
    assert quantity.cost(total, n) == pytest.approx(cost)
    assert quantity.total(cost, 2 * n) == pytest.approx(doubled)


def test_ratio_is_the_largest_size_over_the_smallest() -> None:
    """Independent of the order of measurement; a ratio of at most 1.2 is linear."""
    measured = {1000: {"heap bytes": 4e3}, 10: {"heap bytes": 20.0}, 100: {"heap bytes": 1e3}}
    (row,) = ratios([BYTES], measured, dimensions=768)
    assert (row.row, row.value, row.reached) == ("growth heap bytes", 2.0, False)
    assert row.detail["costs"] == {"10": 2.0, "100": 10.0, "1000": 4.0}
    assert row.what == "heap: at 1,000 over 10 chunks of 768 dimensions, each"


def test_ratio_is_missing_for_one_size_or_a_constant_quantity() -> None:
    """Vectors of 64 dimensions are not in TOAST: it has one page at every size."""
    assert list(ratios([BYTES], {10: {"heap bytes": 1.0}}, dimensions=64)) == []
    same = {10: {"heap bytes": 8192.0}, 100: {"heap bytes": 8192.0}}
    assert list(ratios([BYTES], same, dimensions=64)) == []


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (4146.0, "bytes", "4.15 kB"),
        (22.5, "bytes", "22.5 B"),
        (4.14e12, "bytes", "4.14 TB"),
        (0.0000121, "s", "12.1 µs"),
        (5400.0, "s", "1.5 h"),
        (0.0156, "rows", "0.0156"),
        (999_999_999.9, "rows", "1 G"),
    ],
)
def test_amounts_have_three_digits_and_a_unit(value: float, unit: str, said: str) -> None:
    """In the largest unit that fits."""
    assert slopes.amount(value, unit) == said


def written(folder: Path, name: str, sizes: tuple[int, ...]) -> Path:
    """JSON as the benchmark writes it: 2 kB of heap per chunk, and its other rows."""
    measured = {n: {"heap bytes": 2000.0 * n} for n in sizes}
    rows = [*ratios([QUANTITIES[1]], measured, dimensions=768)]
    file = folder / name
    table.save(rows, file, form="short")
    return file


def test_tables_show_the_run_with_the_largest_size(tmp_path: Path) -> None:
    """Costs by size, their ratio, and unmeasured sizes under *computed*."""
    files = [written(tmp_path, "a", (10, 1000)), written(tmp_path, "b", (10, 100))]
    for order in (files, files[::-1]):
        lines = slopes.markdown(slopes.read(order)).splitlines()
        assert lines[0] == "768 dimensions, measured at 10, 1 k chunks:"
        assert lines[2] == "| a chunk | 10 | 1 k | ratio | 100 M, computed | 1 G, computed |"
        assert lines[4:] == [f"| {QUANTITIES[1].what} | 2 kB | 2 kB | 1.00 | 200 GB | 2 TB |"]


def test_growing_cost_is_extrapolated_upwards(tmp_path: Path) -> None:
    """If the cost per chunk doubled at ten times the size, the estimate grows further."""
    measured = {10: {"heap bytes": 1e4}, 100: {"heap bytes": 2e5}}
    table.save([*ratios([BYTES], measured, dimensions=768)], tmp_path / "a", form="short")
    said = slopes.markdown(slopes.read([tmp_path / "a"])).splitlines()[-1]
    assert said.endswith("| 1 kB | 2 kB | 2.00 | > 200 GB | > 2 TB |")


def test_page_changes_only_between_its_markers() -> None:
    """A page without both markers is not changed."""
    page = f"before\n{slopes.BEGIN}\nold\n{slopes.END}\nafter\n"
    made = slopes.put_into(page, "new\n")
    assert made == f"before\n{slopes.BEGIN}\n\nnew\n\n{slopes.END}\nafter\n"
    assert slopes.put_into(made, "new\n") == made
    with pytest.raises(ValueError, match="lacks"):
        slopes.put_into("before\n", "new\n")


def test_short_form_omits_growth_unless_named() -> None:
    """The short form must end within two minutes."""
    assert "growth" not in bench.chosen(None, full=False)
    assert bench.chosen(["growth"], full=False) == ["growth"]
    assert bench.chosen(None, full=True) == [
        row for row in bench.ROWS if row not in {"peers", "transformers", "fleet"}
    ]


def test_growth_measures_every_quantity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On its own Postgres, at meaningless sizes; the tables can be generated from the result."""
    out = tmp_path / "out.json"
    monkeypatch.setattr(
        "sys.argv",
        ["bench", "--rows", "growth", "--sizes", "200", "600", "--json", str(out)],
    )
    assert bench.main() == 0
    rows = {row["detail"]["quantity"]: row for row in json.loads(out.read_text())["rows"]}
    missing = {one.key for one in QUANTITIES} - rows.keys()
    assert missing <= FEW_PAGES
    assert not rows.keys() & {one.key for one in NEAR}
    assert rows["dead rows"]["detail"]["totals"] == {"200": 200, "600": 600}
    assert rows["again dead rows in TOAST"]["detail"]["costs"] == {"200": 2, "600": 2}
    assert rows["ledger rows"]["detail"]["totals"] == {"200": 4, "600": 10}
    assert rows["TOAST bytes"]["detail"]["costs"]["600"] > 768 * 4
    assert "| `enqueue` |" in slopes.markdown(slopes.read([out]))
