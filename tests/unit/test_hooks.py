"""The hooks of pre-commit are the quick checks of scripts/lint.sh, from .venv."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def hooks() -> list[dict[str, Any]]:
    """The hooks of .pre-commit-config.yaml, all of them local."""
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    found: list[dict[str, Any]] = repository["hooks"]
    return found


def test_hooks_download_nothing() -> None:
    """Each runs a tool of .venv or a script of the checkout."""
    assert {hook["language"] for hook in hooks()} == {"system"}
    for hook in hooks():
        tool = hook["entry"].split()[0]
        assert tool.startswith(".venv/bin/") or (ROOT / tool).is_file(), hook["id"]


def test_hooks_run_each_tool_of_the_lint_script() -> None:
    """A tool added to the script gets a hook; the audit, which queries a server, has none."""
    script = set(re.findall(r'check "\$bin/(\S+)"', (ROOT / "scripts/lint.sh").read_text()))
    entries = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks()}
    assert script | {"scripts/freeze.sh"} == entries


def test_hooks_match_files_that_exist() -> None:
    """A hook whose pattern matches no file would never run."""
    files = [
        path.relative_to(ROOT).as_posix()
        for folder in (".ci", ".github", "docs", "migrations", "scripts", "wikiembed")
        for path in (ROOT / folder).rglob("*")
    ]
    for hook in hooks():
        if "files" in hook:
            assert any(re.search(hook["files"], file) for file in files), hook["id"]
