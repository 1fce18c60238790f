"""Other processes: child interpreters, programs, and the end of what a test has started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).parent

# Seconds that a child interpreter may take.
PATIENCE = 120.0

# A `/dev/shm` and process ids that nobody else has, for what acts on all segments of the machine.
_SECLUDE = 'mount -t tmpfs tmpfs /dev/shm && { "$0" "$@"; exit $?; }'
_NAMESPACES = ["--mount", "--pid", "--fork", "--mount-proc"]
_WAYS: list[list[str]] = [[], ["--user", "--map-root-user"]]


class Script:
    """A Python program in a file of its own, so that spawned children can import it."""

    def __init__(self, text: str, *args: str, python: str = sys.executable, wrapper: list[str] | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kp-test-")
        path = Path(self._folder.name, "script.py")
        path.write_text(textwrap.dedent(text))
        self.process = subprocess.Popen(
            [*(wrapper or []), python, str(path), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])},
        )

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self._folder.cleanup()

    def line(self) -> str:
        """The next line that it prints. Empty if it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def tell(self, text: str = "") -> None:
        """Gives it a line to read."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self) -> subprocess.CompletedProcess[str]:
        """Waits for its end, and returns what else it has printed."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, out, err)


def run_script(text: str, *args: str, python: str = sys.executable, wrapper: list[str] | None = None) -> str:
    """Runs a Python program that must end well and print nothing on stderr. Returns what it printed."""
    with Script(text, *args, python=python, wrapper=wrapper) as script:
        result = script.end()
    if result.returncode != 0 or result.stderr:
        raise AssertionError(f"exit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def seclusion() -> list[str] | None:
    """What to put before a command so that it has `/dev/shm` for itself; nothing if that cannot be had here."""
    for way in _WAYS:
        command = ["unshare", *way, *_NAMESPACES, "sh", "-c", _SECLUDE]
        try:
            if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
                return command
        except OSError:
            return None
    return None


def coordinator() -> str | None:
    """The executable that the package brings."""
    return shutil.which("coordinator", path=sysconfig.get_path("scripts"))


def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Waits until something is so."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not so within {patience} s: {condition}")
        time.sleep(0.005)


def children() -> dict[int, list[int]]:
    """The children of each process."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            found.setdefault(parent, []).append(int(entry.name))
    return found


def kill_descendants() -> None:
    """Kills what this process has started, and what that has started."""
    of = children()
    waiting = [os.getpid()]
    while waiting:
        for child in of.get(waiting.pop(), []):
            waiting.append(child)
            try:
                os.kill(child, signal.SIGKILL)
            except OSError:
                pass
