"""Usage: what a response says that it cost, else a marked estimate."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.standin import Canned, StandIn
from wikiembed.config import Provider
from wikiembed.embedders.base import EmbedderOptions, Role
from wikiembed.embedders.open import open_embedder
from wikiembed.embedders.usage import Usage, count_answer, metered, tokens_said
from wikiembed.errors import EmbedderError

TEXTS = ["one two three", "four five"]
FAR = b"[" + b"0.25," * 4000 + b"0.5]"


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b'{"data":%b,"usage":{"prompt_tokens":7,"total_tokens":9}}' % FAR, {}, 7),
        (b'{"usage":{"total_tokens":9,"prompt_tokens_details":{}},"data":%b}' % FAR, {}, 9),
        (b'{"embeddings":%b,"total_duration":5,"prompt_eval_count": 12}' % FAR, {}, 12),
        (b"%b" % FAR, {"x-compute-tokens": "31"}, 31),
        (b"%b" % FAR, {"x-compute-tokens": "-1"}, None),
        (b"%b" % FAR, {"x-compute-tokens": "\u00b2"}, None),
        (b'{"data":[],"usage":{"prompt_tokens":0,"total_tokens":0}}', {}, None),
        (b'{"data":[],"usage":{"prompt_tokens":"7"}}', {}, None),
        (b'{"usage":{"prompt_tokens":-7}}', {}, None),
        (b'{"usage":{"prompt_tokens":99999999999999999999}}', {}, None),
        (b"not JSON at all", {}, None),
        (b"", {}, None),
    ],
)
def test_tokens_are_read_from_either_end_of_a_response(
    body: bytes, headers: dict[str, str], expected: int | None
) -> None:
    """Beside vectors of 20 KB, before or after them; nothing is taken for a count that is none."""
    assert tokens_said(body, headers) == expected


@pytest.mark.parametrize("provider", [Provider.OPENAI, Provider.OLLAMA, Provider.TEI])
async def test_each_dialect_counts_as_its_server_does(provider: Provider) -> None:
    """Tokens by the server; without its count 4 bytes each, marked as estimated."""
    with StandIn(dialect="all", dimensions=4) as server:
        options = EmbedderOptions(provider=provider, url=server.url, model="standin-model")
        embedder = open_embedder(options)
        with metered(Usage()) as counted:
            await embedder.embed(TEXTS, role=Role.DOCUMENT)
        server.controls.counts_tokens = False
        with metered(Usage()) as estimated:
            await embedder.embed(TEXTS, role=Role.DOCUMENT)
        await embedder.aclose()
    assert counted == Usage(requests=1, texts=2, tokens=5)
    assert estimated == Usage(requests=1, texts=2, tokens=4 + 3, estimated=4 + 3)


async def test_requests_that_fail_are_counted_with_what_they_say(standin: StandIn) -> None:
    """A refusal that states tokens costs them; one that does not, and a lost one, cost none."""
    options = EmbedderOptions(provider=Provider.OPENAI, url=standin.url, model="standin-model")
    embedder = open_embedder(options)
    standin.controls.fail_next = [
        Canned(status=500, body='{"error":{"message":"x"},"usage":{"prompt_tokens":40}}'),
        Canned(status=500, body='{"error":{"message":"x"}}'),
    ]
    with metered(Usage()) as usage:
        for _ in range(2):
            with pytest.raises(EmbedderError):
                await embedder.embed(TEXTS, role=Role.DOCUMENT)
        standin.controls.garbage = "cut_connection"
        with pytest.raises(EmbedderError):
            await embedder.embed(TEXTS, role=Role.DOCUMENT)
        standin.controls.garbage = "nan"
        await embedder.embed(TEXTS, role=Role.DOCUMENT)
    await embedder.aclose()
    assert usage == Usage(requests=4, failed=3, texts=2, tokens=40 + 5)


async def test_concurrent_batches_count_apart() -> None:
    """Each context has its own counter, also in the tasks that begin in it; outside nothing is."""

    async def batch(n: int) -> Usage:
        with metered(Usage()) as usage:
            for _ in range(n):
                await asyncio.sleep(0)
                await asyncio.create_task(request())
        return usage

    async def request() -> None:
        count_answer(["abcd"])

    found = await asyncio.gather(batch(1), batch(3))
    count_answer(["abcd"])
    assert [one.tokens for one in found] == [1, 3]
