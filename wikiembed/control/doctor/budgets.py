"""Budgets that are used up, or nearly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from wikiembed.command_line import command_line
from wikiembed.control.budgets import NEARLY, budgets, used_phrase
from wikiembed.control.doctor.findings import Finding
from wikiembed.times import local

Connection = psycopg.Connection[Any]


def used_up(connection: Connection) -> Iterator[Finding]:
    """A finding per budget of a source."""
    for row in budgets(connection):
        source, until = row["source"], local(row["ends"])
        if not row["reached"] and row["share_used"] < NEARLY:
            yield Finding("budget", "ok", f"Budget of {source}: {used_phrase(row)}.")
            continue
        state = "is paused by its budget" if row["reached"] else "will soon reach its budget"
        yield Finding(
            "budget",
            "warning",
            f"Source {source} {state}: {used_phrase(row)}, until {until}; raise it by"
            f" `{command_line('budget', source)}`.",
            details={"source": source, "period": row["period"], "share": float(row["share_used"])},
        )
