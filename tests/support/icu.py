"""Collations of ICU, which the wheels' Postgres is built without."""

from __future__ import annotations

import os
from typing import NoReturn

import psycopg
import pytest

REAL = "WIKIEMBED_TEST_REAL"


def skip_without_icu(error: psycopg.Error) -> NoReturn:
    """Skip the test if `error` means that the server lacks ICU; `scripts/real.sh` has one with it.

    Raises: `error`, if it means something else or if the server must have ICU.
    """
    missing = isinstance(error, psycopg.errors.FeatureNotSupported | psycopg.errors.UndefinedObject)
    if missing and not os.environ.get(REAL):
        pytest.skip("this Postgres is built without ICU: scripts/real.sh runs this test")
    raise error
