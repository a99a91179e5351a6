"""docs/reference/tested.md: each row has a date, versions, a result and a command that exists."""

from __future__ import annotations

import datetime
import re

from tests.tools.docs.pages import REFERENCE, ROOT
from wikiembed.control.doctor.place import OLDEST_POSTGRES

PAGE = REFERENCE / "tested.md"
HEADINGS = ["what", "versions", "date", "result", "run by"]
COMMAND = re.compile(r"`scripts/(?:real\.sh (?P<part>[a-z]+)|test\.sh)[^`]*`")
RESULT = re.compile(r"passed: \d[\d,]* tests?|partly: .+|not run: .+")
POSTGRES = re.compile(r"^Postgres (\d+)$")
CLAIM = re.compile(r"Postgres (\d+) to (\d+) with pgvector")


def rows() -> list[dict[str, str]]:
    """The rows of all tables of the page."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [one.strip() for one in line.strip("|").split("|")]
        if line.startswith("|") and cells != HEADINGS and set(line) - set("|- "):
            assert len(cells) == len(HEADINGS), line
            found.append(dict(zip(HEADINGS, cells, strict=True)))
    return found


def test_every_row_is_dated_and_can_be_repeated() -> None:
    """The date is one of the calendar, and the command names a part of scripts/real.sh."""
    assert rows()
    for row in rows():
        assert datetime.date.fromisoformat(row["date"]) >= datetime.date(2026, 11, 1), row
        assert re.search(r"\d", row["versions"]), row
        assert RESULT.fullmatch(row["result"]), row
        command = COMMAND.fullmatch(row["run by"])
        assert command is not None, row
        assert (
            command["part"] is None or (ROOT / "scripts/real" / f"{command['part']}.sh").is_file()
        )


def test_the_postgres_versions_that_are_claimed_have_a_row() -> None:
    """From the oldest that doctor accepts to the newest that the README names."""
    claim = CLAIM.search((ROOT / "README.md").read_text())
    assert claim is not None
    assert int(claim[1]) * 10000 == OLDEST_POSTGRES
    tested = {int(found[1]) for row in rows() if (found := POSTGRES.match(row["what"]))}
    assert tested >= set(range(int(claim[1]), int(claim[2]) + 1))


def test_every_part_of_the_script_has_a_row() -> None:
    """A part without a result was never run."""
    parts = {path.stem for path in (ROOT / "scripts/real").glob("*.sh")} - {
        "lib", "postgres_entrypoint"
    }  # fmt: skip
    run = {found["part"] for row in rows() if (found := COMMAND.fullmatch(row["run by"]))}
    assert parts <= run
