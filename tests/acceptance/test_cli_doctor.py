"""`doctor` finds every documented problem, names it, and says how to fix it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from psycopg.conninfo import make_conninfo

from tests.acceptance.doctor_cases import ARTICLES, CASES, Case
from tests.support.chunks import add_chunks, clear_jobs
from tests.support.citus import take_over
from tests.support.cli import Call, StartCli
from tests.support.commands import assert_done, assert_refused, complaints, served
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.tools.docs.pages import REFERENCE, rows_of
from wikiembed.config import Settings
from wikiembed.control.doctor import ALARMS, Examination, documents, place, queue
from wikiembed.control.doctor.findings import Finding
from wikiembed.db.queue_schema import PROCRASTINATE_VERSION

Row = tuple[str, str, str]
APART = {("postgres", "fault"), ("procrastinate", "fault"), ("clock", "warning"),
         ("unexamined", "fault"), ("owner", "warning"), ("splitter", "fault"),
         ("embedder", "warning"), ("citus", "fault")}  # fmt: skip
"""Those with a test of their own, that of several servers in test_cli_outages.py."""


def findings(call: Call, env: dict[str, str]) -> tuple[list[Row], int]:
    """The findings of `doctor --json`, and its exit code."""
    result = call("doctor", "--json", env=env)
    assert "Traceback" not in result.stderr
    found = json.loads(result.stdout)
    return [(f["name"], f["level"], f["sentence"]) for f in found], result.returncode


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.level}")
def test_doctor_finds(call: Call, docs_table: Database, standin: StandIn, case: Case) -> None:
    """The alarm appears with the damage, not before, and its remedy clears it."""
    healthy = served(standin)
    if (case.name, case.level) != ("workers", "warning"):
        before, _ = findings(call, healthy)
        assert [f for f in before if f[:2] == (case.name, case.level)] == []
    if case.broken:
        docs_table.execute(case.broken)
    standin.controls.down = case.down
    if case.dimensions is not None:
        standin.controls.dimensions = case.dimensions
    standin.controls.update({"max_chars": case.cuts_from, "cuts_silently": bool(case.cuts_from)})
    standin.controls.listed = None if case.listed is None else list(case.listed)
    given = {"database_url": make_conninfo(docs_table.url, **case.connect), **case.env}
    found, code = findings(call, served(standin, **given))
    same = [f for f in found if f[:2] == (case.name, case.level)]
    assert [f for f in same if case.message in f[2]] != [], found
    assert code == (case.exits or int(any(level == "fault" for _, level, _ in found))), found
    if case.fixed_by:
        assert_done(call(*case.fixed_by, env=healthy))
    if case.fixed_sql:
        docs_table.execute(case.fixed_sql)
    if case.fixed_by or case.fixed_sql:
        after, _ = findings(call, healthy)
        assert [f for f in after if f[:2] == (case.name, case.level)] == []


def test_doctor_has_a_test_and_a_line_for_each_alarm() -> None:
    """Every alarm has a case above and a row in doctor.md."""
    alarms = [(alarm.name, alarm.level) for alarm in ALARMS]
    assert len(set(alarms)) == len(alarms)
    assert {(case.name, case.level) for case in CASES} | APART == set(alarms)
    documented = [tuple(r[:2]) for r in rows_of(REFERENCE / "doctor.md") if len(r) == 4]
    assert documented == [(f"`{name}`", level) for name, level in alarms]


def test_doctor_finds_a_table_that_citus_took_over(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """By a catalog like that of Citus; tests/real/test_citus.py has a cluster."""
    healthy = served(standin)
    assert "citus" not in {found[0] for found in findings(call, healthy)[0]}
    take_over(docs_table)
    found, code = findings(call, healthy)
    (sentence,) = (one[2] for one in found if one[:2] == ("citus", "fault"))
    assert sentence.startswith("Citus manages public.docs, the table of source docs, and workers")
    assert sentence.endswith("then run `wikiembed attach public.docs --name docs --move`.")
    assert {one[0] for one in found if "source docs" in one[2]} == {"citus"}
    assert code == 1


def test_doctor_refuses_undocumented_findings() -> None:
    """A finding whose name and level are not listed is a defect."""
    with pytest.raises(ValueError, match="no such alarm: clock fault"):
        Finding("clock", "fault", "x")


def test_doctor_finds_no_fault_in_a_healthy_installation(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """No fault, exit 0; no worker with an empty queue is a warning."""
    result = call("doctor", env=served(standin))
    assert_done(result)
    assert "ok       Source docs on public.docs: triggers and index." in result.stdout
    assert "warning  No worker is alive: run `wikiembed worker`." in result.stdout
    assert "ok       All invariants hold." in result.stdout
    assert "ok       Embedder openai m: 4 dimensions." in result.stdout
    found, _ = findings(call, served(standin))
    assert [name for name, level, _ in found if level != "ok"] == ["workers"]
    assert [name for name, *_ in found][:7] == [
        *("database", "postgres", "clock", "pgvector", "schema", "procrastinate", "queue_schema")
    ]


def test_doctor_ends_with_one_sentence(call: Call, docs_table: Database, standin: StandIn) -> None:
    """A fault exits 1; an unreachable Postgres exits 3, and the server is still checked."""
    standin.controls.dimensions = 5
    result = call("doctor", env=served(standin))
    assert (result.returncode, complaints(result)) == (
        1,
        ["At least one check failed; each line above says what to do."],
    )
    lost = call("doctor", env=served(standin, database_url="postgresql://localhost:1/none"))
    assert "Postgres is out of reach" in assert_refused(lost, 3)
    assert lost.stdout.startswith("fault    Postgres is out of reach")
    assert "ok       Embedder openai m: 5 dimensions." in lost.stdout


def test_doctor_as_a_worker_reports_refused_queries(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Every refused query is a fault of its own, the others still run, and it exits 2."""
    role = docs_table.create_role("worker", grant="worker")
    url = make_conninfo(docs_table.url, options=f"-c role={role}")
    found, code = findings(call, served(standin, database_url=url))
    refused = [sentence for name, _, sentence in found if name == "unexamined"]
    assert code == 2
    assert refused != []
    assert all(s.startswith("Not examined: Permission denied") for s in refused), refused
    assert ("embedder", "ok", "Embedder openai m: 4 dimensions.") in found


def test_doctor_recognises_an_old_postgres() -> None:
    """14 is a fault, 15 is not."""
    ((old,), (new,)) = (list(place.postgres_version(number)) for number in (140023, 150000))
    assert (old.level, new.level) == ("fault", "ok")
    assert old.sentence == "Postgres 14.23 is too old, 15 is the oldest supported: upgrade it."


def test_doctor_compares_procrastinate_with_its_schema(database: Database) -> None:
    """Another version of the package is a fault that names the right one."""
    found, *_ = place.procrastinate(database.connect(), installed=lambda _: "9.9.9")
    assert (found.name, found.level) == ("procrastinate", "fault")
    assert found.sentence.endswith(f"run `pip install procrastinate=={PROCRASTINATE_VERSION}`.")


@pytest.mark.parametrize(
    ("off_s", "message"),
    [(60, "is 60 s behind"), (-3600, "is 3,600 s ahead of"), (0, None), (2, None)],
)
def test_doctor_compares_clocks(database: Database, off_s: float, message: str | None) -> None:
    """A clock that is minutes off is reported, one that is seconds off is not."""
    now: Callable[[], float] = lambda: time.time() + off_s  # noqa: E731
    (found,) = (f for f in place.database(database.connect(), now) if f.name == "clock")
    assert found.level == ("warning" if message else "ok")
    assert message is None or message in found.sentence


def test_doctor_warns_of_a_table_owner(call: Call, docs_table: Database, standin: StandIn) -> None:
    """A role that could run SQL as wikiembed's owner is named; tests/faults goes further."""
    role = docs_table.create_role("app")
    docs_table.execute(f"alter table public.docs owner to {role}")
    found, code = findings(call, served(standin))
    assert [s for n, level, s in found if (n, level) == ("owner", "warning") and role in s] != []
    assert code == 0


def test_doctor_ignores_jobs_of_a_paused_source(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Its jobs wait as intended: no fault, with or without workers."""
    add_chunks(docs_table, 1)
    docs_table.execute("select wikiembed.pause('docs')")
    found, code = findings(call, served(standin))
    assert code == 0
    assert {name for name, level, _ in found if level != "ok"} == {"paused", "workers"}


def test_doctor_prints_each_line_as_it_is_found(
    start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """Into a pipe as well, and before the embedding server has answered."""
    standin.controls.latency_s = 60
    running = start_cli("doctor", env={**served(standin), "PYTHONUNBUFFERED": ""})
    running.wait_for(lambda: "All invariants hold." in running.stdout)
    assert "Embedder" not in running.stdout
    running.stop()


def test_doctor_checks_each_model_once_and_concurrently(
    docs_table: Database, standin: StandIn
) -> None:
    """However many sources share it."""
    for n in range(4):
        docs_table.execute(
            f"create table public.t{n} (id int primary key, body text, vec vector(4));"
            f" select wikiembed.attach('public.t{n}', 'id', 'body', 'vec', 't{n}',"
            f" p_provider => 'openai', p_model => 'model{n // 2}')"
        )
    standin.controls.latency_s = 0.3
    settings = Settings.model_validate(
        {"embedder": "openai", "embedder_url": standin.url, "model": "m"}
    )
    found = list(Examination(settings).of(docs_table.connect()))
    asked = [f.sentence for f in found if f.name == "embedder"]
    assert asked == [f"Embedder openai {m}: 4 dimensions." for m in ("m", "model0", "model1")]
    assert (standin.stats.requests, standin.stats.max_concurrent) == (3, 3)


def _of_truncation(database: Database, url: str, **changed: object) -> list[tuple[str, str]]:
    """Names and levels of doctor's findings on long texts."""
    given = {"embedder": "openai", "embedder_url": url, "model": "m", "check_truncation": True}
    settings = Settings.model_validate(given | changed)
    connection = database.connect()
    read_only = changed.get("truncate") is True
    connection.execute(f"set default_transaction_read_only = {read_only}".encode())
    found = list(Examination(settings).of(connection))
    return [(f.name, f.level) for f in found if f.name.endswith("truncation")]


def test_doctor_checks_only_silent_servers_again(docs_table: Database, standin: StandIn) -> None:
    """In one request; a refusal is stored, and the server is not asked again."""
    outcomes = "select distinct outcome, from_chars from wikiembed.truncation_checks"
    silent = [("silent_truncation", "warning")]
    standin.controls.update({"max_chars": 2000, "cuts_silently": True})
    assert _of_truncation(docs_table, standin.url) == silent
    assert docs_table.rows(outcomes) == [("silent", 2000)]
    standin.reset_stats()
    assert _of_truncation(docs_table, standin.url) == silent
    assert docs_table.rows(outcomes) == [("silent", 2000)]
    # With truncation configured there is no alarm, and a standby stores nothing.
    assert _of_truncation(docs_table, standin.url, truncate=True) == [("truncation", "ok")]
    assert standin.stats.texts == 4
    standin.controls.cuts_silently = False
    for _ in range(2):
        assert _of_truncation(docs_table, standin.url) == [("truncation", "ok")]
    assert docs_table.rows(outcomes) == [("refused", None)]
    assert standin.stats.texts == 6
    assert _of_truncation(docs_table, standin.url, check_truncation=False) == []


def test_doctor_leaves_large_tables_to_full(docs_table: Database) -> None:
    """It names the tables that it did not read, and reports on the others."""
    docs_table.execute("insert into public.docs (body) select 'x' from generate_series(1, 9)")
    clear_jobs(docs_table)
    connection = docs_table.connect()
    bounded = [(f.level, f.sentence) for f in queue.invariants(connection, most_rows=8)]
    assert bounded == [
        ("ok", "All invariants hold in 1 of 2 sources."),
        (
            "ok",
            "Invariants not checked in large tables, of docs: run `wikiembed doctor --full` to"
            " read them.",
        ),
    ]
    whole = [(f.level, f.sentence) for f in queue.invariants(connection, most_rows=None)]
    assert whole == [
        (
            "fault",
            "Violated: every missing row waits in a job, in failures or is skipped (9 rows); run"
            " `wikiembed reconcile`.",
        )
    ]
    assert [f.level for f in queue.invariants(connection, most_rows=9)] == ["fault"]


def test_doctor_reports_a_splitter_that_cannot_be_imported(docs_table: Database) -> None:
    """Only where a source has documents."""

    def broken(name: str) -> object:
        raise ImportError(f"No module named {name!r}")

    docs_table.execute("select wikiembed.detach('wiki')")
    with docs_table.connect() as connection:
        assert list(documents.documents(connection, load=broken)) == []
        docs_table.execute(ARTICLES.format("true"))
        (_, found) = documents.documents(connection, load=broken)
        assert (found.name, found.level) == ("splitter", "fault")
        assert "`pip install --force-reinstall semantic-text-splitter`" in found.sentence
        assert [one.level for one in documents.documents(connection)] == ["ok"]
