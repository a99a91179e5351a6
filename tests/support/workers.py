"""Workers within this process, their settings, and proofs of their vectors."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator

from tests.support.chunks import vector_schema
from tests.support.cli import environment
from tests.support.database import Database
from tests.support.eventually import eventually_async
from tests.support.standin import proof_sql
from wikiembed.config import Provider, Settings
from wikiembed.metrics.observer import Observer
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.stats import Stats
from wikiembed.worker.binding.app import App
from wikiembed.worker.new_app import new_app
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
    """Make check_invariants verify each stored vector against its text."""
    schema = vector_schema(database)
    database.execute(proof_sql("public", vector_schema=schema, salt=salt))
    database.execute(
        "update wikiembed.sources set prove_function ="
        f" 'public.proves(text, {schema}.vector)'::regprocedure where name = %s",
        [source],
    )


def refuse_to_finish(database: Database, code: str) -> None:
    """Make every finish of an embed job fail with this SQLSTATE, until ``refuse`` is dropped."""
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
    """Restore the session's signal handlers."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


async def drain(
    settings: Settings,
    *,
    concurrency: int = 4,
    timeout_s: float = 60,
    observer: Observer | None = None,
) -> None:
    """Run a worker until no job is left, as ``wikiembed worker --drain`` does."""
    with _own_signals():
        supervisor = Supervisor(
            new_app(), settings, drain=True, concurrency=concurrency, observer=observer
        )
        await asyncio.wait_for(supervisor.run(), timeout_s)


class Working:
    """A worker that runs beside the test until `stop`."""

    def __init__(self, app: App, supervisor: Supervisor, run: asyncio.Task[None]) -> None:
        self.app = app
        self.run = run
        self._supervisor = supervisor

    def send_signal(self) -> None:
        """Do what SIGTERM does: graceful the first time, immediate the second time."""
        assert self._supervisor._signals is not None
        self._supervisor._signals.receive(signal.SIGTERM)

    async def stop(self, timeout_s: float = 20) -> None:
        """Stop as SIGTERM does, and wait until it ends."""
        self.send_signal()
        await asyncio.wait_for(self.run, timeout_s)

    async def wait_for(self, check: Callable[[], object], within_s: float = 30) -> None:
        """Wait until `check()` is true; the worker must keep running."""

        def met() -> object:
            ended = self.run.done()  # read first: its last action may meet the condition
            if found := check():
                return found
            if ended:
                self.run.result()
                raise AssertionError("the worker ended")
            return None

        await eventually_async(met, within_s=within_s)


@contextlib.asynccontextmanager
async def opened(database: Database, url: str) -> AsyncIterator[Runtime]:
    """The resources of a worker for the stand-in at `url`, without a worker."""
    settings = settings_of(database, url)
    runtime = await Runtime.open(settings, database.url, stats=Stats())
    try:
        yield runtime
    finally:
        await runtime.aclose()


@contextlib.asynccontextmanager
async def working(
    settings: Settings,
    *,
    concurrency: int = 4,
    drain: bool = False,
    source: str | None = None,
    poll_s: float | None = None,
    rescue_every_s: float = RESCUE_EVERY_S,
) -> AsyncIterator[Working]:
    """A worker that runs within the block; stopped at its end if it still runs."""
    with _own_signals():
        app = new_app()
        supervisor = Supervisor(
            app,
            settings,
            drain=drain,
            source=source,
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
