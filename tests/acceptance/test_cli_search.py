"""`search` shows where a chunk is, what it was found by, and takes filters."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.cli import Call, Cli
from tests.support.commands import assert_done, assert_refused, json_lines, served
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn

LONG = "A title that is so long that nothing else would fit beside it on a terminal, 꿀벌과 꿀 " * 2


@pytest.fixture
def env(call: Call, database: Database, standin: StandIn) -> dict[str, str]:
    """Three articles of two tenants, split and embedded; the settings to ask with."""
    found = served(standin)
    database.execute(f"""
        create table public.articles (
          id integer primary key, tenant integer, title text, body text);
        insert into public.articles values
          (1, 1, 'Bees', '== Food ==\n\nBees make honey.'),
          (2, 2, 'Trains', 'Steam drives trains.'),
          (3, 2, '{LONG}', 'A warranty of two years.');
        select wikiembed.attach_documents('public.articles', array['id']::name[], array['body'],
          'articles', 'title', p_dimensions => {DIMENSIONS}, p_enqueue => true);
    """)
    assert_done(call("worker", "--drain", env=found))
    assert_done(call("index", "--text", "--source", "articles", env=found))
    return found


def test_search_shows_title_heading_and_ranks(call: Call, env: dict[str, str]) -> None:
    """Of a document; and in JSON where the chunk is."""
    result = call("search", "honey bees", "--source", "articles", "--limit", "1", env=env)
    assert_done(result)
    first, text = result.stdout.splitlines()
    assert first.startswith("1. Bees › Food  similarity ")
    assert first.endswith("  text rank 1")
    assert text == "   == Food == Bees make honey."
    (hit,) = json_lines(
        call("search", "honey", "--limit", "1", "--mode", "text", "--json", env=env)
    )
    assert (hit["document_key"], hit["title"], hit["position"], hit["starts_at"]) == (
        "1",
        "Bees",
        0,
        0,
    )


def test_search_filters_by_columns(call: Call, env: dict[str, str]) -> None:
    """A number, a list, a range, a text; several must hold."""

    def found(*filters: str) -> list[str]:
        options = [word for one in filters for word in ("--filter", one)]
        hits = json_lines(call("search", "honey", "--json", *options, env=env))
        return sorted(str(hit["document_key"]) for hit in hits)

    assert found("tenant=1") == ["1"]
    assert found("tenant=[1,2]", 'title=["Bees","Trains"]') == ["1", "2"]
    assert found('tenant={"gt":1}', "title=Trains") == ["2"]


def test_search_refuses_a_filter_in_one_sentence(call: Call, env: dict[str, str]) -> None:
    """A column that does not exist, a value of another type, no value."""
    refused = assert_refused(call("search", "honey", "--filter", "nope=1", env=env), 2)
    assert refused.startswith('Source "articles" has no column "nope" to filter by: columns: body,')
    refused = assert_refused(call("search", "honey", "--filter", "tenant=x", env=env), 2)
    assert refused == 'Column "tenant" is of type integer, which "x" is not.'
    refused = assert_refused(call("search", "honey", "--filter", "tenant", env=env), 2)
    assert refused == "--filter needs a column and a value, tenant=3, not 'tenant'."


def test_search_that_finds_nothing_says_so(call: Call, env: dict[str, str]) -> None:
    """Exit 1."""
    output = assert_refused(call("search", "honey", "--filter", "tenant=9", env=env), 1)
    assert output == "No chunk was found: try other words or another filter."


def test_search_cuts_a_long_title_at_a_word(call: Call, env: dict[str, str]) -> None:
    """And still says how well the chunk fits."""
    result = call("search", "warranty", "--limit", "1", "--mode", "text", env=env)
    first = result.stdout.splitlines()[0]
    assert first.endswith(" …  text rank 1")
    assert LONG.startswith(first.removeprefix("1. ").partition(" …")[0])


def test_search_waits_at_its_exit_for_the_model_that_it_loads(
    cli: Cli, docs_table: Database, tmp_path: Path
) -> None:
    """A thread that is still within an extension module would abort the process, with 134."""
    marker = tmp_path / "prepared"
    program = (
        "import pathlib, sys, time\n"
        "from wikiembed.cli import main, search\n"
        "def slowly(provider):\n"
        "    time.sleep(3)\n"
        f"    pathlib.Path({str(marker)!r}).touch()\n"
        "search._prepare = slowly\n"
        "main(['search', 'x', '--source', 'dosc'])\n"
    )
    refused = cli.launch([sys.executable, "-c", program]).wait()
    assert refused.returncode == 2
    assert refused.stderr == 'No source is named "dosc": did you mean "docs"?\n'
    assert marker.exists()
