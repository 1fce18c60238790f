"""The build backend: maturin, and both executables of the repository beside the extension module.

maturin builds a library or executables into a wheel, not both. So the executables are built here and put into `data/scripts`, from
which they get into the wheel and then into the `bin` of the environment, where `coordinator` finds `worker`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, NoReturn

import maturin

_PACKAGE = Path(__file__).resolve().parent
_REPOSITORY = _PACKAGE.parent
_SCRIPTS = _PACKAGE / "data" / "scripts"
_EXECUTABLES = ("coordinator", "worker")

_Settings = dict[str, Any] | None


def get_requires_for_build_wheel(config_settings: _Settings = None) -> list[str]:
    # Asked first: what cannot be built is refused before anything is downloaded or compiled.
    _check()
    return []


get_requires_for_build_editable = get_requires_for_build_wheel


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: _Settings = None) -> str:
    _check()
    _SCRIPTS.mkdir(parents=True, exist_ok=True)
    return maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(wheel_directory: str, config_settings: _Settings = None, metadata_directory: str | None = None) -> str:
    _check()
    _build_executables()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str, config_settings: _Settings = None, metadata_directory: str | None = None
) -> str:
    _check()
    _build_executables()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


def get_requires_for_build_sdist(config_settings: _Settings = None) -> list[str]:
    return build_sdist("")


def build_sdist(sdist_directory: str, config_settings: _Settings = None) -> NoReturn:
    # It would have to hold the whole repository, of which this folder is a part.
    _refuse("there is no source distribution; build a wheel from a checkout: pip wheel ./python")


def _check() -> None:
    if sys.platform != "linux" or sysconfig.get_config_var("SOABI") is None:
        _refuse("it needs CPython on Linux")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        _refuse("free-threaded Python is not supported; use a build of Python with the GIL")
    if not (_REPOSITORY / "common" / "Cargo.toml").is_file():
        _refuse(f"{_PACKAGE} is not in a checkout; use pip install ./python there, or git+URL#subdirectory=python")
    if shutil.which("cargo") is None:
        _refuse("cargo is missing; install Rust from https://rustup.rs")


def _build_executables() -> None:
    """Builds the executables into `data/scripts`."""
    command = ["cargo", "build", "--release", "--locked", "--message-format=json-render-diagnostics"]
    for name in _EXECUTABLES:
        command += ["--package", name, "--bin", name]
    built = subprocess.run(command, cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        _refuse(f"cargo could not build the executables in {_REPOSITORY}")
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    _SCRIPTS.mkdir(parents=True, exist_ok=True)
    for path in filter(None, (message.get("executable") for message in messages)):
        # Renamed into place, so that a build at the same time never packs half a file.
        copy = _SCRIPTS / f".{Path(path).name}-{os.getpid()}"
        shutil.copy2(path, copy)
        os.replace(copy, _SCRIPTS / Path(path).name)


def _refuse(why: str) -> NoReturn:
    sys.exit(f"killproof cannot be built: {why}")
