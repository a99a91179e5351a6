"""A load that fails reports what is stored, where the error is, and that it can be repeated."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.chunks import jobs_by_status
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, complaints, json_lines, write_pages
from tests.support.database import Database
from wikiembed.cli.load_end import Run, sentences_after
from wikiembed.wiki import Article, LoadCounts, Rendering, Titles, read_articles

AGAIN = "running it again is safe, stored pages are left unchanged."
PAGES = {f"Page {n:03}": f"Text {n}." for n in range(150)}
TITLES = "select title from public.wiki_pages order by title"
DISK_FULL = """
create function public.full_disk() returns trigger language plpgsql as $$
begin
  raise exception 'could not extend file "base/5/16384": No space left on device'
    using errcode = 'disk_full', hint = 'Check free disk space.';
end $$;
"""
FULL_AT_INSERT = (
    "create trigger full_disk before insert on public.wiki_pages for each row"
    " when (new.title = 'Page 120') execute function public.full_disk()"
)
FULL_AT_COMMIT = (
    "create constraint trigger full_disk after insert on public.wiki_pages"
    " deferrable initially deferred for each row execute function public.full_disk()"
)


@pytest.fixture
def broken(tmp_path: Path) -> list[str]:
    """Three files; line 2 of the second is broken."""
    write_pages(tmp_path / "good.jsonl", {"A": "Text."})
    bad = write_pages(tmp_path / "bad.jsonl", {"B": "Text."})
    bad.write_text(bad.read_text() + "no json\n")
    write_pages(tmp_path / "later.jsonl", {"C": "Text."})
    return [str(tmp_path / name) for name in ("good.jsonl", "bad.jsonl", "later.jsonl")]


def interrupted_by(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object], *, after: int = 100
) -> None:
    """Call a function once so many articles have been read."""

    def reading(
        path: Path, counts: LoadCounts, titles: Titles, rendering: Rendering
    ) -> Iterator[Article]:
        for number, article in enumerate(read_articles(path, counts, titles, rendering)):
            if number == after:
                happens()
            yield article

    monkeypatch.setattr("wikiembed.cli.load.read_articles", reading)


def test_broken_line_reports_what_is_stored(
    call: Call, database: Database, broken: list[str]
) -> None:
    """File and line, pages stored, and the files not started; the exit code is 2."""
    output = assert_refused(call("load", *broken), 2)
    assert output == (
        f"{broken[1]}, line 2: not a JSON object with title and text. 1 page of this file is stored"
        f" (1 added, 0 changed, 0 unchanged); {AGAIN} Not started: {broken[2]}."
    )
    assert database.rows(TITLES) == [("A",), ("B",)]
    output = assert_refused(call("load", *broken), 2)
    assert "1 page of this file is stored (0 added, 0 changed, 1 unchanged);" in output
    database.check_invariants()


def test_broken_line_in_json(call: Call, broken: list[str]) -> None:
    """JSON lists which files are complete."""
    lines = json_lines(call("load", "--json", *broken))
    assert [(line["file"], line["complete"], line["added"]) for line in lines] == [
        (broken[0], True, 1),
        (broken[1], False, 1),
    ]


def test_broken_first_line_stores_nothing(call: Call, tmp_path: Path) -> None:
    """Zero is reported too."""
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")
    output = assert_refused(call("load", str(bad)), 2)
    assert output.endswith("No page of this file is stored; running it again is safe.")


def test_atomic_stores_all_files_or_none(
    call: Call, database: Database, broken: list[str], tmp_path: Path
) -> None:
    """An error in the second file rolls back the first; fixed, one run stores and queues all."""
    result = call("load", "--atomic", *broken)
    output = assert_refused(result, 2)
    assert "Nothing of this run is stored (--atomic); running it again is safe." in output
    assert (
        result.stdout,
        database.rows(TITLES),
        jobs_by_status(database, "wikiembed.split")["todo"],
    ) == ("", [], 0)
    write_pages(tmp_path / "bad.jsonl", {"B": "Text."})
    done = call("load", "--atomic", *broken)
    assert_done(done)
    assert done.stdout.count("1 added") == 3
    assert database.rows(TITLES) == [("A",), ("B",), ("C",)]
    assert jobs_by_status(database, "wikiembed.split")["todo"] == 3
    database.check_invariants()


@pytest.mark.parametrize("atomic", [False, True])
def test_full_disk_of_postgres(
    call: Call, database: Database, tmp_path: Path, *, atomic: bool
) -> None:
    """Postgres's message, the pages that it refused, what is stored, and exit code 3."""
    database.execute(DISK_FULL + FULL_AT_INSERT)
    write_pages(tmp_path / "pages.jsonl", PAGES)
    output = assert_refused(call("load", "pages.jsonl", *(["--atomic"] if atomic else [])), 3)
    assert "No space left on device: check free disk space." in output
    assert "Refused: among “Page 100” to “Page 149”." in output
    assert len(database.rows(TITLES)) == (0 if atomic else 100)
    if not atomic:
        assert "100 pages of this file are stored (100 added, 0 changed, 0 unchanged);" in output
        database.execute("drop trigger full_disk on public.wiki_pages")
        assert "50 added, 0 changed, 100 unchanged" in call("load", "pages.jsonl").stdout


def test_full_disk_at_the_commit(call: Call, database: Database, tmp_path: Path) -> None:
    """A refused commit stores nothing for certain, unlike a lost connection."""
    database.execute(DISK_FULL + FULL_AT_COMMIT)
    write_pages(tmp_path / "pages.jsonl", {"A": "Text."})
    output = assert_refused(call("load", "pages.jsonl", "--atomic"), 3)
    assert "No space left on device" in output
    assert "Nothing of this run is stored" in output


@pytest.mark.parametrize("atomic", [False, True])
def test_lost_connection(
    call: Call,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    atomic: bool,
) -> None:
    """Acknowledged pages are stored, the ones in flight may be; exit code 3."""
    interrupted_by(
        monkeypatch,
        lambda: database.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'wikiembed' and datname = current_database()"
        ),
    )
    write_pages(tmp_path / "pages.jsonl", PAGES)
    output = assert_refused(call("load", "pages.jsonl", *(["--atomic"] if atomic else [])), 3)
    assert output.startswith("Postgres is out of reach")
    assert "Refused" not in output
    assert len(database.rows(TITLES)) == (0 if atomic else 100)
    if atomic:
        assert "Nothing of this run is stored" in output
    else:
        assert "100 pages of this file are stored" in output
        assert f", and perhaps the next 50; {AGAIN}" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal(
    call: Call,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """Ctrl-C and SIGTERM end it like any command, after a sentence on what is stored."""
    interrupted_by(monkeypatch, lambda: signal.raise_signal(number))
    write_pages(tmp_path / "pages.jsonl", PAGES)
    result = call("load", "pages.jsonl")
    assert (result.returncode, complaints(result)) == (
        128 + number,
        [
            "Stopped. 100 pages of this file are stored"
            f" (100 added, 0 changed, 0 unchanged); {AGAIN}"
        ],
    )
    assert len(database.rows(TITLES)) == 100


def test_commit_without_an_answer(database: Database) -> None:
    """If the connection is lost in the commit itself, the outcome is reported as unknown."""
    run = Run(names=["a"], atomic=True, is_committing=True)
    assert "It is unknown" in sentences_after(run, error=psycopg.OperationalError("gone"))
    assert "Nothing of this run" in sentences_after(run, error=psycopg.errors.DiskFull("full"))
