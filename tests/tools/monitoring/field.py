"""What is scraped: Postgres, a stand-in server, a console, two workers, and a day in minutes."""

from __future__ import annotations

import json
import math
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.support.chunks import attach_sql, table_sql
from tests.support.cli import Cli, Running, environment, wait_for
from tests.support.standin_process import StandInProcess
from tests.tools.monitoring.server import Prometheus, configuration, prometheus
from wikiembed.config import Settings
from wikiembed.db.embedded import EmbeddedPostgres
from wikiembed.db.migrate import upgrade

DIMENSIONS = 64
WORKERS = 2
PER_TEXT_S = 0.02
"""The server embeds one request at a time, so that bulk work takes the whole run."""
REQUESTS_PER_MINUTE = 150
"""The limit of the server, most of which is used."""
SEED = 1_200
"""Rows of docs that are embedded, indexed, measured and checked before the run: of fewer than 1,000
no recall is measured."""
TOKEN = f"prometheus:{secrets.token_hex(12)}"
BAD_TEXTS = [
    {"contains": "REFUSED", "status": 400},
    {"contains": "HANGING", "effect": "hang"},
]
PAGES = """
create table public.pages (
  id bigint generated always as identity primary key, title text, body text);
select wikiembed.attach_documents('public.pages', 'id', 'body', 'pages',
                                  p_title => 'title', p_max_chars => 300, p_dimensions => 64);
"""
ARTICLES = """
insert into public.articles (body) select 'Article ' || n || ' of the archive.'
  from generate_series(1, %s) as n
"""
CHANGES = """
insert into public.docs (body)
select 'Edit ' || n || ' at ' || clock_timestamp() from generate_series(1, %s) as n
"""
NEW_PAGES = """
insert into public.pages (title, body)
select 'Page ' || n, (select string_agg('Sentence ' || s || ' of page ' || n || '.', ' ')
                        from generate_series(1, 60) as s)
  from generate_series(1, %s) as n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """All of it while it runs; `began` is in seconds since the epoch."""

    prometheus: Prometheus
    console: str
    workers: tuple[str, ...]
    began: float
    running: tuple[Running, ...]
    standin: StandInProcess
    connection: psycopg.Connection[Any]

    def sql(self, query: str, *values: object) -> None:
        """Run a statement."""
        self.connection.execute(query.encode(), values or None)

    def run(self, minutes: float) -> None:
        """Users write, bulk work goes on; refusals, an outage and a pause at their times."""
        span = 60 * minutes
        due = {
            0.10: lambda: self.sql(NEW_PAGES, 40),
            0.15: lambda: self._refuse(4, "REFUSED"),
            0.20: lambda: self.standin.control(fail_next=[{"status": 429}] * 6),
            0.30: lambda: self.standin.control(down=True),
            0.45: lambda: self.standin.control(down=False),
            0.55: lambda: self._refuse(3, "REFUSED"),
            0.60: lambda: self.sql("select wikiembed.pause('articles', 'an import')"),
            0.75: lambda: self.sql("select wikiembed.resume('articles', 'imported')"),
            0.80: lambda: self.sql(NEW_PAGES, 20),
        }
        began = time.monotonic()
        while (past := time.monotonic() - began) < span:
            for share in [one for one in due if one * span <= past]:
                due.pop(share)()
            self.sql(CHANGES, 3 + round(3 * math.sin(past / 15)))
            for one in self.running:
                assert one.process.poll() is None, one.stderr
            time.sleep(1)

    def _refuse(self, times: int, word: str) -> None:
        for number in range(times):
            self.sql("insert into public.docs (body) values (%s)", f"{word} {number}")


def _prepare(
    connection: psycopg.Connection[Any], cli: Cli, standin: StandInProcess, *, minutes: float
) -> None:
    """Sources with an index, its recall, a check of the model, prices, budgets, a schedule and a
    limit of the server."""

    def command(*arguments: str) -> None:
        done = cli.run(*arguments, timeout=300)
        assert done.returncode == 0, f"wikiembed {' '.join(arguments)}: {done.stderr}"

    vector = f"vector({DIMENSIONS})"
    for name in ("docs", "articles"):
        connection.execute(table_sql(name, vector=vector).encode())
    connection.execute(ARTICLES.encode(), [round(0.7 * 60 * minutes / PER_TEXT_S)])
    for name in ("docs", "articles"):
        connection.execute(attach_sql(name).encode())
    connection.execute(PAGES.encode())
    connection.execute(CHANGES.encode(), [SEED])
    command("worker", "--drain")
    command("index", "--source", "docs")
    command("recall", "docs", "--sample", "50")
    command("verify", "docs")
    command("price", "docs", "0.02", "--currency", "USD")
    command("price", "articles", "0.02", "--currency", "USD")
    command("budget", "docs", "--tokens", "100000")
    command("budget", "articles", "--cost", "1", "--per", "month")
    command("schedule", "pages", "--window", "00:00-24:00")
    command("limit", standin.url, "--requests-per-minute", str(REQUESTS_PER_MINUTE))
    command("enqueue", "articles")


def _logged(running: Running, event: str) -> str:
    """The address, ``host:port``, that an event of the log names."""
    wait_for(lambda: event in running.stderr, running)
    (line,) = [one for one in running.stderr.splitlines() if event in one]
    return str(json.loads(line)["url"]).split("/")[2]


@contextmanager
def field(*, minutes: float) -> Iterator[Field]:
    """It all, ready to `run` for `minutes`, in a temporary folder."""
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="wikiembed-monitoring-"))
        folder = Path(name)
        folder.chmod(0o755)
        postgres = EmbeddedPostgres(data_dir=folder / "data", version=18)
        handle = postgres.acquire()
        stack.callback(postgres.release, handle)
        url = postgres.url("postgres")
        upgrade(url, Settings(dimensions=DIMENSIONS))
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        standin = StandInProcess(dimensions=DIMENSIONS, bad_texts=BAD_TEXTS)
        stack.callback(standin.stop)
        env = environment(
            database_url=url, embedder="openai", embedder_url=standin.url, model="standin-model",
            request_timeout_s="10", log_format="json",
        )  # fmt: skip
        cli = Cli(env=env, folder=folder / "cli")
        stack.callback(cli.close)
        _prepare(connection, cli, standin, minutes=minutes)
        standin.control(latency_per_text_s=PER_TEXT_S, serial=True)
        (folder / "tokens").write_text(TOKEN + "\n")
        tokens = ("--token-file", str(folder / "tokens"))
        console = cli.start("serve", "--port", "0", "--read-only", *tokens)
        ports = {"WIKIEMBED_METRICS_PORT": "0"}
        workers = [cli.start("worker", env=ports) for _ in range(WORKERS)]
        addresses = tuple(_logged(worker, "metrics_started") for worker in workers)
        address = _logged(console, "console_started")
        configured = configuration(
            folder, console=address, workers=addresses, token=TOKEN.partition(":")[2]
        )
        began = time.time()
        server = stack.enter_context(prometheus(folder, configured))
        yield Field(
            prometheus=server, console=address, workers=addresses, began=began,
            running=(console, *workers), standin=standin, connection=connection,
        )  # fmt: skip
