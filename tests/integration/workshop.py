"""What the worker's tests do again and again: chunks to embed, a worker, and waiting."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator

from tests.support.cli import environment
from tests.support.database import Database
from tests.support.standin import proof_sql
from wikiembed.app import new_app
from wikiembed.config import Provider, Settings
from wikiembed.worker.binding.app import App
from wikiembed.worker.supervisor import RESCUE_EVERY_S, Supervisor

KEY = "sk-standin-5f2c9d"


def settings_of(database: Database, url: str, **changed: object) -> Settings:
    """A worker's settings for `database` and the stand-in at `url`."""
    values: dict[str, object] = {
        "database_url": database.url,
        "embedder": Provider.OPENAI,
        "embedder_url": url,
        "model": "standin-model",
        "request_timeout_s": 10.0,
        **changed,
    }
    return Settings.model_validate(values)


def environment_of(settings: Settings) -> dict[str, str]:
    """The same settings as a subprocess's environment."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    if settings.api_key is not None:
        given["api_key"] = settings.api_key.get_secret_value()
    return environment(**{name: str(value) for name, value in given.items()})


def prove(database: Database, source: str = "docs", *, salt: str = "") -> None:
    """Let check_invariants prove each stored vector by its text."""
    schema = database.one(
        "select n.nspname from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace"
        " where e.extname = 'vector'"
    )
    database.execute(proof_sql("public", vector_schema=schema, salt=salt))
    database.execute(
        "update wikiembed.sources set prove_function ="
        f" 'public.proves(text, {schema}.vector)'::regprocedure where name = %s",
        [source],
    )


def add_chunks(database: Database, n: int, *, begin: int = 0) -> None:
    """Insert `n` chunks, ``body 0`` and so on, in one statement."""
    database.execute(
        "insert into public.docs (body)"
        " select 'body ' || i from generate_series(%s::int, %s::int) as i",
        [begin, begin + n - 1],
    )


def counts(database: Database, source: str = "docs") -> tuple[int, int, int, int]:
    """Coverage in numbers: embedded, missing, failed, skipped."""
    row = database.rows(
        "select embedded, missing, failed, skipped from wikiembed.coverage where source = %s",
        [source],
    )[0]
    return (int(row[0]), int(row[1]), int(row[2]), int(row[3]))


def jobs(database: Database) -> list[tuple[str, int]]:
    """Embed jobs by status, with their number."""
    rows = database.rows(
        "select status::text, count(*) from wikiembed_queue.procrastinate_jobs"
        " where task_name = 'wikiembed.embed' group by status order by 1"
    )
    return [(str(status), int(n)) for status, n in rows]


def failures(database: Database) -> list[tuple[str, str, str, int | None]]:
    """Failures in order: the chunk's text, state, class, HTTP status."""
    rows = database.rows(
        "select d.body, f.state, f.error_class, f.http_status from wikiembed.failures as f"
        " join public.docs as d on d.id::text = f.key where f.source = 'docs' order by d.id"
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def pause_of(database: Database) -> str | None:
    """Why the source is paused; None when it is not."""
    reason: str | None = database.one(
        "select case when paused_at is not null then coalesce(pause_reason, '') end"
        " from wikiembed.sources where name = 'docs'"
    )
    return reason


def refuse_to_finish(database: Database, code: str) -> None:
    """Let no embed job be finished, with this SQLSTATE, until trigger ``refuse`` is dropped."""
    database.execute(f"""
        create sequence public.refused;
        create function public.refuse() returns trigger language plpgsql as $$
        begin
          perform nextval('public.refused');
          raise exception 'not now' using errcode = '{code}';
        end $$;
        create trigger refuse before delete on wikiembed_queue.procrastinate_jobs
          for each row when (old.task_name = 'wikiembed.embed') execute function public.refuse();
    """)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Put back the signal handlers that the session runs with."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


async def drain(settings: Settings, *, concurrency: int = 4, timeout_s: float = 60) -> None:
    """Run a worker until no job is left, as ``wikiembed worker --drain`` does."""
    with _own_signals():
        supervisor = Supervisor(new_app(), settings, drain=True, concurrency=concurrency)
        await asyncio.wait_for(supervisor.run(), timeout_s)


class Working:
    """A worker that runs beside the test until `stop`."""

    def __init__(self, app: App, supervisor: Supervisor, run: asyncio.Task[None]) -> None:
        self.app = app
        self.run = run
        self._supervisor = supervisor

    def send_signal(self) -> None:
        """What SIGTERM does: the first time gently, the second time not."""
        self._supervisor._on_signal(signal.SIGTERM)

    async def stop(self, timeout_s: float = 20) -> None:
        """Stop as SIGTERM does, and wait for the end."""
        self.send_signal()
        await asyncio.wait_for(self.run, timeout_s)

    async def until(self, happened: Callable[[], object], timeout_s: float = 30) -> None:
        """Wait until `happened()`, while the worker runs."""
        async with asyncio.timeout(timeout_s):
            while not happened():
                if self.run.done():
                    self.run.result()
                    raise AssertionError("the worker ended")
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def working(
    settings: Settings,
    *,
    concurrency: int = 4,
    drain: bool = False,
    poll_s: float | None = None,
    rescue_every_s: float = RESCUE_EVERY_S,
) -> AsyncIterator[Working]:
    """A worker that runs meanwhile; stopped at the end if it still does."""
    with _own_signals():
        app = new_app()
        supervisor = Supervisor(
            app,
            settings,
            drain=drain,
            concurrency=concurrency,
            poll_s=poll_s,
            rescue_every_s=rescue_every_s,
        )
        worker = Working(app, supervisor, asyncio.create_task(supervisor.run()))
        try:
            yield worker
            if not worker.run.done():
                await worker.stop()
        finally:
            worker.run.cancel()
            await asyncio.gather(worker.run, return_exceptions=True)
