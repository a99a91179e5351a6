"""Migration steps that databases have run do not change."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wikiembed.db import migrations_dir

SCRIPT = migrations_dir().parent / "scripts" / "freeze.py"


def freeze(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in the checkout at `root`."""
    return subprocess.run(
        [sys.executable, root / "scripts" / "freeze.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the migrations and the script, to modify."""
    for folder in ("versions", "vendor"):
        shutil.copytree(migrations_dir() / folder, tmp_path / "migrations" / folder)
    shutil.copy(migrations_dir() / "frozen.txt", tmp_path / "migrations")
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    return tmp_path


def test_frozen_steps_are_unchanged() -> None:
    """Changing a table needs another step: see migrations/README.md."""
    assert freeze(migrations_dir().parent, "--check").stderr == ""


@pytest.mark.parametrize(
    "path",
    ["versions/0001_baseline.py", "versions/0001_baseline/wiki.sql",
     "vendor/procrastinate/3.10.0/schema.sql"],
)  # fmt: skip
def test_changed_frozen_step_is_named(checkout: Path, path: str) -> None:
    """Freezing again does not hide it."""
    with (checkout / "migrations" / path).open("a") as file:
        file.write("\n")
    for arguments in (["--check"], []):
        result = freeze(checkout, *arguments)
        assert (result.returncode, f"migrations/{path} is frozen" in result.stderr) == (1, True)


def test_missing_frozen_step_is_named(checkout: Path) -> None:
    """A database may have run it."""
    (checkout / "migrations/versions/0001_baseline/wiki.sql").unlink()
    assert freeze(checkout).returncode == 1


def test_new_step_may_change_until_it_is_frozen(checkout: Path) -> None:
    """A command of the release freezes it."""
    step = checkout / "migrations/versions/0002_more.py"
    step.write_text("one")
    assert freeze(checkout, "--check").returncode == 0
    assert freeze(checkout).returncode == 0
    step.write_text("two")
    assert freeze(checkout, "--check").returncode == 1
