"""`switch` has searches for a name use another source; `sources` and `status` show it."""

from __future__ import annotations

import pytest

from tests.support.chunks import add
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, json_lines, served
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.switch import embedded_by_command

TEXTS = ("bees make honey", "steam drives trains", "a queen rules the hive")


@pytest.fixture
def docs(call: Call, database: Database, standin: StandIn) -> Database:
    """Sources ``docs`` and ``docs_new``, embedded."""
    embedded_by_command(call, database, standin, *TEXTS)
    return database


def searched(call: Call, standin: StandIn, name: str) -> object:
    """The source of the first hit of a search for a name."""
    result = call("search", TEXTS[1], "--source", name, "--json", env=served(standin))
    assert_done(result)
    first = json_lines(result)[0]
    assert first["content"] == TEXTS[1]
    return first["source"]


def test_switch_to_and_back(call: Call, docs: Database, standin: StandIn) -> None:
    """What searches use, and the command that switches back."""
    result = call("switch", "docs", "--to", "docs_new")
    assert_done(result)
    assert result.stdout == (
        "Searches for 'docs' use source 'docs_new' from now on, no longer 'docs'.\n"
        "To switch back:\n  wikiembed switch docs --to docs\n"
    )
    assert searched(call, standin, "docs") == "docs_new"
    again = call("switch", "docs", "--to", "docs_new")
    assert_done(again)
    assert again.stdout == "Searches for 'docs' use source 'docs_new' already.\n"
    assert_done(call("switch", "docs", "--to", "docs"))
    assert searched(call, standin, "docs") == "docs"


def test_switch_of_a_name_of_its_own(call: Call, docs: Database, standin: StandIn) -> None:
    """It is made by the first switch, and forgotten by --drop."""
    result = call("switch", "live site", "--to", "docs", "--json")
    assert_done(result)
    assert json_lines(result) == [{"name": "live site", "before": None, "now": "docs"}]
    assert searched(call, standin, "live site") == "docs"
    back = call("switch", "live site", "--to", "docs_new").stdout.splitlines()[-1]
    assert back == "  wikiembed switch 'live site' --to docs"
    dropped = call("switch", "live site", "--drop")
    assert_done(dropped)
    assert dropped.stdout == (
        "Name 'live site' is forgotten; searches for it used source 'docs_new'.\n"
    )
    refused = call("search", "honey", "--source", "live sitee", env=served(standin))
    assert 'No source is named "live sitee"' in assert_refused(refused, 2)


def test_sources_and_status_show_the_names(call: Call, docs: Database) -> None:
    """Only where a name was switched; JSON always."""
    assert "searched as" not in call("sources").stdout
    assert "Switched" not in call("status").stdout
    call("switch", "docs", "--to", "docs_new")
    call("switch", "live", "--to", "docs_new")
    header, _, *rows = call("sources").stdout.splitlines()
    assert "searched as" in header
    assert [row.split()[1] for row in rows[:2]] == ["–", "docs_new,"]
    by_name = {row["name"]: row["searched_as"] for row in json_rows(call)}
    assert by_name == {"docs": [], "docs_new": ["docs_new", "docs", "live"], "wiki": ["wiki"]}
    status = call("status").stdout
    assert "Switched: searches for docs use docs_new since 2" in status
    (state,) = json_lines(call("status", "--json"))
    assert [(row["name"], row["source"], row["hides_source"]) for row in state["switched"]] == [  # type: ignore[attr-defined]
        ("docs", "docs_new", True), ("live", "docs_new", False),
    ]  # fmt: skip


def json_rows(call: Call) -> list[dict[str, object]]:
    """What ``sources --json`` prints."""
    (rows,) = json_lines(call("sources", "--json"))
    return rows  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("docs",), "Give either --to SOURCE or --drop."),
        (("docs", "--to", "docs_new", "--drop"), "Give either --to SOURCE or --drop."),
        (("docs", "--to", "docs_nwe"), 'No source is named "docs_nwe": did you mean "docs_new"?'),
        (("docs", "--drop"), '"docs" was not switched to a source: list the names that were:'
         " select * from wikiembed.search_names."),
        (("docs", "--to", "wiki"), 'Source "wiki" has no documents, so that'),
        (("", "--to", "docs"), "A source's name has 1 to 32 bytes, this one has 0: "),
        (("x" * 33, "--to", "docs"), "A source's name has 1 to 32 bytes, this one has 33: "),
    ],
)  # fmt: skip
def test_switch_refuses_in_one_sentence(
    call: Call, docs: Database, arguments: tuple[str, ...], sentence: str
) -> None:
    """Exit 2, and nothing has changed."""
    if "wiki" in arguments:
        sentence = 'Source "wiki" has another table or key than "docs": to switch nevertheless,'
    assert assert_refused(call("switch", *arguments), 2).startswith(sentence)
    assert docs.rows("select * from wikiembed.search_names") == []


def test_switch_to_a_source_that_is_not_ready(call: Call, docs: Database) -> None:
    """Refused with what to do; --anyway switches."""
    add(docs, "one more")
    assert assert_refused(call("switch", "docs", "--to", "docs_new"), 2) == (
        'Source "docs_new" is not ready: see what is missing: `wikiembed ready docs_new`. To'
        " switch nevertheless, give --anyway, in SQL p_anyway => true."
    )
    assert_done(call("switch", "docs", "--to", "docs_new", "--anyway"))


def test_detach_of_a_source_that_a_name_uses(call: Call, docs: Database, standin: StandIn) -> None:
    """Refused with the commands; the former source may go, and its name stays."""
    call("switch", "docs", "--to", "docs_new")
    assert assert_refused(call("detach", "docs_new"), 2) == (
        'Searches for "docs" use source "docs_new": switch the name to another source first,'
        " `wikiembed switch docs --to SOURCE`, or forget it: `wikiembed switch docs --drop`."
    )
    assert_done(call("detach", "docs"))
    assert searched(call, standin, "docs") == "docs_new"
    dropped = call("switch", "docs", "--drop")
    assert_done(dropped)
    assert_done(call("detach", "docs_new"))


def test_uninstall_forgets_the_names(call: Call, docs: Database) -> None:
    """It detaches the sources that they use."""
    call("switch", "docs", "--to", "docs_new")
    assert_done(call("uninstall", "--yes"))
    assert docs.one("select to_regnamespace('wikiembed') is null")


def test_ready_tests_the_source_of_that_very_name(
    call: Call, docs: Database, standin: StandIn
) -> None:
    """Its own vectors, not those that searches for its name use."""
    call("switch", "docs", "--to", "docs_new")
    result = call("ready", "docs", "--smoke", env=served(standin))
    assert_done(result)
    assert "# docs: search finds chunk" in result.stdout
