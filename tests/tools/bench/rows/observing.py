"""What metrics and traces cost a worker: in chunks per second, and in CPU time per chunk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from unittest import mock

from tests.tools.bench.place import LIMIT_S, Base, Place, Server
from tests.tools.bench.result import Form, Measured, middle, ratio_of_rates


def observing(place: Place, form: Form) -> Iterator[Measured]:
    """A worker with metrics and traces at their defaults, compared with one without."""
    yield _throughput(place, texts=form.of(4_000, 40_000), rounds=2)
    texts, rounds = form.of(180_000, 400_000), form.of(1, 3)
    with place.base() as base, place.server("instant") as server:
        found = [_round(place, base, server, texts) for _ in range(rounds)]
    yield Measured(
        row="metrics CPU",
        what="CPU of a worker per chunk, instant server: without metrics and traces ÷ with both,"
        " for half of the batches of one process, at random",
        value=middle([_ratio(one) for one in found]),
        unit="ratio",
        better="more",
        goal=0.98,
        detail={name: [one[name] for one in found] for name in found[0]},
    )


def _throughput(place: Place, *, texts: int, rounds: int) -> Measured:
    """Of the server of row `share`, which takes 1 ms a text."""
    rates: dict[str, list[float]] = {"without": [], "with": []}
    with place.base() as base, place.server("serial") as server:
        exporter = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.url}
        for _ in range(rounds):
            for kind, rate in rates.items():
                base.refill(texts)
                observed = kind == "with"
                with mock.patch.dict(os.environ, exporter if observed else {}):
                    settings = {"metrics_port": "0"} if observed else {}
                    stats = place.drain(base, server, **settings)
                rate.append(stats["texts"] / stats["seconds"])
    return Measured(
        row="metrics",
        what="chunks/s of a worker, server of 1 ms a text and 10 ms a request: with metrics and"
        " traces ÷ without",
        value=ratio_of_rates(rates["with"], rates["without"]),
        unit="ratio",
        better="more",
        goal=0.98,
        detail={f"chunks_per_s {kind}": rate for kind, rate in rates.items()},
    )


def _ratio(found: Mapping[str, float]) -> float:
    off = found["off_us"]
    return off / (off + found["observed_us"] + found["background_us"])


def _round(place: Place, base: Base, server: Server, texts: int) -> dict[str, float]:
    """What one worker measured of itself."""
    base.refill(texts)
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
