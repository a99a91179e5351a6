"""Count the titles that come twice, in constant memory."""

from __future__ import annotations

import hashlib
import sqlite3


class Titles:
    """The titles that came so far, as 63-bit digests in a temporary file of SQLite's.

    Of a file of ten million pages one title in some 200,000 runs would be taken for another.
    """

    _file: sqlite3.Connection | None = None

    def __init__(self) -> None:
        # Another thread may be the one that collects it.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.executescript(
            "pragma journal_mode = off; pragma synchronous = off;"
            " create table title (digest integer primary key); begin"
        )

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def count(self, title: str, before: int | None) -> int | None:
        """`before`, one more if `title` came already; None once there is no room to tell."""
        if self._file is None or before is None:
            return None
        digest = int.from_bytes(hashlib.blake2b(title.encode(), digest_size=8).digest()) >> 1
        try:
            added = self._file.execute("insert or ignore into title values (?)", (digest,))
        except sqlite3.Error:
            self._file = None
            return None
        return before + 1 - added.rowcount
