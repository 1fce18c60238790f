"""Descriptors that workers inherit."""

from __future__ import annotations

import fcntl
import os


def above_standard(descriptor: int) -> int:
    """The descriptor, or another one for the same beyond the standard streams.

    A program whose stdin, stdout or stderr is closed gets these numbers, which mean something else to the coordinator.
    """
    if descriptor > 2:
        return descriptor
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(descriptor)


def open_own(folder: int, name: str, flags: int) -> int:
    """Opens a file in a map's folder, which must be one's own: what is in it is unpickled."""
    descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    owner = os.fstat(descriptor).st_uid
    if owner == os.geteuid():
        return above_standard(descriptor)
    os.close(descriptor)
    raise PermissionError(f"{name!r} in the map's folder is not your own, but of user {owner}: use another folder")
