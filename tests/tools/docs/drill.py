"""A wiki, a failing server, and an operator who types the policy's commands."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.chunks import counts
from tests.support.cli import environment
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn
from tests.support.wiki import chunk, load, split_pages
from tests.support.workers import drain, settings_of
from tests.tools.docs.policy import commands_of
from tests.tools.docs.running import Shell, path_with_tools
from wikiembed.config import Provider

GOOD = 5
BAD = "the one text that is different"
BAD_TITLE = f"P{GOOD}"
SERVICE = "wikiembed worker"
"""The command that represents the service: it runs until it is stopped."""
SOON = {"WIKIEMBED_OUTAGE_LIMIT_S": "0.5", "WIKIEMBED_LOG_LEVEL": "warning"}


class Drill:
    """Source ``wiki`` of a fresh database, whose server is a stand-in; `key` is the bad chunk's."""

    def __init__(self, database: Database, standin: StandIn, folder: Path) -> None:
        self.database = database
        self.standin = standin
        self.key = ""
        self._running: list[subprocess.Popen[bytes]] = []
        workdir = folder / "empty"
        workdir.mkdir()
        env = environment(
            database_url=database.url,
            dimensions=str(DIMENSIONS),
            data_dir=str(folder / "data"),
            embedder="ollama",
            embedder_url=standin.url,
            model="standin-model",
        )
        env |= SOON | {"PATH": path_with_tools(folder / "bin")}
        self._shell = Shell(env=env, folder=workdir, state=folder / "state")

    def load(self, bad: str = BAD) -> None:
        """Load good pages of a chunk each and one more, `bad`, and split them."""
        texts = [f"A good text, number {n}." for n in range(GOOD)]
        load(self.database, *((f"P{n}", text) for n, text in enumerate([*texts, bad])))
        split_pages(self.database)
        self.key = chunk(self.database, BAD_TITLE)

    def load_table(self, bad: str) -> None:
        """Attach a table of chunks, good ones and `bad`, in place of the wiki."""
        texts = [f"A good text, number {n}." for n in range(GOOD)]
        self.database.execute("select wikiembed.detach('wiki')")
        self.database.execute(
            f"create table public.texts (id int primary key, body text, vec vector({DIMENSIONS}))"
        )
        self.database.execute(
            "select wikiembed.attach('public.texts', 'id', 'body', 'vec', 'wiki')"
        )
        self.database.execute(
            "insert into public.texts (id, body)"
            " select n, t from unnest(%s::text[]) with ordinality as t (t, n)",
            [[*texts, bad]],
        )
        self.key = str(len(texts) + 1)

    def load_documents(self, bad: str) -> None:
        """Attach a table of good documents and `bad`, of a chunk each, in place of the wiki."""
        texts = [f"A good text, number {n}." for n in range(GOOD)]
        self.database.execute("select wikiembed.detach('wiki')")
        self.database.execute("create table public.articles (id int primary key, body text)")
        self.database.execute(
            "select wikiembed.attach_documents('public.articles', 'id', 'body', 'wiki',"
            " p_chunks => 'public.article_chunks', p_dimensions => %s)",
            [DIMENSIONS],
        )
        self.database.execute(
            "insert into public.articles"
            " select n, t from unnest(%s::text[]) with ordinality as t (t, n)",
            [[*texts, bad]],
        )
        self.key = str(len(texts) + 1)

    def work(self, **changed: object) -> None:
        """Embed everything queued, as a running worker would."""
        settings = settings_of(self.database, self.standin.url, embedder=Provider.OLLAMA, **changed)
        asyncio.run(drain(settings))

    def type(self, command: str, *, code: int = 0) -> str:
        """Run one command in the operator's shell; returns its output.

        Raises: AssertionError for another exit code.
        """
        return self._shell.run(command, place="drill", code=code)

    def swap(self, settings: dict[str, str]) -> dict[str, str]:
        """Change variables of the operator's shell; returns the former values."""
        return self._shell.swap(settings)

    def follow(self, cell: str, **words: str) -> None:
        """Type the commands of a cell of the policy, in order; a worker keeps running."""
        commands = commands_of(cell, **{"KEY": self.key, **words})
        assert commands
        for command in commands:
            if command == SERVICE:
                self._running.append(self._shell.start(command))
            else:
                self.type(command)

    def alarms(self) -> set[tuple[str, str]]:
        """Names and levels of `doctor`'s findings that are not ok."""
        found = json.loads(self.type("wikiembed doctor --json || true"))
        return {(one["name"], one["level"]) for one in found if one["level"] != "ok"}

    def close(self) -> None:
        """End the workers that were left running."""
        for running in self._running:
            running.terminate()
        for running in self._running:
            running.wait(30)

    @property
    def failures(self) -> dict[str, str]:
        """State by error class, of all failures."""
        return dict(
            self.database.rows(
                "select error_class, state from wikiembed.failures"
                " union all select error_class, 'failed' from wikiembed.document_failures"
            )
        )

    def assert_end(self, end: str) -> None:
        """Assert that `ready` and the coverage match the row's cell."""
        word, _, skipped = end.partition(", ")
        assert word == "ready", end
        assert self.type("wikiembed ready wiki") == "WIKI_EMBEDDINGS_READY=true\n"
        expected = int(skipped.removesuffix(" skipped") or 0)
        assert counts(self.database, "wiki") == (GOOD + 1 - expected, 0, 0, expected)
        self.database.check_invariants()


@contextmanager
def drill_on(database: Database, folder: Path) -> Iterator[Drill]:
    """A drill with a stand-in of its own."""
    with StandIn(dialect="all", dimensions=DIMENSIONS) as standin:
        drill = Drill(database, standin, folder)
        try:
            yield drill
        finally:
            drill.close()
