"""The client of `preloaded`: a command in a process that is forked there.

As a script it is that command for a shell: ``forked.py SOCKET [ARGUMENTS]``. It passes signals on
and exits as the command does. It imports little, since it starts as often as the commands.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Sequence

_NUMBER = struct.Struct("!i")
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Request:
    """A command: its arguments, environment and folder."""

    def __init__(self, arguments: list[str], env: dict[str, str], folder: str) -> None:
        self.arguments = arguments
        self.env = env
        self.folder = folder


class Forked:
    """A command that was started; what it shares with `subprocess.Popen` has the same names."""

    def __init__(self, path: str, request: Request, streams: Sequence[int]) -> None:
        self.args = ["wikiembed", *request.arguments]
        self.returncode: int | None = None
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(path)
        body = json.dumps(vars(request)).encode()
        socket.send_fds(self._server, [_NUMBER.pack(len(body))], streams)
        self._server.sendall(body)
        self.pid = _number_from(self._server)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, minus the signal if one ended it.

        Raises: subprocess.TimeoutExpired.
        """
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = _number_from(self._server)
            except (TimeoutError, BlockingIOError):
                from subprocess import TimeoutExpired

                raise TimeoutExpired(self.args, timeout or 0.0) from None
            self._server.close()
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        from subprocess import TimeoutExpired

        try:
            return self.wait(0)
        except TimeoutExpired:
            return None

    def send_signal(self, sent: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sent)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def receive(client: socket.socket) -> tuple[Request, list[int]]:
    """The server's side: what a client asks for, and its streams."""
    head, descriptors, _, _ = socket.recv_fds(client, _NUMBER.size, 3)
    body = client.makefile("rb").read(_NUMBER.unpack(head)[0])
    return Request(**json.loads(body)), descriptors


def send(client: socket.socket, number: int) -> None:
    """The server's side: the process id, later the exit code."""
    client.sendall(_NUMBER.pack(number))


def _number_from(server: socket.socket) -> int:
    packed = server.recv(_NUMBER.size)
    if len(packed) < _NUMBER.size:
        raise ConnectionError("The process that forks commands has ended.")
    number: int = _NUMBER.unpack(packed)[0]
    return number


def _main() -> None:
    path, *arguments = sys.argv[1:]
    here = os.getcwd()  # noqa: PTH109 - pathlib takes longer to import than all of this
    forked = Forked(path, Request(arguments, dict(os.environ), here), (0, 1, 2))
    for number in _PASSED_ON:
        signal.signal(number, lambda received, _: forked.send_signal(received))
    code = forked.wait()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    _main()
