"""Which system account runs the embedded Postgres: Postgres refuses to run as root."""

from __future__ import annotations

import logging
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wikiembed.errors import ConfigurationError

ROOT_RUNS_AS = "pgserver"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Arguments for `subprocess.run`: all None for the user of this process."""

    uid: int | None = None
    gid: int | None = None

    @property
    def extra_groups(self) -> list[int] | None:
        return None if self.uid is None else []

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def server_account(cluster: Path) -> Account:
    """The user of this process; for root the cluster's owner, else `pgserver`, created if missing.

    Raises: ConfigurationError when root cannot create the account.
    """
    if os.geteuid() != 0:
        return Account()
    try:
        owner = cluster.stat()
    except FileNotFoundError:
        entry = _system_user()
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    if owner.st_uid == 0:
        raise ConfigurationError(
            f"{cluster} belongs to root, and Postgres refuses to run as root: remove that folder, "
            "or set WIKIEMBED_DATABASE_URL."
        )
    return Account(uid=owner.st_uid, gid=owner.st_gid)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ROOT_RUNS_AS)
    except KeyError:
        pass
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    try:
        # A system account: logind removes the shared memory of others when they log out.
        subprocess.run(
            [useradd, "--system", "--user-group", "--no-create-home", ROOT_RUNS_AS],
            check=True,
            capture_output=True,
            text=True,
        )
        return pwd.getpwnam(ROOT_RUNS_AS)
    except (OSError, subprocess.CalledProcessError, KeyError):
        raise ConfigurationError(
            f"Postgres refuses to run as root and the account {ROOT_RUNS_AS} cannot be created: "
            "run wikiembed as another user, or set WIKIEMBED_DATABASE_URL."
        ) from None


def open_to(account: Account, *, programs: Path, data_dir: Path) -> None:
    """Let `account` traverse the parents of both folders: only ``o+x``, only where missing.

    Does nothing unless run as root. Others can neither list the folders nor read the files.

    Raises: ConfigurationError if a folder's mode cannot be changed.
    """
    if account.uid is None:
        return
    for folder in {programs, *programs.parents, data_dir, *data_dir.parents}:
        status = folder.stat()
        if status.st_uid == account.uid or status.st_mode & 0o001:
            continue
        try:
            folder.chmod(status.st_mode | 0o001)
        except OSError as error:
            raise ConfigurationError(
                f"The account {ROOT_RUNS_AS} cannot traverse {folder} ({error.strerror}): "
                "set WIKIEMBED_DATA_DIR to a folder it can reach, or set WIKIEMBED_DATABASE_URL."
            ) from None
        logger.warning("embedded_postgres_folder_opened", extra={"path": str(folder)})


def run_as(account: Account, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run `command` as `account`; stdout holds stderr too."""
    # A file, not a pipe: the server inherits it, and a pipe would stay open.
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
            user=account.uid,
            group=account.gid,
            extra_groups=account.extra_groups,
        )
        output.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read(), "")
