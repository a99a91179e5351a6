"""The Dockerfile, its linter, and the health check of the container."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.chunks import add_chunks
from tests.support.cli import Cli, StartCli
from tests.support.commands import served
from tests.support.database import Database
from tests.support.eventually import eventually
from tests.support.refused import no_database
from tests.support.standin import StandIn
from tests.tools.docs.pages import DOCS, ROOT

DOCKERFILE = ROOT / "Dockerfile"
HEALTHCHECK = DOCS / "deploy" / "healthcheck.sh"


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    """The output of the Dockerfile linter."""
    command = Path(sys.executable).with_name("hadolint")
    return subprocess.run(
        [str(command), "--no-color", str(path)], capture_output=True, text=True, check=False
    )


def test_dockerfile_is_lint_free(tmp_path: Path) -> None:
    """By hadolint, which would report a container that runs as root, or an unknown instruction."""
    assert (hadolint(DOCKERFILE).returncode, hadolint(DOCKERFILE).stdout) == (0, "")
    worse = tmp_path / "Dockerfile"
    worse.write_text(DOCKERFILE.read_text().replace("USER 1000:1000", "USER root"))
    assert "DL3002" in hadolint(worse).stdout


def test_image_copies_what_is_there() -> None:
    """Each copied file is in the checkout and not ignored."""
    text = DOCKERFILE.read_text()
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert copied
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert name in allowed, name
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["1000:1000"]
    assert text.count("\nFROM ") == 2


@pytest.fixture
def check(cli: Cli, tmp_path: Path, standin: StandIn) -> HealthCheck:
    """The health check beside a worker that uses `standin`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, call in (("wikiembed", f"{shlex.quote(sys.executable)} -m wikiembed"),
                       ("python3", shlex.quote(sys.executable))):  # fmt: skip
        (folder / name).write_text(f'#!/bin/sh\nexec {call} "$@"\n')
        (folder / name).chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return HealthCheck({**cli.env, **served(standin), "PATH": path}, tmp_path)


class HealthCheck:
    """Runs the check: exit code and output."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = env
        self._folder = folder

    def __call__(self, **settings: str) -> tuple[int, str]:
        """Run it, with more settings by lower-case name."""
        more = {f"WIKIEMBED_{name.upper()}": value for name, value in settings.items()}
        done = subprocess.run(
            [str(HEALTHCHECK)],
            env={**self.env, **more}, cwd=self._folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, (done.stdout + done.stderr).strip()


def test_healthcheck_ignores_the_embedding_server(
    check: HealthCheck, start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """Healthy while the server is out of reach and jobs wait for it; not without a worker."""
    standin.controls.down = True
    add_chunks(docs_table, 3)
    code, output = check()
    assert (code, "No worker is alive" in output) == (1, True)
    worker = start_cli("worker", env=served(standin))
    worker.wait_for(lambda: docs_table.one("select count(*) from wikiembed.outages") == 1)
    assert check() == (0, "")
    worker.stop()
    code, output = check()
    assert (code, "No worker is alive" in output) == (1, True)


def test_healthcheck_reports_postgres_out_of_reach(check: HealthCheck) -> None:
    """A worker can do nothing without it."""
    code, output = check(database_url=no_database())
    assert (code, "Traceback" in output) == (1, False)
    assert output


def test_healthcheck_detects_a_stuck_worker(
    check: HealthCheck, start_cli: StartCli, database: Database, standin: StandIn, tmp_path: Path
) -> None:
    """A worker touches its file while its loop runs, and deletes it at its end."""
    file = tmp_path / "alive"
    worker = start_cli("worker", env=served(standin, alive_file=str(file)))
    worker.wait_for(file.exists)
    eventually(lambda: check(alive_file=str(file)) == (0, ""))
    long_ago = time.time() - 3600
    os.utime(file, (long_ago, long_ago))
    code, output = check(alive_file=str(file))
    assert (code, output) == (1, "The worker's event loop stands still.")
    worker.wait_for(lambda: file.stat().st_mtime > long_ago + 60)
    assert check(alive_file=str(file)) == (0, "")
    worker.stop()
    assert not file.exists()


def test_alive_file_that_cannot_be_written_is_a_wrong_setting(
    cli: Cli, database: Database, standin: StandIn
) -> None:
    """The worker reports it at once, with exit code 2."""
    result = cli.run("worker", "--drain", env=served(standin, alive_file="/nonexistent/alive"))
    assert result.returncode == 2
    assert "WIKIEMBED_ALIVE_FILE cannot be written: No such file or directory." in result.stderr
