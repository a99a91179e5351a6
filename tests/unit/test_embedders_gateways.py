"""How gateways refuse, and how a worker classifies each refusal: of a batch, and of the probe."""

from __future__ import annotations

import pytest

from tests.support.standin.faults import Canned
from tests.support.standin.profiles import GATEWAYS, PROFILES, Profile
from wikiembed.embedders.answers import error_of
from wikiembed.embedders.probe import of_probe
from wikiembed.embedders.words import stated_wait, wait_of
from wikiembed.errors import (
    BatchTooLarge,
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderRejected,
    EmbedderThrottled,
    EmbedderTimeout,
    EmbedderUnavailable,
    TextTooLong,
)

EACH = pytest.mark.parametrize("profile", [*PROFILES, *GATEWAYS], ids=lambda profile: profile.name)
HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"


def _of(canned: Canned) -> EmbedderError:
    headers = {name.lower(): value for name, value in canned.headers.items()}
    return error_of(canned.status, canned.body.encode(), headers, texts=["a text"])


@EACH
@pytest.mark.parametrize("what", ["unknown_model", "wrong_key", "quota"])
def test_error_that_an_operator_must_fix_is_misconfiguration(profile: Profile, what: str) -> None:
    """Whatever status the server or the gateway uses for it."""
    canned = getattr(profile, what)
    if canned is not None:
        assert type(_of(canned)) is EmbedderMisconfigured


@EACH
@pytest.mark.parametrize("what", ["overload", "loading"])
def test_transient_error_is_an_outage(profile: Profile, what: str) -> None:
    """No batch is blamed for it, and it pauses no source when the probe meets it."""
    canned = getattr(profile, what)
    if canned is not None:
        error = _of(canned)
        assert of_probe(error) is error
        assert isinstance(error, EmbedderUnavailable) or canned.status == 500


@EACH
def test_crash_is_not_a_refusal_even_of_the_probe(profile: Profile) -> None:
    """Ollama answers 400 to it, TEI and Bedrock 424: the probe's 4xx is an outage there."""
    if profile.crash is not None:
        error = _of(profile.crash)
        assert type(error) is EmbedderRejected
        assert of_probe(error) is error


@EACH
def test_text_too_long_and_batch_too_large_are_distinguished(profile: Profile) -> None:
    """Each in the words of its own server."""
    if profile.text_too_long is not None:
        assert type(_of(profile.text_too_long)) is TextTooLong
    if profile.batch_too_large is not None and profile.max_batch is not None:
        filled = profile.filled(profile.batch_too_large, count=64, limit=profile.max_batch)
        error = _of(filled)
        assert isinstance(error, BatchTooLarge)
        assert error.limit in {None, profile.max_batch}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (408, EmbedderUnavailable),
        (425, EmbedderUnavailable),
        (429, EmbedderThrottled),
        (502, EmbedderLost),
        (503, EmbedderUnavailable),
        (504, EmbedderTimeout),
        (520, EmbedderLost),
        (521, EmbedderUnavailable),
        (522, EmbedderUnavailable),
        (523, EmbedderUnavailable),
        (524, EmbedderTimeout),
        (525, EmbedderUnavailable),
        (526, EmbedderUnavailable),
        (529, EmbedderUnavailable),
        (530, EmbedderUnavailable),
        (401, EmbedderMisconfigured),
        (402, EmbedderMisconfigured),
        (403, EmbedderMisconfigured),
        (404, EmbedderMisconfigured),
        (405, EmbedderMisconfigured),
        (407, EmbedderMisconfigured),
        (410, EmbedderMisconfigured),
        (413, BatchTooLarge),
    ],
)
def test_html_page_of_a_gateway_is_classified_by_its_status(
    status: int, kind: type[EmbedderError]
) -> None:
    """The words of an HTML page are ignored, and none of it is shown."""
    error = error_of(status, HTML.format("Some Gateway Page").encode(), {})
    assert type(error) is kind
    assert "Some Gateway" not in str(error)


@pytest.mark.parametrize("status", [400, 406, 411, 413, 415, 422, 431, 451])
def test_probe_is_refused_by_any_other_4xx(status: int) -> None:
    """A short known text is not at fault: the server is reachable, and states why it refuses."""
    error = error_of(status, b'{"error": {"message": "Wrong in its own way"}}', {})
    meant = of_probe(error)
    assert isinstance(error, EmbedderRejected)
    assert type(meant) is EmbedderMisconfigured
    assert f"refuses even a short known text ({status})" in str(meant)
    assert status == 413 or "Wrong in its own way" in str(meant)


@pytest.mark.parametrize("status", [409, 423, 424, 499, 500, 501, 507])
def test_probe_is_not_refused_by_transient_errors(status: int) -> None:
    """A conflict, a lock, a failed model and any 5xx may be over in a moment."""
    error = error_of(status, b'{"error": "busy"}', {})
    assert of_probe(error) is error


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please retry after 6 seconds.", 6.0),
        ("Please retry in 34.07s.", 34.07),
        ("Try again in 5 seconds. Passed model=x", 5.0),
        ("Please try again in 20ms", 0.02),
        ("retry after 2 minutes", 120.0),
        ("retry after 999999 minutes", 3600.0),
        ("retry later", None),
    ],
)
def test_wait_stated_only_in_the_message_is_used(words: str, seconds: float | None) -> None:
    """Google, LiteLLM and Azure state it in the message; it is bounded."""
    assert stated_wait(words) == seconds


def test_wait_in_milliseconds_has_precedence() -> None:
    """Azure sends both headers."""
    assert wait_of({"retry-after-ms": "250", "retry-after": "1"}, "") == 0.25


@pytest.mark.parametrize(
    ("body", "headers", "kind"),
    [
        ('{"error": {"message": "You exceeded your current quota"}}', {}, EmbedderMisconfigured),
        (
            '{"error": {"message": "You exceeded your current quota. Please retry in 3s."}}',
            {},
            EmbedderThrottled,
        ),
        (
            '[{"error": {"message": "You exceeded your current quota",'
            ' "status": "RESOURCE_EXHAUSTED"}}]',
            {},
            EmbedderThrottled,
        ),
        ('{"error": {"code": "insufficient_quota"}}', {"retry-after": "1"}, EmbedderMisconfigured),
    ],
)
def test_rate_limit_per_minute_is_not_an_exhausted_quota(
    body: str, headers: dict[str, str], kind: type[EmbedderError]
) -> None:
    """OpenAI and Google use the same sentence for both."""
    assert type(error_of(429, body.encode(), headers)) is kind


def test_402_with_a_wait_is_throttling() -> None:
    """OpenRouter's budget for requests in flight: it is transient."""
    assert type(error_of(402, b"{}", {"retry-after": "2"})) is EmbedderThrottled


def test_content_filter_rejects_only_the_batch() -> None:
    """Azure's and OpenRouter's filters concern a text; the probe decides, and passes."""
    filtered = b'{"error": {"message": "The response was filtered", "code": "content_filter"}}'
    assert type(error_of(400, filtered, {})) is EmbedderRejected


@pytest.mark.parametrize("status", [404, 405])
def test_wrong_path_error_names_the_address_and_the_fix(status: int) -> None:
    """The message holds the requested address, and the settings that change it."""
    said = str(error_of(status, b"", {}, address="http://h:1/v1/v1/embeddings"))
    assert "at http://h:1/v1/v1/embeddings" in said
    assert "root only" in said
    assert "WIKIEMBED_EMBEDDER_PATH" in said


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "The plain HTTP request was sent to HTTPS port"),
        (400, "Client sent an HTTP request to an HTTPS server.\n"),
    ],
)
def test_plain_http_to_a_tls_port_is_reported(status: int, words: str) -> None:
    """nginx and Go's servers report it in their own words."""
    error = error_of(status, words.encode(), {})
    assert type(error) is EmbedderMisconfigured
    assert "speaks TLS" in str(error)
