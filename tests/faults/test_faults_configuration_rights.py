"""A role without the rights that a command needs: one sentence, exit 2, nothing changed."""

from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from tests.faults.test_faults_configuration import ATTACH, COMMANDS, pages
from tests.support.chunks import add_chunks
from tests.support.cli import Call
from tests.support.commands import assert_refused
from tests.support.database import Database
from tests.support.fingerprint import changed, fingerprint

__all__ = ["pages"]
INDEX = (["index"], ["index", "--source", "docs", "--anyway"])
READS = (["status"], ["ready"], ["failures"], ["sources"], *INDEX)
ALLOWED = {
    "reader": [*READS, ["search", "x"]],
    "writer": [["load", "pages.jsonl"]],
    "worker": [["worker", "--drain"], ["pause"], ["reconcile"], *READS, ["search", "x"]],
    None: [],
}
"""What each kind of role may do, or is refused for another reason than its rights."""


@pytest.mark.parametrize("kind", ALLOWED)
def test_configuration_role_without_the_right(
    call: Call, docs_table: Database, kind: str | None
) -> None:
    """The sentence names the denied right and how to grant it."""
    add_chunks(docs_table, 2)
    role = docs_table.create_role(kind or "stranger", grant=kind)
    docs_table.execute(f"alter role {role} login")
    env = {"WIKIEMBED_DATABASE_URL": make_conninfo(docs_table.url, user=role)}
    before = fingerprint(docs_table)
    for command in COMMANDS:
        if command not in ALLOWED[kind] and command != ["demo"]:
            result = call(*command, env=env)
            assert result.returncode == 2, f"{command}: {result}"
            output = assert_refused(result, 2)
            assert "ermission denied" in output, f"{command}: {output}"
            migrating = command[0] in {"migrate", "uninstall"}
            remedy = "which owns wikiembed's schemas" if migrating else "owner of wikiembed"
            assert remedy in output
    assert changed(before, fingerprint(docs_table)) == set()
    assert ATTACH in COMMANDS


def test_configuration_role_without_connect(call: Call, docs_table: Database) -> None:
    """The server answers, so the right is missing."""
    role = docs_table.create_role("stranger")
    docs_table.execute(f"alter role {role} login")
    docs_table.execute(f"revoke connect on database {docs_table.name} from public")
    env = {"WIKIEMBED_DATABASE_URL": make_conninfo(docs_table.url, user=role)}
    for command in (["status"], ["worker", "--drain"], ["migrate"]):
        assert "grant the role CONNECT" in assert_refused(call(*command, env=env), 2)
