"""A description of the database in use, without user and password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg

from wikiembed.config import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A database's name, and the server's host and port, or the embedded server's `folder`."""

    name: str
    host: str | None = None
    port: int | None = None
    folder: Path | None = None

    def __str__(self) -> str:
        """``app on db.example:5432``, or ``wikiembed, embedded, in FOLDER``."""
        if self.folder is not None:
            return f"{self.name}, embedded, in {self.folder}"
        return f"{self.name} on {self.host}:{self.port}"

    @property
    def line(self) -> str:
        """The first line of output about a database."""
        return f"Database {self}"

    def as_json(self) -> dict[str, object]:
        """Its fields for JSON: host and port are null for an embedded server."""
        return {
            "name": self.name,
            "host": self.host,
            "port": self.port,
            "embedded_in": None if self.folder is None else str(self.folder),
        }


def endpoint(settings: Settings, connection: psycopg.BaseConnection[object]) -> Endpoint:
    """The endpoint of `connection`, which was opened with `settings`."""
    info = connection.info
    if settings.database_url is None:
        return Endpoint(name=info.dbname, folder=settings.data_dir)
    # The host of a socket connection is its folder; of several hosts libpq reports the one in use.
    return Endpoint(name=info.dbname, host=info.host, port=info.port)
