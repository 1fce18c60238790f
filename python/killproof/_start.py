"""Starts a worker of `run` or `map`: as a script, it loads this package from this folder, as the caller has it."""

import importlib.util as _util
import os as _os
import sys as _sys

_FOLDER = _os.path.dirname(_os.path.abspath(__file__))


def _load() -> None:
    """Has `killproof` be the package in this folder, whatever else the search path has."""
    place = _os.path.join(_FOLDER, "__init__.py")
    spec = _util.spec_from_file_location("killproof", place, submodule_search_locations=[_FOLDER])
    assert spec is not None and spec.loader is not None
    package = _util.module_from_spec(spec)
    _sys.modules["killproof"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    _load()
    # Nothing of this module may be taken for something of the caller's script.
    __import__("killproof._worker")._worker.main()
