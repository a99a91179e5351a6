"""`fleet`: what it refuses before there is a cluster; the rest is in tests/ray_cluster."""

from __future__ import annotations

import importlib.util

import pytest

from tests.support.cli import Call
from tests.support.commands import assert_refused
from tests.support.database import Database
from tests.support.refused import no_database
from wikiembed.worker.fleet import cluster
from wikiembed.worker.fleet.keeper import Keeper


def test_fleet_without_ray_names_the_extra(
    call: Call, docs_table: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence and exit code 2, before anything is connected."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = call("fleet")
    assert "pip install 'wikiembed[ray]'" in assert_refused(result, 2)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--min", "5", "--max", "4"), "--min 5 is more than --max 4"),
        (("--max", "0"), "greater than or equal to 1"),
        (("--min", "-1"), "greater than or equal to 0"),
        (("--cpus-per-worker", "0"), "reserve some"),
        (("--gpus-per-worker", "-0.5"), "greater than or equal to 0"),
        (("--address", "ray://head:10001"), "ray job submit"),
        (("--concurrency", "0"), "greater than or equal to 1"),
    ],
)
def test_fleet_refuses_wrong_options(
    call: Call, docs_table: Database, options: tuple[str, ...], reason: str
) -> None:
    """Before it looks for Ray or a cluster."""
    assert reason in assert_refused(call("fleet", *options), 2)


def test_fleet_needs_its_database_first(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage at the start exits with 3, as that of a worker."""
    monkeypatch.setattr(cluster, "require_ray", lambda: None)
    result = call("fleet", env={"WIKIEMBED_DATABASE_URL": no_database()})
    assert result.returncode == 3
    assert "Postgres is out of reach" in result.stderr


def test_fleet_needs_one_of_several_databases(
    call: Call, docs_table: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is away is waited for; where all are, it exits with 3 and names each."""
    away = no_database()
    monkeypatch.setattr(cluster, "require_ray", lambda: None)
    runs: list[Keeper] = []
    monkeypatch.setattr(Keeper, "run", lambda keeper: runs.append(keeper))
    found = call("fleet", "--drain", env={"WIKIEMBED_DATABASE_URL": f"{away} {docs_table.url}"})
    assert (found.returncode, len(runs)) == (0, 1)
    result = call("fleet", env={"WIKIEMBED_DATABASE_URL": f"{away},{away}2"})
    assert (result.returncode, len(runs)) == (3, 1)
    assert "2 of 2 databases failed: none on 127.0.0.1:9: Postgres is out of" in result.stderr


class NoCluster(Exception):
    """As Ray raises it."""


@pytest.mark.parametrize(
    ("address", "said", "expected"),
    [
        ("auto", "Could not find any running Ray instance.", "`ray start --head`"),
        ("local", "no space left on device", "Ray does not start here: no space left on device."),
        (
            "head:6379",
            "Version mismatch: The cluster was started with:\n  Ray: 2.1",
            "the same Ray",
        ),
    ],
)
def test_connection_errors_are_one_sentence(address: str, said: str, expected: str) -> None:
    """What to do, instead of Ray's own paragraphs."""
    sentence = str(cluster._connection_error(address, NoCluster(said)))
    assert expected in sentence
    assert "\n" not in sentence


def test_loss_says_what_ray_found_out() -> None:
    """The reason, without ids; a missing module is a fault of the nodes."""
    died = (
        "The actor died unexpectedly.\n\tclass_name: RayWorker\n\tpid: 7\nIts node was terminated."
    )
    assert str(cluster._loss(NoCluster(died))) == "Its node was terminated."
    missing = "The actor died.\nModuleNotFoundError: No module named 'wikiembed.worker'"
    assert "no Python module wikiembed.worker:" in str(cluster._loss(NoCluster(missing)))
