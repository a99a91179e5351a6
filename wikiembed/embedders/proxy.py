"""The proxy on the way to an embedding server, from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY.

aiohttp's own reading of them (`trust_env`) would send what ~/.netrc holds along, hence this one.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.request import getproxies

from yarl import URL

from wikiembed.embedders.address import basic_of
from wikiembed.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy without its password, and the header that proves that password to it."""

    url: URL
    authorization: str | None


def proxy_of(address: URL) -> Proxy | None:
    """The proxy by which `address` is to be asked; None when directly.

    Raises: ConfigurationError when a variable names no proxy that can be used.
    """
    found = getproxies()
    spared = [entry.strip() for entry in found.get("no", "").split(",") if entry.strip()]
    if "*" in spared:
        return None
    try:
        # All are read, also those that are not for `address`: a mistake is told at once.
        proxies = {name: _read(found[name]) for name in ("http", "https", "all") if found.get(name)}
        direct = [entry for entry in spared if _spares(entry, address)]
    except ValueError:
        raise ConfigurationError(
            "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is no proxy that can be used:"
            " write it as http://host:port."
        ) from None
    return None if direct else proxies.get(address.scheme, proxies.get("all"))


def _read(text: str) -> Proxy:
    url = URL(text if "://" in text else f"http://{text}")
    if url.scheme not in {"http", "https"} or not url.raw_host:
        raise ValueError
    return Proxy(url=url.with_user(None), authorization=basic_of(url))


def _spares(entry: str, address: URL) -> bool:
    """Whether `entry` of NO_PROXY is for `address`: a domain is for the hosts below it, too.

    Source: https://curl.se/libcurl/c/CURLOPT_NOPROXY.html
    """
    exact = "://" in entry or entry.lower() == "localhost" or _is_ip(entry)
    pattern = URL(entry if "://" in entry else f"all://{_bracketed(entry)}")
    if pattern.scheme not in {"all", address.scheme}:
        return False
    if (port := _port_of(pattern)) is not None and port != _port_of(address):
        return False
    host, domain = address.host or "", pattern.host or ""
    if not domain or host == domain:
        return True
    return not exact and host.endswith(domain if domain.startswith(".") else f".{domain}")


def _bracketed(entry: str) -> str:
    return f"[{entry}]" if _is_ip(entry) and ":" in entry else entry


def _is_ip(entry: str) -> bool:
    try:
        ipaddress.ip_address(entry.split("/")[0])
    except ValueError:
        return False
    return True


def _port_of(url: URL) -> int | None:
    return None if url.is_default_port() else url.port
