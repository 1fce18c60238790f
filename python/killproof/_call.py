"""What a caller hands to its workers: how to prepare, and the function to call. It lies in memory that they inherit."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import process, spawn
from typing import Any, NamedTuple

from ._descriptors import above_standard
from ._pickles import dumps
from ._results import read_at

# What workers need to prepare as those of multiprocessing's spawn do.
_PREPARATION = ("sys_path", "sys_argv", "orig_dir", "dir", "start_method", "init_main_from_name", "init_main_from_path")


def must_not_be_importing(name: str) -> None:
    """Refuses a call while a worker imports the script that makes it: the workers would start workers without end."""
    if getattr(process.current_process(), "_inheriting", False):
        raise RuntimeError(
            f"{name}() is called while a worker imports this script: put the call under `if __name__ == \"__main__\":`"
        )


class Call:
    """The memory with a call, until it is left."""

    # Its descriptor, for workers.
    DESCRIPTOR = "KILLPROOF_CALL"

    def __init__(self, packed: Packed, terms: dict[str, Any]) -> None:
        content = packed.preparation + pickle.dumps({**terms, "by_value": packed.by_value}) + packed.function
        self.descriptor = above_standard(os.memfd_create("killproof-call"))
        with open(self.descriptor, "wb", closefd=False) as memory:
            memory.write(content)

    def __enter__(self) -> Call:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


class Packed(NamedTuple):
    """A function, ready for workers."""

    preparation: bytes
    function: bytes
    # Whether what the program defines goes by value, because workers cannot import it.
    by_value: bool


def packed(function: Any) -> Packed:
    """How workers prepare, and the function. Raises what its pickling raises."""
    preparation = _preparation()
    has_main = _has_main(preparation)
    return Packed(pickle.dumps(preparation), _pickled(function, has_main=has_main), not has_main and _can_by_value())


def _can_by_value() -> bool:
    try:
        import_module("cloudpickle")
    except ImportError:
        return False
    return True


def receive() -> tuple[Any, dict[str, Any]]:
    """In a worker: prepares, and returns the function and the terms of the call."""
    descriptor = int(os.environ.pop(Call.DESCRIPTOR))
    # All workers have the same file offset, so it is left alone.
    packed = io.BytesIO(read_at(descriptor, os.fstat(descriptor).st_size, 0))
    os.close(descriptor)
    preparation = pickle.load(packed)
    terms: dict[str, Any] = pickle.load(packed)
    with _importing():
        spawn.prepare(preparation)
        return pickle.load(packed), terms


@contextmanager
def _importing() -> Iterator[None]:
    """Tells multiprocessing, and `must_not_be_importing`, that the caller's script is being imported."""
    current: Any = process.current_process()
    current._inheriting = True
    try:
        yield
    finally:
        del current._inheriting


def _preparation() -> dict[str, Any]:
    chosen = multiprocessing.get_start_method(allow_none=True)
    data: dict[str, Any] = spawn.get_preparation_data("killproof")
    if chosen is None:
        # It has asked for the start method, and so chosen one. The program may still want another.
        multiprocessing.set_start_method(None, force=True)
    path = data.get("init_main_from_path")
    if path is not None and not os.path.exists(path):
        # `<stdin>`, or a script that is gone.
        del data["init_main_from_path"]
    # The key of managers' proxies. It refuses to be pickled as what it is.
    authkey = bytes(process.current_process().authkey)
    return {"authkey": authkey, **{key: data[key] for key in _PREPARATION if key in data}}


def _has_main(preparation: dict[str, Any]) -> bool:
    """Whether workers can import what is `__main__` in the caller."""
    # `python -m package` and zipapps run a module of that name, which spawn does not import either.
    name = preparation.get("init_main_from_name", "__main__")
    return name.rpartition(".")[2] != "__main__" or "init_main_from_path" in preparation


def _pickled(function: Any, *, has_main: bool) -> bytes:
    """The function by pickle, or else by cloudpickle."""
    try:
        packed = pickle.dumps(function, pickle.HIGHEST_PROTOCOL)
        if has_main or b"__main__" not in packed:
            return packed
        why = "workers cannot import what is defined in a notebook, a session, a `__main__.py` or by -c"
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        why = str(error)
    if not _can_by_value():
        raise pickle.PicklingError(
            f"{function!r} cannot be handed to workers ({why}):"
            " define it with `def` at the top level of a script or a module, or install cloudpickle"
        )
    return dumps(function, by_value=True)


def arguments_of_this_interpreter() -> list[str]:
    """The options that this interpreter was started with, such as -W and -X."""
    from subprocess import _args_from_interpreter_flags  # type: ignore[attr-defined]

    flags: list[str] = _args_from_interpreter_flags()
    return flags


def interpreter() -> str:
    """The path of this interpreter."""
    if not sys.executable:
        raise RuntimeError("sys.executable is not set, so no worker can be started: set it to the path of python3")
    return sys.executable
