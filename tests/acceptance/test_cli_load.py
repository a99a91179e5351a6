"""`load` reads every format, writes only differences, and keeps what precedes an error."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import pty
from pathlib import Path

import pytest

from tests.support.chunks import jobs_by_status
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, json_lines, write_pages
from tests.support.database import Database
from tests.support.wiki import split_pages

PAGE = (
    "<page><title>{0}</title><ns>0</ns><revision><model>wikitext</model>"
    "<text>{1}</text></revision></page>"
)
PAGES = "select id, title, content from public.wiki_pages order by title"


def export(*pages: tuple[str, str]) -> bytes:
    """A MediaWiki export of `pages`."""
    return f"<mediawiki>{''.join(PAGE.format(*page) for page in pages)}</mediawiki>".encode()


def long_text(*paragraphs: str) -> str:
    """Paragraphs so long that each one becomes a chunk."""
    return "\n\n".join(f"{name} " + "plain words of prose here. " * 30 for name in paragraphs)


@pytest.mark.parametrize("packed", [bytes, bz2.compress, gzip.compress])
def test_load_reads_an_export(
    call: Call, database: Database, tmp_path: Path, packed: type[bytes]
) -> None:
    """Plain, .bz2 and .gz give the same pages; redirects are omitted and counted."""
    file = tmp_path / "wiki.xml"
    pages = (("Bee", "A bee is an insect."), ("Bees", "#REDIRECT [[Bee]]"))
    file.write_bytes(packed(export(*pages)))
    result = call("load", str(file))
    assert_done(result)
    assert "2 pages read, 1 added, 0 changed, 0 unchanged;" in result.stdout
    assert "; 1 page waits to be split." in result.stdout
    assert "Left out: 1 redirect," in result.stdout
    assert [row[1:] for row in database.rows(PAGES)] == [("Bee", "A bee is an insect.")]


def test_load_twice_changes_nothing(call: Call, database: Database, tmp_path: Path) -> None:
    """The second run writes no page, queues no job, and keeps every id."""
    files = [str(write_pages(tmp_path / f"{n}.jsonl", {f"Page {n}": f"Text {n}."})) for n in (1, 2)]
    first = json_lines(call("load", *files, "--json"))
    assert [(line["added"], line["waiting"]) for line in first] == [(1, 1), (1, 2)]
    pages, jobs = database.rows(PAGES), jobs_by_status(database, "wikiembed.split")["todo"]
    assert jobs == 2
    second = json_lines(call("load", *files, "--json"))
    assert [(line["unchanged"], line["waiting"]) for line in second] == [(1, 2), (1, 2)]
    assert (database.rows(PAGES), jobs_by_status(database, "wikiembed.split")["todo"]) == (
        pages,
        jobs,
    )
    split_pages(database)
    third = json_lines(call("load", *files, "--json"))
    assert [(line["unchanged"], line["waiting"]) for line in third] == [(1, 0), (1, 0)]
    database.check_invariants()


def test_load_changes_only_the_chunks_that_differ(
    call: Call, database: Database, tmp_path: Path
) -> None:
    """A changed paragraph costs one chunk its vector; a shorter page loses rows."""
    file = tmp_path / "pages.jsonl"
    call("load", str(write_pages(file, {"P": long_text("one", "two", "three")})))
    split_pages(database)
    database.execute("update public.wiki_chunks set embedding = '[1,0,0,0]'")
    write_pages(file, {"P": long_text("one", "two", "THREE")})
    (counts,) = json_lines(call("load", str(file), "--json"))
    assert (counts["changed"], counts["waiting"]) == (1, 1)
    split_pages(database)
    empty = "select count(*) from public.wiki_chunks where embedding is null"
    assert (database.one("select count(*) from public.wiki_chunks"), database.one(empty)) == (3, 1)
    write_pages(file, {"P": long_text("one")})
    call("load", str(file))
    split_pages(database)
    assert database.one("select count(*) from public.wiki_chunks") == 1
    database.check_invariants()


def test_load_keeps_the_last_page_of_a_repeated_title(
    call: Call, database: Database, tmp_path: Path
) -> None:
    """A repeated title in a file is one page, with the later text."""
    file = tmp_path / "twice.xml"
    file.write_bytes(export(("Bee", "First."), ("Ant", "An ant."), ("Bee", "Second.")))
    result = call("load", str(file))
    assert_done(result)
    assert (
        "1 page had the title of an earlier page: the last page of a title is kept."
        in result.stdout
    )
    assert [row[2] for row in database.rows(PAGES)] == ["An ant.", "Second."]
    more = [str(write_pages(tmp_path / f"{n}.jsonl", {"Ant": f"{n}", str(n): ""})) for n in "34"]
    lines = json_lines(call("load", "--json", *more))
    assert [line["repeated"] for line in lines] == [0, 1]
    assert [row[2] for row in database.rows(PAGES)] == ["4", "Second."]
    database.check_invariants()


def piped(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Replace standard input by `content`."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("packed", [bytes, bz2.compress, gzip.compress])
def test_load_reads_standard_input(
    call: Call,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    packed: type[bytes],
) -> None:
    """For the argument -; ./- is a file of that name."""
    write_pages(tmp_path / "-", {"File": "Of that name."})
    piped(monkeypatch, packed(export(("Bee", "A bee is an insect."))))
    result = call("load", "-", "./-")
    assert_done(result)
    assert result.stdout.splitlines() == [
        "-: 1 page read, 1 added, 0 changed, 0 unchanged; 1 page waits to be split.",
        "./-: 1 page read, 1 added, 0 changed, 0 unchanged; 2 pages wait to be split.",
    ]
    assert [row[1] for row in database.rows(PAGES)] == ["Bee", "File"]


def test_load_reads_a_file_whose_name_is_not_utf_8(
    call: Call, database: Database, tmp_path: Path
) -> None:
    """Names are bytes: it is read, and shown with replacement characters, in JSON too."""
    raw = "한강.jsonl".encode("cp949")
    name = os.fsdecode(raw)
    write_pages(tmp_path / name, {"한강": "강이다."})
    (line,) = json_lines(call("load", "--json", name))
    assert (line["file"], line["added"]) == (raw.decode(errors="replace"), 1)
    (tmp_path / name).write_text("x\n")
    assert ".jsonl: not MediaWiki XML" in call("load", str(tmp_path / name)).stderr


def test_load_refuses_invalid_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice, a terminal, nothing: one sentence, exit code 2."""
    assert "give - once" in assert_refused(call("load", "-", "-"), 2)
    piped(monkeypatch, b"")
    assert assert_refused(call("load", "-"), 2).startswith("Standard input: is empty.")
    ours, theirs = pty.openpty()
    try:
        with os.fdopen(theirs, "r+b", buffering=0) as raw, io.TextIOWrapper(raw) as terminal:
            monkeypatch.setattr("sys.stdin", terminal)
            assert "is a terminal" in assert_refused(call("load", "-"), 2)
    finally:
        os.close(ours)


def test_load_renders_headings_and_tells_what_splits_them(
    call: Call, database: Database, tmp_path: Path
) -> None:
    """After a detach nothing does, until the command of the message has run."""
    file = tmp_path / "wiki.xml"
    file.write_bytes(export(("Bee", "A bee.\n== Honey ==\nIt is sweet.")))
    database.execute("select wikiembed.detach('wiki')")
    output = " ".join(call("load", str(file)).stdout.split())
    command = output.split("no source splits them: run `wikiembed ")[1].split("`")[0]
    (line,) = json_lines(call("load", "--json", str(file)))
    assert (line["unchanged"], line["waiting"]) == (1, None)
    assert call(*command.split(), "--dimensions", "4").returncode == 0
    database.execute("select wikiembed.enqueue('wiki')")
    split_pages(database)
    assert database.rows(
        "select heading, context, content from public.wiki_chunks order by position"
    ) == [("", "Bee", "A bee."), ("Honey", "Bee: Honey", "== Honey ==\n\nIt is sweet.")]
    database.check_invariants()


def test_load_names_the_position_of_broken_xml(
    call: Call, database: Database, tmp_path: Path
) -> None:
    """The complete pages of a truncated export are kept, and the error reports that."""
    file = tmp_path / "cut.xml"
    file.write_bytes(export(("A", "Text."), ("B", "Text."))[:-60])
    output = assert_refused(call("load", str(file)), 2)
    assert output.startswith(f"{file}: not well-formed XML: ")
    assert "line 1" in output
    assert "1 page of this file is stored (1 added, 0 changed, 0 unchanged);" in output
    assert [row[1] for row in database.rows(PAGES)] == ["A"]
