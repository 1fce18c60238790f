"""How often the system has killed processes because memory was short: of this control group, or of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator

# cgroups(7), "memory.events" of the kernel's cgroup-v2.rst, "memory.oom_control" of cgroup-v1, and proc_vmstat(5).
_GROUPS = "/sys/fs/cgroup"
_OWN_GROUPS = "/proc/self/cgroup"
_OF_THE_MACHINE = "/proc/vmstat"


def kills() -> int | None:
    """The count so far; None if the system does not tell."""
    for path in _paths():
        for line in _lines(path):
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return None


def _paths() -> Iterator[str]:
    for line in _lines(_OWN_GROUPS):
        match line.split(":", 2):
            case [_, "", group]:
                yield os.path.join(_GROUPS, group.lstrip("/"), "memory.events")
            case [_, controllers, group] if "memory" in controllers.split(","):
                yield os.path.join(_GROUPS, "memory", group.lstrip("/"), "memory.oom_control")
    yield _OF_THE_MACHINE


def _lines(path: str) -> list[str]:
    try:
        # Names of groups may have any bytes.
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []
