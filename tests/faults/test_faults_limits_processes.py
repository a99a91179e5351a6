"""A provider's limit when worker processes die with their leases, and when Postgres is away."""

from __future__ import annotations

from tests.faults.crew import Crew, kill, losses
from tests.faults.report import Report
from tests.faults.test_faults_limits import limit_of
from tests.support.cli import wait_for
from tests.support.private_postgres import PrivateServer

REQUESTS, WINDOW_S = 60, 4.0
CHUNKS = 180


def limited(crew: Crew) -> None:
    """A server that enforces the limit in any window of a tenth less, and as many chunks."""
    crew.attach(batch_size=1)
    crew.standin.control(latency_s=0.1, limit={"requests": REQUESTS, "window_s": 0.9 * WINDOW_S})
    limit_of(crew.database, crew.standin.url, REQUESTS, window_s=WINDOW_S)
    crew.add(CHUNKS)


def assert_kept(crew: Crew) -> None:
    """The server refused nothing, and no text was charged for the wait."""
    assert crew.standin.stats()["limit"]["refused"] == 0
    assert crew.database.rows("select * from wikiembed.failures") == []
    assert crew.database.rows("select * from wikiembed.outages") == []


def test_workers_killed_with_their_leases_exceed_no_limit(crew: Crew, report: Report) -> None:
    """What a dead worker had leased is lost to the others, and given to none of them twice."""
    limited(crew)
    team = [crew.worker() for _ in range(3)]
    for killed in range(1, 3):
        crew.wait_embedded(killed * CHUNKS // 6, *team)
        kill(team.pop(0))
        team.append(crew.worker())
    crew.settle(report, "kill -9 with a lease", *team, tried=2)
    assert_kept(crew)


def test_a_limit_is_kept_while_postgres_is_away(
    private_crew: Crew, private_server: PrivateServer, report: Report
) -> None:
    """Without a new lease workers send nothing; they go on when it is back."""
    limited(private_crew)
    team = [private_crew.worker() for _ in range(2)]
    private_crew.wait_embedded(CHUNKS // 6, *team)
    private_server.stop("immediate")
    wait_for(lambda: all(losses(worker) for worker in team), *team)
    private_server.start()
    private_crew.settle(report, "Postgres restarted under a limit", *team)
    assert_kept(private_crew)
