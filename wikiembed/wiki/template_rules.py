"""An operator's rules for templates, from a TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from wikiembed.errors import InputError
from wikiembed.wiki.templates import COMPUTED

MAX_RULES_BYTES = 1_000_000
_PATTERN = re.compile(r"(?:[^{}]|\{[^{}]+\})*+")


def read_rules(path: Path) -> Mapping[str, str]:
    """Patterns by template name, from the table ``templates`` of the file at `path`.

    Patterns are as in `wikiembed.wiki.template_names`; an empty one shows nothing.
    Raises: InputError, which names the invalid line or key.
    """
    try:
        if path.stat().st_size > MAX_RULES_BYTES:
            raise InputError(f"{path}: longer than {MAX_RULES_BYTES:,} bytes.")
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {str(error)[:1].lower()}{str(error)[1:]}.") from None
    for name in content:
        if name != "templates":
            raise InputError(f"{path}: has no use for {name!r}, only for the table [templates].")
    rules = content.get("templates")
    if not isinstance(rules, dict):
        raise InputError(f"{path}: has no table [templates].")
    return {_name_of(name): _pattern(path, name, rule) for name, rule in rules.items()}


def _name_of(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).lower()


def _pattern(path: Path, name: str, rule: object) -> str:
    if not isinstance(rule, str):
        raise InputError(f"{path}: what template {name!r} shows must be a text in quotes.")
    if rule.startswith("@"):
        if rule not in COMPUTED:
            raise InputError(
                f"{path}: template {name!r} shows {rule!r}, which is none of"
                f" {', '.join(sorted(COMPUTED))}."
            )
    elif _PATTERN.fullmatch(rule) is None:
        raise InputError(f"{path}: template {name!r} has a brace that opens or closes nothing.")
    return rule
