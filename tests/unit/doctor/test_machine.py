from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from holocron.doctor.machine import find_free_bytes, find_gpu, list_addresses, read_machine
from holocron.doctor.reaching import find_addresses, is_loopback


def test_a_machine_knows_its_memory_and_its_addresses() -> None:
    """No address of a machine that others reach is its own loopback."""
    machine = read_machine()
    assert machine.memory_bytes > 100_000_000
    assert not any(map(is_loopback, list_addresses()))


@pytest.mark.skipif(sys.platform == "win32", reason="a program that is a shell script")
@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("echo 'GPU 0: NVIDIA Test 90 (UUID: GPU-1)'", "NVIDIA Test 90"),
        ("echo 'NVIDIA-SMI has failed'; exit 9", ""),
        ("exec sleep 30", ""),
    ],
    ids=["card", "broken-driver", "hanging-driver"],
)
def test_a_card_is_what_the_drivers_program_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str
) -> None:
    """A driver that fails or hangs is no card."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("holocron.doctor.machine._NVIDIA_LIMIT_S", 0.5)
    monkeypatch.setattr("holocron.doctor.machine._AMD_DEVICE", tmp_path / "kfd")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert find_gpu() == name


def test_a_card_for_computing_is_seen_by_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AMD's driver makes a device."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("holocron.doctor.machine._AMD_DEVICE", tmp_path)
    assert find_gpu() == "AMD"


def test_the_room_of_a_place_that_is_not_there_is_that_of_the_folder_above(tmp_path: Path) -> None:
    """A database's folder need not be made yet."""
    assert find_free_bytes(tmp_path / "a" / "b" / "c") > 0


def test_a_numeric_host_is_its_own_address() -> None:
    """No name server is needed for an address in numbers."""
    assert find_addresses("127.0.0.1") == ("127.0.0.1",)
