"""Wrong settings, and an unreachable database: one sentence, the right exit code, no change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.faults.fake_postgres import answering
from tests.support.chunks import add_chunks
from tests.support.cli import Call
from tests.support.commands import assert_refused
from tests.support.database import Database
from tests.support.fingerprint import changed, fingerprint
from wikiembed.db.connect import connect_options

PAGES = "pages.jsonl"
ATTACH = ["attach", "public.docs", "--text", "body", "--embedding", "vec", "--name", "again"]
COMMANDS = [
    ["status"], ["enqueue"], ["worker", "--drain"], ["backfill"], ["search", "x"], ATTACH,
    ["migrate"], ["load", PAGES], ["doctor"], ["demo"], ["pause"], ["resume"], ["ready"],
    ["reconcile"], ["retry"], ["skip", "docs", "1"], ["failures"], ["sources"],
    ["index"], ["index", "--source", "docs", "--anyway"],
    ["detach", "docs"], ["uninstall", "--yes"],
]  # fmt: skip
ENTRANCES = [["status"], ["worker", "--drain"], ["backfill"], ATTACH, ["migrate"], ["demo"]]
"""Each way in which a command comes to its database."""
SECRET = "s3cr-et"


@pytest.fixture(autouse=True)
def pages(tmp_path: Path) -> None:
    """Write a file to load, in the working directory of `call`."""
    (tmp_path / PAGES).write_text('{"title": "a", "text": "b"}\n')


WRONG = {
    "dimensions": {"WIKIEMBED_DIMENSIONS": "0"},
    "provider": {"WIKIEMBED_EMBEDDER": "grok"},
    "scheme": {"WIKIEMBED_EMBEDDER_URL": "ftp://host"},
    "no scheme": {"WIKIEMBED_EMBEDDER_URL": "host:80"},
    "two keys": {"WIKIEMBED_API_KEY": SECRET, "WIKIEMBED_API_KEY_FILE": "key"},
    "timeout": {"WIKIEMBED_REQUEST_TIMEOUT_S": "nan"},
    "database parameter": {"WIKIEMBED_DATABASE_URL": f"postgresql://u:{SECRET}@h/db?sslmod=no"},
    "database scheme": {"WIKIEMBED_DATABASE_URL": f"mysql://u:{SECRET}@h/db"},
    "sslmode": {"WIKIEMBED_DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1/db?sslmode=bogus"},
    "port": {"WIKIEMBED_DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1:99999/db"},
    "port in words": {"WIKIEMBED_DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1:abc/db"},
    "service": {"WIKIEMBED_DATABASE_URL": "service=nosuch"},
    "several": {"WIKIEMBED_DIMENSIONS": "x", "WIKIEMBED_BATCH_SIZE": "0"},
}


def test_configuration_wrong_setting_ends_every_command(call: Call, docs_table: Database) -> None:
    """Exit 2 before any change, and no secret in the sentence."""
    add_chunks(docs_table, 2)
    before = fingerprint(docs_table)
    for wrong, env in WRONG.items():
        for command in COMMANDS if wrong in ("provider", "port") else ENTRANCES:
            result = call(*command, env=env)
            assert result.returncode == 2, f"{wrong}: {command}: {result}"
            assert_refused(result, 2)
            assert SECRET not in result.stdout + result.stderr
    assert changed(before, fingerprint(docs_table)) == set()


def test_configuration_env_file_that_cannot_be_read(call: Call, tmp_path: Path) -> None:
    """A binary one ends every command; a folder of that name is ignored."""
    file = tmp_path / ".env"
    file.mkdir()
    assert call("status").returncode == 0
    file.rmdir()
    file.write_bytes(b"\xff\xfeWIKIEMBED_MODEL=x\n")
    for command in ENTRANCES:
        assert ".env cannot be read" in assert_refused(call(*command), 2)


REFUSALS: dict[str, tuple[int, str, Mapping[str, str] | bytes | None]] = {
    "wrong password": (
        2, "refuses the login",
        {"C": "28P01", "M": 'password authentication failed for user "u"'},
    ),
    "no login": (
        2, "refuses the login",
        {"C": "28000", "M": 'role "u" is not permitted to log in'},
    ),
    "no entry": (
        2, "refuses the login",
        {"C": "28000", "M": 'no pg_hba.conf entry for host "127.0.0.1", user "u", no encryption'},
    ),
    "no connect": (2, "CONNECT", {"C": "42501", "M": 'permission denied for database "db"'}),
    "no database": (2, "create it", {"C": "3D000", "M": 'database "db" does not exist'}),
    "starting": (3, "starting up", {"C": "57P03", "M": "the database system is starting up"}),
    "in recovery": (
        3, "not yet accepting",
        {"C": "57P03", "M": "the database system is not yet accepting connections"},
    ),
    "too many": (3, "too many clients", {"C": "53300", "M": "sorry, too many clients already"}),
    "not Postgres": (3, "out of reach", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "hangs up": (3, "out of reach", b""),
}  # fmt: skip


def test_configuration_server_that_refuses(call: Call) -> None:
    """A wrong configuration exits 2, a transient condition exits 3."""
    for refusal, (code, output, answer) in REFUSALS.items():
        with answering(answer) as port:
            url = f"postgresql://u:{SECRET}@127.0.0.1:{port}/db"
            for command in ENTRANCES:
                result = call(*command, env={"WIKIEMBED_DATABASE_URL": url})
                assert result.returncode == code, f"{refusal}: {command}: {result}"
                sentence = assert_refused(result, code)
                assert output in sentence
                assert SECRET not in result.stdout + result.stderr
                assert "WIKIEMBED_DATABASE_URL" in sentence


def test_configuration_server_out_of_reach(call: Call) -> None:
    """Every command ends at once with the same sentence."""
    for url in (
        f"postgresql://u:{SECRET}@127.0.0.1:1/db",
        f"postgresql://u:{SECRET}@no.invalid/db",
        f"host=/nowhere password={SECRET}",
        f"postgresql://u:{SECRET}@127.0.0.1:1,127.0.0.1:2/db",
    ):
        output = set()
        for command in COMMANDS if url.endswith(":1/db") else ENTRANCES:
            result = call(*command, env={"WIKIEMBED_DATABASE_URL": url})
            output.add(assert_refused(result, 3))
            assert SECRET not in result.stdout + result.stderr
        assert len(output) == 1


@pytest.mark.parametrize("command", ["status", "migrate"])
def test_configuration_server_that_is_silent(call: Call, command: str) -> None:
    """The URL's own connect_timeout holds; without one it is 10 s."""
    with answering(None) as port:
        url = f"postgresql://u:{SECRET}@127.0.0.1:{port}/db"
        assert connect_options(url)["connect_timeout"] == 10
        result = call(command, env={"WIKIEMBED_DATABASE_URL": f"{url}?connect_timeout=2"})
    assert "timeout expired" in assert_refused(result, 3)
    assert "connect_timeout" not in connect_options(f"{url}?connect_timeout=2")


def test_configuration_parameter_that_the_server_refuses(call: Call, database: Database) -> None:
    """The server is reachable, so the setting is wrong."""
    for parameters in (
        {"options": "-c nosuch=1"},
        {"target_session_attrs": "standby"},
        {"dbname": "nosuch"},
        {"user": "nobody_of_that_name"},
    ):
        env = {"WIKIEMBED_DATABASE_URL": make_conninfo(database.url, **parameters)}
        for command in ENTRANCES:
            result = call(*command, env=env)
            assert result.returncode == 2, f"{parameters}: {command}: {result}"
            assert_refused(result, 2)


READ_ONLY = {"options": "-c default_transaction_read_only=on"}
READING = {"status": 0, "failures": 0, "sources": 0, "doctor": 1, "ready": 1, "search": 1}
"""What they answer of two rows that miss their vectors."""


def test_configuration_read_only_database(call: Call, docs_table: Database) -> None:
    """A standby can be read; a write exits 3, since a failover is transient."""
    add_chunks(docs_table, 2)
    env = {"WIKIEMBED_DATABASE_URL": make_conninfo(docs_table.url, **READ_ONLY)}
    before = fingerprint(docs_table)
    for command in COMMANDS:
        result = call(*command, env=env)
        if command[0] in READING or command == ["index"]:
            assert result.returncode == READING.get(command[0], 0), f"{command}: {result}"
        elif command != ATTACH:  # refused for another reason, and first
            assert "is read-only there" in assert_refused(result, 3), f"{command}: {result}"
    assert changed(before, fingerprint(docs_table)) == set()


@pytest.mark.parametrize("encoding", ["latin1", "sql_ascii"])
def test_configuration_foreign_client_encoding(
    call: Call, docs_table: Database, tmp_path: Path, encoding: str
) -> None:
    """Texts are sent as UTF-8, whatever PGCLIENTENCODING or the URL request."""
    text = "žluťoučký 漢字"
    (tmp_path / PAGES).write_text(f'{{"title": "{text}", "text": "{text}"}}\n')
    env = {
        "PGCLIENTENCODING": encoding,
        "WIKIEMBED_DATABASE_URL": make_conninfo(docs_table.url, client_encoding=encoding),
    }
    assert call("load", PAGES, env=env).returncode == 0
    assert docs_table.one("select title from public.wiki_pages") == text
    assert call("status", env=env).returncode == 0
    assert call("migrate", env=env).returncode == 0
