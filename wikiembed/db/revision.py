"""The one way in which a revision runs SQL: whole files, sent as they are.

``op.execute`` would read ``:name`` as a parameter and ``exec_driver_sql`` would read ``%``; a
statement without parameters, or the offline printer, reads neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from alembic import op
from alembic.util.exc import CommandError
from sqlalchemy import text

from wikiembed.db.location import migrations_dir

_CREATE = re.compile(r"^create (function|view)\b", re.MULTILINE)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def run(sql: str) -> None:
    """Run `sql`, one statement or many; in offline mode print it."""
    context = op.get_context()
    if context.as_sql:
        context.impl.static_output(sql.strip() + "\n")
    else:
        connection = op.get_bind().execution_options(no_parameters=True)
        connection.exec_driver_sql(sql)


def run_files(names: Iterable[str], **words: str) -> None:
    """Run ``sql/<name>.sql`` of each name, with whole words replaced by what they stand for."""
    for name in names:
        sql = _read(name)
        for word, value in words.items():
            sql = re.sub(rf"\b{word}\b", value.replace("\\", r"\\"), sql)
        run(sql)


def replace_files(names: Iterable[str]) -> None:
    """Run files of functions and views in the place of those that have their names.

    Owner and grants stay. The signature must be the same.
    """
    for name in names:
        run(_CREATE.sub(r"create or replace \1", _read(name)))


def rewrite_triggers() -> None:
    """Write the functions and triggers of every source anew.

    A source whose table is gone is detached by the next reconcile.
    """
    run(
        "select wikiembed_private.write_triggers(s.name) from wikiembed.sources as s"
        " where not wikiembed_private.is_gone(s);"
    )


def _read(name: str) -> str:
    return (migrations_dir() / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def vector_schema() -> str:
    """The quoted schema of pgvector, which is created where it is missing."""
    if op.get_context().as_sql:
        run("create extension if not exists vector with schema public;")
        return _quoted("public")
    query = text(
        "select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace"
        " where e.extname = 'vector'"
    )
    name = op.get_bind().execute(query).scalar_one_or_none()
    if name is None:
        run("create extension vector")
        name = op.get_bind().execute(query).scalar_one()
    return _quoted(str(name))


def dimensions() -> int:
    """Dimensions of the wiki's vector column, as the caller of Alembic gave them."""
    given = op.get_context().config
    value = given.attributes.get("dimensions") if given is not None else None
    if not isinstance(value, int):
        raise CommandError("run it through `wikiembed migrate`, which knows the dimensions")
    return value
