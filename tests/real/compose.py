"""A project of `docker compose` from compose.yaml, with an empty volume and no port of the host."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from pathlib import Path

from tests.support.eventually import eventually
from tests.tools.docs.pages import ROOT

PROFILES = ("--profile", "console")
START_S = 600.0
"""Services may take long to start on a busy machine."""


class Compose:
    """The services of compose.yaml; `end` removes them with their volumes."""

    def __init__(self, folder: Path) -> None:
        self.token = secrets.token_hex(24)
        tokens = folder / "tokens"
        tokens.write_text(f"operator:{self.token}\n")
        tokens.chmod(0o644)
        without_ports = "".join(
            f"  {name}:\n    ports: !reset []\n" for name in ("postgres", "console", "ollama")
        )
        override = folder / "override.yaml"
        override.write_text(
            f"services:\n{without_ports}secrets:\n  console_tokens:\n    file: {tokens}\n"
        )
        self._command = [
            "docker", "compose", "--project-name", f"we-real-{secrets.token_hex(3)}",
            "--file", str(ROOT / "compose.yaml"), "--file", str(override), *PROFILES,
        ]  # fmt: skip

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        """Standard output of a command of compose, which must succeed."""
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of compose; `given` is its standard input."""
        return subprocess.run(
            [*self._command, *arguments],
            input=given, capture_output=True, text=True, check=False, cwd=ROOT,
            env={name: value for name, value in os.environ.items() if "WIKIEMBED_" not in name},
        )  # fmt: skip

    def up(self) -> None:
        """Build and start all services; the worker and the console run when it returns."""
        self("up", "--detach", "--build")
        eventually(
            lambda: self.run("exec", "-T", "worker", "wikiembed", "status").returncode == 0,
            within_s=START_S, poll_s=1, message=lambda: self.run("logs").stdout,
        )  # fmt: skip

    def sql(self, query: str) -> str:
        """The answer of psql in the container of Postgres."""
        return self(
            *("exec", "-T", "postgres", "psql", "--username", "wikiembed", "--dbname", "wikiembed"),
            *("--no-align", "--tuples-only", "--command", query),
        ).strip()

    def wait_until_postgres_answers(self) -> None:
        """Wait for the end of its recovery."""
        asked = ("psql", "--username", "wikiembed", "--command", "select 1")
        eventually(
            lambda: self.run("exec", "-T", "postgres", *asked).returncode == 0,
            within_s=START_S, poll_s=1,
        )  # fmt: skip

    def has_embedded(self, at_least: int) -> bool:
        """Whether every chunk is embedded, and there are at least so many.

        False while the worker's container or Postgres restarts.
        """
        done = self.run("exec", "-T", "worker", "wikiembed", "status", "--json")
        if done.returncode:
            return False
        sources = json.loads(done.stdout)["coverage"]
        total, embedded, failed = (
            sum(int(one[name]) for one in sources) for name in ("total", "embedded", "failed")
        )
        return total >= at_least and (embedded, failed) == (total, 0)

    def wait_until_runs(self, service: str) -> None:
        """Wait for the restart of its container, which Docker delays after each crash."""
        eventually(
            lambda: self.run("exec", "-T", service, "true").returncode == 0,
            within_s=START_S, poll_s=0.2, message=lambda: self.run("logs", service).stdout,
        )  # fmt: skip

    def wait_until_embedded(self, at_least: int) -> None:
        """Wait for the workers."""
        eventually(
            lambda: self.has_embedded(at_least),
            within_s=START_S, poll_s=1, message=lambda: self.run("logs", "--tail", "50").stdout,
        )  # fmt: skip

    def state(self, service: str) -> str:
        """As `running (healthy)`; empty without a container."""
        out = self("ps", "--all", "--format", "json", service)
        found = [json.loads(line) for line in out.splitlines()]
        return f"{found[0]['State']} {found[0]['Health']}".strip() if found else ""

    def crash(self, service: str) -> None:
        """End the process of its container as the kernel would, so that Docker restarts it."""
        container = self("ps", "--quiet", service).strip()
        asked = ["docker", "inspect", "--format", "{{.State.Pid}}", container]
        pid = int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
        os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """Remove containers, networks and volumes."""
        self.run("down", "--volumes", "--timeout", "5")
