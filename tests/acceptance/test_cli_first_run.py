"""With no settings at all: the embedded Postgres, the local model, the demo, a real export."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import export
from tests.support.cli import Cli, environment
from tests.support.commands import assert_done, json_lines
from tests.support.database import create_database
from tests.support.eventually import eventually
from tests.support.server import TestServer
from tests.support.terminal import run_on_terminal
from wikiembed.sample import sample_path

QUESTIONS = 5


def processes_of(folder: Path) -> list[str]:
    """Command lines of running processes that name `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks into /proc")
def test_first_run_needs_no_setting(tmp_path: Path) -> None:
    """All commands in order, then the demo, again on a terminal; no process is left.

    Each command that the demo suggests stands on one line there, to be copied.
    """
    data = tmp_path / "data"
    cli = Cli(env=environment(data_dir=str(data)), folder=tmp_path / "cli")
    try:
        for arguments in (
            *(["migrate"], ["load", str(sample_path())], ["worker", "--drain"], ["ready"]),
        ):
            assert_done(cli.run(*arguments))
        (hit,) = json_lines(cli.run("search", "how do bees make honey", "--limit", "1", "--json"))
        assert "bee" in str(hit["content"]).lower()
        assert "100.00 %" in cli.run("status").stdout
        demo = cli.run("demo")
        assert_done(demo)
        assert "ms later." in demo.stdout
        assert demo.stdout.count("> Searching:") == 3
        assert "wikiembed demo page" in demo.stdout.rpartition("> Searching:")[2]
        code, seen = run_on_terminal(cli, "demo")
        assert code == 0
        commands = [line.strip() for line in seen.splitlines() if " attach " in line]
        assert len(commands) == 2
        assert all("--key id --text body" in command for command in commands)
        assert commands[0].endswith(" --title title")  # longer than a line of the terminal
        assert commands[1].endswith(" --name docs")
    finally:
        cli.close()
    eventually(lambda: processes_of(data) == [], within_s=30)


@pytest.mark.skipif(export.missing() is not None, reason=str(export.missing()))
def test_first_run_embeds_a_real_export(postgres: TestServer, tmp_path: Path) -> None:
    """A part of the English Wikipedia is loaded, fully embedded, and found by search."""
    database = create_database(postgres, "template0")
    env = environment(database_url=database.url, embedder="local", data_dir=str(tmp_path / "data"))
    cli = Cli(env=env, folder=tmp_path / "cli")
    try:
        for arguments in (
            ["migrate"],
            ["load", str(export.EXPORT)],
            ["worker", "--drain"],
            ["ready"],
        ):
            assert_done(cli.run(*arguments, timeout=300))
        assert database.one("select coverage_pct from wikiembed.coverage") == 100
        database.check_invariants("wiki")
        asked = database.rows(
            "select p.title, c.content from public.wiki_chunks as c"
            " join public.wiki_pages as p on p.id = c.document_id where c.position = 0"
            " and length(c.content) > 300 order by md5(p.title) limit %s",
            [QUESTIONS],
        )
        assert len(asked) == QUESTIONS
        for title, content in asked:
            question = " ".join(content.split()[:40])
            hits = json_lines(cli.run("search", question, "--limit", "3", "--json"))
            assert any(hit["title"] == title for hit in hits)
    finally:
        cli.close()
        database.close()
