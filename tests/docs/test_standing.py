"""The project's stated status: missed goals, and milestones."""

from __future__ import annotations

import re

from tests.tools.docs.pages import DOCS, REFERENCE, ROOT, rows_of


def test_next_actions_names_every_goal_that_is_missed() -> None:
    """A missed row of performance.md is listed, a reached one is not."""
    missed = {row[0] for row in rows_of(REFERENCE / "performance.md") if row[-1] == "no"}
    _, _, rest = (DOCS / "NEXT_ACTIONS.md").read_text().partition("\n## Goals not reached\n")
    section, _, _ = rest.partition("\n## ")
    assert set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)) == missed
    assert ("There is none." in section) is not bool(missed)


def test_development_log_names_every_version() -> None:
    """Each version of the changelog has its milestones, the unreleased one too."""
    versions = set(re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE))
    log = (DOCS / "devlog" / "INDEX.md").read_text()
    entries = re.split(r"^## ", log, flags=re.MULTILINE)[1:]
    printed = [re.match(r".+\n\n\*(?P<version>[^,*]+), ", entry) for entry in entries]
    assert all(printed), "an entry begins with its version and its days"
    assert {found["version"] for found in printed if found} == versions
