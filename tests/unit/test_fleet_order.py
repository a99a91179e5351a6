"""What an actor gets from its fleet: settings as an environment, never shown."""

from __future__ import annotations

import pickle

from pydantic import SecretStr

from wikiembed.config import Provider, Settings
from wikiembed.worker.fleet.order import Environment, Order, environment_of

URL = "postgresql://user:secret-9c1f@db/wiki"


def settings(**values: object) -> Settings:
    of_tests = {"check_truncation": False, "verify_chunks": 0}
    return Settings.model_validate({**of_tests, "embedder": Provider.OPENAI, **values})


def test_environment_has_what_was_set_and_the_resolved_database() -> None:
    """What was left unset is left to the node, such as the server's URL."""
    found = environment_of(
        settings(
            database_name="other", api_key=SecretStr("sk-3d"), dimensions=4, truncate=True,
            alive_file="/tmp/alive", metrics_port=9000, web_port=1, log_level="debug",  # noqa: S108
        ),
        URL,
    )  # fmt: skip
    assert dict(found) == {
        "WIKIEMBED_CHECK_TRUNCATION": "False",
        "WIKIEMBED_VERIFY_CHUNKS": "0",
        "WIKIEMBED_DATABASE_URL": URL,
        "WIKIEMBED_EMBEDDER": "openai",
        "WIKIEMBED_API_KEY": "sk-3d",
        "WIKIEMBED_DIMENSIONS": "4",
        "WIKIEMBED_TRUNCATE": "True",
        "WIKIEMBED_LOG_LEVEL": "debug",
    }


def test_environment_is_read_again_as_the_same_settings() -> None:
    """Each value's text is one that the settings accept."""
    given = settings(api_key=SecretStr("sk-3d"), request_timeout_s=2.5, truncate=True, batch_size=3)
    values = {
        name.removeprefix("WIKIEMBED_").lower(): value
        for name, value in environment_of(given, URL).items()
    }
    read = Settings.model_validate(values)
    for name in ("embedder", "api_key", "request_timeout_s", "truncate", "batch_size"):
        assert getattr(read, name) == getattr(given, name)


def test_text_of_an_order_shows_names_only() -> None:
    """An exception or a log line that quotes it has no secret."""
    order = Order(environment=environment_of(settings(api_key=SecretStr("sk-3d")), URL))
    for text in (repr(order), str(order), repr(pickle.loads(pickle.dumps(order)))):  # noqa: S301
        assert "WIKIEMBED_API_KEY" in text
        assert "sk-3d" not in text
        assert "secret-9c1f" not in text


def test_node_keeps_what_the_fleet_leaves_unset() -> None:
    """Its server's URL stays; the fleet's database takes precedence."""
    node = {"WIKIEMBED_EMBEDDER_URL": "http://127.0.0.1:8000", "WIKIEMBED_DATABASE_URL": "other"}
    Environment({"WIKIEMBED_DATABASE_URL": URL}).apply(node)
    assert node == {
        "WIKIEMBED_EMBEDDER_URL": "http://127.0.0.1:8000",
        "WIKIEMBED_DATABASE_URL": URL,
    }


def test_fleets_key_replaces_the_nodes_file() -> None:
    """A worker refuses both; without a key of the fleet the node's own stays."""
    node = {"WIKIEMBED_API_KEY_FILE": "/run/key"}
    Environment({}).apply(node)
    assert node == {"WIKIEMBED_API_KEY_FILE": "/run/key"}
    Environment({"WIKIEMBED_API_KEY": "sk-3d"}).apply(node)
    assert node == {"WIKIEMBED_API_KEY": "sk-3d"}
