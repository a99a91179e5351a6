"""compose.yaml as a user runs it, from an empty volume: nothing is lost by kills and restarts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.real.compose import START_S, Compose
from tests.support.eventually import eventually

IMAGES = ("pgvector/pgvector:pg18", "python:3.12-slim")
ESTIMATE = (
    *("exec", "-T", "worker", "wikiembed", "backfill", "--dry-run"),
    *("--batch-size", "64", "--max-chunks", "128", "--report-every", "1"),
)
LOG_IN = """
import re, sys, urllib.parse, urllib.request
base = "http://127.0.0.1:8600"
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
form = browser.open(base + "/login", timeout=20).read().decode()
csrf = re.search('name="csrf" value="([^"]+)"', form)[1]
fields = urllib.parse.urlencode({"csrf": csrf, "token": sys.argv[1], "next": "/"}).encode()
request = urllib.request.Request(base + "/login", fields, {"Origin": base})
print(browser.open(request, timeout=20).read().decode())
"""
"""What a browser does; it fails where the token is refused."""


def pages(count: int, of: str) -> str:
    """Lines of JSON for `wikiembed load`."""
    return "".join(
        json.dumps({"title": f"{of} {number}", "text": f"{of} {number} is about ovens and bread."})
        + "\n"
        for number in range(count)
    )


def require(*command: str) -> None:
    """Skip the tests if there is no such program, or if the command fails."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"no command {command[0]} here")
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"`{' '.join(command)}` fails here")


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """The services, started from an empty volume."""
    require("docker")
    require("docker", "info")
    require("docker", "compose", "version")
    for image in IMAGES:
        found = subprocess.run(
            ["docker", "image", "inspect", image], capture_output=True, check=False
        )
        if found.returncode:
            require("docker", "pull", image)
    made = Compose(tmp_path_factory.mktemp("compose"))
    try:
        made.up()
        yield made
    finally:
        made.end()


def load(compose: Compose, count: int, of: str) -> None:
    """Load pages through the container of the worker."""
    compose.wait_until_runs("worker")
    compose("exec", "-T", "worker", "wikiembed", "load", "-", given=pages(count, of))


def test_compose_loads_and_embeds_from_an_empty_volume(compose: Compose) -> None:
    """The migration ran, the worker embeds what is loaded, the estimate exits with 0."""
    load(compose, 300, "Oven")
    compose.wait_until_embedded(300)
    estimate = compose(*ESTIMATE)
    assert "0 chunks" in estimate or "othing" in estimate, estimate
    found = compose("exec", "-T", "worker", "wikiembed", "search", "ovens", "--source", "wiki")
    assert "Oven" in found


def test_compose_restarts_a_killed_worker(compose: Compose) -> None:
    """Killed in the middle of a load: it is back by itself, and embeds all."""
    compose.crash("worker")
    load(compose, 600, "Kiln")
    compose.crash("worker")
    compose.wait_until_embedded(900)
    assert compose.sql("select sum(violations) from wikiembed.check_invariants()") == "0"


def test_compose_survives_a_restart_of_postgres(compose: Compose) -> None:
    """The worker reconnects and goes on, and is the same container."""
    container = compose("ps", "--quiet", "worker")
    load(compose, 300, "Hearth")
    compose("restart", "postgres")
    load_again = compose.run(
        *("exec", "-T", "worker", "wikiembed", "load", "-"), given=pages(300, "Ember")
    )
    if load_again.returncode == 3:  # not up again yet
        compose.wait_until_postgres_answers()
        load(compose, 300, "Ember")
    compose.wait_until_embedded(1500)
    assert compose("ps", "--quiet", "worker") == container
    assert compose.sql("select sum(violations) from wikiembed.check_invariants()") == "0"


def test_compose_keeps_everything_through_down_and_up(compose: Compose) -> None:
    """Chunks, vectors and the pause are in the volume."""
    compose("exec", "-T", "worker", "wikiembed", "pause", "wiki")
    load(compose, 100, "Grill")
    kept = "select count(*), count(embedding) from public.wiki_chunks"
    before = compose.sql(kept)
    compose("down", "--timeout", "60")
    assert compose.state("postgres") == ""
    compose.up()
    assert compose.sql(kept) == before
    compose("exec", "-T", "worker", "wikiembed", "resume", "wiki")
    compose.wait_until_embedded(1600)
    assert compose.sql("select sum(violations) from wikiembed.check_invariants()") == "0"


def test_compose_console_needs_the_token_and_shows_the_source(compose: Compose) -> None:
    """Also after Postgres was restarted."""
    compose("restart", "postgres")

    def log_in(token: str) -> subprocess.CompletedProcess[str]:
        return compose.run("exec", "-T", "console", "python3", "-c", LOG_IN, token)

    eventually(
        lambda: 'name=wiki' in log_in(compose.token).stdout,
        within_s=START_S, poll_s=1, message=lambda: str(log_in(compose.token)),
    )  # fmt: skip
    refused = log_in("x" * 40)
    assert "HTTP Error 401" in refused.stderr, refused
