"""Which database is meant, in words that hold no user and no password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg

from wikiembed.config import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A database by its name, and the server's host and port; `folder`: an embedded server's."""

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
        """The first line of what tells about a database."""
        return f"Database {self}"

    def as_json(self) -> dict[str, object]:
        """The same for machines: host and port are null for an embedded server."""
        return {
            "name": self.name,
            "host": self.host,
            "port": self.port,
            "embedded_in": None if self.folder is None else str(self.folder),
        }


def endpoint(settings: Settings, connection: psycopg.BaseConnection[object]) -> Endpoint:
    """Where `connection`, which was opened by `settings`, ends."""
    info = connection.info
    if settings.database_url is None:
        return Endpoint(name=info.dbname, folder=settings.data_dir)
    # A socket's folder is the host of its connection; libpq knows the one that was taken of many.
    return Endpoint(name=info.dbname, host=info.host, port=info.port)
