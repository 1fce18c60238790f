"""What pip installs, and what cannot be built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from importlib import metadata, resources
from pathlib import Path

import killproof
from killproof import _native
from support import Case

BACKEND = Path(__file__).resolve().parents[1] / "build_backend.py"
WHEEL = "b.get_requires_for_build_wheel()"


class Installed(Case):
    def script(self, name: str) -> Path:
        try:
            files = metadata.files("killproof") or []
        except metadata.PackageNotFoundError:
            files = []
        found = [Path(str(file.locate())).resolve() for file in files if Path(file).name == name]
        if not found:
            self.skip(f"killproof is not installed by pip: it has no {name}")
        return found[0]

    def test_the_executables_lie_beside_each_other_in_the_environment(self) -> None:
        for name in ("coordinator", "worker"):
            script = self.script(name)
            self.assertEqual(script.parent, Path(sysconfig.get_path("scripts")).resolve())
            self.assertTrue(os.access(script, os.X_OK), script)

    def test_the_coordinator_finds_its_worker_without_path(self) -> None:
        run = [self.script("coordinator"), "-n", "10", "--delay", "0", "--format", "json"]
        nowhere = {**os.environ, "PATH": "/nonexistent"}
        printed = subprocess.run(run, env=nowhere, capture_output=True, text=True, check=True).stdout
        self.assertEqual(json.loads(printed)["value"], 4 * 285)

    def test_the_package_is_typed(self) -> None:
        files = resources.files("killproof")
        self.assertTrue((files / "py.typed").is_file())
        self.assertTrue((files / "_native.pyi").is_file())

    def test_the_versions_agree(self) -> None:
        self.assertEqual(killproof.__version__, _native.__version__)
        for name in ("coordinator", "worker"):
            told = subprocess.run([self.script(name), "--version"], capture_output=True, text=True, check=True).stdout
            self.assertEqual(told, f"{name} {killproof.__version__}\n")
        self.assertEqual(killproof.__version__, metadata.version("killproof"))


class Sources(Case):
    """The package has a workspace of its own, beside that of the repository."""

    def test_both_lock_files_have_the_same_versions(self) -> None:
        ours, theirs = (self.versions(folder) for folder in (BACKEND.parent, BACKEND.parents[1]))
        for name in ours.keys() & theirs.keys():
            self.assertLessEqual(ours[name], theirs[name], name)

    def test_both_workspaces_need_the_same_rust(self) -> None:
        ours = tomllib.loads((BACKEND.parent / "Cargo.toml").read_text())["package"]
        theirs = tomllib.loads((BACKEND.parents[1] / "Cargo.toml").read_text())["workspace"]["package"]
        for key in ("version", "edition", "rust-version", "license"):
            self.assertEqual(ours[key], theirs[key], key)

    def versions(self, folder: Path) -> dict[str, set[str]]:
        versions: dict[str, set[str]] = {}
        for package in tomllib.loads((folder / "Cargo.lock").read_text())["package"]:
            versions.setdefault(package["name"], set()).add(package["version"])
        return versions


class Refused(Case):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def assert_refused(self, reason: str, code: str, path: str | None = None, backend: Path = BACKEND) -> None:
        """The build ends with one line, which has the reason in it."""
        told = subprocess.run(
            [sys.executable, "-B", "-c", f"import sys, sysconfig, build_backend as b\n{code}"],
            cwd=backend.parent,
            env={**os.environ, "PATH": os.environ["PATH"] if path is None else path},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual((told.returncode, told.stdout), (1, ""), told.stderr)
        self.assertRegex(told.stderr, rf"\Akillproof cannot be built: [^\n]*{reason}[^\n]*\n\Z")

    def path_with_cargo(self, script: str) -> str:
        """A PATH whose cargo is that script."""
        cargo = self.folder / "cargo"
        cargo.write_text(f"#!/bin/sh\n{script}\n")
        cargo.chmod(0o755)
        return f"{self.folder}:{os.environ['PATH']}"

    def test_a_free_threaded_interpreter(self) -> None:
        code = f"sysconfig.get_config_var = lambda name: name == 'Py_GIL_DISABLED'\n{WHEEL}"
        self.assert_refused("needs the GIL, and this is free-threaded: use python3", code)

    def test_an_older_python(self) -> None:
        code = f"sys.version_info = (3, 10, 13, 'final', 0)\n{WHEEL}"
        self.assert_refused("needs CPython 3.11 or newer, and this is 3.10: make", code)

    def test_another_implementation_of_python(self) -> None:
        code = f"sys.implementation.name = 'pypy'\n{WHEEL}"
        self.assert_refused("needs CPython, and this is pypy: use", code)

    def test_another_system_than_linux(self) -> None:
        self.assert_refused("needs Linux, and this is darwin: use", f"sys.platform = 'darwin'\n{WHEEL}")

    def test_a_source_distribution(self) -> None:
        reason = r"no source distribution.*pip wheel \./python.*pip install \./python.*#subdirectory=python"
        for call in ("get_requires_for_build_sdist()", "build_sdist('/nowhere')"):
            self.assert_refused(reason, f"b.{call}")

    def test_a_build_without_cargo(self) -> None:
        for call in ("get_requires_for_build_editable()", "build_wheel('/nowhere')", "build_editable('/nowhere')"):
            self.assert_refused(r"cargo is missing: install Rust [\d.]+ or newer", f"b.{call}", str(self.folder))

    def test_a_build_with_an_old_cargo(self) -> None:
        path = self.path_with_cargo("echo 'cargo 1.9.0 (36138fa6d 2024-01-01)'")
        self.assert_refused(r"cargo 1\.9\.0 is too old: install Rust [\d.]+ or newer", WHEEL, path)

    def test_a_build_with_a_cargo_that_does_not_run(self) -> None:
        path = self.path_with_cargo("echo 'error: no toolchain' >&2; echo 'help: choose one' >&2; exit 1")
        self.assert_refused(r"cargo does not run \(error: no toolchain help: choose one\)", WHEEL, path)

    def test_executables_that_cargo_cannot_build(self) -> None:
        path = self.path_with_cargo('[ "$1" = --version ] && echo "cargo 999.0.0 (0 0)"')
        self.assert_refused("cargo metadata .* failed: the lines above say why", "b.build_wheel('/nowhere')", path)

    def test_a_folder_outside_its_repository(self) -> None:
        alone = self.folder / "python"
        alone.mkdir()
        shutil.copy(BACKEND, alone)
        self.assert_refused("is not inside its repository: install from", WHEEL, backend=alone / BACKEND.name)
