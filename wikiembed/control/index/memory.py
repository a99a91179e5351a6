"""The memory that the graph needs while it is built, and that the build gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

MB = 1 << 20
_SPARE = 1.1
_LEAST = 64 * MB
# Where effective_cache_size is not configured, Postgres' default of 4 GB counts.
_SETTINGS = """
select max(s.setting::bigint * 1024) filter (where s.name = 'maintenance_work_mem'),
       max(s.setting::bigint * 8192) filter (where s.name = 'effective_cache_size')
  from pg_catalog.pg_settings as s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes that the graph needs, and that the build gets."""

    needed: int
    given: int

    @property
    def warning(self) -> str | None:
        """The warning if the graph does not fit, else None."""
        if self.needed <= self.given:
            return None
        return (
            f"the graph needs about {human_bytes(self.needed)} and gets {human_bytes(self.given)}:"
            " what does not fit is built on disk, several times slower; where the server has"
            " more, give it with --memory"
        )


def memory_for(connection: psycopg.Connection[Any], *, graph: int, most: int | None) -> Memory:
    """The memory that a graph of `graph` bytes needs, and that the build gets: at most `most`.

    Without `most`: maintenance_work_mem as set, or half of effective_cache_size if that is more.
    """
    most = most or usual_memory(connection)
    needed = round(graph * _SPARE)
    return Memory(needed=needed, given=min(max(needed, _LEAST), most))


def usual_memory(connection: psycopg.Connection[Any]) -> int:
    """Bytes for a build: maintenance_work_mem as set, or half of effective_cache_size if more."""
    row = connection.execute(_SETTINGS).fetchone()
    usual, cache = row if row is not None else (_LEAST, 0)
    return int(max(usual, cache // 2))


def human_bytes(size: float) -> str:
    """``3.8 GB``, ``640 MB``: in units of 1,024."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:,.1f} GB"
