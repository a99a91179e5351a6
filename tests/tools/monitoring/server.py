"""A real Prometheus as a process, and its HTTP API; promtool."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml

from tests.support.cli import launch, wait_for
from tests.tools.monitoring.board import FOLDER

PROGRAMS = ("prometheus", "promtool")
SCRAPE_S = 5
"""As long as a console keeps its results: a denser scrape sees no more."""


class Series(NamedTuple):
    """The values of one series, by seconds since the epoch."""

    labels: Mapping[str, str]
    values: Mapping[float, float]


def missing_programs() -> list[str]:
    """Those that are not on the PATH."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def promtool(*arguments: str, given: str | None = None) -> tuple[int, str]:
    """Its exit code, and what it printed."""
    done = subprocess.run(
        ["promtool", *arguments],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    return done.returncode, done.stdout


def configuration(folder: Path, *, console: str, workers: Sequence[str], token: str) -> Path:
    """The configuration of the docs, for these addresses (``host:port``) and in a hurry."""
    parsed = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    (folder / "token").write_text(token)
    targets = {"wikiembed-console": [console], "wikiembed-workers": list(workers)}
    for job in parsed["scrape_configs"]:
        job["scrape_interval"] = f"{SCRAPE_S}s"
        job["static_configs"] = [{"targets": targets.pop(job["job_name"])}]
        if "authorization" in job:
            job["authorization"]["credentials_file"] = str(folder / "token")
    assert not targets, f"no job {', '.join(targets)} in prometheus.yaml"
    parsed["rule_files"] = [str(FOLDER / name) for name in parsed["rule_files"]]
    parsed["global"] = {"evaluation_interval": f"{SCRAPE_S}s"}
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(parsed))
    return file


class Prometheus:
    """The API of one at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30)

    def get(self, path: str, **parameters: str | float) -> Any:
        """`data` of an answer of the API.

        Raises: AssertionError with the error that Prometheus names.
        """
        answer = self._http.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", f"{path} {parameters}: {answer.get('error')}"
        return answer["data"]

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._http.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def ranges(self, query: str, *, start: float, end: float, step_s: float) -> list[Series]:
        """The series of a query, from `start` to `end` in seconds since the epoch."""
        found = self.get("query_range", query=query, start=start, end=end, step=step_s)
        return [
            Series(one["metric"], {float(at): float(value) for at, value in one["values"]})
            for one in found["result"]
        ]

    def series(self, name: str, *, start: float, end: float) -> list[dict[str, str]]:
        """The labels of each series of a metric between `start` and `end`."""
        found = self.get("series", **{"match[]": name, "start": start, "end": end})  # type: ignore[arg-type]
        return [dict(labels) for labels in found]

    def close(self) -> None:
        """Close its connections."""
        self._http.close()


@contextmanager
def prometheus(folder: Path, configured: Path) -> Iterator[Prometheus]:
    """One that runs while the block does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    running = launch(
        [
            shutil.which("prometheus") or "prometheus",
            f"--config.file={configured}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address={address}",
            "--log.level=warn",
        ],
        env={},
        folder=folder,
    )
    api = Prometheus(f"http://{address}")
    try:
        wait_for(api.is_ready, running)
        yield api
    finally:
        api.close()
        running.stop()
