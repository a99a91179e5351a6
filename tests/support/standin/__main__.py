"""`python -m tests.support.standin`: prints its URL as a line of JSON, then serves."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from typing import get_args

from tests.support.standin.dialects import Dialect
from tests.support.standin.faults import Controls
from tests.support.standin.server import Server


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.support.standin", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dialect", choices=get_args(Dialect), default="all")
    parser.add_argument("--dimensions", type=int)
    parser.add_argument("--salt")
    parser.add_argument("--latency-s", type=float)
    parser.add_argument("--latency-per-text-s", type=float)
    parser.add_argument("--serial", action="store_true", default=None)
    parser.add_argument("--max-batch", type=int)
    parser.add_argument("--max-chars", type=int)
    parser.add_argument("--api-key")
    parser.add_argument("--model", help="the model's name in answers")
    parser.add_argument("--known-models", nargs="*")
    parser.add_argument("--control", type=json.loads, default={}, help="any controls, as JSON")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    values = vars(arguments)
    host, port, dialect = values.pop("host"), values.pop("port"), values.pop("dialect")
    controls = Controls()
    controls.update(values.pop("control"))
    controls.update({name: value for name, value in values.items() if value is not None})
    server = Server(dialect=dialect, controls=controls)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.start(host=host, port=port)
    sys.stdout.write(json.dumps({"url": server.url, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
