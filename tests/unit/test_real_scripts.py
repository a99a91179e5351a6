"""`scripts/real.sh`: a part says what it needs, and gives pytest what it is for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import ROOT

TOOLS = (
    "bash",
    "cat",
    "cksum",
    "dirname",
    "getconf",
    "id",
    "mkdir",
    "mktemp",
    "realpath",
    "rm",
    "sed",
)


class Checkout:
    """The scripts beside a `.venv` that records how Python is called."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self._folder, self._log = folder, folder / "log"
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder / name)
        self.fake(
            folder / ".venv/bin/python",
            f'echo "$WIKIEMBED_TEST_POSTGRES $*" >>"{self._log}"',
        )
        self.bin.mkdir()
        for name in TOOLS:
            found = shutil.which(name)
            assert found is not None, name
            (self.bin / name).symlink_to(found)

    def fake(self, path: Path, script: str) -> None:
        """A command that runs `script`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/real.sh with the commands of `bin` alone."""
        env = {name: value for name, value in os.environ.items() if "WIKIEMBED_" not in name}
        return subprocess.run(
            [str(self.bin / "bash"), "scripts/real.sh", *arguments],
            cwd=self._folder, env={**env, "PATH": str(self.bin)},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    @property
    def tests(self) -> list[str]:
        """The calls of pytest: the kind of Postgres, and the arguments."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line for line in lines if "-m pytest" in line]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Without Docker, and without a server in the environment."""
    return Checkout(tmp_path)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("versions", "it needs a server: give one with --url"),
        ("docker", "it needs Docker, and there is no command docker here"),
        ("servers", "it needs a server: set WIKIEMBED_TEST_LLAMA_SERVER"),
    ],
)
def test_part_says_what_it_needs(checkout: Checkout, part: str, reason: str) -> None:
    """One sentence, exit code 0, and no test is run."""
    done = checkout.run(part)
    assert f"== {part}\nskipped: {reason}" in done.stderr
    assert (done.returncode, checkout.tests) == (0, [])


def test_unknown_part_is_wrong_usage(checkout: Checkout) -> None:
    """Exit 2, with the names of the parts."""
    done = checkout.run("pods")
    assert done.returncode == 2
    assert "it is one of versions docker pooler citus servers" in done.stderr


def test_compose_needs_the_plugin_and_testcontainers_does_not(checkout: Checkout) -> None:
    """Suites in a container need the engine alone; without arguments it is the SQL suite."""
    checkout.fake(checkout.bin / "docker", '[[ "$1" != compose ]]')
    done = checkout.run("docker")
    assert "skipped: it needs Docker's plugin compose" in done.stderr
    assert (done.returncode, checkout.tests) == (0, [])

    assert checkout.run("docker", "--testcontainers").returncode == 0
    assert checkout.run("docker", "--testcontainers", "tests/unit", "-x").returncode == 0
    first, second = checkout.tests
    assert first.startswith("testcontainers ")
    assert first.endswith(" tests/sql --quiet")
    assert second.endswith(" tests/unit -x")


def test_version_is_a_server_by_its_url(checkout: Checkout) -> None:
    """The SQL suite runs on it."""
    assert checkout.run("versions", "--url", "postgresql://host/name").returncode == 0
    [call] = checkout.tests
    assert call.startswith("postgresql://host/name ")
    assert call.endswith(" tests/sql --quiet")
