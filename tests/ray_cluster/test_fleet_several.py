"""A fleet on two databases of two servers, one of which is away for a while or for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ray_cluster.conftest import FleetCrew
from tests.ray_cluster.test_fleet_ray import logged
from tests.support.chunks import add_chunks, counts, make_source
from tests.support.cli import wait_for
from tests.support.database import Database, create_database, make_template
from tests.support.private_postgres import PrivateServer
from tests.support.refused import no_database
from tests.support.workers import prove

NODES = 2
CHUNKS = 1_500
OTHERS = 1_000_000
"""Texts of the other database begin with this number: each text is that of one chunk."""


@pytest.fixture
def private_server() -> Iterator[PrivateServer]:
    """A second Postgres, which a test stops."""
    with PrivateServer() as server:
        yield server


@pytest.fixture
def other(private_server: PrivateServer) -> Iterator[Database]:
    """A database on it, with as many chunks as that of the crew."""
    database = create_database(private_server.server, make_template(private_server.server))
    try:
        make_source(database, batch_size=16)
        prove(database)
        add_chunks(database, CHUNKS, begin=OTHERS)
        yield database
    finally:
        private_server.start()
        database.close()


def test_one_postgres_away_for_a_while_does_not_stop_the_other(
    crew: FleetCrew, private_server: PrivateServer, other: Database
) -> None:
    """Actors work on both; they go on with one, come back to the other, and drain both."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=1)
    crew.add(CHUNKS)
    both = {"WIKIEMBED_DATABASE_URL": f"{crew.database.url},{other.url}"}
    fleet = crew.fleet("--max", "2", "--concurrency", "2", "--drain", env=both)
    wait_for(lambda: counts(other).embedded >= 100 and crew.embedded() >= 100, fleet)
    private_server.stop("immediate")
    before = crew.embedded()
    wait_for(lambda: logged(fleet, "database_lost"), fleet)
    crew.wait_embedded(before + 300, fleet)
    private_server.start()
    other.disconnect()
    wait_for(lambda: logged(fleet, "database_back"), fleet)
    assert fleet.wait(120).returncode == 0, fleet.stderr
    for name in ("database_lost", "database_back"):
        assert [other.name in one["database"] for one in logged(fleet, name)] == [True]
    for database in (crew.database, other):
        database.check_invariants()
        assert counts(database) == (CHUNKS, 0, 0, 0)
    stats = crew.standin.stats()
    assert stats["distinct"] == 2 * CHUNKS
    # What two actors had in flight at the crash: two batches each, while Postgres was starting.
    assert stats["repeated"] <= 2 * 2 * 16


def test_one_postgres_away_for_good_is_named(crew: FleetCrew) -> None:
    """Exit code 3, after the other one is drained; actors have to start within the limit, too."""
    crew.attach(batch_size=16)
    crew.add(200)
    env = {
        "WIKIEMBED_DATABASE_URL": f"{crew.database.url} {no_database()}",
        "WIKIEMBED_OUTAGE_LIMIT_S": "45",
    }
    ended = crew.fleet("--max", "1", "--drain", env=env).wait(120)
    assert ended.returncode == 3, ended.stderr
    assert "1 of 2 databases failed: none on 127.0.0.1:9: Postgres is out of reach" in ended.stderr
    assert counts(crew.database) == (200, 0, 0, 0)
