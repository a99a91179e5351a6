"""A command on each database of the settings: one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

import psycopg

from wikiembed.cli.console import database, say
from wikiembed.config import Settings, load_settings
from wikiembed.db.connect import as_ours
from wikiembed.db.several import Database, databases
from wikiembed.errors import DatabasesFailed, SourceNotFound, WikiembedError

Connection = psycopg.Connection[Any]
Say = Callable[[str], None]


class Each:
    """The databases of the settings; `failed`: the errors of some of them, by name."""

    def __init__(self, settings: Settings) -> None:
        self.databases = databases(settings)
        self.failed: dict[str, WikiembedError] = {}

    @property
    def several(self) -> bool:
        """Whether there are more than one."""
        return len(self.databases) > 1

    def __iter__(self) -> Iterator[Database]:
        """Each database in turn."""
        return iter(self.databases)

    def attempt(self, one: Database, work: Callable[[Connection, Settings], None]) -> bool:
        """Run `work` with a connection to `one`; with several, an error is kept in `failed`.

        Whether it was done. Raises: WikiembedError, psycopg.Error, if there is only one database.
        """
        try:
            with database(one.settings) as (connection, settings):
                work(connection, settings)
        except (WikiembedError, psycopg.Error) as error:
            if not self.several:
                raise
            self.failed[str(one)] = as_ours(error) if isinstance(error, psycopg.Error) else error
            return False
        return True

    def say(self, one: Database, sentence: str) -> None:
        """Print a sentence about `one`, which it names if there are several."""
        say(f"{one.name}: {sentence}" if self.several else sentence)

    def raise_failed(self) -> None:
        """Raise what has failed.

        A source that only some of the databases have is no failure of the others.
        Raises: DatabasesFailed.
        """
        failed = self.failed
        if len(failed) < len(self.databases):
            failed = {k: e for k, e in failed.items() if not isinstance(e, SourceNotFound)}
        if failed:
            in_order = {str(one): failed[str(one)] for one in self if str(one) in failed}
            raise DatabasesFailed(in_order, of=len(self.databases))


def on_each(work: Callable[[Connection, Say], None]) -> None:
    """Run `work` on each database; what it says names the database if there are several.

    Raises: WikiembedError, psycopg.Error; DatabasesFailed when all have had their turn.
    """
    each = Each(load_settings())
    for one in each:
        each.attempt(one, partial(_with_say, work, partial(each.say, one)))
    each.raise_failed()


def _with_say(
    work: Callable[[Connection, Say], None], say: Say, connection: Connection, settings: Settings
) -> None:
    work(connection, say)


def require_any(settings: Settings) -> tuple[Database, ...]:
    """The databases of the settings; at least one is in reach and has this version's schema.

    Several are tried at the same time, so that one that hangs delays nothing.

    Raises: WikiembedError when none is.
    """
    each = Each(settings)
    answers: SimpleQueue[bool] = SimpleQueue()

    def answer(one: Database) -> None:
        answers.put(each.attempt(one, lambda connection, settings: None))

    if not each.several:
        each.attempt(each.databases[0], lambda connection, settings: None)
        return each.databases
    for one in each:
        Thread(target=answer, args=(one,), daemon=True).start()
    if not any(answers.get() for _ in each):
        each.raise_failed()
    return each.databases
