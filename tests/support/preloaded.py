"""Commands forked from a process that has imported wikiembed already.

Importing is most of what a short command costs, and the suites start some thousand. The forked
process is a command like any other: its own process id, environment, folder, streams and exit
code, and it enters at ``wikiembed.__main__``.

As a module this is that process: ``python -m tests.support.preloaded SOCKET``. It ends, with what
it forked, when its standard input is closed.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import pkgutil
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

from tests.support.forked import Forked, Request, receive, send

ROOT = Path(__file__).resolve().parents[2]
OWN_PROCESS = {"wikiembed.__main__", "wikiembed.app"}
LATER = (
    "numpy",
    "pgvector.psycopg",
    "psycopg_pool",
    "procrastinate",
    "alembic.command",
    "httpx",
    "rich.live",
)
OWN_INTERPRETER = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")
"""Variables that an interpreter reads when it starts: such a command is not forked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preloaded:
    """The process, by its socket."""

    path: Path
    process: subprocess.Popen[bytes]

    def fork(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        folder: Path,
        streams: tuple[int, int, int],
    ) -> Forked:
        """Start ``wikiembed`` with `arguments`; `streams` are its descriptors 0, 1 and 2."""
        return Forked(str(self.path), Request(list(arguments), dict(env), str(folder)), streams)

    def close(self) -> None:
        """End the process and all that it forked."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)
        shutil.rmtree(self.path.parent, ignore_errors=True)


def can_fork(env: Mapping[str, str]) -> bool:
    """Whether a command of this environment would find the interpreter as it is."""
    given = {name: value for name, value in env.items() if name.startswith(OWN_INTERPRETER)}
    ours = {name: value for name, value in os.environ.items() if name.startswith(OWN_INTERPRETER)}
    return {**given, "PYTHONPATH": ""} == {**ours, "PYTHONPATH": ""}


@cache
def preloaded() -> Preloaded:
    """This process's own, started on first use."""
    folder = Path(tempfile.mkdtemp(prefix="we-pre-"))
    path = folder / "socket"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.preloaded", str(path)],
        cwd=ROOT,
        env={
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
        },  # a process with threads does not fork well
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    with process.stdout as ready:
        assert ready.readline() == b"ready\n", "the process that imports wikiembed did not start"
    made = Preloaded(path=path, process=process)
    atexit.register(made.close)
    return made


class _Child(BaseException):
    """Leaves the server's loop in the forked process."""

    def __init__(self, request: Request, descriptors: Sequence[int]) -> None:
        self.request = request
        self.descriptors = descriptors


def _serve(path: str) -> None:
    """Fork for every connection until standard input is closed."""
    running: dict[int, socket.socket] = {}
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno())
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(path)
        listener.listen(64)
        for watched in (listener, woken, sys.stdin):
            selector.register(watched, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            found = {key.fileobj for key, _ in selector.select()}
            if woken in found:
                woken.recv(4096)
                _report_ended(running, selector)
            for pid in [pid for pid, client in running.items() if client in found]:
                selector.unregister(running[pid])
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)  # its client is gone
            if listener in found:
                client, _ = listener.accept()
                request, descriptors = receive(client)
                pid = os.fork()
                if pid == 0:
                    for other in (client, listener, woken, wakes, *running.values()):
                        other.close()
                    raise _Child(request, descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
                send(client, pid)
                running[pid] = client
                selector.register(client, selectors.EVENT_READ)
            if sys.stdin in found:
                for pid in running:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return


def _report_ended(running: dict[int, socket.socket], selector: selectors.BaseSelector) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        client = running.pop(pid)
        with contextlib.suppress(KeyError):
            selector.unregister(client)
        with client, contextlib.suppress(OSError):
            send(client, os.waitstatus_to_exitcode(status))


def _become(child: _Child) -> NoReturn:
    """Run the command in this process, which was forked for it."""
    from wikiembed.__main__ import main

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, descriptor in enumerate(child.descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, closefd=False)
    os.chdir(child.request.folder)
    os.environ.clear()
    os.environ.update(child.request.env)
    sys.argv = ["wikiembed", *child.request.arguments]
    main()


def _import_all() -> None:
    """Import every module of wikiembed, and the libraries that commands import when they begin."""
    import wikiembed

    for module in pkgutil.walk_packages(wikiembed.__path__, "wikiembed."):
        if not module.name.startswith("wikiembed.migrations") and module.name not in OWN_PROCESS:
            importlib.import_module(module.name)
    for name in LATER:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else the first collection of each command copies every page


if __name__ == "__main__":
    _import_all()
    forked: _Child | None = None
    try:
        _serve(sys.argv[1])
    except _Child as raised:
        forked = raised
    if forked is not None:
        _become(forked)
