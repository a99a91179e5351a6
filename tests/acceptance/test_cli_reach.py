"""Wrong settings exit 2, servers out of reach exit 3, and no secret is shown."""

from __future__ import annotations

import pytest

from tests.support.chunks import add_chunks, jobs_by_status, make_table, pause_reason
from tests.support.cli import Call, RunCli
from tests.support.commands import ATTACH, assert_done, assert_refused, served
from tests.support.database import Database
from tests.support.standin import StandIn
from wikiembed.config import Provider
from wikiembed.db.version import known

SECRET = "s3cr-et"
KEY = "sk-quite-secret"
*_OTHERS, _LAST = Provider
PROVIDERS = f"{', '.join(_OTHERS)} or {_LAST}"


@pytest.mark.parametrize(
    ("url", "code", "output"),
    [
        (f"postgresql://u:{SECRET}@127.0.0.1:1/db", 3, "port 1 failed: Connection refused: start"),
        (f"postgresql://u:{SECRET}@no.invalid/db", 3, "Postgres is out of reach"),
        (f"host=/nowhere password={SECRET}", 3, "No such file or directory"),
        (f"postgres//u:{SECRET}@h/db", 2, "WIKIEMBED_DATABASE_URL cannot be read: write it as"),
        (f"postgresql://u:{SECRET}%zz@h/db", 2, "WIKIEMBED_DATABASE_URL cannot be read"),
        (f"postgresql://u:x@{SECRET}@h/db", 2, "WIKIEMBED_DATABASE_URL has an invalid host"),
        (f"host=h password=x {SECRET}", 2, "WIKIEMBED_DATABASE_URL cannot be read"),
    ],
)
@pytest.mark.parametrize("command", [["status"], ["worker", "--drain"]])
def test_reach_database_is_named_without_its_password(
    call: Call, command: list[str], url: str, code: int, output: str
) -> None:
    """A first connection that fails ends the command at once."""
    result = call(*command, env={"WIKIEMBED_DATABASE_URL": url})
    assert output in assert_refused(result, code)
    assert SECRET not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "value", "output"),
    [
        ("DIMENSIONS", "zwei", "WIKIEMBED_DIMENSIONS must be a whole number"),
        ("DIMENSIONS", "0", "WIKIEMBED_DIMENSIONS must be at least 1"),
        ("BATCH_SIZE", "5000", "WIKIEMBED_BATCH_SIZE must be at most 4096"),
        ("EMBEDDER", "grok", f"WIKIEMBED_EMBEDDER must be {PROVIDERS}"),
        ("EMBEDDER_URL", "h:80", "WIKIEMBED_EMBEDDER_URL must begin with http:// or https://"),
        ("REQUEST_TIMEOUT_S", "0", "WIKIEMBED_REQUEST_TIMEOUT_S must be more than 0"),
        ("LOG_LEVEL", "loud", "WIKIEMBED_LOG_LEVEL must be debug, info, warning or error"),
    ],
)
def test_reach_names_a_wrong_setting(call: Call, name: str, value: str, output: str) -> None:
    """The sentence names the variable and its valid values."""
    result = call("status", env={f"WIKIEMBED_{name}": value})
    assert assert_refused(result, 2) == f"Wrong setting: {output}."


def test_reach_requires_a_schema_of_this_version(call: Call, database: Database) -> None:
    """Different messages for an older schema, a newer one, and none."""
    version = "update wikiembed.alembic_version set version_num = %s"
    database.execute(version, ["0009"])
    assert f"needs {known()[-1]}: run `wikiembed migrate`." in assert_refused(call("status"), 2)
    database.execute(version, ["9999"])
    for command in (["status"], ["migrate"], ["uninstall", "--yes"], ["worker", "--drain"]):
        assert "version 9999, which this wikiembed does not know: install" in assert_refused(
            call(*command), 2
        )
    database.execute(version, known()[-1:])
    database.execute("update wikiembed.schema_digest set digest = 'another'")
    for command in (["status"], ["worker", "--drain"]):
        assert "another wikiembed" in assert_refused(call(*command), 2)
    assert f"schema version {known()[-1]}." in call("migrate").stdout
    assert_done(call("uninstall", "--yes"))
    assert assert_refused(call("status"), 2) == (
        "The database has no wikiembed schema: run `wikiembed migrate`."
    )
    assert "has no wikiembed schema" in assert_refused(call("worker", "--drain"), 2)
    assert_done(call("migrate"))
    assert_done(call("status"))


def test_reach_drain_ends_after_the_outage_limit(
    run_cli: RunCli, docs_table: Database, standin: StandIn
) -> None:
    """A lasting outage ends a drain with exit 3; its jobs stay in the queue."""
    add_chunks(docs_table, 3)
    standin.controls.down = True
    result = run_cli("worker", "--drain", env=served(standin, outage_limit_s="1"))
    assert "The embedding server has been out of reach for" in assert_refused(result, 3)
    assert jobs_by_status(docs_table)["todo"] == 1
    docs_table.check_invariants()


def test_reach_worker_refuses_a_source_of_another_model(
    run_cli: RunCli, docs_table: Database, standin: StandIn
) -> None:
    """A worker with another model than the pinned one exits 2, without a pause."""
    add_chunks(docs_table, 1)
    assert_done(run_cli("worker", "--drain", env=served(standin)))
    add_chunks(docs_table, 1)
    output = assert_refused(run_cli("worker", "--drain", env=served(standin, model="n")), 2)
    assert '"m"' in output or "'m'" in output
    assert docs_table.one("select paused from wikiembed.coverage where source = 'docs'") is False
    docs_table.check_invariants()


def test_reach_drain_names_the_pause_of_wrong_dimensions(
    run_cli: RunCli, docs_table: Database, standin: StandIn
) -> None:
    """A model of another dimension pauses the source, and the drain reports it with exit 1."""
    add_chunks(docs_table, 1)
    standin.controls.dimensions = 5
    output = assert_refused(run_cli("worker", "--drain", env=served(standin)), 1)
    assert "holds 4 dimensions" in output
    assert "wikiembed resume docs" in output


def test_reach_says_that_the_column_was_changed_after_the_attach(
    call: Call, database: Database, standin: StandIn
) -> None:
    """`doctor` and the pause name detach and attach, and who follows them is done."""
    make_table(database, key="int", vector="vector(3)")
    standin.controls.down = True
    env = served(standin) | {"WIKIEMBED_DIMENSIONS": ""}
    assert "are unknown" in call(*ATTACH, env=env).stderr
    standin.controls.down = False
    database.execute("insert into public.docs (id, body) values (1, 'Bees make honey.')")
    output = assert_refused(call("worker", "--drain", env=env), 1)
    assert "holds 3 dimensions, model 'm' gives 4: choose another model or column" in output
    database.execute(
        "alter table public.docs alter column vec type vector(4); select wikiembed.resume('docs')"
    )
    sentence = (
        "The column of source 'docs' was changed from 3 to 4 dimensions, which model 'm' gives:"
        " run `wikiembed detach docs`, then attach its table again by `wikiembed attach`"
    )
    assert sentence in call("doctor", env=env).stdout
    output = assert_refused(call("worker", "--drain", env=env), 1)
    assert sentence in output
    assert "wikiembed resume" not in output
    assert sentence in str(pause_reason(database))
    assert_done(call("detach", "docs", env=env))
    assert_done(call(*ATTACH, env=env))
    assert_done(call("backfill", "docs", env=env))


def test_reach_never_shows_the_api_key(call: Call, docs_table: Database, standin: StandIn) -> None:
    """Not even when the server answers 401 and echoes the key."""
    add_chunks(docs_table, 1)
    echo = {"status": 401, "body": f'{{"error": {{"message": "Incorrect API key: {KEY}"}}}}'}
    standin.controls.update({"status_for_all": echo})
    env = served(standin, api_key=KEY, log_level="debug")
    output = []
    for command in (["worker", "--drain"], ["status"], ["doctor"], ["search", "x"], ["failures"]):
        result = call(*command, env=env)
        output.append(result.stdout + result.stderr)
    assert "refuses the API key (401): set WIKIEMBED_API_KEY" in output[0]
    assert ".;" not in output[0]
    assert [text for text in output if KEY in text] == []
    stored = docs_table.one(
        "select coalesce(string_agg(pause_reason, ''), '') from wikiembed.sources"
    )
    assert "refuses the API key" in stored
    assert KEY not in stored


def test_reach_attach_form_of_the_checks(call: Call, database: Database) -> None:
    """A freshly migrated database accepts the documented attach command unchanged."""
    make_table(database, key="int")
    assert "Attached public.docs as source 'docs'" in call(*ATTACH).stdout
