"""``status``, ``failures`` and ``doctor``: the state, what failed, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wikiembed.cli.console import (
    alike,
    count,
    database,
    duration,
    held_back_sentence,
    listed,
    percent,
    print_finding,
    print_json,
    print_table,
    process,
    say,
)
from wikiembed.cli.each import Connection, Each
from wikiembed.config import Settings, load_settings
from wikiembed.control import actions
from wikiembed.control.budgets import used_phrase
from wikiembed.control.documents import waiting_sentence
from wikiembed.control.limits import name_of
from wikiembed.control.limits import used_phrase as limit_phrase
from wikiembed.control.overview import (
    overview,
    replaced_sentence,
    truncated,
    truncated_sentence,
)
from wikiembed.control.schedules import phrase
from wikiembed.control.standing import time_left_of
from wikiembed.db.connect import connect, translate_errors
from wikiembed.db.endpoint import Endpoint, endpoint
from wikiembed.errors import ConditionNotMet, ConfigurationError, DatabaseError, InvalidArgument
from wikiembed.times import local, read_past, read_span

if TYPE_CHECKING:
    from wikiembed.control.doctor import Examination, Finding

State = Mapping[str, list[dict[str, Any]]]
MOST_WORKERS = 8
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("status")(run_status)
    cli.command("failures")(run_failures)
    cli.command("doctor")(run_doctor)


def run_status(
    *,
    json: Json = False,
    watch: Annotated[bool, typer.Option("--watch", help="Update it until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.1, help="Seconds between updates of --watch.")
    ] = 1.0,
) -> None:
    """Show coverage, documents, queue, pauses, outages, failures by class, and workers.

    Of several databases in WIKIEMBED_DATABASE_URL it shows each, with --json a line for each; one
    that is away does not stop the others, and the exit code is 3.

    With --watch it continues when the database is lost; without a terminal it prints a line per
    update, with --json a JSON line. Ctrl-C ends it with exit code 0.
    """
    if watch:
        from wikiembed.cli.watch import watch as watch_state

        watch_state(json=json, every_s=every)
        return
    each = Each(load_settings())
    for number, one in enumerate(each):
        if number and not json:
            say("")

        def show(connection: Connection, settings: Settings) -> None:
            found = endpoint(settings, connection)
            state = overview(connection)
            if json:
                print_json({"database": found.as_json(), **state})
            else:
                _print(found, state)

        if each.attempt(one, show):
            continue
        error = each.failed[str(one)]
        if json:
            print_json(one.failed_json(error))
        else:
            say(f"Database {one}")
            say(str(error))
    each.raise_failed()


def _print(found: Endpoint, state: State) -> None:
    say(found.line)
    _print_coverage(state)
    if documents := [row for row in state["documents"] if row["total"]]:
        print_table(
            documents,
            ["source", "relation", "total", "split", "waiting", "failed", "chunks"],
            title="Documents",
            optional=["relation"],
        )
    for notice in _notices(state):
        say(notice)
    if state["failures"]:
        print_table(
            state["failures"],
            ["source", "state", "error_class", "chunks", "last_at"],
            title="Failures by class",
        )
    _print_workers(state)


def _notices(state: State) -> Iterator[str]:
    """What the operator should know beside the numbers: one sentence each."""
    for rows in alike(state["pauses"], ("paused_by", "pause_reason", "resume_at")):
        pause = rows[0]
        why = f": {pause['pause_reason']}" if pause["pause_reason"] else ""
        until = f", until {local(pause['resume_at'])}" if pause["resume_at"] else ""
        yield (
            f"Paused: {listed([row['source'] for row in rows])} by {pause['paused_by']} at"
            f" {local(pause['paused_at'])}{until}{why}"
        )
    for budget in state["budgets"]:
        yield f"Budget: {budget['source']} has used {used_phrase(budget)}."
    for schedule in state["schedules"]:
        yield f"Schedule: bulk work of {schedule['source']} runs {phrase(schedule)}."
    for limit in state["limits"]:
        yield f"Limit: {name_of(limit)} has had {limit_phrase(limit)}."
    for name in state["switched"]:
        yield (
            f"Switched: searches for {name['name']} use {name['source']} since"
            f" {local(name['since'])}, by {name['by']}"
        )
    for held in state["held_back"]:
        yield held_back_sentence(held["source"], held["chunks"])
    for row in state["documents"]:
        if row["held_back"] and row["waiting"]:
            yield waiting_sentence(row["source"], row["waiting"])
    for replaced in state["replaced"]:
        yield f"Replaced: {replaced_sentence(**replaced)}"
    for cut in state["truncation"]:
        if cut["truncated"]:
            yield truncated_sentence(source=cut["source"], truncated=cut["truncated"])
        if cut["from_chars"] is not None:
            yield (
                f"Truncated silently: texts of {cut['source']} longer than about"
                f" {cut['from_chars']:,} characters of English, by {cut['server']}; see"
                " `wikiembed doctor`."
            )
    for outage in state["outages"]:
        yield _out_of_reach(outage, alive=any(worker["alive"] for worker in state["workers"]))


def _print_workers(state: State) -> None:
    alive = [worker for worker in state["workers"] if worker["alive"]]
    running = sum(worker["doing"] for worker in alive)
    if not alive:
        say("Workers: none alive; start one with `wikiembed worker`.")
        return
    if not state["outages"]:
        say("Servers: the workers report none out of reach.")
    summary = f"Workers: {len(alive)} alive, {count(running, 'job')} running"
    if len(state["workers"]) == 1:
        say(f"{summary}: {process(state['workers'][0])}.")
        return
    say(f"{summary}.")
    of_fleet = any(worker["node"] for worker in state["workers"])
    print_table(
        [_worker_row(worker) for worker in state["workers"][:MOST_WORKERS]],
        [
            *("host", "pid", *(["node"] if of_fleet else [])),
            *("version", "model", "started", "heartbeat", "jobs_running"),
        ],
        optional=["version", "started", "model", "heartbeat", "node"],
    )
    if len(state["workers"]) > MOST_WORKERS:
        say(f"and {len(state['workers']) - MOST_WORKERS} more: `wikiembed status --json`.")


def _worker_row(worker: dict[str, Any]) -> dict[str, Any]:
    return worker | {
        "host": worker["host"] or "unknown",
        "pid": None if worker["pid"] is None else str(worker["pid"]),
        "started": worker["started_at"],
        "heartbeat": f"{duration(worker['heartbeat_age_s'])} ago",
        "jobs_running": worker["doing"],
    }


def _out_of_reach(outage: dict[str, Any], *, alive: bool) -> str:
    """Since when a server is out of reach and why, and whether a worker still retries it."""
    now = "workers retry automatically"
    if outage["stale"] or not alive:
        now = f"last seen {duration(outage['unseen_s'])} ago, no worker is retrying it"
    elif outage["partial"]:
        now += "; its other servers take the work"
    return (
        f"Out of reach: {outage['server']} since {local(outage['since'])}"
        f" ({duration(outage['lasted_s'])}): {outage['reason'].rstrip('.')}; {now}."
    )


def _print_coverage(state: State) -> None:
    queues = {row["source"]: row for row in state["queue"]}
    rows = []
    for row in state["coverage"]:
        queue = queues.get(row["source"], {})
        rows.append(
            row
            | {
                "coverage": percent(row["coverage_pct"]),
                "eta": time_left_of(row).removesuffix(" left") or None,
                "jobs": (queue.get("todo", 0) + queue.get("doing", 0)),
                "later": queue.get("scheduled_later", 0),
            }
        )
    print_table(
        rows,
        ["source", "coverage", "total", "embedded", "missing", "failed", "skipped",
         "chunks_per_s", "eta", "jobs", "later", "ready"],
        optional=["later", "jobs", "skipped", "chunks_per_s", "eta", "ready", "failed"],
    )  # fmt: skip


def run_failures(
    source: Annotated[
        str | None, typer.Argument(help="The source; all of them, if not given.")
    ] = None,
    *,
    error_class: Annotated[
        str | None, typer.Option("--class", help="Only failures of this class.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most failures to list.")] = 50,
    history: Annotated[
        bool,
        typer.Option("--history", help="List those that ended, and how; kept for 90 days."),
    ] = False,
    since: Annotated[
        str | None, typer.Option(help="With --history: ended in the last 1d, 2h, or after a time.")
    ] = None,
    json: Json = False,
) -> None:
    """List the chunks that are not embedded and why, newest first, and documents not split.

    With --history, list failures that ended: retried, cured (embedded), changed, deleted or
    skipped. A source keeps the latest 50,000 of 90 days.
    """
    if since is not None and not history:
        raise InvalidArgument("--since needs --history: without it, current failures are listed.")
    after = read_past(since) if since is not None else None
    with database() as (connection, _):
        actions.names(connection, source)
        error_class = actions.error_class(connection, error_class)
        if history:
            rows = actions.failure_history(
                connection, source, error_class=error_class, since=after, limit=limit + 1
            )
        else:
            rows = actions.failures(connection, source, error_class=error_class, limit=limit + 1)
        more, rows = len(rows) > limit, rows[:limit]
        for row in rows:
            if row["document"] and not json:
                row["key"] = f"document {row['key']}"
        cut = [] if history or error_class else truncated(connection, source)
    if json:
        for row in rows:
            print_json(row)
        return
    if rows:
        middle = (
            ["how", "last_at", "ended_at"] if history else ["http_status", "attempts", "last_at"]
        )
        start = ["source", "key"] if history else ["source", "key", "state"]
        print_table(rows, [*start, "error_class", *middle, "message"])
        if more:
            say(f"Only the latest {limit:,} are listed: list more with --limit.")
    else:
        say("No failures that ended." if history else "No failures.")
    for sentence in cut:
        say(sentence)


def run_doctor(
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Also check the invariants of large tables.")
    ] = False,
    max_lag: Annotated[
        str | None,
        typer.Option(help="A fault if 5 % of fresh rows wait for longer, such as 30s."),
    ] = None,
    json: Json = False,
) -> None:
    """Examine database, schema, triggers, queue and embedding server; print what to do.

    Each finding has a stable name and is printed as soon as it is known; with --json all are
    printed at the end. Without a database the rest is still examined. Reads tables of up to a
    million rows together; larger ones with --full.
    """
    from wikiembed.control import doctor

    settings = load_settings()
    max_lag_s = None if max_lag is None else read_span(max_lag)
    examination = doctor.Examination(settings, full=full, max_lag_s=max_lag_s)
    findings = []
    for finding in _findings(examination, settings):
        findings.append(finding)
        if not json:
            print_finding(finding.level, finding.sentence)
    if json:
        print_json([finding.as_json() for finding in findings])
    if examination.error is not None:
        raise examination.error
    if any(finding.level == "fault" for finding in findings):
        raise ConditionNotMet("At least one check failed; each line above says what to do.")


def _findings(examination: Examination, settings: Settings) -> Iterator[Finding]:
    try:
        with connect(settings) as connection, translate_errors():
            yield from examination.of(connection)
    except (DatabaseError, ConfigurationError) as error:
        yield from examination.without(error)
