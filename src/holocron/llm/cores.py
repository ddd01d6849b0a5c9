"""How many cores this process may really use.

In: the machine, the process's affinity and its container's quota. Out: a number of threads.
Never: counts what a container does not get. Engine threads spin while they wait for each other: a few too
many make an answer ten times slower.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

#: `QUOTA PERIOD` in microseconds, or `max PERIOD`: docs.kernel.org/admin-guide/cgroup-v2.html
_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")


def count_cores(quota_file: Path = _QUOTA_FILE) -> int:
    """Return the physical cores that this process may use, 1 or more."""
    limits = [psutil.cpu_count(logical=False) or os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    try:
        quota, period = quota_file.read_text().split()
        limits.append(int(quota) // int(period))
    except (OSError, ValueError):
        pass  # not Linux, not in a container, or without a quota
    return max(1, min(limits))
