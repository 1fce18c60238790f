"""The lock of a map's folder: one map at a time, and as long as its workers live."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from unittest import mock

from killproof import _spool
from killproof._spool import Spool
from processes import Script
from support import Case, fork, wait_for


class TheLock(Case):
    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kp-test-")), "map")
        self.impatient = mock.patch.object(_spool, "_PATIENCE", 0.1)
        self.addCleanup(lambda: self.assertEqual(_spool._held, set()))

    def assert_locked(self) -> None:
        descriptors = len(os.listdir("/proc/self/fd"))
        words = ["another map computes in", str(self.path), "use another"]
        with self.impatient, self.raises_and_says(RuntimeError, *words):
            Spool(self.path)
        self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)

    def assert_free(self) -> None:
        with self.impatient, Spool(self.path):
            pass

    def waits(self) -> float:
        """The seconds until it is had."""
        begun = time.monotonic()
        with Spool(self.path):
            return time.monotonic() - begun

    def test_is_refused_to_a_second_map_in_this_thread(self) -> None:
        with Spool(self.path):
            self.assert_locked()
        self.assert_free()

    def test_is_refused_to_a_second_map_in_another_thread(self) -> None:
        errors: list[Exception] = []

        def second() -> None:
            try:
                Spool(self.path)
            except RuntimeError as error:
                errors.append(error)

        with self.impatient, Spool(self.path):
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
        self.assertEqual(len(errors), 1)
        self.assert_free()

    def test_is_refused_to_a_second_map_in_a_forked_child(self) -> None:
        with Spool(self.path):
            self.assertEqual(wait_for(fork(self.assert_locked)), 0)
            # The child has not given back what is not its own.
            self.assert_locked()
        self.assertEqual(wait_for(fork(self.assert_free)), 0)

    def test_is_refused_to_a_second_map_in_another_process(self) -> None:
        with self.other_process() as script:
            self.assertEqual(script.line(), "locked")
            self.assert_locked()
            script.tell()
            self.assertEqual(script.end().returncode, 0)
        self.assert_free()

    def test_is_free_when_the_process_of_its_map_was_killed(self) -> None:
        with self.other_process() as script:
            self.assertEqual(script.line(), "locked")
            script.process.kill()
            self.assertLess(self.waits(), _spool._PATIENCE)

    def other_process(self) -> Script:
        return Script(
            """
            import sys
            from killproof._spool import Spool
            with Spool(sys.argv[1]):
                print("locked", flush=True)
                input()
            """,
            str(self.path),
        )

    def test_is_not_kept_by_a_forked_child_that_lives_on(self) -> None:
        spool = Spool(self.path)
        child = fork(lambda: time.sleep(60))
        self.addCleanup(wait_for, child)
        self.addCleanup(os.kill, child, signal.SIGKILL)
        self.assert_locked()
        spool.__exit__()
        self.assertLess(self.waits(), 20)

    def test_is_not_kept_by_a_child_that_another_thread_forks_meanwhile(self) -> None:
        opened, go_on = threading.Event(), threading.Event()
        spools: list[Spool] = []
        real = os.open

        def slowly(path: Any, *args: Any, **options: Any) -> int:
            descriptor = real(path, *args, **options)
            if path == "lock":
                opened.set()
                go_on.wait()
            return descriptor

        thread = threading.Thread(target=lambda: spools.append(Spool(self.path)))
        with mock.patch("os.open", slowly):
            thread.start()
            opened.wait()
            threading.Timer(0.2, go_on.set).start()
            child = fork(lambda: time.sleep(60))
            self.addCleanup(wait_for, child)
            self.addCleanup(os.kill, child, signal.SIGKILL)
            thread.join()
        spools[0].__exit__()
        self.assertLess(self.waits(), 20)

    def test_stays_with_its_map_when_a_forked_child_leaves_it(self) -> None:
        with Spool(self.path) as spool:

            def leave() -> None:
                # What opens in the child may get the number that the lock had.
                opened = os.open("/dev/null", os.O_RDONLY)
                spool.__exit__()
                os.fstat(opened)

            self.assertEqual(wait_for(fork(leave)), 0)
            self.assert_locked()
        self.assert_free()

    def test_is_waited_for_while_workers_are_left(self) -> None:
        spool = Spool(self.path)
        # A worker inherits it, and does not run this at its fork.
        inherited = os.dup(spool.lock)
        worker = fork(lambda: time.sleep(3))
        os.close(inherited)
        self.addCleanup(wait_for, worker)
        spool.__exit__()
        with mock.patch.object(_spool, "_PATIENCE", 0.1), self.assertRaises(RuntimeError):
            Spool(self.path)
        self.assertGreater(self.waits(), 0.3)

    def test_is_not_kept_by_a_map_that_ctrl_c_has_ended(self) -> None:
        def interrupted(*_: Any) -> Any:
            raise KeyboardInterrupt

        descriptors = len(os.listdir("/proc/self/fd"))
        with Spool(self.path), mock.patch("time.sleep", interrupted), self.assertRaises(KeyboardInterrupt):
            Spool(self.path)
        with mock.patch.object(_spool, "Results", interrupted), self.assertRaises(KeyboardInterrupt):
            Spool(self.path)
        self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)
        self.assert_free()
