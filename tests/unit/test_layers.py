"""The layers of the package: higher imports lower, never back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_layers_contracts_are_kept() -> None:
    """Every import contract of pyproject.toml is kept."""
    # In its own process: the linter modifies sys.path and logging.
    lint = "import sys, importlinter.cli as cli; sys.exit(cli.lint_imports(no_logo=True))"
    linted = subprocess.run(
        [sys.executable, "-c", lint], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr
