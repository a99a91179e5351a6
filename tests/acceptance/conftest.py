"""Fixtures of the acceptance tests."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.wiki import Call
from tests.support.cli import Cli, Result


@pytest.fixture
def call(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Run a command within this process: a second is saved where the process is not the point."""
    from wikiembed.cli.main import main

    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    ours = logging.getLogger("wikiembed")
    our_level = ours.level

    def run(*args: str, env: dict[str, str] | None = None) -> Result:
        with monkeypatch.context() as patched:
            for name, value in {**cli.env, **(env or {})}.items():
                patched.setenv(name, value)
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main(args)
        said = capsys.readouterr()
        code = ended.value.code
        return Result(returncode=int(code or 0), stdout=said.out, stderr=said.err)

    yield run
    signal.signal(signal.SIGTERM, before)
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(our_level)
