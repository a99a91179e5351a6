"""Clients that insert, simulated by pgbench."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.tools.bench.place import Base, Place

Until = tuple[str, str]
"""When pgbench ends: ``("-T", seconds)``, or ``("-t", transactions)`` of each client."""

_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def insert_of(table: str, rows: int, *, length: int) -> str:
    """A statement that inserts `rows` rows."""
    return (
        f"insert into public.{table} (body) select rpad(i::text, {length}, 'lorem ipsum ')"
        f" from generate_series(1, {rows}) as i"
        if rows > 1
        else f"insert into public.{table} (body) values (rpad('1', {length}, 'lorem ipsum '))"
    )


def rate(place: Place, base: Base, statement: str, *, clients: int, until: Until) -> float:
    """Transactions per second of one prepared statement, with `clients` clients."""
    script = Path(place.folder) / "pgbench.sql"
    script.write_text(statement + ";\n")
    done = subprocess.run(
        [
            str(place.bin / "pgbench"), "-n", "-M", "prepared",
            "-h", base.socket, "-U", base.connection.info.user, "-f", str(script),
            "-c", str(clients), "-j", "1", *until, base.name,
        ],
        check=True,
        capture_output=True,
        text=True,
    )  # fmt: skip
    found = _TPS.search(done.stdout)
    assert found is not None, json.dumps(done.stdout)
    return float(found[1])
