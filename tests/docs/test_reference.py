"""Every command, setting, event, SQLSTATE and error class is in docs/reference."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.support.database import Database
from tests.tools.docs import code
from tests.tools.docs.commands import commands
from tests.tools.docs.pages import DOCS, REFERENCE, ROOT, anchors_of, links_of, pages, rows_of
from tests.tools.docs.settings import variable_of
from wikiembed import errors
from wikiembed.config import Provider, Settings
from wikiembed.db.connect import translate
from wikiembed.wiki.reader import FORMATS


def _first_cells(page: str) -> set[str]:
    return {row[0].strip("`") for row in rows_of(REFERENCE / page)}


def test_every_command_and_option_is_documented() -> None:
    """Each command has its heading, with its options below."""
    text = (REFERENCE / "commands.md").read_text()
    for command in commands():
        section = text.split(f"\n## wikiembed {command.name}\n")[1].split("\n## ")[0]
        for parameter in command.parameters:
            assert [n for n in parameter.names if f"`{n}`" not in section] == []


def test_every_setting_is_documented() -> None:
    """Each field of Settings is in settings.md, by its variable's name."""
    expected = {variable_of(name) for name in Settings.model_fields}
    assert expected - _first_cells("settings.md") == set()


def test_every_provider_is_in_both_tables_of_servers() -> None:
    """The table of servers, and the table of who cuts a text that is too long."""
    rows = rows_of(DOCS / "how-to" / "servers" / "index.md")
    servers = {row[1] for row in rows if len(row) == 5} | {
        f"`{provider}`" for provider in Provider if provider.in_process
    }
    cut = " ".join(row[0] for row in rows if len(row) == 3)
    assert {f"`{provider}`" for provider in Provider} - servers == set()
    assert [provider for provider in Provider if f"(`{provider}`" not in cut] == []


def test_every_wiki_format_is_on_its_page() -> None:
    """By the name that `load --help` has."""
    text = " ".join((DOCS / "how-to" / "load-a-wiki.md").read_text().split())
    assert [each.name for each in FORMATS if each.name not in text] == []


def test_events_have_their_level_and_fields() -> None:
    """events.md lists exactly the emitted events."""
    documented = {
        row[0].strip("`"): ({row[1]}, {cell.strip("` ") for cell in row[2].split(",")})
        for row in rows_of(REFERENCE / "events.md")
        if len(row) == 4
    }
    emitted = {name: (event.levels, event.fields) for name, event in code.events().items()}
    assert documented == emitted


def test_progress_events_are_documented() -> None:
    """So are the JSON lines on standard output."""
    rows = {row[0].strip("`") for row in rows_of(REFERENCE / "events.md") if len(row) == 3}
    assert code.progress_events() == rows


def test_every_error_class_is_documented() -> None:
    """failures.md lists exactly the values of error_class."""
    assert _first_cells("failures.md") == code.error_classes()
    assert code.error_classes_in_sql() == {"worker_lost", "skipped_by_operator"}


def test_sqlstates_map_to_their_exception_and_exit_code(database: Database) -> None:
    """sqlstates.md agrees with the SQL files, with what is raised, and with the error tree."""
    documented = {
        row[0].strip("`"): (row[1].strip("`"), int(row[2]))
        for row in rows_of(REFERENCE / "sqlstates.md")
        if row[0].startswith("`WE0")
    }
    raised = {}
    for state in code.sqlstates():
        try:
            database.execute(f"do $$ begin raise exception 'no' using errcode = '{state}'; end $$")
        except psycopg.Error as error:
            ours = translate(error)
            assert ours is not None, state
            raised[state] = (type(ours).__name__, ours.exit_code)
    assert documented == raised


def test_every_exception_is_documented_with_its_exit_code() -> None:
    """The last table of sqlstates.md is the error tree."""
    documented = {
        row[0].strip("`"): int(row[1])
        for row in rows_of(REFERENCE / "sqlstates.md")
        if len(row) == 3
    }
    tree = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.WikiembedError)
    }
    assert documented == tree


def test_every_public_object_is_documented(database: Database) -> None:
    """Each table, view, column and function of schema wikiembed is in sql.md."""
    text = (REFERENCE / "sql.md").read_text()
    functions = database.rows(
        "select distinct proname from pg_proc where pronamespace = 'wikiembed'::regnamespace"
    )
    assert [name for (name,) in functions if f"\n## wikiembed.{name}\n" not in text] == []
    columns = database.rows(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'wikiembed' and table_name <> 'alembic_version'"
    )
    for relation, column in columns:
        section = text.split(f"\n## wikiembed.{relation}\n")[1].split("\n## ")[0]
        assert f"| `{column}` |" in section, f"{relation}.{column}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_relative_links_resolve(page: Path) -> None:
    """Each link to a file or a heading has a target."""
    for target in links_of(page):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.is_file(), f"{page.name}: {target}"
        assert found.is_relative_to(ROOT), f"{page.name}: {target}"
        assert not anchor or anchor in anchors_of(found), f"{page.name}: {target}"


def test_index_leads_to_every_page() -> None:
    """docs/index.md links to each page under docs/."""
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in links_of(index)}
    there = set((ROOT / "docs").rglob("*.md")) - {index}
    assert sorted(there - linked) == []


@pytest.mark.parametrize("page", [*pages(), ROOT / "compose.yaml"], ids=lambda page: page.name)
def test_pages_name_no_machine(page: Path) -> None:
    """No path of the machine on which a page was written."""
    text = page.read_text()
    assert [word for word in ("/work/", "/home/", "/Users/", str(ROOT)) if word in text] == []
