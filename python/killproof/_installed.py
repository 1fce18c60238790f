"""Where the coordinator is: among the files that were installed with this package, wherever PATH leads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

_PACKAGE = os.path.dirname(os.path.realpath(__file__))


def coordinator() -> str:
    """Its path. `importlib.metadata` knows it, too, but takes longer to import than a small map takes."""
    # An editable installation has its record elsewhere than the package.
    for folder in (os.path.dirname(_PACKAGE), *sys.path):
        for file in _files(folder):
            path = os.path.realpath(os.path.join(folder, file))
            if os.path.basename(path) == "coordinator" and os.access(path, os.X_OK):
                return path
    raise RuntimeError(
        f"the coordinator is not among the installed files of the package killproof ({_PACKAGE}):"
        " install it again: pip install --force-reinstall killproof"
    )


def _files(folder: str) -> Iterator[str]:
    """What the record of this package in that folder names, relative to the folder.

    Its lines are `path,hash,size`: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return
    for name in names:
        if name.startswith("killproof-") and name.endswith(".dist-info"):
            try:
                with open(os.path.join(folder, name, "RECORD"), encoding="utf-8") as record:
                    for line in record:
                        yield line.rstrip("\n").rsplit(",", 2)[0].strip('"')
            except OSError:
                continue
