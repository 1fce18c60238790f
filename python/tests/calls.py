"""What the tests of `run` and `map` share: functions for workers, and looking for what is left."""

from __future__ import annotations

import multiprocessing.util
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

from processes import children, coordinator, until
from support import FOLDER, Case


def square(number: int) -> int:
    return number * number


def sum_of_squares(start: int, end: int) -> int:
    return sum(i * i for i in range(start, end))


def log(folder: str, *words: object) -> None:
    """Writes a line in one piece, whoever writes at the same time."""
    file = os.open(Path(folder, "log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, (" ".join(map(str, words)) + "\n").encode())
    os.close(file)


def logged(folder: str) -> list[list[str]]:
    try:
        return [line.split() for line in Path(folder, "log").read_text().splitlines()]
    except FileNotFoundError:
        return []


def once(folder: str, name: str) -> bool:
    """Whether nobody has asked this before."""
    try:
        os.close(os.open(Path(folder, f"once-{name}"), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stay() -> None:
    """Never ends by itself."""
    while True:
        time.sleep(1000)


def command_lines(word: str) -> list[str]:
    """The command lines of live processes that have this word in them or in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
                if word.encode() in line + (entry / "environ").read_bytes() and line:
                    found.append(line.replace(b"\0", b" ").decode())
            except OSError:
                continue
    return found


def workers_of(caller: int) -> list[int]:
    """The workers that compute for that process."""
    of = children()
    return [worker for coordinator in of.get(caller, []) for worker in of.get(coordinator, [])]


class CallCase(Case):
    """A test with a folder, for what workers log, and where maps have their folders."""

    def setUp(self) -> None:
        super().setUp()
        if coordinator() is None:
            self.skip("the package's coordinator is not installed beside this interpreter")
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="kp-test-"))
        # Whoever is started from here has it, so that what is left can be found.
        self.mark = f"kp-test-call-{os.getpid()}-{time.monotonic_ns()}"
        self.set_environment("KP_TEST_CALL", self.mark)
        self.set_environment("TMPDIR", self.folder)
        # With it, a program without a script, as the tests are, hands everything over by value.
        self.enterContext(mock.patch.dict(sys.modules, {"cloudpickle": None}))
        # multiprocessing keeps its own until the end.
        multiprocessing.util.get_temp_dir()
        before, tempfile.tempdir = tempfile.tempdir, None
        self.addCleanup(setattr, tempfile, "tempdir", before)

    def set_environment(self, name: str, value: str) -> None:
        before = os.environ.get(name)
        os.environ[name] = value
        self.addCleanup(lambda: os.environ.pop(name) if before is None else os.environ.update({name: before}))

    def nobody_is_left(self, patience: float = 30) -> None:
        """Waits until the workers and coordinators of this test are gone, and their segments."""

        def is_anybody_left() -> bool:
            return any("_start.py" in line or "--end-with" in line for line in command_lines(self.mark))

        until(lambda: not is_anybody_left(), patience)

    def no_segment_is_left(self, caller: int | None = None) -> None:
        prefix = f"killproof-{caller or os.getpid()}-"
        self.assertEqual([name for name in os.listdir(FOLDER) if name.startswith(prefix)], [])

    def spools(self) -> list[str]:
        return sorted(name for name in os.listdir(self.folder) if name.startswith("killproof-map-"))


def all_of(missing: list[dict[str, Any]], key: str) -> list[Any]:
    return [gap[key] for gap in missing]
