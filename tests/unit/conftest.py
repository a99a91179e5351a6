"""Fixtures of the unit suite."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture
def captured_warnings(caplog: pytest.LogCaptureFixture) -> None:
    """Warnings are captured, whatever level another test has set."""
    caplog.set_level(logging.WARNING, "wikiembed")
