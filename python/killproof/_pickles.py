"""Pickles of what the caller's program defines, and whether two objects are the same."""

from __future__ import annotations

import importlib
import pickle
from typing import Any


def dumps(thing: Any, *, by_value: bool) -> bytes:
    """A pickle. By value: with the classes and functions of a notebook, which the other side cannot import."""
    if not by_value:
        return pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
    packed: bytes = importlib.import_module("cloudpickle").dumps(thing, pickle.HIGHEST_PROTOCOL)
    return packed


def are_same(one: Any, other: Any, *, by_value: bool = False) -> bool:
    """Whether they are of one type and have the same content.

    Not by `==`, which takes 1 for True and 0.0 for -0.0. Not by their pickles alone: those tell whether two strings in
    them are one object, and members of a set have any order in them.
    """
    kind = type(one)
    if kind is not type(other):
        return False
    if kind in (tuple, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(are_same(*pair, by_value=by_value) for pair in pairs)
    if kind is dict:
        return are_same(list(one.items()), list(other.items()), by_value=by_value)
    if kind in (set, frozenset):
        members = [sorted(dumps(member, by_value=by_value) for member in members) for members in (one, other)]
        return members[0] == members[1]
    return dumps(one, by_value=by_value) == dumps(other, by_value=by_value)
