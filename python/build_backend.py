"""Builds the wheel (PEP 517, PEP 660): the extension module by maturin, with both executables of the repository.

A wheel is built from a whole checkout. What stands in its way is said in one line, with the next step.
"""

# The checks also run under a Python that is too old, and tell it so.
from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, NoReturn

PYTHON = Path(__file__).resolve().parent
TOP = PYTHON.parent
EXECUTABLES = ("coordinator", "worker")
# maturin puts what is in there into the environment's bin.
SCRIPTS = PYTHON / "data" / "scripts"


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    check()
    return []


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Any = None) -> str:
    check()
    return by_maturin("prepare_metadata_for_build_wheel", metadata_directory, config_settings)


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    with executables():
        return by_maturin("build_wheel", wheel_directory, config_settings, metadata_directory)


get_requires_for_build_editable = get_requires_for_build_wheel
prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    with executables():
        return by_maturin("build_editable", wheel_directory, config_settings, metadata_directory)


def get_requires_for_build_sdist(config_settings: Any = None) -> NoReturn:
    refuse(
        "there is no source distribution, because the package needs the whole repository:"
        " build a wheel (pip wheel ./python), or install from a checkout (pip install ./python)"
        " or from git (pip install 'git+URL#subdirectory=python')"
    )


def build_sdist(sdist_directory: str, config_settings: Any = None) -> NoReturn:
    get_requires_for_build_sdist()


def by_maturin(hook: str, *arguments: Any) -> str:
    """What maturin's own backend returns. It is imported after the checks, which need nothing that pip installs."""
    try:
        maturin = importlib.import_module("maturin")
    except ImportError:
        refuse("maturin is missing: build without --no-build-isolation, or install maturin first")
    name: str = getattr(maturin, hook)(*arguments)
    return name


def refuse(reason: str) -> NoReturn:
    sys.exit(f"killproof cannot be built: {reason}")


def check() -> None:
    """Refuses what a build would fail on."""
    version = "{}.{}".format(*sys.version_info)
    if sys.platform != "linux":
        refuse(f"it needs Linux, and this is {sys.platform}: use a Linux machine or a Linux container")
    if sys.implementation.name != "cpython":
        refuse(f"it needs CPython, and this is {sys.implementation.name}: use python3.11 or newer from CPython")
    if sys.version_info < (3, 11):
        refuse(f"it needs CPython 3.11 or newer, and this is {version}: make the environment with a newer one")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        refuse(f"it needs the GIL, and this is free-threaded: use python{version}, not python{version}t")
    if not all((TOP / part / "Cargo.toml").is_file() for part in (".", "common", *EXECUTABLES)):
        refuse(f"{PYTHON} is not inside its repository: install from a whole checkout (pip install ./python)")
    check_rust()
    with writing():
        # maturin asks for the folder as soon as it is asked for metadata.
        SCRIPTS.mkdir(parents=True, exist_ok=True)


def check_rust() -> None:
    """Refuses a Rust that is missing, does not run, or is too old."""
    found = re.search(r'^rust-version = "(.+)"$', (TOP / "Cargo.toml").read_text(), re.MULTILINE)
    oldest = found[1] if found else "1"
    advice = f"install Rust {oldest} or newer (https://rustup.rs)"
    cargo = shutil.which("cargo")
    if cargo is None:
        refuse(f"cargo is missing: {advice}, and have it on PATH")
    # There, because a folder may have a toolchain of its own.
    said = subprocess.run([cargo, "--version"], cwd=TOP, capture_output=True, text=True, check=False)
    installed = re.match(r"cargo ([\d.]+)", said.stdout)
    if said.returncode != 0 or installed is None:
        refuse(f"{cargo} does not run ({' '.join(said.stderr.split())}): {advice}")
    if numbers(installed[1]) < numbers(oldest):
        refuse(f"cargo {installed[1]} is too old: {advice}")


def numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


@contextmanager
def executables() -> Iterator[None]:
    """Has both executables in `SCRIPTS` while maturin packs the wheel. A second build waits for its turn."""
    check()
    import fcntl

    with writing():
        lock = open(PYTHON / ".lock", "w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = cargo_build()
        with writing():
            shutil.rmtree(SCRIPTS)
            SCRIPTS.mkdir()
            for executable in built:
                shutil.copy2(executable, SCRIPTS)
        yield


@contextmanager
def writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        refuse(f"a build writes into its checkout ({error}): use a copy of the repository that is your own")


def cargo_build() -> list[str]:
    """Builds both executables, and gives the paths that cargo names: settings decide where they are."""
    metadata = json.loads(cargo("metadata", "--no-deps", "--format-version=1"))
    # The extension module then uses what is compiled for them already.
    os.environ["CARGO_TARGET_DIR"] = metadata["target_directory"]
    packages = [f"--package={name}" for name in EXECUTABLES]
    # Messages for people go to stderr.
    told = cargo("build", "--release", "--bins", *packages, "--message-format=json-render-diagnostics")
    messages = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    return [message["executable"] for message in messages if message.get("executable")]


def cargo(command: str, *arguments: str) -> str:
    """What a command of cargo in the repository prints."""
    run = ["cargo", command, "--locked", *arguments]
    done = subprocess.run(run, cwd=TOP, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        refuse(f"{' '.join(run)} failed: the lines above say why")
    return done.stdout
