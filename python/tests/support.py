"""What the tests share: segment names, a watchdog, skipping aloud, and running things in other processes."""

from __future__ import annotations

import faulthandler
import functools
import gc
import itertools
import multiprocessing
import os
import signal
import sys
import traceback
import unittest
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from killproof import _native
from processes import kill_descendants

FOLDER = Path("/dev/shm")

# What ignores a signal, as nohup does, makes all that it starts ignore it. This process goes on to: children do not inherit
# its handlers.
for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, lambda *_: None)

# Seconds that a test may take: many times what any of them needs.
BOUND = float(os.environ.get("KILLPROOF_TEST_BOUND", "240"))

_T = TypeVar("_T")
_numbers = itertools.count()


def is_there(name: str) -> bool:
    """Whether something has that name."""
    return os.path.lexists(FOLDER / name)


def start_methods() -> list[str]:
    return multiprocessing.get_all_start_methods()


def for_each_start_method(test: Callable[[Any, Any], None]) -> Callable[[Any], None]:
    """Runs a test once with the context of each start method."""

    @functools.wraps(test)
    def run(case: Any) -> None:
        for method in start_methods():
            with case.subTest(start_method=method):
                test(case, multiprocessing.get_context(method))

    return run


def run_in(context: BaseContext, target: Callable[..., Any], *args: Any) -> int | None:
    """Runs a function in a process of multiprocessing, and returns its exit code."""
    process = context.Process(target=target, args=args)  # type: ignore[attr-defined]
    process.start()
    process.join()
    return int(process.exitcode)


def fork(body: Callable[[], Any]) -> int:
    """Runs a function in a child of `os.fork()`, and returns the child's process id.

    The child ends by `os._exit`: the watchdog is its parent's, and an orderly end would wait for the watchdog's thread.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        body()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait_for(child: int) -> int:
    """Waits for a child, and returns its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Case(unittest.TestCase):
    """A test with names of its own, which must all be gone when the tests of its class have ended."""

    names: set[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.names = set()

    @classmethod
    def tearDownClass(cls) -> None:
        # What was pickled, or made before a fork, keeps its name until its process ends, or does what it does then.
        gc.collect()
        _native.unlink_names()
        left = sorted(name for name in cls.names if is_there(name))
        for name in left:
            (FOLDER / name).unlink()
        if left:
            raise AssertionError(f"left in {FOLDER}: {', '.join(left)}")

    def setUp(self) -> None:
        # Tests fork on purpose, also beside threads.
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
        self._start_watchdog()
        self.addCleanup(self._end_children)

    def name(self) -> str:
        """A name that nobody else uses."""
        name = f"kp-test-{os.getpid()}-{next(_numbers)}"
        self.names.add(name)
        return name

    def learn(self, thing: _T) -> _T:
        """Remembers the name of an object, which is to be gone in the end. Returns the object."""
        self.names.add(thing.name)  # type: ignore[attr-defined]
        return thing

    def skip(self, why: str) -> NoReturn:
        """Skips the test, and says so even in a run that is not verbose."""
        print(f"\nSKIPPED {self.id()}: {why}", file=sys.__stderr__, flush=True)
        raise unittest.SkipTest(why)

    @contextmanager
    def raises_and_says(self, kind: type[Exception], *words: str) -> Iterator[None]:
        """Expects an error whose message has all these words."""
        with self.assertRaises(kind) as caught:
            yield
        for word in words:
            self.assertIn(word, str(caught.exception))

    def _start_watchdog(self) -> None:
        def expired(*_: object) -> NoReturn:
            faulthandler.dump_traceback(file=2)
            kill_descendants()
            faulthandler.dump_traceback_later(BOUND, exit=True, file=2)
            raise AssertionError(f"{self.id()} takes longer than {BOUND} s")

        before = signal.signal(signal.SIGALRM, expired)
        # Again and again, because a `subTest` ends the error and not the test.
        signal.setitimer(signal.ITIMER_REAL, BOUND, 10)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        # For a main thread that does not come to its signals.
        faulthandler.dump_traceback_later(BOUND + 30, exit=True, file=2)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)

    def _end_children(self) -> None:
        for child in multiprocessing.active_children():
            child.kill()
            child.join()
