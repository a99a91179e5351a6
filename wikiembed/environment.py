"""The environment and ``.env``: which of their names are settings, and what is wrong in them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import DotEnvSettingsSource, SettingsError

from wikiembed.encodings import unreadable
from wikiembed.errors import ConfigurationError
from wikiembed.names import nearest

ENV_PREFIX = "WIKIEMBED_"
ENV_FILE = ".env"
_OF_OTHERS = re.compile(rf"{ENV_PREFIX}(TEST_|FAULT|START_)")
"""Of the tests and of the operator's scripts."""


class DotEnv(DotEnvSettingsSource):
    """``.env``, without names set in the environment, even if empty, which means the default."""

    def _read_env_files(self) -> Mapping[str, str | None]:
        set_outside = {name.lower() for name in os.environ}
        read = super()._read_env_files()
        return {name: value for name, value in read.items() if name.lower() not in set_outside}


def refuse_unreadable() -> None:
    """Check that the locale's encoding can decode the settings in the environment.

    Raises: ConfigurationError.
    """
    for name, value in os.environ.items():
        if name.upper().startswith(ENV_PREFIX) and (problem := unreadable(name, value)):
            raise ConfigurationError(problem)


def refuse_misspelt(fields: Collection[str]) -> None:
    """Check that each ``WIKIEMBED_…`` of ``.env`` is known, and that none of the environment is
    similar to a known one: other software may set that prefix there, such as Kubernetes for the
    links to a service. `fields` are the names of the settings.

    Raises: ConfigurationError, OSError, UnicodeDecodeError.
    """
    places = ((ENV_FILE, dotenv_values(ENV_FILE)), ("the environment", os.environ))
    for place, given in places:
        for name in map(str.upper, given):
            field = name.removeprefix(ENV_PREFIX).lower()
            if not name.startswith(ENV_PREFIX) or field in fields or _OF_OTHERS.match(name):
                continue
            near = nearest(field, fields, similarity=0.8)
            if near is not None or place == ENV_FILE:
                meant = (
                    f"did you mean {ENV_PREFIX}{near.upper()}?"
                    if near
                    else "see the settings' reference."
                )
                raise ConfigurationError(f"{name} in {place} is not a setting: {meant}")


@contextlib.contextmanager
def errors_in_words() -> Iterator[None]:
    """Raise what is wrong in the settings as a sentence; no value is shown, as it may be a secret.

    Raises: ConfigurationError.
    """
    try:
        yield
    except ValidationError as error:
        wrong = []
        for item in error.errors(include_input=False, include_url=False):
            name = "".join(f"{ENV_PREFIX}{part}".upper() for part in item["loc"])
            wrong.append(f"{name} {_demand(item)}".strip())
        raise ConfigurationError(f"Wrong setting: {'; '.join(wrong)}.") from None
    except SettingsError:
        raise ConfigurationError("The settings cannot be read: check WIKIEMBED_….") from None
    except OSError as error:
        raise ConfigurationError(f"The file {ENV_FILE} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"The file {ENV_FILE} cannot be read: line {_undecodable_line()} is not UTF-8 text."
        ) from None


def _undecodable_line() -> int:
    """The first line of ``.env`` that is not UTF-8, from 1."""
    for number, line in enumerate(Path(ENV_FILE).read_bytes().split(b"\n"), 1):
        try:
            line.decode()
        except UnicodeDecodeError:
            return number
    return 1


def _demand(item: ErrorDetails) -> str:
    """What a value must be, for users who do not know pydantic."""
    context = item.get("ctx", {})
    match item["type"]:
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}"
        case "greater_than":
            return f"must be more than {context['gt']:g}"
        case "less_than_equal":
            return f"must be at most {context['le']:g}"
        case "int_parsing" | "int_from_float":
            return "must be a whole number"
        case "float_parsing" | "finite_number":
            return "must be a number"
        case "bool_parsing" | "bool_type":
            return "must be true or false"
        case "enum":
            return f"must be {context['expected'].replace(chr(39), '')}"
        case "string_pattern_mismatch" if item["loc"] in (
            ("api_key_header",),
            ("web_user_header",),
        ):
            return "must be the name of a header, such as api-key"
        case "string_pattern_mismatch" if item["loc"] == ("model_device",):
            return "must be the name of a device, such as cpu or cuda:0"
        case "string_pattern_mismatch":
            words = str(context["pattern"]).strip("^()$").split("|")
            return f"must be {', '.join(words[:-1])} or {words[-1]}"
        case "value_error":
            return str(context["error"])
        case _:
            return f"is wrong: {item['msg']}"
