"""Collations of ICU, which the Postgres of the wheels is built without."""

from __future__ import annotations

import os
from typing import NoReturn

import psycopg
import pytest

REAL = "WIKIEMBED_TEST_REAL"


def skip_without_icu(error: psycopg.Error) -> NoReturn:
    """Skip the test where `error` says that the server lacks ICU; `scripts/real.sh` has one with.

    Raises: `error`, where it says something else or where the server is to have ICU.
    """
    missing = isinstance(error, psycopg.errors.FeatureNotSupported | psycopg.errors.UndefinedObject)
    if missing and not os.environ.get(REAL):
        pytest.skip("this Postgres is built without ICU: scripts/real.sh runs this test")
    raise error
