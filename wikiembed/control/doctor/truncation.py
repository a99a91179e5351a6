"""Whether servers truncate silently: what workers found, else a check made now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from wikiembed.control.doctor.findings import Finding
from wikiembed.embedders.base import Embedder
from wikiembed.embedders.canary import LENGTHS, Canary, release_canary
from wikiembed.errors import EmbedderError
from wikiembed.store.truncation import RECORD, TRUNCATION_CHECKS, Known

Connection = psycopg.Connection[Any]
Rows = Mapping[tuple[str, str], Known]
"""What is known, by server and model."""
REQUEST_S, WHOLE_S = 4.0, 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is known of one server and model; `is_new`: found now, and not recorded yet."""

    found: Canary
    is_new: bool


def known_checks(connection: Connection) -> Rows:
    """The latest check of each server and model. Raises: psycopg.Error."""
    rows: dict[tuple[str, str], Known] = {}
    for _, server, model, *known in connection.execute(TRUNCATION_CHECKS).fetchall():
        rows.setdefault((server, model), Known(*known))
    return rows


async def check(
    embedder: Embedder, rows: Rows, *, server: str, models: Sequence[str]
) -> Check | None:
    """What is known of `server` and of one of `models`, the names of one model; else check it.

    A server that truncated silently is checked again, in one request. None: the check failed.
    """
    known = next((rows[server, name] for name in models if (server, name) in rows), None)
    stale = known is None or known.outcome in {"silent", "unanswered"}
    try:
        if not stale and known is not None:
            return Check(found=_canary(known), is_new=False)
        again = known is not None and known.outcome == "silent"
        found = await release_canary(
            embedder,
            chars=known.checked_chars if known is not None and again else LENGTHS[0],
            precise=not again,
            request_s=REQUEST_S,
            whole_s=WHOLE_S,
        )
    except EmbedderError:
        return None
    if again and known is not None and found.outcome in {"silent", "unanswered"}:
        return Check(found=_canary(known), is_new=False)
    return Check(found=found, is_new=True)


def _canary(known: Known) -> Canary:
    return Canary(
        outcome=known.outcome,  # type: ignore[arg-type]
        from_chars=known.from_chars,
        checked_chars=known.checked_chars,
    )


def record(connection: Connection, made: Check, *, server: str, models: Mapping[str, str]) -> None:
    """Record a new check for each source of `models`, if this role may write."""
    if not made.is_new:
        return
    found = made.found
    row = Known(found.outcome, found.from_chars, found.checked_chars).as_row()
    for source, model in models.items():
        with contextlib.suppress(psycopg.Error):
            connection.execute(RECORD, (source, server, model, *row))


def finding_of(
    made: Check, *, server: str, sources: Sequence[str], wanted: bool
) -> Iterator[Finding]:
    """One finding on a server; `wanted`: WIKIEMBED_TRUNCATE is set."""
    found = made.found
    if found.outcome == "silent":
        whose = f" of source {', '.join(sources)}" if sources else ""
        clause = (
            f"The server at {server} silently truncates texts{whose} longer than about"
            f" {found.from_chars:,} characters of English, sooner in other scripts"
        )
        if wanted:
            yield Finding("truncation", "ok", f"{clause}, as WIKIEMBED_TRUNCATE allows.")
            return
        yield Finding(
            "silent_truncation",
            "warning",
            f"{clause}: use a server that refuses them, or keep chunks shorter; if that is"
            " intended, set WIKIEMBED_TRUNCATE=true.",
        )
    elif found.outcome == "refused":
        yield Finding("truncation", "ok", f"The server at {server} refuses texts too long for it.")
    elif found.outcome == "whole":
        yield Finding(
            "truncation",
            "ok",
            f"The server at {server} embeds texts of {found.checked_chars:,} characters whole.",
        )
