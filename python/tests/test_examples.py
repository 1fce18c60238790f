"""The examples print what their pages say."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from support import Case, start_methods

PYTHON = Path(__file__).parent.parent
EXAMPLES = PYTHON / "examples"

VALUES = [584144992, 1168289984, 1752434976, -1958387328]

# Runs a program as if the start method were the default one.
BY_METHOD = """
import multiprocessing, runpy, sys
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    runpy.run_path(sys.argv[2], run_name="__main__")
"""


class AnExample(Case):
    def run_example(self, path: Path, method: str | None = None) -> str:
        """What a program prints, line by line as on a terminal."""
        command = [sys.executable, str(path)]
        if method is not None:
            command[1:1] = ["-c", BY_METHOD, method]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if path.name == "program_a.py":
            # Its processes print without a lock: only what each prints at once, at its end, stays together.
            del environment["PYTHONUNBUFFERED"]
        result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def check_program_b(self, out: str) -> None:
        lines = out.splitlines()
        self.assertEqual(len(lines), 5, out)
        names = set()
        for line, value in zip(lines, VALUES, strict=False):
            match = re.fullmatch(r"Process (Process-[1-4]) updated shared value to (-?\d+)", line)
            if match is None:
                self.fail(line)
            names.add(match[1])
            self.assertEqual(int(match[2]), value)
        self.assertEqual(len(names), 4)
        self.assertEqual(lines[4], "Final shared value: -1958387328")

    def test_is_program_a(self) -> None:
        out = self.run_example(EXAMPLES / "program_a.py")
        expected = [f"Process Process-{number}, Result: 333333283333335000000" for number in range(1, 5)]
        self.assertEqual(sorted(out.splitlines()), expected)

    def test_is_program_b_by_each_start_method(self) -> None:
        self.check_program_b(self.run_example(EXAMPLES / "program_b.py"))
        for method in start_methods():
            with self.subTest(start_method=method):
                self.check_program_b(self.run_example(EXAMPLES / "program_b.py", method))

    def test_differs_from_the_tutorial_in_one_line(self) -> None:
        ours = (EXAMPLES / "program_b.py").read_text()
        theirs = ours.replace("\nfrom killproof import Lock, Value\n", "\nfrom multiprocessing import Lock, Value\n")
        self.assertNotEqual(ours, theirs)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "program.py")
            path.write_text(theirs)
            self.check_program_b(self.run_example(path))

    def test_shows_what_survives_a_killed_owner(self) -> None:
        expected = [
            "exit code -9, balance 100",
            "an owner of the lock was killed; the balance is 100",
            "exit code 0, balance 200",
        ]
        self.assertEqual(self.run_example(EXAMPLES / "killed_owner.py").splitlines(), expected)
        for method in start_methods():
            self.assertEqual(self.run_example(EXAMPLES / "killed_owner.py", method).splitlines(), expected, method)

    def test_counts_digits_with_numpy(self) -> None:
        if importlib.util.find_spec("numpy") is None:
            self.skip("numpy is not installed")
        counts = [191569, 146991, 123916, 109179, 98699, 90769, 84482, 79345, 75050]
        lines = self.run_example(EXAMPLES / "histogram.py").splitlines()
        self.assertEqual([int(line.split()[1]) for line in lines], counts)

    def test_sums_squares_once_by_workers_that_share_the_range(self) -> None:
        self.assertEqual(self.run_quietly(EXAMPLES / "program_a_run.py"), "Result: 333333283333335000000\n")

    def test_adds_four_results_once_each(self) -> None:
        self.assertEqual(self.run_quietly(EXAMPLES / "program_b_run.py"), "Final shared value: -1958387328\n")

    def test_maps_on_when_a_worker_is_killed_for_its_memory(self) -> None:
        squares = "[0, 1, 4, 9, 16, None, 36, 49, 64, 81]"
        out = self.run_quietly(EXAMPLES / "map_under_oom.py").splitlines()
        self.assertEqual(out[0], squares)
        self.assertRegex(out[1], r"^item 5: killed 4 workers, last by SIGKILL.*, 4 attempts$")

    def run_quietly(self, path: Path) -> str:
        """What a program prints whose workers may say something on stderr."""
        # An incomplete map leaves its folder there.
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "TMPDIR": folder}
            command = [sys.executable, str(path)]
            result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout


class Types(Case):
    def mypy(self, module: str, *arguments: str) -> None:
        if importlib.util.find_spec("mypy") is None:
            self.skip("mypy is not installed")
        with tempfile.TemporaryDirectory() as folder:
            # Elsewhere, so that the installed package is checked and not the folder beside the tests.
            result = subprocess.run(
                [sys.executable, "-m", module, *arguments], capture_output=True, text=True, cwd=folder, timeout=200
            )
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_of_the_examples_are_strictly_right(self) -> None:
        self.mypy("mypy", "--strict", *map(str, sorted(EXAMPLES.glob("*.py"))))

    def test_that_are_stated_are_inferred(self) -> None:
        # `typed.py` also marks lines that must be type errors: mypy complains of a mark on a line without an error.
        self.mypy("mypy", "--strict", str(Path(__file__).parent / "typed.py"))

    def test_are_those_of_the_binding(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as allowed:
            if sys.version_info < (3, 12):
                # There the buffer protocol is one of C alone (PEP 688).
                allowed.write("killproof._native.Array.__buffer__\n")
                allowed.flush()
            self.mypy("mypy.stubtest", "killproof", "--allowlist", allowed.name)
