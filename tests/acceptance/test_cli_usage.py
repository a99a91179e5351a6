"""Wrong usage ends with exit code 2, one sentence, and nothing changed."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.support.chunks import make_table
from tests.support.cli import Call, RunCli
from tests.support.commands import assert_refused
from tests.support.database import Database
from wikiembed.cli.main import application

COMMANDS = [command.name or "" for command in application().registered_commands]


def test_usage_help_lists_every_command(run_cli: RunCli) -> None:
    """`wikiembed --help`, and `wikiembed` alone, name all commands and the exit codes."""
    asked, bare = run_cli("--help"), run_cli()
    assert (asked.returncode, bare.returncode, bare.stdout) == (0, 0, asked.stdout)
    assert "demo" in COMMANDS
    assert [name for name in COMMANDS if f" {name} " not in asked.stdout] == []
    assert "Exit codes: 0 done" in asked.stdout


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["bogus"], "No such command 'bogus': see `wikiembed --help`."),
        (["status", "--nope"], "No such option: --nope"),
        (["search"], "Missing argument 'text': see `wikiembed search --help`."),
        (["load", "/nonexistent/file"], "No such file: /nonexistent/file."),
        (["enqueue", "--batch-size", "0"], "Invalid value for '--batch-size'"),
        (["enqueue", "--max-chunks", "-1"], "Invalid value for '--max-chunks'"),
        (["worker", "--concurrency", "0"], "Invalid value for '--concurrency'"),
        (["pause", "--until", "yesterday"], "'yesterday' is not a valid time: give a span such as"),
        (["pause", "--until", "2001-01-01"], "which is past: give a future time, or none."),
        (["search", "  "], "The question is empty"),
        (["migrate", "--down", "base"], "No such option: --down"),
    ],
)
def test_usage_refuses_a_wrong_argument(call: Call, arguments: list[str], output: str) -> None:
    """The sentence says what is wrong and what to do."""
    assert output in assert_refused(call(*arguments), 2)


@pytest.mark.parametrize(
    "arguments",
    [
        *(["enqueue", "no"], ["backfill", "no"], ["pause", "no"], ["resume", "no"]),
        *(["ready", "no"], ["retry", "no"], ["skip", "no", "1"], ["detach", "no"]),
        *(["reconcile", "no"], ["failures", "no"], ["search", "x", "--source", "no"]),
        *(["index", "--source", "no"], ["resplit", "no"], ["resplit", "no", "--dry-run"]),
    ],
)
def test_usage_refuses_an_unknown_source(call: Call, arguments: list[str]) -> None:
    """Every command that takes a source gives the same message for an unknown one."""
    assert assert_refused(call(*arguments), 2) == (
        'No source is named "no": see `wikiembed sources`.'
    )


REFUSALS = {
    "public.none": "Table 'public.none' does not exist",
    '"unclosed': "Table '\"unclosed' does not exist",
    "a.b.c.d": "Table 'a.b.c.d' does not exist",
    "public.docs --key nope": 'Table public.docs has no column "nope"',
    "public.docs --key ratio": 'Key column "ratio" of public.docs is of type',
    "public.docs --key other": "has no unique index of its own: name another key: id.",
    "public.docs --key loose": "may be null: name another key: id.",
    "public.docs --text ratio": "not text or varchar: name another text column: body.",
    "public.docs --text made": "is generated",
    "public.docs --embedding body": "not vector or halfvec",
    "public.docs --dimensions 5": "has 4 dimensions, not 5",
    "public.docs --name this_name_is_longer_than_32_bytes_": "has 1 to 32 bytes",
    "public.docs --name wiki": "is attached already",
    "public.docs --batch-size 5000": "A batch has 1 to 4096 chunks, not 5000",
    "public.docs --provider grok": "Invalid value for '--provider'",
    "public.docs_view": "it is a view",
    "public.part_1": "it is a partition",
    "wikiembed.sources": "it belongs to wikiembed itself",
}


@pytest.mark.parametrize("asked", REFUSALS)
def test_usage_attach_refuses_and_leaves_nothing(
    call: Call, database: Database, asked: str
) -> None:
    """A refused table has no new index, trigger, or source."""
    make_table(database)
    database.execute(
        "alter table public.docs add ratio real not null default 1, add other int not null"
        " default 1, add loose int unique, add made text generated always as ('a' || body) stored"
    )
    database.execute("create view public.docs_view as select * from public.docs")
    database.execute("create table public.part (id int primary key) partition by list (id)")
    database.execute("create table public.part_1 partition of public.part for values in (1)")
    count = "select (select count(*) from pg_index), (select count(*) from pg_trigger)"
    before = database.rows(count)
    given = dict(zip(*[iter(asked.split()[1:])] * 2, strict=True))
    options = {"--key": "id", "--text": "body", "--embedding": "vec"} | given
    output = assert_refused(call("attach", asked.split()[0], *chain(*options.items())), 2)
    assert REFUSALS[asked] in output
    assert database.rows(count) == before
    assert database.rows("select name from wikiembed.sources") == [("wiki",)]
