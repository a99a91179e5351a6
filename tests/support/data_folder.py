"""Where a test's Postgres server keeps its data: in memory, if there is enough."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - not for a file of a known name
NEEDED_BYTES = 4 << 30


class DataFolder:
    """A new folder of a short name; `remove` deletes it.

    Each test creates and drops a database of 800 files. On a disk that takes most of the time of a
    test: before ext4 creates a file, it looks at all that were deleted in the last minutes. The
    name is a link then, since Postgres's address, which is part of outputs, must stay short.
    """

    def __init__(self, prefix: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        self._in_memory: Path | None = None
        if _has_memory():
            self._in_memory = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY))
            self.path.rmdir()
            self.path.symlink_to(self._in_memory, target_is_directory=True)

    def remove(self) -> None:
        """Delete the folder with all it holds."""
        if self._in_memory is None:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            shutil.rmtree(self._in_memory, ignore_errors=True)
            self.path.unlink(missing_ok=True)


def _has_memory() -> bool:
    try:
        return shutil.disk_usage(MEMORY).free >= NEEDED_BYTES
    except OSError:
        return False
