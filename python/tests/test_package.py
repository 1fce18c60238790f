"""What pip installs, and what cannot be built."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import unittest
from importlib import metadata, resources
from pathlib import Path

PACKAGE = Path(__file__).parents[1]

# `maturin` is there only while pip builds.
BACKEND = f"""
import shutil, sys, sysconfig, types
from pathlib import Path
sys.dont_write_bytecode = True
sys.modules["maturin"] = types.ModuleType("maturin")
sys.path.insert(0, {str(PACKAGE)!r})
import build_backend
"""


def refusal(code: str) -> str:
    """What the build backend says before it ends, in one line."""
    command = [sys.executable, "-c", BACKEND + code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1, ended
    (line,) = ended.stderr.splitlines()
    return line


class Installed(unittest.TestCase):
    def script(self, name: str) -> Path:
        files = metadata.files("killproof") or []
        found = [Path(str(file.locate())).resolve() for file in files if Path(file).name == name]
        if not found:
            self.skipTest(f"killproof is not installed by pip: it has no {name}")
        return found[0]

    def test_the_executables_lie_beside_each_other_in_the_environment_and_run(self) -> None:
        coordinator = self.script("coordinator")
        self.assertEqual(coordinator.parent, self.script("worker").parent)
        self.assertEqual(coordinator.parent, Path(sysconfig.get_path("scripts")).resolve())
        run = [coordinator, "-n", "10", "--delay", "0", "--format", "json"]
        printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
        self.assertEqual(json.loads(printed)["value"], 4 * 285)

    def test_the_package_is_typed(self) -> None:
        files = resources.files("killproof")
        self.assertTrue((files / "py.typed").is_file())
        self.assertTrue((files / "_native.pyi").is_file())

    def test_the_versions_agree(self) -> None:
        import killproof
        from killproof import _native

        self.assertEqual(killproof.__version__, _native.__version__)
        self.script("coordinator")
        self.assertEqual(killproof.__version__, metadata.version("killproof"))


class Refused(unittest.TestCase):
    def test_a_free_threaded_build(self) -> None:
        line = refusal("""
ask = sysconfig.get_config_var
sysconfig.get_config_var = lambda name: 1 if name == "Py_GIL_DISABLED" else ask(name)
build_backend.get_requires_for_build_wheel()
""")
        self.assertIn("free-threaded Python is not supported; use a build of Python with the GIL", line)

    def test_a_build_without_cargo(self) -> None:
        line = refusal("shutil.which = lambda name: None\nbuild_backend.get_requires_for_build_wheel()")
        self.assertIn("install Rust from https://rustup.rs", line)

    def test_a_build_outside_a_checkout(self) -> None:
        line = refusal("build_backend._REPOSITORY = Path('/nowhere')\nbuild_backend.get_requires_for_build_editable()")
        self.assertIn("pip install ./python", line)

    def test_a_source_distribution(self) -> None:
        for call in ("get_requires_for_build_sdist()", "build_sdist('/nowhere')"):
            self.assertIn("pip wheel ./python", refusal(f"build_backend.{call}"))


if __name__ == "__main__":
    unittest.main()
