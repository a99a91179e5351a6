"""Limits of servers, and those that the server itself states otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from wikiembed.command_line import command_line
from wikiembed.control.doctor.findings import Finding
from wikiembed.control.limits import limits, name_of, used_phrase

Connection = psycopg.Connection[Any]


def set_limits(connection: Connection) -> Iterator[Finding]:
    """A finding per limit of a server."""
    for row in limits(connection):
        name, used = name_of(row), used_phrase(row)
        over = [
            f"{row[f'{kind}_per_minute']:,} {kind} where it states {row[f'stated_{kind}']:,}"
            for kind in ("requests", "tokens")
            if row[f"stated_{kind}"] is not None
            and row[f"{kind}_per_minute"] > row[f"stated_{kind}"]
        ]
        if not over:
            yield Finding("limit", "ok", f"Limit of {name}: {used}.")
            continue
        model = ["--model", row["model"]] if row["model"] else []
        remove = command_line("limit", row["server"], *model, "--remove")
        yield Finding(
            "limit",
            "warning",
            f"The limit of {name} is set to more than the server states ({', '.join(over)} a"
            " minute), so that it will refuse requests: lower it, or run"
            f" `{remove}`.",
            details={"server": row["server"], "model": row["model"]},
        )
