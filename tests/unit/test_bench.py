"""The benchmark's own arithmetic, its table, its plots and its stand-in server."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest

from tests.support import export
from tests.tools.bench import __main__ as bench
from tests.tools.bench import table
from tests.tools.bench.place import Place, Server, a_place
from tests.tools.bench.result import (
    Form,
    Measured,
    middle,
    percentile,
    ratio_of_rates,
    ratio_of_seconds,
)
from tests.tools.bench.rows import documents


def measured(
    value: float, *, better: str = "more", goal: float | None = 0.9, **detail: object
) -> Measured:
    """A row with this `value`."""
    return Measured(
        row="a row", what="what it is", value=value, unit="ratio", better=better,  # type: ignore[arg-type]
        goal=goal, detail=detail,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "better", "reached"),
    [
        (0.9, "more", True),
        (0.89, "more", False),
        (0.9, "less", True),
        (0.91, "less", False),
        (math.nan, "more", False),
        (math.nan, "less", False),
    ],
)
def test_goal_is_reached_on_its_good_side(value: float, better: str, reached: bool) -> None:  # noqa: FBT001
    """At least or at most the goal; an unmeasured row reaches none."""
    assert measured(value, better=better).reached is reached


def test_middle_and_percentile() -> None:
    """For odd and even counts; the 99th percentile of a hundred is the second largest."""
    assert middle([3.0, 1.0, 2.0]) == 2.0
    assert middle([4.0, 1.0, 2.0, 3.0]) == 2.5
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 99.0
    assert percentile([5.0], 0.99) == 5.0
    assert Form(short=True).of(1, 2) == 1


def test_table_markdown_and_json_agree(tmp_path: Path) -> None:
    """The value, the goal with its sign, and whether it is reached."""
    rows = [measured(0.5), measured(0.5, better="less"), measured(0.5, goal=None)]
    said = table.markdown(rows).splitlines()
    assert said[2] == "| a row | what it is | 0.5 ratio | ≥ 0.9 | no |"
    assert said[3] == "| a row | what it is | 0.5 ratio | ≤ 0.9 | yes |"
    assert said[4] == "| a row | what it is | 0.5 ratio | – | – |"
    table.save(rows, tmp_path / "out.json", form="short")
    kept = json.loads((tmp_path / "out.json").read_text())
    assert [(row["value"], row["reached"]) for row in kept["rows"]] == [
        (0.5, False),
        (0.5, True),
        (0.5, None),
    ]


def test_plots_are_images(tmp_path: Path) -> None:
    """One plot of the goals, and one per row that was measured more than twice."""
    drawn = table.plot(
        [measured(0.5, ms=[1.0, 2.0, 3.0]), measured(1.0), measured(1.0, goal=None)], tmp_path
    )
    assert [path.name for path in drawn] == ["goals.png", "a-row.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


@pytest.mark.parametrize(("flags", "kind"), [((), str), (("--lists",), list)])
def test_server_answers_each_text_and_counts(flags: tuple[str, ...], kind: type) -> None:
    """In base64 on request, unless that is switched off; 64 texts give 64 vectors."""
    server = Server("instant", *flags)
    try:
        asked = {"input": ["text"] * 64, "model": "m", "encoding_format": "base64"}
        data = httpx.post(f"{server.url}/v1/embeddings", json=asked).json()["data"]
        assert [item["index"] for item in data] == list(range(64))
        assert {type(item["embedding"]) for item in data} == {kind}
        stats = server.stats()
        assert (stats["requests"], stats["texts"]) == (1, 64)
        server.reset()
        assert server.stats()["requests"] == 0
    finally:
        server.stop()


def test_serial_server_reports_its_busy_time() -> None:
    """10 ms per request and 1 ms per text, whatever the clock shows."""
    server = Server("serial")
    try:
        for texts in (1, 20):
            httpx.post(f"{server.url}/v1/embeddings", json={"input": ["text"] * texts})
        assert server.stats()["busy_s"] == pytest.approx(0.041)
    finally:
        server.stop()


def test_benchmark_measures_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole benchmark on one row: its own Postgres, the table, JSON and Markdown."""
    out, page = tmp_path / "out.json", tmp_path / "out.md"
    monkeypatch.setattr(
        "sys.argv",
        ["bench", "--rows", "coverage", "--json", str(out), "--markdown", str(page)],
    )
    assert bench.main() == 0
    rows = json.loads(out.read_text())["rows"]
    assert [row["row"] for row in rows] == [
        "coverage 20,000", "coverage 200,000", "coverage unfolded",
    ]  # fmt: skip
    assert all(row["value"] > 0 for row in rows)
    assert page.read_text().count("\n| coverage") == 3


def test_a_row_that_fails_is_named_and_the_others_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty minutes of measurements are not lost with the row that fails after them."""
    out = tmp_path / "out.json"
    good = Measured(row="b", what="of b", value=1, unit="s", better="less", goal=2)

    def bad(place: Place, form: Form) -> Iterator[Measured]:
        raise OSError("no space")

    @contextlib.contextmanager
    def nowhere() -> Iterator[Place]:
        yield cast("Place", None)

    monkeypatch.setattr(bench, "a_place", nowhere)
    monkeypatch.setattr(bench, "ROWS", {"a": bad, "b": lambda place, form: iter([good])})
    monkeypatch.setattr("sys.argv", ["bench", "--json", str(out)])
    assert bench.main() == 1
    assert [row["row"] for row in json.loads(out.read_text())["rows"]] == ["b"]
    assert "no space" in (seen := capsys.readouterr().err)
    assert seen.endswith("failed: a\n")


def test_edits_are_left_out_without_an_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence says how to name one."""
    monkeypatch.setattr(export, "EXPORT", tmp_path / "none.xml.bz2")
    assert list(documents.edits(cast("Place", None), Form(short=True))) == []
    assert "WIKIEMBED_TEST_EXPORT" in capsys.readouterr().err


def test_split_by_other_anchors_keeps_the_vectors_of_equal_chunks() -> None:
    """The row measures what it says: some chunks differ, and none that is equal lost its vector."""
    with a_place() as place:
        kept, equal = documents.resplit(place, Form(short=True))
    assert kept.value == 1.0
    assert 0 < equal.value < 1


def test_best_rounds_of_both_sides_are_compared() -> None:
    """Of rates the highest, of times the shortest: ours over the other's."""
    assert ratio_of_rates([80.0, 90.0, 40.0], [100.0, 60.0]) == 0.9
    assert ratio_of_seconds([3.0, 1.5], [2.0, 1.0, 9.0]) == 1.5
