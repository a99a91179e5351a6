"""Every command refuses an unknown name and suggests the nearest one."""

from __future__ import annotations

import pytest

from tests.support.chunks import add_chunks, clear_jobs, fail, jobs_by_status, read
from tests.support.cli import Call
from tests.support.commands import assert_refused, json_lines
from tests.support.database import Database

COMMANDS = (
    *(["backfill", "dosc"], ["detach", "dosc"], ["enqueue", "dosc"], ["failures", "dosc"]),
    *(["index", "--source", "dosc"], ["pause", "dosc"], ["ready", "dosc"], ["reconcile", "dosc"]),
    *(["resume", "dosc"], ["retry", "dosc"], ["search", "x", "--source", "dosc"]),
    ["skip", "dosc", "1"],
)


def test_unknown_source_is_refused_with_the_nearest(call: Call, docs_table: Database) -> None:
    """By each command, with the same message."""
    output = {tuple(command): assert_refused(call(*command), 2) for command in COMMANDS}
    assert set(output.values()) == {'No source is named "dosc": did you mean "docs"?'}


@pytest.mark.parametrize("command", [["failures"], ["failures", "docs", "--json"], ["retry"]])
def test_unknown_error_class_is_refused_with_the_nearest(
    call: Call, docs_table: Database, command: list[str]
) -> None:
    """Nothing is retried; a known class without failures is not an error."""
    add_chunks(docs_table, 1)
    fail(docs_table, read(docs_table, ["1"]), error_class="text_too_long")
    clear_jobs(docs_table)
    output = assert_refused(call(*command, "--class", "text_to_long"), 2)
    assert output == 'No error class is named "text_to_long": did you mean "text_too_long"?'
    assert "choose bad_answer, document_unreadable, empty_text" in assert_refused(
        call(*command, "--class", "zzz"), 2
    )
    assert call(*command, "--class", "timeout").returncode == 0
    assert jobs_by_status(docs_table)["todo"] == 0


def test_error_class_of_another_version_is_valid_while_failures_have_it(
    call: Call, docs_table: Database
) -> None:
    """Rows written by newer workers or an operator's SQL can be listed and retried."""
    assert_refused(call("failures", "--class", "of_tomorrow"), 2)
    add_chunks(docs_table, 1)
    fail(docs_table, read(docs_table, ["1"]), error_class="of_tomorrow")
    assert len(json_lines(call("failures", "--class", "of_tomorrow", "--json"))) == 1


def test_unknown_provider_is_refused_with_the_nearest(call: Call, docs_table: Database) -> None:
    """Like the other names."""
    output = assert_refused(call("attach", "public.docs", "--provider", "olama"), 2)
    assert output.startswith("Invalid value for '--provider': 'olama' is not one of 'ollama', ")
    assert "Did you mean 'ollama'?" in output
