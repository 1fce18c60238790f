"""A map beside the system's real OOM killer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from calls import CallCase
from processes import PATIENCE

EXAMPLE = Path(__file__).parent.parent / "examples" / "map_under_oom.py"

GROUPS = Path("/sys/fs/cgroup")

# MiB that the group may have, and that one item wants.
LIMIT, APPETITE = 300, 1000


def own_groups() -> list[tuple[Path, str]]:
    """The memory groups of this process, and the file in each that sets a limit (cgroups(7))."""
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            found.append((GROUPS / group.lstrip("/"), "memory.max"))
        elif "memory" in controllers.split(","):
            found.append((GROUPS / "memory" / group.lstrip("/"), "memory.limit_in_bytes"))
    return found


class AMap(CallCase):
    def group(self) -> Path:
        """A group with little memory; skips where this process may make none."""
        for parent, limit in own_groups():
            group = parent / f"kp-test-{os.getpid()}"
            try:
                group.mkdir()
            except OSError:
                continue
            self.addCleanup(group.rmdir)
            try:
                (group / limit).write_text(str(LIMIT << 20))
                for swap, most in (("memory.swap.max", 0), ("memory.memsw.limit_in_bytes", LIMIT << 20)):
                    if (group / swap).exists():
                        (group / swap).write_text(str(most))
                return group
            except OSError:
                continue
        self.skip("this process may not make a control group with a memory limit")

    def test_says_that_memory_was_short_when_the_system_kills_its_workers(self) -> None:
        group = self.group()
        enter = f'echo $$ > "{group}/cgroup.procs" && exec "$0" "$@"'
        command = ["sh", "-c", enter, sys.executable, str(EXAMPLE), "killproof", str(APPETITE)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        out = result.stdout.splitlines()
        self.assertEqual(out[:1], ["[0, 1, 4, 9, 16, None, 36, 49, 64, 81]"], result.stderr)
        short = "memory was short meanwhile (the system's OOM killer)"
        self.assertEqual(out[1:], [f"item 5: killed 4 workers, last by SIGKILL; {short}, 4 attempts"])
