"""The pages that show the state: first screen, source, servers and workers, actions, doctor."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg import errors as pg
from starlette.responses import Response

from wikiembed.command_line import command_line
from wikiembed.control import actions as control
from wikiembed.control import bulk
from wikiembed.control import doctor as control_doctor
from wikiembed.control.action_log import Chosen, entries, known_actions
from wikiembed.control.glance import (
    MOST_FAILURES,
    MOST_JOBS,
    WINDOWS,
    Glance,
    Series,
    failures_by_class,
    one_series,
    priorities,
)
from wikiembed.control.limits import limits
from wikiembed.control.outages import open_outages, recent_outages
from wikiembed.control.ready import Obstacle
from wikiembed.db.connect import connect
from wikiembed.error_class import ErrorClass
from wikiembed.errors import SourceNotFound, WikiembedError
from wikiembed.names import unknown
from wikiembed.store.outages import Outage
from wikiembed.telemetry import emit
from wikiembed.web.context import Context
from wikiembed.web.filters import FIELDS, Given

Connection = psycopg.Connection[Any]
Result = TypeVar("Result")
MOST_LISTED = 20
MOST_ENTRIES = 100
MOST_OUTAGES = 200
TIMELINE = dt.timedelta(days=7)
EXAMINE_MS = 30_000
_SERVER = re.compile(r"\bat (https?://[^\s\"'<>]+)")
_ALARMS = {(alarm.name, alarm.level): alarm for alarm in control_doctor.ALARMS}
OFFERED = {
    "paused": "resume",
    "held_back": "enqueue",
    "not_queued": "enqueue",
    "failed": "retry",
    "documents_failed": "retry",
    "relation": "reconcile",
    "miscounted": "reconcile",
}
"""The action that removes an obstacle; for others the command is shown."""


def offered(obstacle: Obstacle) -> str | None:
    """The action that removes an obstacle, by name; None: only its command does."""
    if obstacle.name == "documents" and " enqueue " in obstacle.command:
        return "enqueue"
    return OFFERED.get(obstacle.name)


async def overview(context: Context) -> Response:
    """The first screen."""
    state = await context.console.glance()
    # What needs an operator is first; a wiki's source that is unused needs nothing.
    sources = sorted(
        state.sources, key=lambda one: (one.state["unused"], one.state["ready"], one.name)
    )
    return context.page("overview.html", live=True, state=state, sources=sources, offered=offered)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Details:
    """What the page of a source reads; None: it took longer than the limit."""

    series: Series
    priorities: list[dict[str, Any]] | None
    classes: list[dict[str, Any]] | None
    failures: list[dict[str, Any]] | None


async def source(context: Context) -> Response:
    """One source.

    Raises: SourceNotFound.
    """
    name = context.given("name") or ""
    given = Given.of(context.request.query_params)
    window = next((one for one in WINDOWS if one.name == context.given("window")), WINDOWS[0])
    state = await context.console.glance()
    found = next((one for one in state.sources if one.name == name), None)
    if found is None:
        names = [one.name for one in state.sources]
        raise SourceNotFound(unknown("source", name, names, see="the first page"))

    def read(connection: Connection) -> _Details:
        control.error_class(connection, given.fields.get("class"))
        return _Details(
            series=one_series(connection, window, name, state.at),
            priorities=_in_time(lambda: priorities(connection, name)),
            classes=_in_time(lambda: failures_by_class(connection, name)),
            failures=_in_time(lambda: _listed(connection, name, given, state.at)),
        )

    details = await context.console.database.read(read)
    return context.page(
        "source.html", live=True, source=found, details=details, window=window, windows=WINDOWS,
        filtered={name: given.fields.get(name, "") for name in FIELDS},
        any_filter=bool(given.fields),
        classes=_classes(details, given), servers=_servers(state, details),
        most_jobs=MOST_JOBS, most_failures=MOST_FAILURES, most_listed=MOST_LISTED,
        advice={one.value: one.fix for one in ErrorClass},
        obstacles=[one for one in state.obstacles if one.source == name],
        offered=offered, server_of=server_of,
        commands=[
            command_line("index", "--source", name),
            command_line("recall", name),
            command_line("verify", name),
            command_line("attach", str(found.attached["relation"]), "--name", name, "--move"),
        ],
    )  # fmt: skip


def _listed(
    connection: Connection, name: str, given: Given, at: dt.datetime
) -> list[dict[str, Any]]:
    """The latest failures; without a filter but a class those of chunks that are skipped, too."""
    if set(given.fields) <= {"class"}:
        return control.failures(
            connection, name, error_class=given.fields.get("class"), limit=MOST_LISTED
        )
    return bulk.latest(connection, given.filter(name, present=at), limit=MOST_LISTED)


def _classes(details: _Details, given: Given) -> list[str]:
    """Classes to choose from: those of the source's failures, and the chosen one."""
    found = {row["error_class"] for row in details.classes or ()}
    return sorted(found | {given.fields["class"]} if "class" in given.fields else found)


def _servers(state: Glance, details: _Details) -> list[str]:
    """Servers to choose from: those out of reach, and those that listed failures name."""
    named = {server_of(row["message"]) for row in details.failures or ()} - {None}
    return sorted(str(one) for one in named | {outage.server for outage in state.outages})


def server_of(message: str) -> str | None:
    """The embedding server that the message of a failure names, without the path of a request.

    Failures have no column for it: messages of everything that a server did name it.
    """
    found = _SERVER.search(message)
    if found is None:
        return None
    parts = urlsplit(found[1].rstrip(".,:;)"))
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None


def _in_time(work: Callable[[], Result]) -> Result | None:
    """The result; None if Postgres took longer than the limit for it."""
    try:
        return work()
    except pg.QueryCanceled:
        return None


async def workers(context: Context) -> Response:
    """Embedding servers with their outages, and worker processes."""
    state = await context.console.glance()

    def read(
        connection: Connection,
    ) -> tuple[list[dict[str, Any]], list[Outage], list[dict[str, Any]]]:
        return (
            recent_outages(connection, limit=MOST_OUTAGES),
            open_outages(connection),
            limits(connection),
        )

    outages, present, limited = await context.console.database.read(read)
    open_now = {one.server: one for one in present}
    requests = [one for worker in state.alive for one in worker["requests"]]
    # Servers with something wrong are first, then those that are sent to.
    used = sorted({one["server"] for one in requests})
    known = (row["server"] for row in (*limited, *outages))
    names = dict.fromkeys([*open_now, *used, *known])
    return context.page(
        "workers.html", live=True, state=state, outages=outages, span=TIMELINE,
        servers=[
            _Server(
                name=name,
                outage=open_now.get(name),
                outages=[row for row in outages if row["server"] == name],
                requests=[one for one in requests if one["server"] == name],
                limits=[row for row in limited if row["server"] == name],
            )
            for name in names
        ],
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """An embedding server: its open outage, all of 30 days, what live workers sent, its limits."""

    name: str
    outage: Outage | None
    outages: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    limits: list[dict[str, Any]]

    def sum(self, part: str) -> int:
        """The sum of `in_flight`, `limit`, `throttled` or `waiting` over the workers."""
        return sum(int(one.get(part, 0)) for one in self.requests)


async def actions(context: Context) -> Response:
    """The log of actions."""
    before = context.given("before")
    chosen = Chosen(
        source=context.given("source"),
        action=context.given("action"),
        who=context.given("who"),
        before=int(before) if before and before.isascii() and before.isdigit() else None,
    )

    def read(connection: Connection) -> tuple[list[dict[str, Any]], list[str]]:
        return entries(connection, chosen, limit=MOST_ENTRIES + 1), known_actions(connection)

    rows, known = await context.console.database.read(read)
    more = len(rows) > MOST_ENTRIES
    return context.page(
        "actions.html", live=chosen.before is None, rows=rows[:MOST_ENTRIES], more=more,
        chosen=chosen, known=known,
    )  # fmt: skip


async def doctor(context: Context) -> Response:
    """The button that examines; nothing is examined by opening the page."""
    return context.page("doctor.html", findings=None, alarms=_ALARMS)


async def examine(context: Context) -> Response:
    """The findings of doctor, from where the console runs; servers are probed by it."""
    settings = context.console.settings
    emit("console_action", action="doctor", who=context.user, source=None)

    def run() -> list[control_doctor.Finding]:
        examination = control_doctor.Examination(settings)
        try:
            with connect(settings) as connection:
                connection.execute(
                    "select set_config('statement_timeout', %s, false)", (str(EXAMINE_MS),)
                )
                return list(examination.of(connection))
        except WikiembedError as error:
            return list(examination.without(error))

    findings = await context.console.in_thread(run)
    order = {"fault": 0, "warning": 1, "ok": 2}
    return context.page(
        "doctor.html",
        findings=sorted(findings, key=lambda one: order[one.level]),
        alarms=_ALARMS,
    )
