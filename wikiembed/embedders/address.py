"""Where an embedding server is and who asks: the address and the key, checked when configured."""

from __future__ import annotations

import ipaddress
from base64 import b64encode

from yarl import URL

from wikiembed.embedders.base import EmbedderOptions
from wikiembed.errors import ConfigurationError

_LONGEST = 65_536


def address_of(options: EmbedderOptions) -> URL:
    """The server's address, with user and password, without query and fragment.

    Raises: ConfigurationError when it is missing or no URL of HTTP.
    """
    hint = "set WIKIEMBED_EMBEDDER_URL to http://host:port"
    if not options.url:
        raise ConfigurationError(f"No address of an embedding server: {hint}.")
    text = options.url.strip()
    try:
        url = URL(text) if len(text) <= _LONGEST else URL()
    except ValueError:
        url = URL()
    odd = any(char.isspace() or (char.isascii() and not char.isprintable()) for char in text)
    if odd or url.scheme not in {"http", "https"} or not _is_host(url.raw_host or ""):
        raise ConfigurationError(f"The embedding server's address is not a URL: {hint}.")
    return url.with_query(None).with_fragment(None)


def _is_host(host: str) -> bool:
    """A name or a whole IP address: of 127.1 or 2130706433 aiohttp connects to none."""
    if not host or host.strip("0123456789."):
        return bool(host)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def root_of(url: URL) -> str:
    """The address that may be shown and that paths are put behind: no password, no `/v1`."""
    return str(url.with_user(None)).rstrip("/").removesuffix("/v1")


def headers_of(url: URL, key: str, *, key_header: str | None = None) -> dict[str, str]:
    """The headers of every request; a key comes before user and password of the address.

    With `key_header` the key stands alone in that header, as Azure OpenAI's `api-key` wants it.

    Raises: ConfigurationError when no header can hold the key.
    """
    headers = {"content-type": "application/json", "accept-encoding": "identity"}
    if key:
        if not key.isascii() or not key.isprintable() or key != key.strip():
            raise ConfigurationError(
                "The API key of WIKIEMBED_API_KEY or WIKIEMBED_API_KEY_FILE holds a character that"
                " cannot be sent: a space, a line break, or one beyond ASCII."
            )
        if key_header is not None:
            headers[key_header.lower()] = key
        else:
            headers["authorization"] = f"Bearer {key}"
    elif (basic := basic_of(url)) is not None:
        headers["authorization"] = basic
    return headers


def basic_of(url: URL) -> str | None:
    """What proves user and password of `url` (RFC 7617); None when it names neither."""
    if not url.user and not url.password:
        return None
    return "Basic " + b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()
