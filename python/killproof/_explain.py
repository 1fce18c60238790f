"""What a failed kernel's report shows of its exception."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from types import TracebackType

_PACKAGE = os.path.dirname(__file__) + "/"


def explain(error: BaseException) -> str:
    """The reason in one line, and the traceback below it. Whatever the exception is like, there is a text."""
    name = type(error).__qualname__
    try:
        name = _full_name(type(error))
        reason = f"{_reason(name, error)}{_place(error.__traceback__)}"
        text = f"{reason}\n{_traceback(error)}"
        # A file name or a message may have bytes that are no UTF-8.
        return text.encode("utf-8", "backslashreplace").decode()
    except BaseException:
        # No room for it, or a class that is odd in other ways than the module `traceback` knows.
        return name


def _full_name(kind: type[BaseException]) -> str:
    """The name as tracebacks have it."""
    module = kind.__module__
    return kind.__qualname__ if module in ("__main__", "__mp_main__", "builtins") else f"{module}.{kind.__qualname__}"


def _reason(name: str, error: BaseException) -> str:
    try:
        message = str(error)
    except BaseException:
        message = "<exception str() failed>"
    one_line = " ".join(line.strip() for line in message.splitlines() if line.strip())
    return f"{name}: {one_line}" if one_line else name


def _place(trace: TracebackType | None) -> str:
    """The innermost line that is not the package's own."""
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(trace)]
    for file, line in reversed(places):
        if not file.startswith(_PACKAGE):
            return f" ({os.path.basename(file)}, line {line})"
    return ""


def _traceback(error: BaseException) -> str:
    """The whole traceback without the package's own frames."""
    whole = traceback.TracebackException(type(error), error, error.__traceback__, compact=True)
    for part in _parts(whole):
        part.stack[:] = [frame for frame in part.stack if not frame.filename.startswith(_PACKAGE)]
    return "".join(whole.format())


def _parts(whole: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """The exception, those that it came from, and those of groups. A tree, which may be deep."""
    left = [whole]
    while left:
        part = left.pop()
        yield part
        left += [below for below in (part.__cause__, part.__context__, *(part.exceptions or ())) if below is not None]
