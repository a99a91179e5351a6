"""Duplicate titles are counted, in constant memory."""

from __future__ import annotations

import threading
import tracemalloc
from pathlib import Path

import pytest

from tests.support.commands import write_pages
from wikiembed.cli.load import report
from wikiembed.cli.load_end import FileRun
from wikiembed.wiki import LoadCounts, Titles, read_articles


def test_titles_are_counted_across_files(tmp_path: Path) -> None:
    """As they are stored: in NFC, with blanks collapsed."""
    one = write_pages(tmp_path / "1", {"A  b": "x", "C": "x", "A b": "x"})
    two = write_pages(tmp_path / "2", {"C": "x", "D": "x"})
    titles = Titles()
    for path, repeated in ((one, 1), (two, 1)):
        counts = LoadCounts()
        list(read_articles(path, counts, titles))
        assert counts.repeated == repeated


def test_titles_do_not_grow_in_memory() -> None:
    """SQLite's pages go to a file beyond its cache of 2 MB; Python keeps none of them."""
    titles = Titles()
    repeated: int | None = 0
    tracemalloc.start()
    try:
        for number in range(50_000):
            repeated = titles.count(f"Title {number}", repeated)
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert (repeated, titles.count("Title 7", repeated)) == (0, 1)
    assert grown < 100_000


def test_titles_are_no_longer_counted_on_a_full_disk(capsys: pytest.CaptureFixture[str]) -> None:
    """A full temporary directory ends the count, not the load, and is reported."""
    titles = Titles()
    assert titles._file is not None
    titles._file.execute("pragma max_page_count = 3")
    counts = LoadCounts(repeated=1)
    for number in range(2_000):
        counts.repeated = titles.count(f"Title {number}", counts.repeated)
    assert counts.repeated is None
    assert titles.count("Title 1", 0) is None
    report(FileRun(name="x", counts=counts), json=False)
    assert "Repeated titles were not counted" in capsys.readouterr().out


def test_titles_may_be_collected_by_another_thread() -> None:
    """An error references them, and any thread may release the last reference."""
    held = [Titles()]
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
