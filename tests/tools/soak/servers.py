"""Faults of a soak: the embedding server is down, slow, throttles, or answers nonsense."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import get_args

from tests.support.standin.faults import Garbage
from tests.tools.soak.field import LATENCY_S, REQUEST_TIMEOUT_S, Field

HTML = "<html><body><h1>Bad Gateway</h1></body></html>"


def server_down(field: Field) -> None:
    """Every connection is reset for a while, or a proxy answers 502 in its place."""
    proxy = field.random.choice([None, {"status": 502, "body": HTML}])
    field.standin.control(down=True, behind_proxy=proxy)
    time.sleep(field.random.uniform(0.5, 4))
    field.standin.control(down=False)


def server_errors(field: Field) -> None:
    """A few error answers."""
    status = field.random.choice([400, 408, 424, 500, 502, 503, 504])
    field.standin.control(fail_next=[{"status": status, "body": HTML}] * field.random.randint(1, 6))


def server_throttles(field: Field) -> None:
    """429 to all requests for a while, with seconds or a date."""
    in_a_second = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    after = field.random.choice(["1", in_a_second])
    field.standin.control(status_for_all={"status": 429, "headers": {"retry-after": after}})
    time.sleep(field.random.uniform(0.2, 1.5))
    field.standin.control(status_for_all=None)


def server_slow(field: Field) -> None:
    """Slower than the timeout for a while."""
    field.standin.control(latency_s=2 * REQUEST_TIMEOUT_S)
    time.sleep(field.random.uniform(0.5, 3))
    field.standin.control(latency_s=LATENCY_S)


def server_lies(field: Field) -> None:
    """Invalid success answers to all for a while; some pause the source."""
    field.standin.control(garbage=field.random.choice(get_args(Garbage)))
    time.sleep(field.random.uniform(0.2, 1.5))
    field.standin.control(garbage=None)
    # A worker may receive the last of them a moment later.
    time.sleep(0.3)
    field.sql("select wikiembed.resume()")


SERVERS = (
    server_down, server_down, server_errors, server_throttles, server_slow, server_lies,
    server_lies,
)  # fmt: skip
