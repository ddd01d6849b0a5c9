"""What this machine is: its graphics card, its memory, its addresses, its disks.

In: the machine. Out: plain facts. Never: judges them, or asks another machine.
"""

from __future__ import annotations

import ipaddress
import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

_NVIDIA_LIMIT_S = 3.0
#: what the driver of AMD's cards for computing makes
_AMD_DEVICE = Path("/dev/kfd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What checks need to know of the machine that they run on."""

    #: what its graphics card is called; empty where none was found
    gpu: str = ""
    memory_bytes: int = 0
    #: addresses under which other machines may reach it
    addresses: tuple[str, ...] = ()


def read_machine() -> Machine:
    """Return the facts of this machine; takes a few seconds where a graphics card's driver hangs."""
    return Machine(gpu=find_gpu(), memory_bytes=psutil.virtual_memory().total, addresses=list_addresses())


def find_gpu() -> str:
    """Return what the graphics card is called that Ollama could use here; empty where there is none."""
    if program := shutil.which("nvidia-smi"):
        try:
            said = subprocess.run(  # noqa: S603 - the driver's own program, found by the system's search path
                [program, "-L"], capture_output=True, timeout=_NVIDIA_LIMIT_S, check=False
            ).stdout.decode("utf-8", "replace")
        except (OSError, subprocess.TimeoutExpired):
            said = ""
        if said.startswith("GPU "):
            return said.splitlines()[0].partition(": ")[2].partition(" (")[0]
    if _AMD_DEVICE.exists():
        return "AMD"
    return "Apple" if sys.platform == "darwin" and platform.machine() == "arm64" else ""


def list_addresses() -> tuple[str, ...]:
    """Return the addresses of this machine beyond loopback and beyond one cable."""
    found: list[str] = []
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            address = ipaddress.ip_address(entry.address.partition("%")[0])
            if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                found.append(str(address))
    return tuple(found)


def find_free_bytes(place: Path) -> int:
    """Return the room left on the disk of a place, or of the nearest folder above it that is there."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free
