"""``limit``: a provider's limit over all workers."""

from __future__ import annotations

import json

import pytest

from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused
from tests.support.database import Database

SERVER = "https://api.example.com"


def test_limit_is_set_listed_and_removed(call: Call, docs_table: Database) -> None:
    """By the server's address, with or without what follows it; `status` shows its use."""
    assert "No limit: `wikiembed limit" in call("limit").stdout
    done = call("limit", f"{SERVER}/v1/", "--model", "m", "--requests-per-minute", "3000")
    assert_done(done)
    assert done.stdout == f"{SERVER} of m: 0 of 3,000 requests a minute (0 %), as set.\n"
    docs_table.execute(
        "select wikiembed.lease_requests(%s, 'm', 0, 0, 0, p_seen_requests => 90)", [SERVER]
    )
    both = call("limit", SERVER, "--model", "m", "--tokens-per-minute", "1000000").stdout
    assert both == (
        f"{SERVER} of m: 90 of 3,000 requests, 0 of 1,000,000 tokens a minute (3 %), as set.\n"
    )
    assert f"Limit: {SERVER} of m has had 90 of 3,000 requests" in call("status").stdout
    (row,) = json.loads(call("limit", "--json").stdout)
    assert (row["server"], row["model"], row["requests_per_minute"], row["waits"]) == (
        SERVER, "m", 3000, False,
    )  # fmt: skip
    assert call("limit", SERVER, "--model", "m", "--remove").stdout == f"{SERVER}: no limit.\n"
    actions = docs_table.rows("select action from wikiembed.action_log where action = 'limit'")
    assert len(actions) == 3


def test_limit_that_the_server_states_is_shown_as_such(call: Call, docs_table: Database) -> None:
    """Also while workers wait for it, and after a refusal."""
    docs_table.execute("select wikiembed.report_limit(%s, 'm', 6, null)", [SERVER])
    docs_table.execute("select wikiembed.lease_requests(%s, 'm', 3, 0, 0)", [SERVER])
    assert call("limit").stdout == (
        f"{SERVER} of m: 1 of 6 requests a minute (17 %), as the server states;"
        " workers wait for it.\n"
    )
    docs_table.execute("select wikiembed.block_limit(%s, 'm', 60)", [SERVER])
    assert "as the server states; refused, so workers wait until 2" in call("limit").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--requests-per-minute", "5"], "Name the server, and --requests-per-minute"),
        ([SERVER, "--model", "m"], "Name the server, and --requests-per-minute"),
        ([SERVER, "--requests-per-minute", "5", "--remove"], "Name the server, and"),
        ([SERVER, "--requests-per-minute", "0"], "Invalid value for '--requests-per-minute'"),
        (["api.example.com", "--requests-per-minute", "5"], "A limit is of a server's URL"),
        (["http://u:p@host", "--tokens-per-minute", "5"], "A limit is of a server's URL"),
    ],
)
def test_limit_refuses_wrong_arguments(
    call: Call, docs_table: Database, arguments: list[str], sentence: str
) -> None:
    """One sentence, exit 2; no limit is set."""
    assert sentence in assert_refused(call("limit", *arguments), 2)
    assert docs_table.one("select count(*) from wikiembed.limits") == 0
