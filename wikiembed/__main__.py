"""The process ``wikiembed``: its standard streams and signals, before anything else is imported.

Output that cannot be written must not end in a traceback: a closed pipe ends the command as SIGPIPE
would, a full disk ends it with a sentence, and output to a stream that was closed from the start is
discarded, as Python does. Characters that the output's encoding lacks are replaced.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn, TextIO

from wikiembed.encodings import REPLACE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

OUTPUT_FAILED = 3
CLOSED_PIPE = 128 + signal.SIGPIPE


class OutputLost(SystemExit):
    """Standard output cannot be written; a SystemExit, lest it be handled as a lost database."""


class _Output(io.FileIO):
    """A standard stream; a `needed` one ends the process when it cannot be written."""

    def __init__(self, fd: int, *, needed: bool) -> None:
        super().__init__(fd, "wb", closefd=False)
        self._needed = needed

    def write(self, data: Buffer, /) -> int:
        """Write as FileIO does.

        Raises: OutputLost.
        """
        try:
            return super().write(data) or 0
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            if not self._needed:
                return memoryview(data).nbytes
            if isinstance(error, BrokenPipeError):
                raise OutputLost(CLOSED_PIPE) from None
            print(f"The output cannot be written: {error.strerror}.", file=sys.stderr)
            raise OutputLost(OUTPUT_FAILED) from None


def _take_streams() -> None:
    """Open closed streams on /dev/null, so that no connection gets their numbers; guard others."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = _guarded(sys.stdout, 1)
    sys.stderr = _guarded(sys.stderr, 2)


def _guarded(stream: TextIO | None, fd: int) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(fd, needed=fd == 1)),
        encoding=stream.encoding if stream else "utf-8",
        errors=stream.errors if stream and fd == 2 else REPLACE,
        line_buffering=fd == 2 or os.isatty(fd),
    )


def main() -> NoReturn:
    """Run ``wikiembed`` and exit."""
    # Until the command line is built: Ctrl-C during the imports exits without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _take_streams()
    # Of what the imports make nothing is garbage: to look for it takes a tenth of their time.
    gc.disable()
    from wikiembed.cli import main as run

    gc.freeze()
    gc.enable()
    code: str | int | None = 0
    try:
        run()
    except SystemExit as ended:
        code = ended.code
    except KeyboardInterrupt:
        code = 130
    try:
        sys.stdout.flush()
    except OutputLost as lost:
        code = code or lost.code
    sys.exit(code)


if __name__ == "__main__":
    main()
