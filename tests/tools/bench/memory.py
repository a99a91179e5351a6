"""The memory of a process, now or at its peak, and its CPU time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

EVERY_S = 0.01


def memory_mb(pid: int, field: str = "VmRSS") -> float:
    """`VmRSS`: all resident memory; `RssAnon`: the process's own, without shared buffers.

    Source: proc_pid_status(5).
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no {field}")


def cpu_s(pid: int) -> float:
    """CPU of a process so far, in s, of all its threads. Source: proc_pid_stat(5), utime, stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family_cpu_s(pid: int) -> float:
    """CPU so far, in s, of a process and its children, those included that it has waited for."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(folder.name) == pid:
                found += sum(map(int, fields[11:15]))
            elif int(fields[1]) == pid:
                found += int(fields[11]) + int(fields[12])
    return found / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def peak_of(pid: int, peaks: list[float]) -> Iterator[None]:
    """Append the peak of a process's own memory within the block, in MB."""
    ended = threading.Event()
    seen = [memory_mb(pid, "RssAnon")]

    def look() -> None:
        while not ended.wait(EVERY_S):
            seen.append(memory_mb(pid, "RssAnon"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        peaks.append(max(seen))
