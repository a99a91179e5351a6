"""The parts of the code that the reference must name: events, error classes, SQLSTATEs."""

from __future__ import annotations

import ast
import logging
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.tools.docs.pages import ROOT
from wikiembed.error_class import ErrorClass

PACKAGE = ROOT / "wikiembed"
SQL = ROOT / "migrations" / "current"
_CLASSES_IN_SQL = (
    re.compile(r"wikiembed\.record_failures\(\s*[^;']*'(\w+)'"),
    re.compile(r"'skipped', '(\w+)'"),
)


@dataclass(slots=True)
class Event:
    """The merged calls that emit one event."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def _calls(name: str) -> Iterator[ast.Call]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (
                (isinstance(node.func, ast.Name) and node.func.id == name)
                or (isinstance(node.func, ast.Attribute) and node.func.attr == name)
            ):
                yield node


def _word(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def events() -> dict[str, Event]:
    """Event name → levels and fields, of every call of telemetry.emit."""
    found: dict[str, Event] = defaultdict(Event)
    for call in _calls("emit"):
        name = _word(call.args[0]) if call.args else None
        assert name is not None, f"emit with a name that is no literal: {ast.unparse(call)}"
        level = logging.INFO
        for keyword in call.keywords:
            assert keyword.arg is not None, f"emit with ** fields: {ast.unparse(call)}"
            if keyword.arg != "level":
                found[name].fields.add(keyword.arg)
            elif isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, int):
                level = keyword.value.value
            else:
                level = int(getattr(logging, ast.unparse(keyword.value).removeprefix("logging.")))
        found[name].levels.add(logging.getLevelName(level).lower())
    return dict(found)


def progress_events() -> set[str]:
    """Names of the JSON lines on standard output: `{"event": …}`."""
    names: set[str] = set()
    for call in _calls("print_json"):
        for node in ast.walk(call):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if _word(key) == "event":
                        names |= set(filter(None, map(_word, _branches(value))))
    return names


def _branches(node: ast.expr) -> list[ast.expr]:
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]


def error_classes() -> set[str]:
    """Every value of failures.error_class."""
    return {word.value for word in ErrorClass}


def error_classes_in_sql() -> set[str]:
    """The values written by database functions."""
    found: set[str] = set()
    for path in sorted(SQL.rglob("*.sql")):
        for pattern in _CLASSES_IN_SQL:
            found |= set(pattern.findall(path.read_text()))
    return found


def sqlstates() -> set[str]:
    """Every SQLSTATE of ours that a function raises."""
    return {
        state
        for path in SQL.rglob("*.sql")
        for state in re.findall(r"errcode = '(WE\d{3})'", path.read_text())
    }
