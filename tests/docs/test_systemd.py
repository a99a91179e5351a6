"""The systemd units: systemd's own checks if available, and their properties."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.tools.docs.pages import DOCS
from wikiembed.config import Settings
from wikiembed.pipeline.write_retry import RETRY_LOST_S
from wikiembed.web.server import STOP_S

FOLDER = DOCS / "deploy" / "systemd"
UNITS = ("wikiembed-worker@.service", "wikiembed-migrate.service", "wikiembed-console.service")
INSTALLED = "/opt/wikiembed/bin/wikiembed"
MOST_EXPOSED = 20
"""The score of systemd-analyze security, 0 to 100."""
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze here"
)


def options_of(name: str) -> dict[str, list[str]]:
    """The values of each option of a unit; a section's name goes before, as ``Service.Restart``."""
    found: dict[str, list[str]] = defaultdict(list)
    section = ""
    for line in (FOLDER / name).read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            option, _, value = line.partition("=")
            found[f"{section}.{option}"].append(value)
    return found


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_unit_is_understood_by_systemd(name: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` reports no problem; a misspelt option is one."""
    unit = tmp_path / name
    text = (FOLDER / name).read_text().replace(INSTALLED, shutil.which("true") or "/bin/true")
    unit.write_text(text)
    assert analyze("verify", str(unit)) == (0, "")
    unit.write_text(text.replace("ExecStart=", "ExecStrat="))
    assert "ExecStrat" in analyze("verify", str(unit))[1]


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_unit_is_hardened(name: str) -> None:
    """By systemd's own score, which needs no running systemd from version 250 on."""
    code, output = analyze(
        "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", str(FOLDER / name)
    )
    assert code == 0, output


def analyze(*arguments: str) -> tuple[int, str]:
    """Exit code and output of systemd-analyze."""
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def test_worker_always_restarts_and_has_time_to_drain() -> None:
    """Time for a request in flight, and for vectors that wait for Postgres."""
    worker = options_of("wikiembed-worker@.service")
    assert worker["Service.Restart"] == ["always"]
    assert worker["Unit.StartLimitIntervalSec"] == ["0"]
    request_s = Settings.model_fields["request_timeout_s"].default
    assert int(worker["Service.TimeoutStopSec"][0]) >= request_s + RETRY_LOST_S
    assert worker["Service.ExecStart"] == [f"{INSTALLED} worker"]
    assert worker["Service.DynamicUser"] == ["yes"]


def test_console_has_time_to_stop_and_its_tokens() -> None:
    """From a file that only root reads, in the setting of that name."""
    console = options_of("wikiembed-console.service")
    assert console["Service.ExecStart"] == [f"{INSTALLED} serve"]
    assert int(console["Service.TimeoutStopSec"][0]) > STOP_S
    (setting,) = console["Service.Environment"]
    assert setting == "WIKIEMBED_WEB_TOKEN_FILE=%d/tokens"
    assert console["Service.LoadCredential"] == ["tokens:/etc/wikiembed/tokens"]
    assert console["Service.EnvironmentFile"] == ["/etc/wikiembed/console.env"]
    names = re.findall(r"^(\w+)=", (FOLDER / "console.env").read_text(), re.MULTILINE)
    known = {f"WIKIEMBED_{name}".upper() for name in Settings.model_fields}
    assert {*names, setting.partition("=")[0]} <= known


def test_environment_file_holds_settings_that_exist() -> None:
    """Its name is the one that the unit reads."""
    worker = options_of("wikiembed-worker@.service")
    assert "/etc/wikiembed/worker.env" in worker["Service.EnvironmentFile"]
    names = re.findall(r"^(\w+)=", (FOLDER / "worker.env").read_text(), re.MULTILINE)
    assert set(names) <= {f"WIKIEMBED_{name}".upper() for name in Settings.model_fields}
