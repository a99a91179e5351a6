"""What went wrong on the way to an embedding server and back, as an error of ours."""

from __future__ import annotations

import errno
import zlib

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from wikiembed.embedders.tls import refusal_of_tls
from wikiembed.errors import (
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderTimeout,
    EmbedderUnavailable,
)

RAISED = (aiohttp.ClientError, HttpProcessingError, OSError, UnicodeError, zlib.error)
"""The roots of all that a request raises; UnicodeError is of a host that DNS cannot hold."""

_NO_ADDRESS = (
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.RedirectClientError,
    aiohttp.TooManyRedirects,
)
_UNREADABLE = (aiohttp.ContentTypeError, zlib.error)
_OUT_OF_REACH = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, UnicodeError)
_START = "start it, or set WIKIEMBED_EMBEDDER_URL"
_SLOW = " Raise WIKIEMBED_REQUEST_TIMEOUT_S where it has to load a model first."


def failure_of(
    error: Exception, *, root: str, timeout_s: float, answered: bool = False
) -> EmbedderError:
    """Map what aiohttp or the system raised to an error of ours; its own message is not used.

    `answered`: the server at `root` has answered before, so the address is not at fault.

    Source: https://docs.aiohttp.org/en/stable/client_reference.html#client-exceptions
    """
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return EmbedderUnavailable(
            f"The embedding server at {root} cannot be reached in time: {_START}"
            f"{_other_scheme(root, answered=answered)}."
        )
    if isinstance(error, TimeoutError):
        return EmbedderTimeout(
            f"The embedding server at {root} gave no answer within {timeout_s:g} s."
            + ("" if answered else _SLOW)
        )
    if (refusal := refusal_of_tls(error, root=root)) is not None:
        return refusal
    if isinstance(error, _NO_ADDRESS):
        return EmbedderMisconfigured(
            f"{root} is not the address of an embedding server: set WIKIEMBED_EMBEDDER_URL."
        )
    if isinstance(error, _UNREADABLE):
        return EmbedderBadAnswer(f"The embedding server at {root} gave an unreadable answer.")
    if isinstance(error, _OUT_OF_REACH):
        return EmbedderUnavailable(
            f"The embedding server at {root} cannot be reached{_why(error, root=root)}"
        )
    return EmbedderLost(
        f"The embedding server at {root} broke off the connection"
        f"{_other_scheme(root, answered=answered)}."
    )


def _other_scheme(root: str, *, answered: bool) -> str:
    """What else may be wrong where nothing at `root` has ever answered."""
    if answered:
        return ""
    if root.startswith("https://"):
        return "; or it speaks no TLS: then set WIKIEMBED_EMBEDDER_URL to http://…"
    return "; or it speaks TLS: then set WIKIEMBED_EMBEDDER_URL to https://…"


def _why(error: Exception, *, root: str) -> str:
    """The cause and the cure, in words of ours; the cure alone where the cause is not known."""
    if isinstance(error, aiohttp.ClientConnectorDNSError | UnicodeError):
        return " (its host name cannot be resolved): mend it in WIKIEMBED_EMBEDDER_URL."
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return " (the proxy is not there): mend or unset HTTP_PROXY, HTTPS_PROXY and ALL_PROXY."
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return " (the proxy refuses to connect to it): mend or unset HTTPS_PROXY, or set NO_PROXY."
    cause = getattr(error, "os_error", None)
    if isinstance(cause, ConnectionRefusedError):
        return f" (nothing listens on that port): {_START}."
    if isinstance(cause, OSError) and cause.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return f" (there is no route to its host): {_START}."
    # Closed within the handshake, as a server without TLS does it.
    tls = root.startswith("https://") and isinstance(error, aiohttp.ClientConnectorError)
    return f": {_START}{_other_scheme(root, answered=not tls)}."
