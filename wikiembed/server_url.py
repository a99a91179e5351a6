"""The URLs of embedding servers: several in one setting, the root of a server, and its name."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BETWEEN_URLS = re.compile(r"[\s,]+(?=https?://)")
"""Between two URLs; elsewhere a comma or a space is a part of one, such as of a password."""


def split_urls(urls: str) -> Sequence[str]:
    """The URLs that blanks or commas separate, in their order."""
    return _BETWEEN_URLS.split(urls.strip(" \t\r\n,"))


def root_of(url: str) -> str:
    """The root of the server at `url`, without the path of the API. Raises: ValueError."""
    root = without_version(url.strip())
    if not root.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return root


def without_version(url: str) -> str:
    """`url` without the ``/v1`` or the slash that it may end with."""
    return url.rstrip("/").removesuffix("/v1")


def server_name(url: str) -> str:
    """`url` without credentials.

    User, password, query and fragment are removed; the last @ ends the password, which may
    contain any other delimiter.
    """
    scheme, _, rest = url.partition("://") if "://" in url else ("", "", url)
    rest = re.split(r"[?#]", rest.rpartition("@")[2], maxsplit=1)[0].rstrip("/")
    return f"{scheme}://{rest}" if scheme else rest
