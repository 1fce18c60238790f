"""The Python examples of the README and of docs/, run as they stand there."""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# A call of print, and the comment that says what it prints. After a colon the comment explains.
PRINTED = re.compile(r"^ *print\(.*\) +# (.*?)(?:: .*)?$", re.MULTILINE)


def examples(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def start(program: str, folder: str) -> "subprocess.CompletedProcess[str]":
    """Runs the program as a file of its own, as the start method spawn needs it."""
    file = Path(folder) / "example.py"
    file.write_text(program, encoding="utf-8")
    # An incomplete map leaves its folder in TMPDIR.
    environment = {**os.environ, "TMPDIR": folder}
    command = [sys.executable, str(file)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


class Examples(unittest.TestCase):
    def check(self, page: Path) -> None:
        found = examples(page)
        self.assertTrue(found, f"{page} has Python examples")
        for program in found:
            with self.subTest(page=page.name, example=program), tempfile.TemporaryDirectory() as folder:
                if "numpy" in program and importlib.util.find_spec("numpy") is None:
                    self.skipTest("an example with numpy: there is no numpy here")
                finished = start(program, folder)
                # Where the results of an incomplete map are is said on stderr, and how far a run of five seconds is.
                said = [line for line in finished.stderr.splitlines() if not line.startswith(("killproof: ", "progress: "))]
                self.assertEqual((finished.returncode, said), (0, []))
                self.assertEqual(finished.stdout.splitlines(), PRINTED.findall(program))

    def test_every_python_example_of_the_readme_prints_what_its_comments_say(self) -> None:
        self.check(ROOT / "README.md")

    def test_every_python_example_of_the_pages_for_python_prints_what_its_comments_say(self) -> None:
        self.check(ROOT / "docs" / "python.md")
        self.check(ROOT / "docs" / "python-values.md")


if __name__ == "__main__":
    unittest.main()
