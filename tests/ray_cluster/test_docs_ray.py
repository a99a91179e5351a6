"""docs/how-to/ray.md, with the block that needs Ray."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.server import TestServer
from tests.tools.docs.outputs import is_shown
from tests.tools.docs.pages import DOCS
from tests.tools.docs.reader import follow

REASON = "needs Ray; scripts/fleet.sh runs it"


def test_page_on_ray_runs_and_prints_what_it_shows(
    postgres: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster is started by the command itself, and ends with it."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    ran = 0
    page = DOCS / "how-to" / "ray.md"
    for done in follow(page, server=postgres, folder=tmp_path, also=REASON):
        ran += done.block.not_run == REASON
        output = done.block.output
        if output is not None:
            assert is_shown(output.text, done.printed, varies=output.varies), done.printed
    assert ran == 2
