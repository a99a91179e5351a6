"""Settings come from the environment, and errors name the setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from wikiembed.config import Provider, load_settings
from wikiembed.errors import ConfigurationError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, without .env."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wrong(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    """The error message for wrong settings, given by lower-case name."""
    for name, value in values.items():
        monkeypatch.setenv(f"WIKIEMBED_{name.upper()}", value)
    with pytest.raises(ConfigurationError) as error:
        load_settings()
    return str(error.value)


def test_config_defaults_to_the_embedded_database_and_the_local_model() -> None:
    """Without settings nothing outside this machine is contacted."""
    settings = load_settings()
    assert (settings.database_url, settings.embedder) == (None, Provider.LOCAL)
    assert settings.column_dimensions == 256


def test_config_treats_an_empty_variable_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """`WIKIEMBED_DIMENSIONS=` in a compose file means the default."""
    monkeypatch.setenv("WIKIEMBED_DIMENSIONS", "")
    monkeypatch.setenv("WIKIEMBED_EMBEDDER", "ollama")
    assert load_settings().column_dimensions == 768


def test_config_reads_a_dotenv_file(empty_folder: Path) -> None:
    """A .env in the working directory is read."""
    (empty_folder / ".env").write_text("WIKIEMBED_CONCURRENCY=9\nOTHER=1\n")
    assert load_settings().concurrency == 9


def test_config_lets_an_empty_variable_override_dotenv(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty variable means the default, not the value in the file."""
    (empty_folder / ".env").write_text(
        "WIKIEMBED_DATABASE_URL=postgresql://elsewhere/db\nWIKIEMBED_MODEL=m\n"
    )
    monkeypatch.setenv("WIKIEMBED_DATABASE_URL", "")
    settings = load_settings()
    assert (settings.database_url, settings.model) == (None, "m")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("WIKIEMBED_DATABSE_URL", "WIKIEMBED_DATABASE_URL"),
        ("WIKIEMBED_EMBEDER", "WIKIEMBED_EMBEDDER"),
        ("wikiembed_batchsize", "WIKIEMBED_BATCH_SIZE"),
    ],
)
def test_config_refuses_a_misspelt_name(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, near: str
) -> None:
    """It would be ignored, and everything would go to the embedded Postgres."""
    monkeypatch.setenv(name, "x")
    with pytest.raises(ConfigurationError, match=f"in the environment .* did you mean {near}"):
        load_settings()
    monkeypatch.delenv(name)
    (empty_folder / ".env").write_text(f"{name}=x\n")
    with pytest.raises(ConfigurationError, match=rf"in \.env is .* did you mean {near}"):
        load_settings()


def test_config_refuses_any_unknown_name_in_dotenv(empty_folder: Path) -> None:
    """The file belongs to wikiembed alone."""
    (empty_folder / ".env").write_text("WIKIEMBED_COLOUR=blue\n")
    with pytest.raises(ConfigurationError, match=r"WIKIEMBED_COLOUR in \.env is not a setting"):
        load_settings()


@pytest.mark.parametrize(
    "name",
    ["WIKIEMBED_PORT", "WIKIEMBED_SERVICE_HOST", "WIKIEMBED_PORT_5432_TCP_ADDR",
     "WIKIEMBED_START_OLLAMA", "WIKIEMBED_TEST_POSTGRES"],
)  # fmt: skip
def test_config_ignores_foreign_names_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Kubernetes sets some for a service named wikiembed; scripts and tests set their own."""
    monkeypatch.setenv(name, "x")
    assert load_settings().database_url is None


def test_config_reports_an_unreadable_dotenv_file(empty_folder: Path) -> None:
    """A .env that is not text gives one sentence with the faulty line, and no traceback."""
    (empty_folder / ".env").write_bytes(b"OTHER=1\nWIKIEMBED_MODEL=\xff\xfe\n")
    with pytest.raises(ConfigurationError, match=r"^The file \.env cannot be read: line 2 is not"):
        load_settings()


@pytest.mark.parametrize("given", ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"])
def test_config_reduces_a_url_to_the_root_of_the_server(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """A trailing /v1 and slashes are removed."""
    monkeypatch.setenv("WIKIEMBED_EMBEDDER_URL", given)
    assert load_settings().urls_of(Provider.OPENAI) == ("http://h:1",)


@pytest.mark.parametrize(
    "given",
    [
        "http://h:1/v2",
        "http://h:1/v2/",
        "http://user:s3cr-et@h:1/v2",
        "http://s3cr-et@h:1/v2?key=s3cr-et#s3cr-et",
        "http://user:s3cr-et?@h:1/v2",
        "http://user:s3cr-et/#s3cr@et@h:1/v2",
    ],
)
def test_config_names_a_server_without_credentials(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """User, password and query stay out of events and of wikiembed.outages, in odd URLs too."""
    monkeypatch.setenv("WIKIEMBED_EMBEDDER_URL", given)
    assert load_settings().servers_of(Provider.OPENAI) == ("http://h:1/v2",)


@pytest.mark.parametrize(
    "given",
    [
        "http://a:1,https://k,e y@b/v1",
        " http://a:1/v1/ , https://k,e y@b/ ,",
        "http://a:1\nhttps://k,e y@b",
    ],
)
def test_config_takes_several_servers(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """Commas or spaces separate them, and a password may hold both."""
    monkeypatch.setenv("WIKIEMBED_EMBEDDER_URL", given)
    settings = load_settings()
    assert settings.urls_of(Provider.OPENAI) == ("http://a:1", "https://k,e y@b")
    assert settings.servers_of(Provider.OPENAI) == ("http://a:1", "https://b")
    assert settings.urls_of(Provider.LOCAL) == (None,)


def test_config_refuses_a_server_that_is_named_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two connections to one server share nothing, and have one name."""
    assert wrong(monkeypatch, embedder_url="http://h:1 http://user:s3cr-et@h:1/v1") == (
        "Wrong setting: WIKIEMBED_EMBEDDER_URL names the server http://h:1 twice."
    )


def test_config_names_the_server_of_each_provider() -> None:
    """Without a URL it is the default one; a model in the process is its own server."""
    servers = {provider: load_settings().servers_of(provider)[0] for provider in Provider}
    assert servers[Provider.OLLAMA] == "http://localhost:11434"
    for provider in Provider:
        assert (servers[provider] == provider.value) is provider.in_process


def test_config_names_every_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several wrong settings give one sentence."""
    assert wrong(monkeypatch, concurrency="0", truncate="perhaps", outage_limit_s="soon") == (
        "Wrong setting: WIKIEMBED_TRUNCATE must be true or false; WIKIEMBED_CONCURRENCY must be at"
        " least 1; WIKIEMBED_OUTAGE_LIMIT_S must be a number."
    )


def test_config_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the error message nor the repr of the settings shows the key."""
    said = wrong(monkeypatch, api_key="sk-secret", api_key_file="/x")
    assert said == "Wrong setting: set WIKIEMBED_API_KEY or WIKIEMBED_API_KEY_FILE, not both."
    monkeypatch.delenv("WIKIEMBED_API_KEY_FILE")
    assert "sk-secret" not in repr(load_settings())


def test_config_reads_the_key_from_its_file(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key file is read late, without its line end; the error for a missing one names it."""
    file = empty_folder / "key"
    monkeypatch.setenv("WIKIEMBED_API_KEY_FILE", str(file))
    settings = load_settings()
    with pytest.raises(ConfigurationError, match="WIKIEMBED_API_KEY_FILE cannot be read"):
        settings.read_api_key()
    file.write_text("sk-1\n")
    key = settings.read_api_key()
    assert key is not None
    assert key.get_secret_value() == "sk-1"


@pytest.mark.parametrize("given", ["api key", "api-key:", "häder", "x" * 65])
def test_config_refuses_an_invalid_header_name(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """A header name is one token."""
    assert "must be the name of a header" in wrong(monkeypatch, api_key_header=given)
