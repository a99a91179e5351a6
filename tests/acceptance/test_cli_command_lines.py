"""Commands that messages name can be copied to a shell, whatever the source's name."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

import pytest

from tests.support.chunks import add_chunks, clear_jobs, fail, make_table, read
from tests.support.cli import Call
from tests.support.commands import served
from tests.support.database import Database
from tests.support.standin import StandIn

NAME = "A 2!"
FAILED = ("failures", "retry", "skip")
PAUSE = f"select wikiembed.pause('{NAME}', 'the GPU is moved')"
WINDOW = (
    f"select wikiembed.set_schedule('{NAME}', array['00:00-24:00']);"
    " update wikiembed.sources set bulk_opens_at = now() + interval '1 h',"
    f" bulk_closes_at = now() + interval '2 h' where name = '{NAME}'"
)
REACHED = (
    f"select wikiembed.set_budget('{NAME}', 1); select wikiembed.reserve_budget('{NAME}', 1, 1000)"
)
DOCUMENTS = (
    "create table public.articles (id int primary key, body text);"
    " insert into public.articles values (1, 'waits');"
    f" select wikiembed.detach('{NAME}'); select wikiembed.attach_documents("
    f"'public.articles', 'id', 'body', '{NAME}', p_dimensions => 4)"
)


class Printed(NamedTuple):
    """What is done to a source with a chunk that waits, a command, and those that it names."""

    statement: str
    command: tuple[str, ...]
    named: tuple[str, ...]


READY, DOCTOR, STATUS, DRAIN = ("ready",), ("doctor",), ("status",), ("worker", "--drain")
CASES = (
    *(Printed(PAUSE, command, ("resume",)) for command in (READY, DOCTOR, DRAIN)),
    *(Printed("failed", command, FAILED) for command in (READY, DOCTOR)),
    *(Printed("held back", command, ("enqueue",)) for command in (READY, DOCTOR, STATUS)),
    *(Printed("drop table public.docs", command, ("reconcile",)) for command in (READY, DOCTOR)),
    Printed("alter table public.docs disable trigger user", DOCTOR, ("reconcile",)),
    Printed("delete from wikiembed.ledger", READY, ("reconcile",)),
    Printed("truncate public.docs", READY, ("ready",)),
    *(Printed(REACHED, command, ("budget",)) for command in (READY, DOCTOR)),
    Printed(WINDOW, DRAIN, ("schedule",)),
    *(Printed(DOCUMENTS, command, ("enqueue",)) for command in (READY, DOCTOR, STATUS)),
)


def commands(text: str) -> list[list[str]]:
    """The words of each command that is named in `text`, as a shell reads them."""
    parts = re.split(r"`|; then | or |: (?=wikiembed )|\n", text)
    return [shlex.split(part) for part in parts if part.startswith("wikiembed ")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.command[0]}-{case.statement[:24]}")
def test_command_names_the_source(
    call: Call, database: Database, standin: StandIn, case: Printed
) -> None:
    """Each command that is expected is printed, and a shell finds the source's name in it."""
    make_table(database)
    if case.statement == "held back":
        add_chunks(database, 1)
    database.execute(f"select wikiembed.attach('public.docs', 'id', 'body', 'vec', '{NAME}')")
    if case.statement != "held back":
        add_chunks(database, 1)
    if case.statement == WINDOW:
        clear_jobs(database)
        call("enqueue", NAME)
    if case.statement == "failed":
        fail(database, read(database, ["1"], source=NAME), source=NAME)
        clear_jobs(database)
    elif case.statement != "held back":
        database.execute(case.statement)
    result = call(*case.command, env=served(standin))
    found = [words for words in commands(result.stdout + result.stderr) if NAME in words]
    assert {words[1] for words in found} >= set(case.named), result
