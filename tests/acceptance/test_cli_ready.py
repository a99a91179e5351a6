"""`ready` answers yes only if certain, and a no names each obstacle and its command."""

from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from tests.support.chunks import add_chunks, clear_jobs, fail, read, without_vector
from tests.support.cli import Call
from tests.support.commands import (
    assert_done,
    assert_refused,
    complaints,
    events,
    json_lines,
    served,
)
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.standin.dialects import TONGUES
from tests.tools.docs.pages import REFERENCE, rows_of
from wikiembed.control.ready import OBSTACLES

FALSE, TRUE = "WIKI_EMBEDDINGS_READY=false", "WIKI_EMBEDDINGS_READY=true"


def obstacles(call: Call) -> dict[object, tuple[object, object]]:
    """Name → chunks and command of each obstacle in `ready docs --json`."""
    (output,) = json_lines(call("ready", "docs", "--json"))
    assert output["ready"] is False
    found: list[dict[str, object]] = output["in_the_way"]  # type: ignore[assignment]
    return {one["name"]: (one["chunks"], one["command"]) for one in found}


def test_ready_names_the_obstacles(call: Call, docs_table: Database) -> None:
    """Exit 1 with counts while a row lacks its vector, 0 when none does or all are skipped."""
    add_chunks(docs_table, 2)
    fail(docs_table, read(docs_table, ["1"]), error_class="rejected", message="no")
    clear_jobs(docs_table)
    result = call("ready", "docs")
    assert assert_refused(result, 1) == "Source 'docs' lacks vectors for 2 of 2 chunks (1 failed)."
    assert result.stdout.splitlines() == [
        FALSE,
        "# docs: 1 failed (rejected 1): wikiembed failures docs; then wikiembed retry docs"
        " or wikiembed skip docs KEY",
        "# docs: 1 not queued: wikiembed enqueue docs",
    ]
    assert call("skip", "docs", "1", "--why", "scan").stdout == "docs: 1 of 1 chunk skipped.\n"
    docs_table.execute("update public.docs set vec = '[1,0,0,0]' where id = 2")
    result = call("ready", "docs")
    assert (result.returncode, result.stdout, complaints(result)) == (0, f"{TRUE}\n", [])
    asked = call("ready", "docs", "--json")
    (output,) = json_lines(asked)
    assert output.pop("database")
    assert [output] == [{"ready": True, "sources": {"docs": True}, "in_the_way": []}]


def test_ready_commands_remove_the_obstacles(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Each obstacle's command removes it, until the source is ready."""
    add_chunks(docs_table, 3)
    clear_jobs(docs_table)
    fail(docs_table, read(docs_table, ["1"]), error_class="rejected", message="no")
    docs_table.execute("select wikiembed.pause('docs', 'the GPU is moved')")
    assert obstacles(call) == {
        "paused": (None, "wikiembed resume docs"),
        "failed": (
            1,
            "wikiembed failures docs; then wikiembed retry docs or wikiembed skip docs KEY",
        ),
        "not_queued": (2, "wikiembed enqueue docs"),
    }
    for command in ("resume", "retry", "enqueue"):
        assert_done(call(command, "docs"))
    assert obstacles(call) == {"waiting": (3, "wikiembed worker")}
    assert "# docs: 3 wait in 2 jobs, and no worker is alive: wikiembed worker" in (
        call("ready").stdout
    )
    call("worker", "--drain", env=served(standin))
    assert call("ready").stdout == f"{TRUE}\n"


def test_ready_names_the_rarer_obstacles(call: Call, docs_table: Database) -> None:
    """An outage, a live worker, a wrong count, and a dropped table."""
    add_chunks(docs_table, 1)
    docs_table.execute(
        "select wikiembed.report_outage('http://gpu', 5, 'timeout', null, 'it hangs');"
        " insert into wikiembed_queue.procrastinate_workers default values"
    )
    assert obstacles(call) == {
        "waiting": (1, "wikiembed status --watch"),
        "outage": (None, "wikiembed doctor"),
    }
    docs_table.execute("delete from wikiembed.ledger")
    assert obstacles(call)["miscounted"] == (None, "wikiembed reconcile docs")
    docs_table.execute("drop table public.docs")
    assert obstacles(call)["relation"] == (None, "wikiembed reconcile docs")
    assert rows_of(REFERENCE / "doctor.md")[-len(OBSTACLES) :] == [
        [f"`{name}`", meaning] for name, meaning in OBSTACLES.items()
    ]


def test_ready_as_a_reader(call: Call, docs_table: Database) -> None:
    """A role with read access only gets what it may read."""
    add_chunks(docs_table, 2)
    clear_jobs(docs_table)
    role = docs_table.create_role("reader", grant="reader")
    url = make_conninfo(docs_table.url, options=f"-c role={role}")
    result = call("ready", "docs", env={"WIKIEMBED_DATABASE_URL": url})
    assert_refused(result, 1)
    assert result.stdout.splitlines()[0] == FALSE
    assert "# docs: 2 wait in 0 jobs, and no worker is alive: wikiembed worker" in result.stdout


def test_ready_without_a_source(call: Call, database: Database) -> None:
    """Without a source it is not ready, and names the command to run."""
    database.execute("select wikiembed.detach('wiki')")
    result = call("ready", "--smoke")
    assert assert_refused(result, 1) == "No source is attached."
    assert result.stdout == f"{FALSE}\n# no source is attached: wikiembed attach\n"


@pytest.mark.parametrize("dialect", TONGUES)
@pytest.mark.parametrize("prefix", ["", "search_document: "])
def test_ready_smoke_finds_a_chunk_by_its_own_text(
    call: Call, docs_table: Database, standin: StandIn, dialect: str, prefix: str
) -> None:
    """With the worker's model and prefix, on any server."""
    env = served(standin, embedder=dialect, document_prefix=prefix)
    add_chunks(docs_table, 20)
    call("worker", "--drain", env=env)
    assert without_vector(docs_table) == 0
    result = call("ready", "--smoke", env=env)
    assert_done(result)
    first, docs = result.stdout.splitlines()
    assert first == TRUE
    assert docs.startswith("# docs: search finds chunk ")
    assert docs.endswith(", at distance 0.0000")
    (output,) = json_lines(call("ready", "docs", "--smoke", "--json", env=env))
    tried: list[dict[str, object]] = output["smoke"]  # type: ignore[assignment]
    assert output["ready"] is True
    assert [(one["source"], one["passed"]) for one in tried] == [("docs", True)]


def test_ready_smoke_with_the_model_in_process(call: Call, database: Database) -> None:
    """With wordllama, without a server."""
    database.execute(
        "create table public.docs (id int primary key, body text, vec halfvec(256));"
        " select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs');"
        " insert into public.docs (id, body) values (1, 'Bees make honey.'), (2, 'The Moon.')"
    )
    result = call("worker", "--drain")
    assert [one for one in events(result) if one["level"] == "error"] == []
    assert call("ready", "docs", "--smoke").stdout.startswith(
        f"{TRUE}\n# docs: search finds chunk "
    )


def test_ready_smoke_accepts_equal_texts(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Many chunks of one text are equally near: any of them counts."""
    docs_table.execute(
        "insert into public.docs (body) select 'the same' from generate_series(1, 300)"
    )
    env = served(standin)
    call("worker", "--drain", env=env)
    assert_done(call("ready", "docs", "--smoke", env=env))


@pytest.mark.parametrize("change", ["prefix", "vectors", "salt"])
def test_ready_smoke_notices_vectors_of_another_model(
    call: Call, docs_table: Database, standin: StandIn, change: str
) -> None:
    """Exit 1 with a sentence, and not READY=true, when a text is not its own nearest."""
    env = served(standin)
    add_chunks(docs_table, 50)
    call("worker", "--drain", env=env)
    assert_done(call("ready", "docs", "--smoke", env=env))
    if change == "prefix":
        docs_table.execute(
            "update wikiembed.sources set document_prefix = 'query: ', prefix_pinned = false"
        )
        clear_jobs(docs_table)
    elif change == "vectors":
        docs_table.execute(
            "update public.docs as d set vec = o.vec from public.docs as o where o.id = 51 - d.id"
        )
    else:
        standin.controls.salt = "another"
    result = call("ready", "docs", "--smoke", env=env)
    output = assert_refused(result, 1)
    assert output.startswith("The smoke test failed, docs: ")
    assert " chunk " in output
    assert output.endswith(": see `wikiembed doctor`.")
    assert result.stdout.splitlines()[0] == FALSE
    (tried,) = json_lines(call("ready", "docs", "--smoke", "--json", env=env))
    assert tried["ready"] is False


def test_ready_smoke_requires_vectors(call: Call, docs_table: Database) -> None:
    """Sources without vectors prove nothing, with or without --allow-empty."""
    result = call("ready", "--smoke", "--allow-empty")
    assert assert_refused(result, 1).startswith("No source has vectors")
    assert result.stdout.splitlines() == [FALSE, "# docs: no vectors, nothing to search"]


def test_ready_of_empty_sources(call: Call, docs_table: Database) -> None:
    """Not ready, with the commands to fill or to accept it; --allow-empty accepts it."""
    result = call("ready", "wiki")
    output = "Source 'wiki' has no chunks: load some, or `--allow-empty`."
    assert assert_refused(result, 1) == output
    assert result.stdout == f"{FALSE}\n# wiki: has no chunks: wikiembed load FILE\n"
    assert obstacles(call) == {"empty": (0, "wikiembed ready docs --allow-empty")}
    for command in (("ready", "wiki"), ("ready",)):
        result = call(*command, "--allow-empty")
        assert (result.returncode, result.stdout) == (0, f"{TRUE}\n")
    add_chunks(docs_table, 2)
    assert_done(call("skip", "docs", "1", "2"))
    output = "Source 'docs' has no vectors, since each of its 2 chunks is skipped: retry some, or"
    assert assert_refused(call("ready"), 1) == f"{output} `--allow-empty`."
    shown = call("status").stdout
    assert "100" not in shown.partition("\n")[2]  # the name of the database may contain it
    assert "–" in shown
    (state,) = json_lines(call("status", "--json"))
    rows: list[dict[str, object]] = state["coverage"]  # type: ignore[assignment]
    assert [row["coverage_pct"] for row in rows] == [None, None]


def test_ready_smoke_of_a_server_out_of_reach(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Exit 3: readiness cannot be determined."""
    add_chunks(docs_table, 1)
    docs_table.execute("update public.docs set vec = '[1,0,0,0]'")
    standin.controls.down = True
    result = call("ready", "docs", "--smoke", env=served(standin))
    assert_refused(result, 3)
    assert TRUE not in result.stdout
