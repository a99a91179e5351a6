"""`attach` on plain, quoted and partitioned tables, without blocking writers."""

from __future__ import annotations

import json
import re
import shlex

from tests.support.chunks import add_chunks, make_table
from tests.support.cli import Call, StartCli
from tests.support.commands import ATTACH, assert_done, assert_refused, served
from tests.support.database import Database
from tests.support.eventually import eventually
from tests.support.standin import StandIn

INDEXES = (
    "select c.relname, i.indisvalid from pg_index as i join pg_class as c on c.oid = i.indexrelid"
    " where c.relname like 'wikiembed_missing%%' and i.indrelid not in"
    " ('public.wiki_chunks'::regclass) order by 1"
)


def test_attach_counts_rows_and_names_the_next_command(call: Call, database: Database) -> None:
    """The documented command; the index is valid, and a second attach is refused."""
    make_table(database)
    add_chunks(database, 3)
    result = call(*ATTACH)
    assert_done(result)
    assert "3 rows, 3 without a vector." in result.stdout
    assert "wikiembed enqueue docs" in result.stdout
    assert database.rows(INDEXES) == [("wikiembed_missing_docs", True)]
    assert "is attached already: detach it first" in assert_refused(call(*ATTACH), 2)
    assert database.rows(INDEXES) == [("wikiembed_missing_docs", True)]
    assert call("reconcile").stdout.splitlines() == [
        "Queued 0 orphaned chunks, dropped 0 dead jobs, corrected the ledger by 0.",
        "docs: 3 chunks wait for `wikiembed enqueue docs`.",
    ]
    assert "docs: 3 chunks wait for `wikiembed enqueue docs`." in call("status").stdout
    output = "# docs: 3 wait to be queued: wikiembed enqueue docs"
    assert output in call("ready", "docs").stdout.splitlines()
    assert "docs: 3 chunks queued in 1 job." in call("enqueue", "docs").stdout
    assert "for `wikiembed enqueue" not in call("status").stdout
    database.check_invariants()
    assert "keeps all rows and vectors" in call("detach", "docs").stdout
    assert database.one("select count(*) from public.docs") == 3
    assert database.rows(INDEXES) == []


def test_existing_rows_wait_until_they_are_enqueued(
    call: Call, database: Database, standin: StandIn
) -> None:
    """A drain ends without them; `attach --enqueue` queues them at once."""
    make_table(database)
    add_chunks(database, 3)
    assert_done(call(*ATTACH))
    add_chunks(database, 2)
    database.execute("select wikiembed.reconcile()")
    assert_done(call("worker", "--drain", env=served(standin)))
    counts = "select embedded, held_back from wikiembed.coverage where source = 'docs'"
    assert database.rows(counts) == [(2, 3)]
    assert_done(call("detach", "docs"))
    result = call(*ATTACH, "--enqueue")
    assert_done(result)
    assert result.stdout.splitlines()[1:] == ["docs: 3 chunks queued in 1 job."]
    assert_done(call("worker", "--drain", env=served(standin)))
    assert database.rows(counts) == [(5, 0)]


def test_attach_takes_quoted_names_and_names_the_source_after_the_table(
    call: Call, database: Database
) -> None:
    """Names in double quotes work everywhere; a dot within them is no separator."""
    database.execute('create schema "My Schema"')
    database.execute(
        'create table "My Schema"."Docs v1.0" ("Key" text primary key, "Body" text, "V" vector(4))'
    )
    columns = ("--key", "Key", "--text", "Body", "--embedding", "V")
    assert_done(call("attach", '"My Schema"."Docs v1.0"', *columns))
    listed = call("sources").stdout
    assert '"My Schema"."Docs v1.0".V' in listed
    assert database.rows("select name from wikiembed.sources order by 1") == [
        ("Docs v1.0",),
        ("wiki",),
    ]


def test_attach_indexes_every_partition(call: Call, database: Database) -> None:
    """A partitioned table with one partition, then two, gets one valid index over all."""
    for count in (1, 2):
        database.execute(
            "create table public.docs (id int primary key, body text, vec vector(4))"
            " partition by range (id)"
        )
        for n in range(count):
            database.execute(
                f"create table public.docs_{n} partition of public.docs"
                f" for values from ({n * 10}) to ({n * 10 + 10})"
            )
        database.execute("insert into public.docs values (1, 'a'), (2, 'b')")
        assert_done(call(*ATTACH))
        expected = [
            "wikiembed_missing_docs",
            *(f"wikiembed_missing_docs_{n}" for n in range(count)),
        ]
        assert database.rows(INDEXES) == [(name, True) for name in expected]
        assert_done(call("detach", "docs"))
        assert database.rows(INDEXES) == []
        database.execute("drop table public.docs")


def test_attach_moves_a_source_to_the_table_that_has_its_name(
    call: Call, database: Database
) -> None:
    """Every error names the command; index and columns stay, with partitions as well."""
    make_table(database)
    assert_done(call(*ATTACH))
    database.execute(
        "create table public.new (id bigint primary key, body text, vec vector(4))"
        " partition by range (id);"
        "create table public.new_1 partition of public.new for values from (0) to (10);"
        "insert into public.new values (1, 'a', null), (2, 'b', '[1,0,0,0]');"
        "alter table public.docs rename to old; alter table public.new rename to docs"
    )
    output = (
        "ource docs is still attached to public.old, and public.docs is another table now: run"
        " `wikiembed attach public.docs --name docs --move`."
    )
    assert output in call("status").stdout
    assert output in " ".join(call("doctor").stdout.split())
    assert "--move" in assert_refused(call(*ATTACH), 2)
    result = call("attach", "public.docs", "--name", "docs", "--move")
    assert_done(result)
    assert result.stdout.splitlines() == [
        "Moved source 'docs' from public.old to public.docs, with 0 vectors and 0 failures:"
        " 2 rows, 1 without a vector.",
        "Queue them: wikiembed enqueue docs",
    ]
    names = [name for name, valid in database.rows(INDEXES) if valid]
    assert "wikiembed_missing_docs" in names
    assert len(names) == 2
    assert output not in call("status").stdout
    database.execute("create table public.plain (id bigint primary key, body text, vec vector(4))")
    assert_done(call("attach", "public.plain", "--name", "docs", "--move", "--enqueue"))
    assert "wikiembed_missing_docs" in [name for name, _ in database.rows(INDEXES)]
    again = call("attach", "public.plain", "--name", "docs", "--move").stdout
    assert again == "Source 'docs' is already attached to public.plain: its name is recorded.\n"
    assert_refused(call("attach", "public.plain", "--name", "none", "--move"), 2)


def test_attach_replaces_a_dropped_table(call: Call, database: Database) -> None:
    """It reports that on standard error."""
    make_table(database)
    assert_done(call(*ATTACH))
    database.execute("drop table public.docs")
    make_table(database)
    assert "--move" in call("status").stdout
    result = call(*ATTACH)
    assert result.returncode == 0
    assert result.stderr == (
        'Warning: source "docs" was attached to a table, or a column, that was dropped:'
        " public.docs takes its place, and its settings are not kept\n"
    )


def test_attach_uses_an_existing_index(call: Call, database: Database) -> None:
    """An equivalent index with another name is not built again."""
    make_table(database)
    database.execute("create index mine on public.docs (id) where vec is null")
    assert_done(call(*ATTACH))
    assert database.rows(INDEXES) == []


def test_attach_does_not_block_writers(start_cli: StartCli, database: Database) -> None:
    """Inserts succeed while the build waits; interrupted, it leaves no invalid index."""
    make_table(database)
    add_chunks(database, 10)
    holder = database.connect(autocommit=False)
    building = (
        "select count(*) from pg_stat_progress_create_index"
        " where datname = current_database() and relid = 'public.docs'::regclass"
    )
    # A snapshot held by a repeatable read transaction makes the build wait at its end.
    holder.execute("set transaction isolation level repeatable read")
    holder.execute("select 1 from pg_class")
    running = start_cli(*ATTACH)
    eventually(lambda: database.one(building))
    add_chunks(database, 5)
    assert database.one(building) == 1, "the insert came through while the build still waited"
    result = running.stop()
    assert result.returncode == 143
    assert "Traceback" not in result.stderr
    holder.rollback()
    eventually(lambda: database.rows(INDEXES) == [])
    assert database.rows("select name from wikiembed.sources") == [("wiki",)]


def test_attach_times_out_on_a_locked_table(call: Call, database: Database) -> None:
    """On a table that another transaction locks it times out: exit 3, and nothing is left."""
    make_table(database)
    holder = database.connect(autocommit=False)
    holder.execute("lock table public.docs in exclusive mode")
    output = assert_refused(call(*ATTACH), 3)
    assert output.endswith("try again when it is free.")
    assert database.rows(INDEXES) == []


def test_attach_suggests_the_command_for_names_of_another_case(
    call: Call, database: Database
) -> None:
    """With the quotes that a shell needs: pasted unchanged, it works."""
    database.execute(
        'create schema "S"; create table "S"."Document" (id int primary key, "Body" text,'
        ' "my vec" vector(4))'
    )
    typed = ("--key", "ID", "--text", "body", "--embedding", "my vec", "--batch-size", "8")
    for relation in ("S.Document", "document", '"S".document'):
        output = assert_refused(call("attach", relation, *typed, "--enqueue"), 2)
        (command,) = re.findall(r"`([^`]+)`", output)
        assert command == (
            "wikiembed attach 'S.\"Document\"' --key id --text Body --embedding 'my vec'"
            " --batch-size 8 --enqueue"
        ).replace("'S.", '\'"S".')
    output = assert_refused(call("attach", '"S"."Document"', *typed), 2)
    assert output.startswith("Column names are case-sensitive, 'ID' is 'id', 'body' is 'Body'")
    words = shlex.split(command)
    assert_done(call(*words[1:]))
    assert database.rows("select text_column, batch_size from wikiembed.sources"
                         " where name = 'Document'") == [("Body", 8)]  # fmt: skip
    assert "give its name with the schema" in assert_refused(call("attach", "nowhere"), 2)


def test_attach_compares_the_column_with_the_model(
    call: Call, database: Database, standin: StandIn
) -> None:
    """A model that answered is trusted; without an answer there is only a note or a warning."""
    make_table(database, key="int", vector="vector(3)")
    env = served(standin) | {"WIKIEMBED_DIMENSIONS": ""}
    output = assert_refused(call(*ATTACH, env=env), 2)
    assert output == (
        "Column 'vec' of public.docs has 3 dimensions, and model 'm' of openai has 4: run"
        " `alter table public.docs alter column vec type public.vector(4)`, or name the model that"
        " fits (WIKIEMBED_EMBEDDER, WIKIEMBED_MODEL, --provider, --model)."
    )
    standin.controls.down = True
    down = call(*ATTACH, env=env)
    assert down.returncode == 0
    assert down.stderr.startswith("Note: The dimensions of model 'm' of openai are unknown: ")
    assert_done(call("detach", "docs"))
    declared = call(*ATTACH, env=env | {"WIKIEMBED_DIMENSIONS": "4"})
    assert declared.returncode == 0
    assert "Warning: Column 'vec' of public.docs has 3 dimensions" in declared.stderr
    assert_done(call("detach", "docs"))
    standin.controls.update({"down": False})
    database.execute("alter table public.docs drop vec")
    output = assert_refused(call(*ATTACH, env=env), 2)
    assert output.endswith(
        'has no column "vec": run `alter table public.docs add column vec public.vector(4)`.'
    )
    database.execute("alter table public.docs add column vec public.vector(4)")
    assert_done(call(*ATTACH, env=env))


def test_attach_asks_a_local_model_whatever_the_setting_says(
    call: Call, database: Database
) -> None:
    """WIKIEMBED_DIMENSIONS that equal the column's do not make the model fit."""
    make_table(database, key="int", vector="vector(4)")
    output = assert_refused(call(*ATTACH, env={"WIKIEMBED_EMBEDDER": "local"}), 2)
    assert "has 4 dimensions, and model 'wordllama-l2-supercat-256' of local has 256" in output
    assert database.rows("select from wikiembed.sources where name = 'docs'") == []


def test_attach_does_not_trust_the_default_model(call: Call, database: Database) -> None:
    """The default is the local model, but the worker's may differ: only a warning."""
    make_table(database, key="int", vector="vector(3)")
    result = call(*ATTACH, env={"WIKIEMBED_DIMENSIONS": ""})
    assert result.returncode == 0
    assert result.stderr == (
        "Warning: Column 'vec' of public.docs has 3 dimensions, and model"
        " 'wordllama-l2-supercat-256' of local has 256: have workers use the model that fits"
        " (WIKIEMBED_EMBEDDER, WIKIEMBED_MODEL, --provider, --model), or detach the source, run"
        " `alter table public.docs alter column vec type public.vector(256)`, and attach it"
        " again.\n"
    )


def test_attach_warning_leads_to_a_source_that_is_embedded(call: Call, database: Database) -> None:
    """Who follows it is done."""
    make_table(database, key="int", vector="vector(3)")
    env = {"WIKIEMBED_EMBEDDER": "", "WIKIEMBED_DIMENSIONS": ""}
    database.execute("insert into public.docs (id, body) values (1, 'Bees make honey.')")
    warned = call(*ATTACH, env=env).stderr
    assert_done(call("detach", "docs"))
    database.execute(warned.split("`")[1])
    assert_done(call(*ATTACH, env=env))
    assert_done(call("backfill", "docs", env=env))
    assert database.rows("select vector_dims(vec) from public.docs") == [(256,)]


def test_attach_quotes_the_name_in_the_next_command(call: Call, database: Database) -> None:
    """It can be copied to a shell."""
    make_table(database, key="int", vector="vector(4)")
    database.execute("insert into public.docs (id, body) values (1, 'Bees make honey.')")
    attached = call(*ATTACH, "--name", "my docs")
    assert attached.stdout.splitlines()[-1] == "Queue them: wikiembed enqueue 'my docs'"


def test_attach_refuses_dimensions_of_none(call: Call, database: Database) -> None:
    """Before anything is asked or created."""
    output = assert_refused(call(*ATTACH, "--dimensions", "0"), 2)
    assert output.startswith("Invalid value for '--dimensions': Input should be greater than or")


def test_attach_takes_keys_and_texts_of_several_columns(
    call: Call, database: Database, standin: StandIn
) -> None:
    """From the command to the vectors, a failure by its key, and the list of sources."""
    database.execute(
        'create table public.articles (tenant int, "the, id" text, title text, doc jsonb,'
        ' vec vector(4), primary key (tenant, "the, id"))'
    )
    key, part = 'tenant,"the, id"', "doc->>'body'"
    command = ("attach", "public.articles", "--key", key, "--text", "title", "--text", part)
    assert_done(call(*command, "--embedding", "vec", "--name", "articles"))
    database.execute(
        "insert into public.articles values (1, 'a', 'Title', '{\"body\": \"Body\"}'),"
        " (2, 'a', 'Title', null), (2, 'b', null, null)"
    )
    assert_done(call("backfill", "articles", env=served(standin)))
    rows = 'select vec is not null from public.articles order by tenant, "the, id"'
    assert database.rows(rows) == [(True,), (True,), (False,)]
    assert standin.stats.texts == 2
    assert database.rows("select key from wikiembed.failures") == [('[2, "b"]',)]
    (listed,) = (
        row for row in json.loads(call("sources", "--json").stdout) if row["name"] == "articles"
    )
    assert (listed["key_columns"], listed["text_columns"]) == (
        ["tenant", "the, id"],
        ["title", "doc"],
    )
    database.check_invariants()


def test_attach_moves_a_source_of_several_columns(call: Call, database: Database) -> None:
    """Columns that are not given keep their names, the fields of JSON their paths."""
    create = (
        "create table public.{} (tenant int, id text, doc jsonb, vec vector(4),"
        " primary key (tenant, id))"
    )
    database.execute(create.format("articles"))
    part = "doc->'it''s'->>'body'"
    command = ("attach", "public.articles", "--key", "tenant, id", "--text", part)
    assert_done(call(*command, "--embedding", "vec"))
    database.execute("alter table public.articles rename to old")
    database.execute(create.format("articles"))
    assert_done(call("attach", "public.articles", "--name", "articles", "--move"))
    columns = (
        "select key_columns::text[], text_paths from wikiembed.sources where name = 'articles'"
    )
    assert database.rows(columns) == [(["tenant", "id"], [["it's", "body"]])]


def test_commands_work_beside_a_dropped_table(call: Call, docs_table: Database) -> None:
    """`sources` shows it, and what cannot go on without it says so in one sentence."""
    add_chunks(docs_table, 1)
    docs_table.execute("drop table public.docs")
    shown = call("sources")
    assert_done(shown)
    assert "gone.vec" in shown.stdout
    output = 'The table or a column of source "docs" was dropped: see `wikiembed sources`.'
    for command in ("enqueue", "backfill"):
        assert assert_refused(call(command), 2) == output
    assert_done(call("reconcile", "docs"))
    assert "gone" not in call("sources").stdout
