"""Count repeated titles, in constant memory."""

from __future__ import annotations

import hashlib
import sqlite3


class Titles:
    """The titles so far, as 63-bit digests in a temporary SQLite file.

    With ten million pages, about one run in 200,000 has a collision.
    """

    _file: sqlite3.Connection | None = None

    def __init__(self) -> None:
        # Another thread may garbage-collect it.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.executescript(
            "pragma journal_mode = off; pragma synchronous = off;"
            " create table title (digest integer primary key); begin"
        )

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def count(self, title: str, before: int | None) -> int | None:
        """`before`, plus one if `title` came before; None once the file has no room."""
        if self._file is None or before is None:
            return None
        digest = int.from_bytes(hashlib.blake2b(title.encode(), digest_size=8).digest()) >> 1
        try:
            added = self._file.execute("insert or ignore into title values (?)", (digest,))
        except sqlite3.Error:
            self._file = None
            return None
        return before + 1 - added.rowcount
