"""Scripts with kernels, computed by the package's coordinator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from processes import PATIENCE, coordinator
from support import Case

HEAD = """\
#!{python}
import os, signal, sys, threading, time
from killproof import kernel, main

def log(*words):
    # In one piece, whoever writes at the same time.
    file = os.open(os.environ["LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (" ".join(map(str, words)) + "\\n").encode())
    os.close(file)

"""
TAIL = """

if __name__ == "__main__":
    main()
"""


class Run:
    """What a run of the coordinator has printed."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def totals(self) -> list[int]:
        """The exact total of each cell."""
        total = self.json["exact_total"]
        return [int(cell) for cell in (total if isinstance(total, list) else [total])]


class WorkerCase(Case):
    """A test with a folder for scripts and for what they log. Warnings are errors in them."""

    def setUp(self) -> None:
        super().setUp()
        found = coordinator()
        if found is None:
            self.skip("the package's coordinator is not installed beside this interpreter")
        self.coordinator = found
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kp-test-")))
        self.environment = {**os.environ, "PYTHONWARNINGS": "error", "LOG": str(self.folder / "log")}

    def script(self, kernels: str, name: str = "script.py", tail: str = TAIL) -> Path:
        """An executable script with these kernels."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEAD.format(python=sys.executable) + textwrap.dedent(kernels) + tail)
        path.chmod(0o755)
        return path

    def logged(self) -> list[list[str]]:
        """The words of each line that the scripts have logged."""
        try:
            return [line.split() for line in Path(self.environment["LOG"]).read_text().splitlines()]
        except FileNotFoundError:
            return []

    def command(self, script: Path, kernel: str, n: int, *options: str) -> list[str]:
        """A split run in JSON. Options that are given twice count as they are given last."""
        ours = ["--worker", str(script), "--kernel", kernel, "--split", "-n", str(n), "--keep", "never"]
        ours += ["--name", self.name(), "--type", "i64", "--format", "json", "--workers", "2", "--progress", "none"]
        return [self.coordinator, "run", *ours, *options]

    def run_kernel(self, script: Path, kernel: str, n: int, *options: str, **environment: str) -> Run:
        return self.run_command(self.command(script, kernel, n, *options), **environment)

    def run_command(self, command: list[str], **environment: str) -> Run:
        environment = {**self.environment, **environment}
        return Run(subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE))

    def compute(self, script: Path, kernel: str, n: int, *options: str, **environment: str) -> list[int]:
        """The totals of a run that must be complete, with nothing on stderr."""
        run = self.run_kernel(script, kernel, n, *options, **environment)
        self.assertEqual((run.code, run.err), (0, ""))
        self.assertTrue(run.json["complete"])
        return run.totals
