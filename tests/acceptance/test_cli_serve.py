"""``wikiembed serve``: where it listens, what it refuses, and how it stops."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.cli import Call, StartCli
from tests.support.commands import assert_refused
from tests.support.database import Database
from tests.support.refused import CLOSED, no_database

TOKEN = "a-token-of-twenty-four-chars"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A file with the token of one user."""
    path = tmp_path / "tokens"
    path.write_text(f"# of the console\nkim:{TOKEN}\n\n")
    return path


def test_serve_refuses_other_addresses_without_authentication(call: Call, token_file: Path) -> None:
    """In one sentence, before it connects; with half of a proxy's options too."""
    for host in ("0.0.0.0", "::", "192.0.2.9", "wiki.example"):  # noqa: S104 - refused
        refused = call("serve", "--host", host, "--port", "0")
        assert refused.returncode == 2
        assert f"open to everyone who reaches {host}: give --token-file" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    for options in (["--user-header", "x-user"], ["--trusted-proxy", "10.0.0.7"]):
        half = call("serve", "--token-file", str(token_file), *options)
        assert half.returncode == 2
        assert "belong together" in half.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "holds no token"),
        ("# none\n", "holds no token"),
        ("short", "Line 1 of the token file has a token shorter than 16"),
        (f"kim:{TOKEN}\nkim:{TOKEN}x", "Line 2 of the token file names no user, or one a second"),
        (f":{TOKEN}", "Line 1 of the token file names no user"),
        (None, "The token file cannot be read: No such file"),
    ],
)
def test_serve_refuses_a_token_file_that_is_wrong(
    call: Call, tmp_path: Path, content: str | None, sentence: str
) -> None:
    """The sentence has no part of a token."""
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    refused = call("serve", "--token-file", str(path))
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert TOKEN not in refused.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--trusted-proxy", "10.0.0.0/33", "--user-header", "x"], "'10.0.0.0/33' is not an addr"),
        (["--trusted-proxy", "10.0.0.7", "--user-header", "a b"], "must be the name of a header"),
        (["--root-path", "wiki"], "WIKIEMBED_WEB_ROOT_PATH must be a path that begins with /"),
        (["--root-path", "/a b"], "WIKIEMBED_WEB_ROOT_PATH must be a path that begins with /"),
        (["--port", "70000"], "'--port': Input should be less than or equal to 65535"),
    ],
)
def test_serve_refuses_wrong_options(call: Call, options: list[str], sentence: str) -> None:
    """Each in one sentence with exit code 2."""
    refused = call("serve", *options)
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_serve_names_the_extra(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a package is missing."""
    from wikiembed.cli import serve

    monkeypatch.setattr(serve, "EXTRA", ("starlette", "no_such_package"))
    refused = call("serve")
    assert refused.returncode == 2
    assert (
        refused.stderr == "The console needs no_such_package: run `pip install 'wikiembed[web]'`.\n"
    )


def test_serve_on_a_port_in_use_is_refused(call: Call, docs_table: Database) -> None:
    """In one sentence that names the port, and the options that choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        output = assert_refused(call("serve", "--host", "127.0.0.1", "--port", str(port)), 2)
    assert output == (
        f"The console cannot listen on 127.0.0.1, port {port} (Address already in use): choose"
        " another with --host and --port, or WIKIEMBED_WEB_HOST and WIKIEMBED_WEB_PORT."
    )


def test_serve_on_an_address_of_another_machine_is_refused(
    call: Call, docs_table: Database, token_file: Path
) -> None:
    """And on a name that does not exist."""
    for host, why in (("192.0.2.1", "Cannot assign requested address"), ("no.invalid", "")):
        refused = call("serve", "--host", host, "--port", "0", "--token-file", str(token_file))
        output = assert_refused(refused, 2)
        assert output.startswith(f"The console cannot listen on {host}, port 0 ({why}")


def test_serve_without_postgres_exits(call: Call) -> None:
    """As every command does at its start."""
    refused = call("serve", env={"WIKIEMBED_DATABASE_URL": no_database()})
    assert refused.returncode == 3


def test_serve_answers_until_it_is_stopped(
    docs_table: Database, start_cli: StartCli, token_file: Path
) -> None:
    """On the port that it logs; SIGTERM ends it with 0, and no request is logged."""
    token = str(token_file)
    running = start_cli("serve", "--port", "0", "--token-file", token, "--root-path", "/w")
    running.wait_for(lambda: "console_started" in running.stderr)
    (line,) = [one for one in running.stderr.splitlines() if "console_started" in one]
    url = json.loads(line)["url"]
    assert url.endswith("/w/")
    for path in ("../healthz", "../readyz", "healthz", "login?next=/secret"):
        assert httpx.get(urljoin(url, path), timeout=20).status_code == 200
    stopped = running.stop()
    assert stopped.returncode == 0
    assert "console_stopped" in stopped.stderr
    assert "secret" not in stopped.stderr + stopped.stdout
    assert TOKEN not in stopped.stderr + stopped.stdout


def test_serve_on_several_databases_needs_one_that_answers(
    docs_table: Database, call: Call, start_cli: StartCli
) -> None:
    """The others are listed; where none does it exits at once."""
    away = no_database("other")
    refused = call("serve", env={"WIKIEMBED_DATABASE_URL": f"{CLOSED} {away}"})
    assert refused.returncode == 3
    assert "2 of 2 databases failed: closed on 127.0.0.1:9: " in refused.stderr
    both = {"WIKIEMBED_DATABASE_URL": f"{CLOSED}, {docs_table.url}"}
    running = start_cli("serve", "--port", "0", "--root-path", "/w", env=both)
    running.wait_for(lambda: "console_started" in running.stderr)
    (line,) = [one for one in running.stderr.splitlines() if "console_started" in one]
    url = json.loads(line)["url"]
    listed = httpx.get(url, timeout=20).text
    assert f'href="/w/db/{docs_table.name}/"' in listed
    assert "Connection refused" in listed
    assert httpx.get(urljoin(url, "readyz"), timeout=20).status_code == 200
    page = httpx.get(urljoin(url, f"db/{docs_table.name}/workers"), timeout=20)
    assert page.status_code == 200
    metrics = httpx.get(urljoin(url, "metrics"), timeout=20).text
    assert 'wikiembed_database_up{database="closed"} 0.0' in metrics
    stopped = running.stop()
    assert stopped.returncode == 0
    assert "console_stopped" in stopped.stderr
