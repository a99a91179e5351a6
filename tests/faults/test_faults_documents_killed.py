"""Workers and backends die while documents are split and written; documents change meanwhile."""

from __future__ import annotations

import asyncio
import random
import time

import psycopg

from tests.faults.crew import Crew, kill
from tests.faults.documents import add_articles, make_articles, reckon_articles
from tests.support.cli import Running, wait_for
from tests.support.database import Database
from tests.support.eventually import eventually
from tests.support.long_form import LONG
from tests.support.private_postgres import PrivateServer
from tests.support.standin import StandIn
from tests.support.workers import drain, settings_of, working

KILLS, ARTICLES = (12, 2_000) if LONG else (3, 96)
EDITS, EDITED = (400, 40) if LONG else (32, 6)
SPLIT = "select split from wikiembed.documents where source = 'articles'"


def split(crew: Crew) -> int:
    """Documents that are split; -1 while Postgres does not answer."""
    try:
        return int(crew.database.one(SPLIT))
    except psycopg.OperationalError:
        return -1


def test_kill_9_between_split_and_write_loses_nothing(crew: Crew) -> None:
    """Two workers, one killed at a random moment of its work, several times."""
    chance = random.Random(14)
    make_articles(crew.database)
    crew.standin.control(latency_s=0.02)
    add_articles(crew.database, ARTICLES)
    team = [crew.worker(concurrency=2) for _ in range(2)]
    for n in range(KILLS):
        wait_for(lambda n=n: split(crew) > n * ARTICLES // (6 * KILLS), *team)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.05))
        kill(team.pop(0))
        crew.database.execute(
            "update public.articles set body = body || ' Once more.' where id %% %s = 0",
            [chance.randint(2, 9)],
        )
        team.append(crew.worker(concurrency=2))
    take_over(crew, *team)
    assert reckon_articles(crew.database) > 5 * ARTICLES


def take_over(crew: Crew, *team: Running) -> None:
    """Kill the others, and have a new worker rescue at once what they left."""
    for worker in team:
        if worker.process.poll() is None:
            kill(worker)
    eventually(lambda: split(crew) >= 0)
    crew.database.execute(
        "update wikiembed_queue.procrastinate_workers"
        " set last_heartbeat = last_heartbeat - interval '1 hour'"
    )
    crew.drained(crew.worker())


def test_postgres_that_restarts_or_ends_backends_loses_no_document(
    private_crew: Crew, private_server: PrivateServer
) -> None:
    """In the middle of reads and writes; a crash of Postgres and connections that are cut."""
    crew = private_crew
    make_articles(crew.database)
    add_articles(crew.database, ARTICLES)
    worker = crew.worker()
    for _ in range(KILLS):
        wait_for(lambda: split(crew) > 0 and crew.terminate() > 0, worker)
        time.sleep(0.2)
    private_server.restart("immediate")
    take_over(crew, worker)
    reckon_articles(crew.database)


def edit(database: Database, number: int, chance: random.Random) -> None:
    """One change of one document by a user: its text, its title, its key, or its end."""
    key = chance.randrange(1, EDITED + 1)
    statements = (
        "update public.articles set body = replace(body, 'number {n}', 'number {n} is')"
        " where id = {k}",
        "update public.articles set body = 'Edit {n}. ' || body where id = {k}",
        "update public.articles set title = 'Title {n}' where id = {k}",
        "update public.articles set id = {k} + 1000 * {n} where id = {k}",
        "delete from public.articles where id = {k}",
        "insert into public.articles select {k}, 'Again', max(body) from public.articles"
        " on conflict (id) do update set body = excluded.body",
        "update public.articles set body = null where id = {k}",
        "update public.articles set body = body || ' Edit {n}.'",
    )  # fmt: skip
    database.execute(chance.choice(statements).format(n=number, k=key))


async def test_documents_edited_eight_times_a_second_end_as_their_last_text(
    database: Database, standin: StandIn
) -> None:
    """Texts, titles and keys change, documents come and go, sources pause; two workers."""
    chance = random.Random(8)
    make_articles(database)
    add_articles(database, EDITED)
    settings = settings_of(database, standin.url)
    async with working(settings), working(settings):
        for number in range(1, EDITS + 1):
            await asyncio.to_thread(edit, database, number, chance)
            if number % 10 == 5:
                database.execute("select wikiembed.pause('articles', 'a test')")
            if number % 10 == 9:
                database.execute("select wikiembed.resume('articles')")
            await asyncio.sleep(0.125)
            if number % 16 == 0:
                database.check_invariants()
    database.execute("select wikiembed.resume('articles')")
    await drain(settings)
    reckon_articles(database)
