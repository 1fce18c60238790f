"""What the workers of `run` compute: the function, of one range after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def of(function: Any, terms: dict[str, Any], _reasons: object) -> Callable[[int, int, int], object]:
    """The function as a kernel."""
    if terms["takes_seed"]:
        return lambda start, end, seed: function(start, end, seed=seed)
    return lambda start, end, _seed: function(start, end)
