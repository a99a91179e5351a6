"""The actions of the pages: pause, resume, enqueue, reconcile; retry and skip by filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from starlette.responses import Response

from wikiembed.control import actions, bulk
from wikiembed.errors import InvalidArgument
from wikiembed.telemetry import emit
from wikiembed.times import now, read_time
from wikiembed.web.access import Denied
from wikiembed.web.context import Context
from wikiembed.web.filters import Given, query_of

Connection = psycopg.Connection[Any]
Result = TypeVar("Result")
ROUND_S = 5.0
"""How long one press of a button retries or skips; what is left needs another."""
MOST_QUEUED = 100_000
"""Chunks that one press of the button queues."""
LONGEST_REASON = 500


async def _act(
    context: Context, action: str, source: str | None, work: Callable[[Connection], Result]
) -> Result:
    """Run `work` as the user, if the role may."""
    if action not in context.may:
        raise Denied(context.words("error.no_right", action=action))
    done = await context.console.database.act(context.user, work)
    emit("console_action", action=action, who=context.user, source=source)
    return done


def _source(context: Context) -> str:
    """The source of the form; a missing one must not mean all of them."""
    name = context.form.get("name", "")
    if not name:
        raise InvalidArgument("The form names no source.")
    return name


def _reason(context: Context) -> str:
    why = " ".join(context.form.get("why", "").split())
    if not why:
        raise InvalidArgument(context.words("error.reason"))
    return why[:LONGEST_REASON]


async def pause(context: Context) -> Response:
    """Pause a source, with a reason and, if given, an end."""
    name, why = _source(context), _reason(context)
    until = context.form.get("until", "").strip()
    ends_at = read_time(until) if until else None
    if ends_at is not None and ends_at <= now():
        raise InvalidArgument(context.words("error.past"))
    await _act(context, "pause", name, lambda c: actions.pause(c, name, why=why, until=ends_at))
    return context.done("pause", context.url("/source", name=name))


async def resume(context: Context) -> Response:
    """End the pause of a source, with a reason."""
    name, why = _source(context), _reason(context)
    resumed = await _act(context, "resume", name, lambda c: actions.resume(c, name, why=why))
    return context.done("resume" if resumed else "not_paused", context.url("/source", name=name))


async def enqueue(context: Context) -> Response:
    """Queue chunks and documents that are in no job, up to a bound."""
    name = _source(context)
    done = await _act(
        context, "enqueue", name, lambda c: actions.enqueue(c, name, max_chunks=MOST_QUEUED)
    )
    more = "enqueue_more" if done.chunks >= MOST_QUEUED else "enqueue"
    return context.done(more, context.url("/source", name=name), chunks=done.chunks, jobs=done.jobs)


async def reconcile(context: Context) -> Response:
    """Repair what bypassed the triggers."""
    name = _source(context)
    found = await _act(context, "reconcile", name, lambda c: actions.reconcile(c, name))
    return context.done("reconcile", context.url("/"), repairs=sum(found.values()))


async def _preview(context: Context, action: str) -> Response:
    name = context.given("name") or ""
    given = Given.of(context.request.query_params)
    database = context.console.database
    chosen = given.filter(name, present=await database.read(bulk.present))
    counted = await database.read(bulk.preview, chosen)
    return context.page(
        "bulk.html", action=action, source=name, chosen=chosen, counted=counted,
        hidden=query_of(given, chosen), batch=bulk.BATCH, most=bulk.MOST_PREVIEWED,
        back=context.url("/source", name=name, **given.fields) + "#failures",
    )  # fmt: skip


async def preview_retry(context: Context) -> Response:
    """How many a retry takes, and the button that does it."""
    return await _preview(context, "retry")


async def preview_skip(context: Context) -> Response:
    """How many a skip takes, and the button that does it."""
    return await _preview(context, "skip")


async def _bulk(
    context: Context, action: str, work: Callable[[Connection, bulk.Filter], bulk.Round]
) -> Response:
    name = _source(context)
    given = Given.of(context.form)
    if given.until is None:
        raise InvalidArgument("The form has no valid time.")
    chosen = given.filter(name, present=given.until)
    done = await _act(context, action, name, lambda c: work(c, chosen))
    left = done.left.chunks + done.left.documents
    fields = {"chunks": done.chunks, "documents": done.documents, "held": done.held, "left": left}
    if left:
        to = context.url(f"/source/{action}", name=name, **query_of(given, chosen))
        # What is left may be of rows that are gone: to press again would end nothing.
        outcome = "more" if done.chunks or done.documents else "none"
        return context.done(f"{action}_{outcome}", to, **fields)
    return context.done(action, context.url("/source", name=name), **fields)


async def retry(context: Context) -> Response:
    """Queue the failures of the filter again, for some seconds."""
    return await _bulk(context, "retry", lambda c, chosen: bulk.retry(c, chosen, seconds=ROUND_S))


async def skip(context: Context) -> Response:
    """Skip the failed chunks of the filter, for some seconds, with a reason."""
    why = _reason(context)
    return await _bulk(
        context, "skip", lambda c, chosen: bulk.skip(c, chosen, why=why, seconds=ROUND_S)
    )
