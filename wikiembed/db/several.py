"""Several databases in WIKIEMBED_DATABASE_URL: each one's settings, its place, and a short name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg.conninfo import conninfo_to_dict

from wikiembed.config import Settings
from wikiembed.db.connect import person, translate_errors, urls_of
from wikiembed.db.endpoint import Endpoint
from wikiembed.errors import ConfigurationError, WikiembedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database: its `settings`, which name it alone, its `endpoint`, and its `name`.

    `name` differs from that of every other one: the database's own where that suffices, else with
    host and port. `endpoint` is None for the embedded Postgres until it is connected to.
    """

    settings: Settings
    endpoint: Endpoint | None
    name: str

    def __str__(self) -> str:
        """``app on db.example:5432``."""
        return str(self.endpoint or self.name)

    def failed_json(self, error: WikiembedError) -> dict[str, object]:
        """What a command with --json prints in place of its state."""
        place = None if self.endpoint is None else self.endpoint.as_json()
        return {"database": place, "error": str(error)}


def databases(settings: Settings) -> tuple[Database, ...]:
    """The databases that the settings name, at least one.

    Raises: ConfigurationError when several are named together with WIKIEMBED_DATABASE_NAME, when
    one is named twice, or when a URL cannot be read.
    """
    urls = urls_of(settings.database_url)
    if len(urls) <= 1:
        return (Database(settings=settings, endpoint=None, name=settings.database_name or ""),)
    if settings.database_name is not None:
        raise ConfigurationError(
            f"WIKIEMBED_DATABASE_URL names {len(urls)} databases, WIKIEMBED_DATABASE_NAME one:"
            " unset one of them."
        )
    places = [endpoint_of(url) for url in urls]
    twice = next((place for place, n in Counter(places).items() if n > 1), None)
    if twice is not None:
        raise ConfigurationError(f"WIKIEMBED_DATABASE_URL names {twice} twice: leave one out.")
    each = (settings.model_copy(update={"database_url": url}) for url in urls)
    return tuple(
        Database(settings=one, endpoint=place, name=name)
        for one, place, name in zip(each, places, _names(places), strict=True)
    )


def endpoint_of(url: str) -> Endpoint:
    """The endpoint that a URL names, without connecting; what it leaves out is libpq's default.

    Raises: ConfigurationError when it cannot be read.
    """
    with translate_errors():
        given = conninfo_to_dict(url)

    def part(name: str, variable: str, default: str) -> str:
        return str(given.get(name) or os.environ.get(variable) or default)

    port = part("port", "PGPORT", "5432").partition(",")[0]
    return Endpoint(
        name=part("dbname", "PGDATABASE", part("user", "PGUSER", person())),
        host=part("host", "PGHOST", str(given.get("hostaddr") or "localhost")),
        port=int(port) if port.isdecimal() else None,
    )


def _names(places: Sequence[Endpoint]) -> Iterator[str]:
    """``app``; ``app@db1`` where two have that name, ``app@db1:5433`` where the host has, too."""
    names = Counter(place.name for place in places)
    hosts = Counter((place.name, place.host) for place in places)
    for place in places:
        if names[place.name] == 1:
            yield place.name
        elif hosts[place.name, place.host] == 1:
            yield f"{place.name}@{place.host}"
        else:
            yield f"{place.name}@{place.host}:{place.port}"
