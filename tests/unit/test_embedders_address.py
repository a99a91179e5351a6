"""Addresses are parsed as httpx parses them, and shown without a password."""

from __future__ import annotations

import httpx
import pytest

from wikiembed.config import Provider
from wikiembed.embedders.base import EmbedderOptions
from wikiembed.embedders.client import headers_of, root_of, url_of
from wikiembed.errors import ConfigurationError


def _root(url: str) -> str:
    return root_of(url_of(EmbedderOptions(provider=Provider.TEI, url=url, model=None)))


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "HTTP://HOST/V1",
        "http://host:80/",
        "https://host:443/v1/",
        "http://host:8080/base/v1",
        "http://host/base/v1?key=x#part",
        "http://[::1]:8080/v1",
        "http://[fe80::1%25lo]",
        "http://müller.example/ü",
        "http://joe:p%40ss@host",
        "http://joe@host/base/",
        "http://a_b:11434",
        "http://host/a%2Fb/../c",
        "  http://host  ",
    ],
)
def test_address_equals_the_one_that_httpx_requests(url: str) -> None:
    """Lower case, IDNA, IPv6, default ports and paths; `/v1` and what follows it are removed."""
    whole = httpx.URL(url.strip()).copy_with(userinfo=b"", query=None, fragment=None)
    assert _root(url) == str(whole).rstrip("/").removesuffix("/v1")


@pytest.mark.parametrize(
    "url",
    [
        "http://host:99999",
        "http://host:port",
        "http://127.1",
        "http://2130706433",
        "http:///x",
        "http://ho st",
        "http://ho\x7fst",
        f"http://host/{'x' * 70000}",
        "http://256.1.1.1",
        "//x",
    ],
)
def test_address_without_a_valid_host_is_refused(url: str) -> None:
    """Ports out of range, invalid IP addresses, control characters."""
    with pytest.raises(ConfigurationError, match="WIKIEMBED_EMBEDDER_URL"):
        _root(url)


def test_key_is_sent_alone_in_its_own_header() -> None:
    """For Azure OpenAI; otherwise it is a bearer token."""
    url = httpx.URL("http://host")
    own = headers_of(url, "secret", key_header="Api-Key")
    assert (own["api-key"], "authorization" in own) == ("secret", False)
    assert headers_of(url, "secret")["authorization"] == "Bearer secret"
