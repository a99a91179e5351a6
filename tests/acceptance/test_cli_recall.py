"""`recall` measures what the index finds, proposes a setting, and stores it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from tests.acceptance.hnsw import BUILD, embedded
from tests.support.cli import Call, Cli, Result
from tests.support.commands import assert_done, assert_refused, complaints, json_lines, served
from tests.support.database import Database
from tests.support.recall import DIMENSIONS, few_links
from tests.support.standin import StandIn
from tests.support.terminal import WIDTH, run_on_terminal

RECALL = ("recall", "docs", "--sample", "40")
STORED = "select ef_search from wikiembed.sources where name = 'docs'"
CHECKS = (
    "select depth, filter, ef_search, sample from wikiembed.recall_checks"
    " where source = 'docs' order by depth, filter, ef_search"
)
VALUES = [20, 40, 80, 160, 320, 640, 1000]
BY_INDEX = "-c enable_seqscan=off"
"""Small tables are read whole at a high ef_search otherwise."""


@pytest.fixture
def docs(database: Database) -> Database:
    """Source ``docs``, whose index finds little at the default setting."""
    few_links(database)
    return database


def measured(call: Call, *arguments: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    """What ``recall --json`` prints of one source."""
    result = call(*RECALL, *arguments, "--json", env=env or {})
    assert_done(result)
    (line,) = json_lines(result)
    return line


def printed(result: Result) -> list[str]:
    """The lines for people: a measurement of more than 5 s prints its progress too."""
    return [line for line in result.stdout.splitlines() if not line.startswith("{")]


def as_session(database: Database, options: str) -> dict[str, str]:
    """Settings whose connections have these options."""
    return {"WIKIEMBED_DATABASE_URL": make_conninfo(database.url, options=options)}


def test_recall_is_measured_at_several_settings(call: Call, docs: Database) -> None:
    """It grows with ef_search; the least value that reaches a target is named."""
    found = measured(call, env=as_session(docs, BY_INDEX))
    recalls = {one["ef_search"]: one["recall"] for one in found["settings"]}
    assert list(recalls) == VALUES
    assert recalls[20] < recalls[160] < recalls[1000]
    assert recalls[40] < 0.8
    assert (found["used"], found["stored"], found["recorded"], found["set"]) == (
        *(40, None, True, None),
    )
    assert (found["questions"], found["limit"], found["filter"]) == (40, 10, None)
    assert found["index"] == "public.wikiembed_hnsw_docs"
    assert all(one["by_index"] == 1 for one in found["settings"])
    for one in [*found["settings"], found]:
        latency = one.get("latency") or one["exact"]
        assert 0 < latency["median_ms"] <= latency["p99_ms"]
    assert [one["target"] for one in found["reached"]] == [0.95, 0.99]
    assert docs.rows(CHECKS) == [(10, {}, value, 40) for value in VALUES]


def test_recall_of_questions(call: Call, docs: Database, standin: StandIn, tmp_path: Path) -> None:
    """The vectors of a file's questions, by the source's model, instead of those of chunks."""
    file = tmp_path / "questions.txt"
    file.write_text("\n".join(f"question {n}" for n in range(30)))
    standin.controls.dimensions = DIMENSIONS
    found = measured(
        call, "--queries", str(file), env={**as_session(docs, BY_INDEX), **served(standin)}
    )
    assert found["questions"] == 30 == standin.stats.texts
    assert [one["ef_search"] for one in found["settings"]] == VALUES
    assert docs.rows(CHECKS) == [(10, {}, value, 30) for value in VALUES]
    result = call(*RECALL, "--queries", str(file), "--target", "1", env=served(standin))
    assert_done(result)
    assert "30 questions" in result.stdout
    file.write_text("one\ntwo\n")
    refused = call(*RECALL, "--queries", str(file), env=served(standin))
    assert "2 of 2 questions found a chunk, and 20 are needed" in assert_refused(refused, 1)


def test_recall_is_printed_with_what_to_do(call: Call, docs: Database) -> None:
    """A row per setting, what is used, and the command that stores the proposal."""
    result = call(*RECALL)
    assert_done(result)
    first, header, _, *rows = printed(result)
    assert first == (
        "docs: recall@10 of index public.wikiembed_hnsw_docs, 40 questions, half of them held out."
    )
    assert header.split() == ["ef", "search", "recall", "median", "ms", "p99", "ms"]
    assert [row.split()[0] for row in rows[:8]] == [*map(str, VALUES), "exact"]
    assert "Now ef_search is 40: recall 0." in result.stdout
    assert "0.99 is reached by ef_search" in result.stdout
    assert rows[-1] == "Set it: wikiembed recall docs --set"
    assert docs.one(STORED) is None


def test_recall_is_stored_and_searches_use_it(call: Call, docs: Database) -> None:
    """The proposal reaches the target on other questions too, in searches as they are."""
    nearest = (
        "select avg((select count(*) from wikiembed.search('docs', d.vec) as s where s.key = any("
        " array(select e.id::text from public.docs as e order by (e.vec <=> d.vec) + 0 limit 10))))"
        " / 10 from (select * from public.docs where id % 200 = 7) as d"
    )
    assert docs.one(nearest) < 0.8
    found = measured(call, "--set")
    assert found["set"] == found["reached"][0]["ef_search"] == docs.one(STORED)
    assert found["set"] > 40
    assert docs.one(nearest) >= 0.95
    assert measured(call)["used"] == found["set"]


def test_recall_where_no_setting_reaches_the_target(call: Call, docs: Database) -> None:
    """Exit 1 with --set, and what to build; without it the same advice and exit 0."""
    docs.execute("delete from public.docs where id % 2 = 0")
    few = (*RECALL, "--target", "1")
    result = call(*few, "--set", env=as_session(docs, BY_INDEX))
    assert (result.returncode, complaints(result)) == (
        1, ["No ef_search reaches 1 for docs: nothing was set."],
    )  # fmt: skip
    assert "1 is reached by no ef_search up to 1,000." in result.stdout
    assert "wikiembed index --source docs --m 32 --ef-construction 128" in result.stdout
    assert docs.one(STORED) is None
    assert_done(call(*few, env=as_session(docs, BY_INDEX)))


def test_recall_of_a_binary_index_that_finds_too_little(call: Call, docs: Database) -> None:
    """An index of the whole vectors is proposed too; that of links stays the first advice."""
    assert_done(call(*BUILD, "--quantise", "binary", "--m", "2", "--ef-construction", "4"))
    result = call(*RECALL, "--target", "1", env=as_session(docs, BY_INDEX))
    assert_done(result)
    assert "recall@10 of index public.wikiembed_binary_docs" in result.stdout
    assert [row.split()[0] for row in printed(result)[3:9]] == [
        *("44", "80", "160", "320", "640", "1000"),
    ]
    assert printed(result)[-1] == (
        "Or build one that holds the whole vectors: wikiembed index --source docs --quantise none"
    )


def test_recall_under_a_filter(call: Call, docs: Database) -> None:
    """Measured and recorded apart; --set of it keeps a higher value, which other searches need."""
    docs.execute("select wikiembed.set_ef_search('docs', 700)")
    found = measured(call, "--filter", "tenant=[3,4,5]", "--set")
    assert (found["filter"], found["set"], found["stored"]) == ({"tenant": [3, 4, 5]}, 700, 700)
    assert found["reached"][1]["ef_search"] < 700
    assert docs.rows(CHECKS)[0] == (10, {"tenant": [3, 4, 5]}, 20, 40)
    printed = call(*RECALL, "--filter", "tenant=3", "--limit", "5").stdout
    assert "Filtered: --filter tenant=3\n" in printed
    assert "recall@5 of index" in printed
    assert "Postgres compared every row for 100 % of the questions" in printed


def test_recall_where_search_is_exact(call: Call, docs_table: Database) -> None:
    """Without an index, and of few vectors: one sentence, exit 0, in JSON too."""
    embedded(docs_table, 1500)
    result = call("recall", "docs")
    assert_done(result)
    assert result.stdout == (
        "docs: it has no valid index of vectors: search is exact, and its recall is 1.\n"
    )
    docs_table.execute("delete from public.docs where id > 999")
    assert_done(call(*BUILD))
    result = call("recall")
    assert_done(result)
    assert result.stdout.splitlines()[0] == (
        "docs: it has 999 vectors, fewer than 1,000: search is exact or nearly so, and its recall"
        " is 1."
    )
    (line,) = json_lines(call("recall", "docs", "--json"))
    assert (line["source"], line["measured"], line["vectors"]) == ("docs", False, 999)
    assert docs_table.rows(CHECKS) == []


def test_recall_by_a_reader(call: Call, docs: Database) -> None:
    """A reader measures and stores nothing; --set is refused before any work."""
    reader = docs.create_role("reader", grant="reader")
    docs.execute(
        f"grant select on public.docs to {reader}; grant usage on schema public to {reader}"
    )
    env = as_session(docs, f"-c role={reader}")
    result = call(*RECALL, env=env)
    assert result.returncode == 0
    assert complaints(result) == [
        f"Note: role {reader} may not store the recall, of which doctor would warn."
    ]
    assert "Now ef_search is 40" in result.stdout
    assert docs.rows(CHECKS) == []
    assert assert_refused(call(*RECALL, "--set", env=env), 2) == (
        f"Role {reader} may not set ef_search there: run it as wikiembed's owner, on the primary."
    )


@pytest.mark.parametrize(
    ("arguments", "code", "output"),
    [
        (("--sample", "19"), 2, "Invalid value for '--sample'"),
        (("--limit", "0"), 2, "Invalid value for '--limit'"),
        (("--target", "1.1"), 2, "Invalid value for '--target'"),
        (("--filter", "tenant"), 2, "--filter needs a column and a value, tenant=3, not 'tenant'."),
        (("--filter", "nope=3"), 2, 'has no column "nope" to filter by'),
        (("--filter", "tenant=x"), 2, 'is of type integer, which "x" is not'),
        (("--filter", "tenant=1000"), 1, "0 of 40 questions found a chunk, and 20 are needed"),
    ],
)
def test_recall_refuses_wrong_options(
    call: Call, docs: Database, arguments: tuple[str, ...], code: int, output: str
) -> None:
    """One sentence each, and nothing is stored."""
    assert output in assert_refused(call(*RECALL, *arguments), code)
    assert docs.rows(CHECKS) == []


def test_recall_of_an_unknown_source(call: Call, database: Database) -> None:
    """As every command does."""
    assert "No source is named" in assert_refused(call("recall", "nope"), 2)


def test_recall_fits_a_terminal(cli: Cli, docs: Database) -> None:
    """No line of it is cut or wrapped within a word."""
    code, printed = run_on_terminal(cli, *RECALL)
    assert code == 0
    lines = printed.replace("\r", "").splitlines()
    assert any(line.split()[:1] == ["exact"] for line in lines)
    assert [line for line in lines if len(line) > WIDTH and "\x1b" not in line] == []
