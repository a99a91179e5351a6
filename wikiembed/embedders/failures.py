"""What went wrong on the way to an embedding server and back, as an error of ours."""

from __future__ import annotations

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


def failure_of(error: Exception, *, root: str, timeout_s: float) -> EmbedderError:
    """Map what aiohttp or the system raised to an error of ours; its own message is not used.

    Source: https://docs.aiohttp.org/en/stable/client_reference.html#client-exceptions
    """
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return EmbedderUnavailable(
            f"The embedding server at {root} cannot be reached in time: {_START}."
        )
    if isinstance(error, TimeoutError):
        return EmbedderTimeout(
            f"The embedding server at {root} gave no answer within {timeout_s:g} s."
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
        return EmbedderUnavailable(f"The embedding server at {root} cannot be reached: {_START}.")
    return EmbedderLost(f"The embedding server at {root} broke off the connection.")
