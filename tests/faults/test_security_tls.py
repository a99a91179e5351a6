"""TLS to the embedding server: always verified, and nothing is sent before it is."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.support.chunks import add_chunks
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, served
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn

Serve = Callable[[trustme.LeafCert], StandIn]
HERE = "127.0.0.1"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An untrusted certificate authority."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Its certificate, as PEM."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Runs stand-ins behind a certificate."""
    with ExitStack() as running:

        def start(certificate: trustme.LeafCert) -> StandIn:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            return running.enter_context(
                StandIn(dialect="all", dimensions=DIMENSIONS, tls=context, api_key="key")
            )

        yield start


@pytest.mark.parametrize("variable", ["WIKIEMBED_CA_FILE", "SSL_CERT_FILE"])
def test_tls_with_a_private_authority(
    call: Call,
    docs_table: Database,
    authority: trustme.CA,
    ca_file: Path,
    serve: Serve,
    variable: str,
) -> None:
    """Set by either variable, a whole run succeeds."""
    server = serve(authority.issue_cert(HERE))
    add_chunks(docs_table, 3)
    env = {**served(server, api_key="key"), variable: str(ca_file)}
    assert server.url.startswith("https://")
    assert_done(call("worker", "--drain", env=env))
    assert docs_table.one("select count(vec) from public.docs") == 3
    assert_done(call("search", "chunk", env=env))


def bad(case: str, authority: trustme.CA) -> trustme.LeafCert:
    """A certificate that must not be accepted."""
    now = dt.datetime.now(dt.UTC)
    match case:
        case "unknown authority":
            return trustme.CA().issue_cert(HERE)
        case "wrong host":
            return authority.issue_cert("embedder.example")
        case "expired":
            return authority.issue_cert(
                HERE, not_before=now - dt.timedelta(days=2), not_after=now - dt.timedelta(days=1)
            )
        case _:
            return authority.issue_cert(
                HERE, not_before=now + dt.timedelta(days=1), not_after=now + dt.timedelta(days=2)
            )


SAID = {
    "unknown authority": "is not trusted: set WIKIEMBED_CA_FILE",
    "wrong host": "is for another host",
    "expired": "has expired or is not valid yet",
    "not yet valid": "has expired or is not valid yet",
}


@pytest.mark.parametrize("case", SAID)
def test_tls_certificate_that_must_not_be_accepted(
    call: Call,
    docs_table: Database,
    authority: trustme.CA,
    ca_file: Path,
    serve: Serve,
    case: str,
) -> None:
    """One sentence, the source paused with it, and neither key nor text was sent."""
    server = serve(bad(case, authority))
    add_chunks(docs_table, 2)
    env = served(server, api_key="key", ca_file=str(ca_file))
    docs_table.execute("update public.docs set vec = '[1,0,0,0]' where id = 1")
    assert SAID[case] in assert_refused(call("search", "x", env=env), 2)
    assert SAID[case] in assert_refused(call("worker", "--drain", env=env), 1)
    assert SAID[case] in docs_table.one(
        "select pause_reason from wikiembed.sources where name = 'docs'"
    )
    assert (server.stats.requests, server.stats.texts) == (0, 0)
    docs_table.check_invariants()


@pytest.mark.parametrize("variable", ["WIKIEMBED_CA_FILE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_tls_authority_that_cannot_be_read(
    call: Call, docs_table: Database, tmp_path: Path, variable: str, content: str | None
) -> None:
    """Exit 2, and the variable is named."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    env = {"WIKIEMBED_EMBEDDER": "tei", variable: str(file)}
    docs_table.execute("insert into public.docs (body, vec) values ('a', '[1,0,0,0]')")
    assert variable in assert_refused(call("search", "x", env=env), 2)
