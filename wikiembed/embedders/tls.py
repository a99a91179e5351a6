"""TLS to an embedding server: whom to trust, and why a server was not."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import certifi

from wikiembed.errors import ConfigurationError, EmbedderMisconfigured

_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})


def tls_of(ca_file: Path | None) -> ssl.SSLContext:
    """A context that verifies: the authorities of SSL_CERT_FILE, else of SSL_CERT_DIR, else
    certifi's; and those of `ca_file`.

    Raises: ConfigurationError when a file of certificates cannot be read.
    """
    try:
        context = _default_context()
    except (OSError, ssl.SSLError):
        raise ConfigurationError(
            "SSL_CERT_FILE or SSL_CERT_DIR cannot be read as PEM certificates: mend or unset it."
        ) from None
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError):
            raise ConfigurationError(
                "WIKIEMBED_CA_FILE cannot be read as a PEM file of certificates: mend or unset it."
            ) from None
    return context


def _default_context() -> ssl.SSLContext:
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file:
        context = ssl.create_default_context(cafile=file)
    elif directory:
        context = ssl.create_default_context(capath=directory)
    else:
        context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


def refusal_of_tls(error: BaseException, *, root: str) -> EmbedderMisconfigured | None:
    """What an operator must mend when TLS with `root` failed for good; None when it did not."""
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
