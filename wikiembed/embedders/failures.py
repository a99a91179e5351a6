"""What went wrong on the way to an embedding server and back, as an error of ours."""

from __future__ import annotations

import errno
import ssl
import zlib
from collections.abc import Iterator

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError

from wikiembed.errors import (
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderTimeout,
    EmbedderUnavailable,
)

RAISED = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    aiohttp.ClientError,
    HttpProcessingError,
    OSError,
    UnicodeError,
    zlib.error,
)
"""The roots of all that a request raises; UnicodeError is of a host that DNS cannot hold."""

_NO_ADDRESS = (
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.RedirectClientError,
    aiohttp.TooManyRedirects,
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    httpx.TooManyRedirects,
)
_NOT_IN_TIME = (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout, httpx.PoolTimeout)
_UNREADABLE = (aiohttp.ContentTypeError, httpx.DecodingError, zlib.error)
_OUT_OF_REACH = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    httpx.ConnectError,
    httpx.ProxyError,
    UnicodeError,
)
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
_START = "start it, or set WIKIEMBED_EMBEDDER_URL"
_SLOW = " Raise WIKIEMBED_REQUEST_TIMEOUT_S where it has to load a model first."


def failure_of(
    error: Exception, *, root: str, timeout_s: float, answered: bool = False
) -> EmbedderError:
    """Map what httpx, aiohttp or the system raised to one of ours; its own message is not used.

    `answered`: the server at `root` has answered before, so the address is not at fault.

    Source: https://docs.aiohttp.org/en/stable/client_reference.html#client-exceptions
    """
    # httpx-aiohttp maps coarsely (a server that disconnects is a ConnectTimeout); the cause is not.
    if isinstance(error, httpx.TransportError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, _NOT_IN_TIME):
        return EmbedderUnavailable(
            f"The embedding server at {root} cannot be reached in time: {_START}"
            f"{_other_scheme(root, answered=answered)}."
        )
    if isinstance(error, TimeoutError | httpx.TimeoutException):
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
        return " (its host name cannot be resolved): correct it in WIKIEMBED_EMBEDDER_URL."
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return " (the proxy is not there): correct or unset HTTP_PROXY, HTTPS_PROXY and ALL_PROXY."
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return (
            " (the proxy refuses to connect to it): correct or unset HTTPS_PROXY, or set NO_PROXY."
        )
    cause = getattr(error, "os_error", None)
    if isinstance(cause, ConnectionRefusedError):
        return f" (nothing listens on that port): {_START}."
    if isinstance(cause, OSError) and cause.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return f" (there is no route to its host): {_START}."
    # Closed within the handshake, as a server without TLS does it.
    tls = root.startswith("https://") and isinstance(error, aiohttp.ClientConnectorError)
    return f": {_START}{_other_scheme(root, answered=not tls)}."


def refusal_of_tls(error: BaseException, *, root: str) -> EmbedderMisconfigured | None:
    """What an operator must correct when TLS with `root` failed for good; None when it did not."""
    for tls in _tls_errors(error):
        if isinstance(tls, ssl.SSLCertVerificationError):
            return EmbedderMisconfigured(_sentence_of_certificate(tls, root))
        if getattr(tls, "reason", None) in _NO_TLS:
            return EmbedderMisconfigured(
                f"The server at {root} speaks no TLS: set WIKIEMBED_EMBEDDER_URL to http://…."
            )
    return None


def _tls_errors(error: BaseException) -> Iterator[ssl.SSLError]:
    """What TLS raised, among the causes of `error`."""
    cause: BaseException | None = error
    while cause is not None:
        # aiohttp's wrappers claim to be such errors, but tell nothing.
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, aiohttp.ClientError):
            yield cause
        cause = cause.__cause__ or cause.__context__


def _sentence_of_certificate(error: ssl.SSLCertVerificationError, root: str) -> str:
    """Why the certificate was turned down, and whose business that is."""
    match error.verify_code:
        case 9 | 10:  # X509_V_ERR_CERT_NOT_YET_VALID, …_HAS_EXPIRED
            return f"The certificate of {root} has expired or is not valid yet: renew it."
        case 62 | 64:  # X509_V_ERR_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH
            return (
                f"The certificate of {root} is for another host:"
                " set WIKIEMBED_EMBEDDER_URL to the name that it was made for."
            )
        case _:
            return (
                f"The certificate of {root} is not trusted:"
                " set WIKIEMBED_CA_FILE to its authority's certificate."
            )
