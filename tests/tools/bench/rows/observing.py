"""What metrics and traces cost a worker, in CPU time per chunk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from tests.tools.bench.place import LIMIT_S, Base, Place, Server
from tests.tools.bench.result import Form, Measured, middle


def observing(place: Place, form: Form) -> Iterator[Measured]:
    """CPU per chunk without metrics and traces, over that with both at their defaults."""
    texts, rounds = form.of(180_000, 400_000), form.of(1, 3)
    with place.base() as base, place.server("instant") as server:
        found = [_round(place, base, server, texts) for _ in range(rounds)]
    yield Measured(
        row="metrics",
        what="CPU of a worker per chunk, instant server: without metrics and traces ÷ with both,"
        " for half of the batches of one process, at random",
        value=middle([_ratio(one) for one in found]),
        unit="ratio",
        better="more",
        goal=0.98,
        detail={name: [one[name] for one in found] for name in found[0]},
    )


def _ratio(found: Mapping[str, float]) -> float:
    off = found["off_us"]
    return off / (off + found["observed_us"] + found["background_us"])


def _round(place: Place, base: Base, server: Server, texts: int) -> dict[str, float]:
    """What one worker measured of itself."""
    base.execute("truncate public.docs restart identity")
    base.execute("delete from wikiembed_queue.procrastinate_jobs")
    base.fill("docs", texts)
    base.settle()
    with place.log.open("ab") as log:
        done = subprocess.run(
            [sys.executable, "-m", "tests.tools.bench.alternating"],
            env=os.environ
            | place.environment(base, server, metrics_port="0")
            | {"OTEL_EXPORTER_OTLP_ENDPOINT": server.url},
            check=True,
            timeout=LIMIT_S,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert base.one("select count(*) from public.docs where vec is null") == 0
    found: dict[str, float] = json.loads(done.stdout)
    return found
