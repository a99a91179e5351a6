"""WIKIEMBED_DATABASE_URL that names several databases: how it is read, and what is refused."""

from __future__ import annotations

import pytest

from wikiembed.config import Settings
from wikiembed.db.connect import database_url, urls_of
from wikiembed.db.several import databases
from wikiembed.errors import ConfigurationError, DatabasesFailed, SourcePaused, WrongUsage

APP = "postgresql://u:secret@db1:5432/app"
OTHER = "postgres://db2/other"


def named(*urls: str, **settings: object) -> list[tuple[str, str]]:
    """Name and place of each database of the settings."""
    given = Settings(database_url=", ".join(urls), **settings)  # type: ignore[arg-type]
    return [(one.name, str(one)) for one in databases(given)]


@pytest.mark.parametrize("between", [",", " ", ", ", "\n", " ,\t"])
def test_urls_are_separated_by_commas_or_blanks(between: str) -> None:
    """Also with one at the end."""
    assert urls_of(f"{APP}{between}{OTHER}{between}") == (APP, OTHER)


@pytest.mark.parametrize(
    "one",
    [
        "postgresql://db1,db2:5433/app?target_session_attrs=read-write",
        "host=db1,db2 dbname=app user='a b'",
        "postgresql://u:a,b%20c@db1/app",
        "service=app",
    ],
)
def test_one_url_is_left_as_it_is(one: str) -> None:
    """A comma between hosts or in a password, and the blanks of a conninfo, separate nothing."""
    assert urls_of(one) == (one,)
    assert database_url(Settings(database_url=one)) == one


def test_names_are_the_databases_own_where_that_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else they have the host, and the port where two have the host, too; never a password."""
    monkeypatch.delenv("PGPORT", raising=False)
    assert named(APP, OTHER) == [("app", "app on db1:5432"), ("other", "other on db2:5432")]
    same = [APP, "postgresql://db2/app", "postgresql://db2:5433/app", OTHER]
    assert [name for name, _ in named(*same)] == [
        "app@db1",
        "app@db2:5432",
        "app@db2:5433",
        "other",
    ]


def test_defaults_are_those_of_libpq(monkeypatch: pytest.MonkeyPatch) -> None:
    """From its variables, and its user for the name of the database."""
    monkeypatch.setenv("PGHOST", "db9")
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGUSER", "ann")
    monkeypatch.delenv("PGDATABASE", raising=False)
    assert named("postgresql://", APP) == [
        ("ann", "ann on db9:6000"),
        ("app", "app on db1:5432"),
    ]


@pytest.mark.parametrize(
    ("urls", "settings", "sentence"),
    [
        ([APP, "postgresql://v@db1/app"], {}, "names app on db1:5432 twice"),
        ([APP, OTHER], {"database_name": "x"}, "WIKIEMBED_DATABASE_NAME one"),
        ([APP, "postgresql://u:p%zz@db2/x"], {}, "cannot be read"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    urls: list[str], settings: dict[str, object], sentence: str
) -> None:
    """In one sentence, without a password."""
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        named(*urls, **settings)
    assert "secret" not in str(refused.value)


def test_commands_for_one_database_refuse_several() -> None:
    """Nothing is done on the first one instead."""
    with pytest.raises(ConfigurationError, match="names 2 databases, and this works on one"):
        database_url(Settings(database_url=f"{APP},{OTHER}"))


def test_what_failed_is_one_sentence_with_the_highest_exit_code() -> None:
    """A paused source, 1, beside a wrong setting, 2."""
    failed = DatabasesFailed({"app": SourcePaused("Paused."), "b": WrongUsage("No.")}, of=3)
    assert str(failed) == "2 of 3 databases failed: app: Paused; b: No."
    assert failed.exit_code == 2
