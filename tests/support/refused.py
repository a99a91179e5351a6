"""Addresses at which nothing listens: a connection is refused at once."""

from __future__ import annotations

NO_SERVER = "http://127.0.0.1:9"


def no_database(name: str = "none") -> str:
    """The URL of a database of that name, whose server refuses connections."""
    return f"postgresql://127.0.0.1:9/{name}"


CLOSED = no_database("closed")
