"""`compare` shows what two sources of one table find for the same questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Call, Cli
from tests.support.commands import assert_done, assert_refused, json_lines, served
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn
from tests.support.switch import embedded_by_command

TEXTS = [f"This is text {n}. It has more words, of which there are {n}." for n in range(30)]
COMPARE = ("compare", "docs", "docs_new")


@pytest.fixture
def docs(call: Call, database: Database, standin: StandIn) -> Database:
    """Sources ``docs`` and ``docs_new``, embedded with different prefixes."""
    embedded_by_command(call, database, standin, *TEXTS)
    return database


def compared(call: Call, standin: StandIn, *arguments: str) -> dict[str, Any]:
    """What ``compare --json`` prints."""
    result = call(*COMPARE, *arguments, "--json", env=served(standin))
    assert_done(result)
    (found,) = json_lines(result)
    return found


def test_compare_by_questions_of_a_file(
    call: Call, docs: Database, standin: StandIn, tmp_path: Path
) -> None:
    """One per line, each once, blank lines left out; hits are those of searches."""
    file = tmp_path / "questions.txt"
    file.write_bytes("\ufeffwhere is honey\r\n\n  was ist Hönig \nwhere is honey\n".encode())
    found = compared(call, standin, "--queries", str(file), "--limit", "5")
    questions = found["by_question"]
    assert {one["question"] for one in questions} == {"where is honey", "was ist Hönig"}
    for one in questions:
        for side, source in (("old", "docs"), ("new", "docs_new")):
            hits = json_lines(
                call("search", one["question"], "--source", source, "--json", env=served(standin))
            )
            assert one[side] == [hit["key"] for hit in hits]
        shared = set(one["old"]) & set(one["new"])
        assert one["overlap"] == len(shared) / 5
        assert one["first_changed"] == (one["old"][0] != one["new"][0])
        changes = [abs(one["old"].index(key) - one["new"].index(key)) for key in shared]
        assert one["rank_change"] == (sum(changes) / len(changes) if changes else None)
    assert found["overlap"] == sum(one["overlap"] for one in questions) / 2
    assert found["first_changed"] == sum(one["first_changed"] for one in questions)
    assert (found["old"], found["new"], found["limit"], found["questions"]) == (
        "docs", "docs_new", 5, 2,
    )  # fmt: skip
    assert [one["overlap"] for one in questions] == sorted(one["overlap"] for one in questions)


def test_compare_by_first_sentences(call: Call, docs: Database, standin: StandIn) -> None:
    """Of random chunks, each once, where no file is given."""
    found = compared(call, standin, "--sample", "12")
    asked = {one["question"] for one in found["by_question"]}
    assert len(asked) == 12
    assert asked <= {text.partition(".")[0] + "." for text in TEXTS}
    assert compared(call, standin)["questions"] == 30


def test_compare_by_titles_of_documents(call: Call, database: Database, standin: StandIn) -> None:
    """In two chunk tables of the same documents, chunks are the same by document and text."""
    database.execute("create table public.articles (id bigint primary key, title text, body text)")
    database.execute(
        "insert into public.articles select n, 'Title  ' || n, 'Body ' || n || '. More.'"
        " from generate_series(1, 12) as n"
    )
    for name, prefix in (("a", "old: "), ("b", "old: ")):
        database.execute(
            f"select wikiembed.attach_documents('public.articles', 'id', 'body', '{name}',"
            f" 'title', p_dimensions => {DIMENSIONS}, p_document_prefix => '{prefix}',"
            f" p_query_prefix => '{prefix}', p_enqueue => true)"
        )
        database.execute("alter sequence a_chunks_id_seq restart with 1000")
    assert_done(call("worker", "--drain", env=served(standin)))
    result = call("compare", "a", "b", "--json", env=served(standin))
    assert_done(result)
    (found,) = json_lines(result)
    assert {one["question"] for one in found["by_question"]} == {f"Title {n}" for n in range(1, 13)}  # type: ignore[attr-defined]
    assert (found["overlap"], found["first_changed"], found["rank_change"]) == (1, 0, 0)


def test_compare_side_by_side(call: Call, docs: Database, standin: StandIn) -> None:
    """In 80 columns, the three questions that differ most, and what to do."""
    docs.execute(
        "update public.docs set body = '한국어 문장은 두 칸씩 차지한다 ' || body where id < 9"
    )
    assert_done(call("worker", "--drain", env=served(standin)))
    result = call(*COMPARE, "--sample", "20", env=served(standin))
    assert_done(result)
    lines = result.stdout.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("docs and docs_new"))
    assert lines[begin] == "docs and docs_new: 20 questions, sampled."
    assert lines[begin + 1].startswith("Overlap@10: 0.")
    assert lines[begin + 2].startswith("First hit: another one for ")
    assert lines[begin + 3].startswith("Ranks of hits that both find: ")
    heads = [n for n, line in enumerate(lines) if ", overlap 0." in line]
    assert len(heads) == 3
    for head in heads:
        assert lines[head].split()[-1] == "docs_new"
        assert [line.split()[0] for line in lines[head + 1 : head + 6]] == list("12345")
    assert lines[-1] == "  wikiembed switch docs --to docs_new"
    from rich.cells import cell_len

    assert max(map(cell_len, lines)) <= 80


def test_compare_is_of_the_sources_themselves(call: Call, docs: Database, standin: StandIn) -> None:
    """Also after the switch; and equal vectors differ in nothing."""
    before = compared(call, standin, "--sample", "30")
    docs.execute("select wikiembed.switch('docs', 'docs_new')")
    assert compared(call, standin, "--sample", "30")["overlap"] == before["overlap"] < 1
    docs.execute(
        "update wikiembed.sources set query_prefix = 'old: ' where name = 'docs_new';"
        " update public.docs set vec_new = vec"
    )
    result = call(*COMPARE, env=served(standin))
    assert_done(result)
    assert "Overlap@10: 1.00 in the mean, 1.00 at the least." in result.stdout
    assert "First hit: another one for 0 of 30." in result.stdout
    assert ", overlap" not in result.stdout


def test_compare_reads_standard_input(cli: Cli, docs: Database, standin: StandIn) -> None:
    """With a file name of -; it is empty here."""
    result = cli.run(*COMPARE, "--queries", "-", env=served(standin))
    assert assert_refused(result, 2) == "Standard input: has no questions; write one per line."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe", "{}: not UTF-8; convert the file with iconv."),
        (b"\n \n", "{}: has no questions; write one per line."),
        (b"one\n" + b"x" * 10_001, "{}, line 2: longer than 10,000 characters."),
        (None, "{}: cannot be read: No such file or directory."),
    ],
)
def test_compare_refuses_a_file(
    call: Call, docs: Database, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    """Exit 2, in one sentence."""
    file = tmp_path / "questions.txt"
    if content is not None:
        file.write_bytes(content)
    result = call(*COMPARE, "--queries", str(file))
    assert assert_refused(result, 2) == sentence.format(file)


def test_compare_refuses_other_sources(call: Call, docs: Database, standin: StandIn) -> None:
    """Unknown, the same, of another table, without vectors."""
    docs.execute("create table public.notes (id bigint primary key, body text, vec vector(4))")
    docs.execute("select wikiembed.attach('public.notes', 'id', 'body', 'vec', 'notes')")
    docs.execute("alter table public.docs add column vec_3 vector(4)")
    docs.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec_3', 'docs_3')")
    for (old, new), code, sentence in [
        (("docs", "dcos"), 2, 'No source is named "dcos": did you mean "docs"?'),
        (("docs", "docs"), 2, "Source 'docs' is compared with itself: name two."),
        (("docs", "notes"), 2, "Sources 'docs' and 'notes' are of different tables or keys:"
         " their hits cannot be compared."),
        (("docs", "docs_3"), 1, "Source 'docs_3' has no vectors: run `wikiembed backfill docs_3`."),
    ]:  # fmt: skip
        assert assert_refused(call("compare", old, new, env=served(standin)), code) == sentence


def test_compare_by_a_role_that_may_only_read(call: Call, docs: Database, standin: StandIn) -> None:
    """It samples and searches with the rights of its caller."""
    from psycopg.conninfo import make_conninfo

    reader = docs.create_role("reader", grant="reader")
    docs.execute(f"grant select on public.docs to {reader}")
    url = make_conninfo(docs.url, options=f"-c role={reader}")
    result = call(*COMPARE, "--sample", "3", env=served(standin, database_url=url))
    assert_done(result)
    assert "docs and docs_new: 3 questions, sampled." in result.stdout
