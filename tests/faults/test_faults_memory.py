"""A worker runs out of memory: an allocation fails, or the kernel kills it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.crew import Crew, events
from tests.faults.report import Report
from tests.support.chunks import jobs_by_status
from tests.support.cli import Running, wait_for

CGROUPS = Path("/sys/fs/cgroup/memory")
LARGE, SPARE = 32, 16 << 20
"""Chunks of 1 MB each, in jobs of 16, and bytes that the worker may still take."""


def add_large(crew: Crew) -> None:
    """Queue chunks whose requests exceed the spare memory."""
    crew.database.execute(
        "insert into public.docs (body) select 'large ' || i || repeat(' x', 500000)"
        " from generate_series(1, %s) as i",
        [LARGE],
    )


WORKER = ("worker", "--concurrency", "4")


@contextlib.contextmanager
def cgroup() -> Iterator[Path]:
    """A memory cgroup (version 1); skips the test where none can be made."""
    folder = CGROUPS / f"wikiembed-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"needs a writable version 1 memory cgroup: {error}")
    try:
        yield folder
    finally:
        folder.rmdir()


@contextlib.contextmanager
def joined(group: Path) -> Iterator[None]:
    """Puts this thread into the cgroup within the block; a child stays in it."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    (own,) = (line.split(":")[2] for line in lines if line.split(":")[1] == "memory")
    thread = str(threading.get_native_id())
    (group / "tasks").write_text(thread)
    try:
        yield
    finally:
        (CGROUPS / own.lstrip("/") / "tasks").write_text(thread)


def test_worker_killed_for_memory_loses_nothing(crew: Crew, report: Report) -> None:
    """Its cgroup's limit is small and its batch large; another worker takes over the batch."""
    crew.attach(batch_size=16)
    with cgroup() as group:
        (group / "memory.limit_in_bytes").write_text(str(1 << 30))
        with joined(group):
            # A child of this thread, to be in its cgroup.
            victim = crew.cli.launch([sys.executable, "-m", "wikiembed", *WORKER])
        wait_for(lambda: events(victim, "worker_started"), victim)
        (group / "memory.limit_in_bytes").write_text(
            str(int((group / "memory.usage_in_bytes").read_text()) + SPARE)
        )
        add_large(crew)
        assert victim.process.wait(60) == -signal.SIGKILL, victim.stderr
        killed = dict(
            line.split() for line in (group / "memory.oom_control").read_text().splitlines()
        )
        assert int(killed["oom_kill"]) >= 1
    assert jobs_by_status(crew.database)["doing"] > 0
    crew.age_dead()
    crew.settle(report, "killed by the kernel, out of memory", crew.worker())


@contextlib.contextmanager
def limited(worker: Running, spare: int) -> Iterator[None]:
    """Limit the growth of the worker's address space to so many bytes within the block."""
    pid = worker.process.pid
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    soft, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (pages * resource.getpagesize() + spare, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_AS, (soft, hard))


def test_jobs_out_of_memory_are_retried_without_failures(crew: Crew, report: Report) -> None:
    """More often than a defect is tolerated: the error is Python's, or libpq's own."""
    crew.attach(batch_size=16)
    worker = crew.worker(drain=False, env={"WIKIEMBED_CONCURRENCY": "1"})
    wait_for(lambda: events(worker, "worker_started"), worker)
    with limited(worker, 3 << 20):
        add_large(crew)
        wait_for(lambda: events(worker, "out_of_memory"), worker)
        drain = crew.worker()
        drain.wait()
        assert events(worker, "job_failed") == []
    crew.settle(report, "memory is refused", drain)
    assert worker.stop().returncode == 0, worker.stderr
