"""The short form of the soak: random faults from a fixed seed, in a process."""

from __future__ import annotations

import subprocess
import sys

from tests.support.cli import ROOT, environment

SEED, MINUTES = 4, 0.1


def test_soak_of_a_few_seconds_loses_nothing() -> None:
    """It prints its seed and a table, and every final count is zero."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.tools.soak", "--minutes", str(MINUTES), "--seed", str(SEED)],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"seed {SEED}, {MINUTES:g} minutes"
    assert "| fault | times |" in done.stdout
    judged = [line for line in lines if line.startswith(("ok ", "NOT SO "))]
    assert len(judged) == 25
    assert "embedded more than once" in done.stdout
