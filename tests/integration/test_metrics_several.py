"""The endpoint for Prometheus of a console on several databases: a label more, and who is away."""

from __future__ import annotations

import asyncio
import time

from tests.support.chunks import add, embed
from tests.support.console import (
    TOKEN,
    Browser,
    console_settings,
    running,
    running_several,
    silent_server,
)
from tests.support.database import Database
from tests.support.refused import CLOSED
from tests.support.samples import Samples
from wikiembed.metrics.catalogue import DATABASE_UP, METRICS, Process
from wikiembed.web.access import Access

WITHIN_S = 15.0


async def scrape(application: object, path: str = "/metrics") -> Samples:
    """The samples of an endpoint."""
    answer = await Browser(application).get(path)
    assert answer.status_code == 200, answer.text
    return Samples(answer.text)


async def test_metrics_of_all_have_the_name_of_their_database(
    docs_table: Database, other: Database
) -> None:
    """The sources of two have one name; below each database there is no label."""
    embed(docs_table, add(docs_table, "one", "two"))
    add(other, "one")
    async with running_several(docs_table, other) as consoles:
        samples = await scrape(consoles)
        for database, embedded, waiting in ((docs_table, 2, 0), (other, 0, 1)):
            for state, n in (("embedded", embedded), ("waiting", waiting)):
                labels = {"database": database.name, "source": "docs", "state": state}
                assert samples.of("wikiembed_chunks", **labels) == n
        assert samples.by(DATABASE_UP.name, "database") == {docs_table.name: 1, other.name: 1}
        known = {one.name: one for one in METRICS}
        for name, labels_of in samples.values:
            expected = {"database", *known[name].labels}
            assert {label for label, _ in labels_of} == expected, name
        one = await scrape(consoles, f"/db/{other.name}/metrics")
        assert one.of("wikiembed_chunks", source="docs", state="waiting") == 1
        assert DATABASE_UP.name not in one.names


async def test_one_database_has_no_label_more(docs_table: Database) -> None:
    """Its names and labels are those of the catalogue."""
    async with running(console_settings(docs_table)) as console:
        samples = await scrape(console)
    served = {one.name: set(one.labels) for one in METRICS if one.process is Process.SERVE}
    assert DATABASE_UP.name not in served
    for name, labels in samples.values:
        assert {label for label, _ in labels} == served[name]


async def test_metrics_of_one_that_is_away_are_missing(docs_table: Database) -> None:
    """The others are served in time, and it is 0; so are all where none answers."""
    add(docs_table, "one")
    with silent_server() as silent:
        async with running_several(docs_table, CLOSED, silent) as consoles:
            began = time.monotonic()
            samples = await scrape(consoles)
            assert time.monotonic() - began < WITHIN_S
            up = {docs_table.name: 1, "closed": 0, "silent": 0}
            assert samples.by(DATABASE_UP.name, "database") == up
            assert set(samples.by("wikiembed_chunks", "database")) == {docs_table.name}
            assert (await Browser(consoles).get("/metrics")).status_code == 200
            docs_table.execute("update wikiembed.alembic_version set version_num = '0001_baseline'")
            docs_table.execute("drop view wikiembed.limits cascade")
            for one in consoles.consoles.values():
                one.shared.forget()
            await asyncio.sleep(1.1)
            none = await scrape(consoles)
            assert set(none.by(DATABASE_UP.name, "database").values()) == {0.0}
            assert none.names == {DATABASE_UP.name}


async def test_scraper_needs_its_token(docs_table: Database) -> None:
    """As with one database; a wrong one is refused by all paths."""
    access = Access(tokens={"prometheus": TOKEN})
    async with running_several(docs_table, CLOSED, access=access) as consoles:
        browser = Browser(consoles, peer="192.0.2.9", base="https://wiki.example")
        for path in ("/metrics", f"/db/{docs_table.name}/metrics"):
            for given, status in ((TOKEN, 200), (f"{TOKEN}x", 401)):
                headers = {"authorization": f"Bearer {given}"}
                answer = await browser.get(path, headers=headers)
                assert answer.status_code == status
                assert ("www-authenticate" in answer.headers) == (status == 401)
