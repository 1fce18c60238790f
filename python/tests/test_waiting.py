"""Waiting for a lock: timeouts and signals."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from killproof import Array, Lock, RLock, Value
from processes import Script
from support import Case

# What a program may wait in, and what it then has not done.
WAITS = {
    "lock": ["thing.acquire()", "thing.acquire(timeout=60)", "with thing: pass"],
    "value": ["thing.acquire()", "thing.add(1)", "thing.value = 1", "thing.update(lambda old: old + 1)", "thing += 1"],
    "array": ["thing.add(0, 1)", "thing[0] = 1", "thing[:] = [1, 1]", "with transaction(thing) as cells: cells[0] = 1"],
}
WAIT = """
    import signal, sys, time
    from killproof import attach, transaction
    signal.signal(signal.SIGINT, signal.default_int_handler)
    thing = attach(sys.argv[1])
    try:
        print("waits", flush=True)
        {}
    except KeyboardInterrupt:
        print(time.monotonic())
    else:
        print("acquired")
"""
# Ctrl-C is to end a wait within this time, on a machine that has time for it.
PROMPT = 0.2
ATTEMPTS = 20


class AWait(Case):
    def things(self, kind: str) -> list[Any]:
        if kind == "lock":
            return [Lock(name=self.name()), RLock(name=self.name())]
        return [Value("i", 0, name=self.name()) if kind == "value" else Array("i", 2, name=self.name())]

    def interrupted(self, thing: Any, wait: str) -> float:
        """How long a program took to end its wait after SIGINT."""
        with Script(WAIT.format(wait), thing.name) as script:
            self.assertEqual(script.line(), "waits")
            time.sleep(0.1)
            sent = time.monotonic()
            script.process.send_signal(signal.SIGINT)
            result = script.end()
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return float(result.stdout) - sent

    def test_is_ended_by_ctrl_c(self) -> None:
        for kind, waits in WAITS.items():
            for thing in self.things(kind):
                for wait in waits:
                    with self.subTest(kind=kind, wait=wait):
                        with thing:
                            self.interrupted(thing, wait)
                        lock = thing if kind == "lock" else thing.get_lock()
                        self.assertIs(lock.acquire(timeout=60), True)
                        self.assertIs(lock.owner_died, False)
                        lock.release()
                        if kind == "value":
                            self.assertEqual(thing.value, 0)
                        if kind == "array":
                            self.assertEqual(thing[:], [0, 0])

    def test_is_ended_by_ctrl_c_at_once(self) -> None:
        lock = Lock(name=self.name())
        with lock:
            times = []
            for _ in range(ATTEMPTS):
                times.append(self.interrupted(lock, "thing.acquire()"))
                if times[-1] <= PROMPT:
                    return
        self.fail(f"never within {PROMPT} s: {times}")

    def test_goes_on_after_a_signal_whose_handler_returns(self) -> None:
        lock = Lock(name=self.name())
        with Script(
            """
            import signal, sys
            from killproof import attach
            signal.signal(signal.SIGUSR1, lambda *_: print("handled", flush=True))
            lock = attach(sys.argv[1])
            print("waits", flush=True)
            print(lock.acquire(), flush=True)
            lock.release()
            """,
            lock.name,
        ) as script:
            with lock:
                self.assertEqual(script.line(), "waits")
                for _ in range(3):
                    time.sleep(0.05)
                    script.process.send_signal(signal.SIGUSR1)
                    self.assertEqual(script.line(), "handled")
            self.assertEqual(script.line(), "True")
            self.assertEqual(script.end().returncode, 0)

    def test_ends_with_false_when_the_time_has_passed_and_not_before(self) -> None:
        locks: list[Any] = [Lock(), RLock(), Value("i", 0)]
        for lock in locks:
            with self.subTest(lock=lock):
                results: list[tuple[bool, float]] = []

                def wait(lock: Any = lock, results: list[tuple[bool, float]] = results) -> None:
                    for timeout in [0, 0.05, 0.3, 1.1]:
                        began = time.monotonic()
                        results.append((lock.acquire(timeout=timeout), time.monotonic() - began - timeout))

                with lock:
                    thread = threading.Thread(target=wait)
                    thread.start()
                    thread.join()
                for acquired, beyond in results:
                    self.assertIs(acquired, False)
                    self.assertGreaterEqual(beyond, 0)
                    self.assertLess(beyond, 60)

    def test_ends_with_true_when_the_lock_becomes_free_in_time(self) -> None:
        locks: list[Any] = [Lock(), RLock(), Value("i", 0)]
        for lock in locks:
            with self.subTest(lock=lock):
                results: list[bool] = []

                def wait(lock: Any = lock, results: list[bool] = results) -> None:
                    results.append(lock.acquire(timeout=120))
                    lock.release()

                with lock:
                    thread = threading.Thread(target=wait)
                    thread.start()
                    time.sleep(0.1)
                thread.join()
                self.assertEqual(results, [True])

    def test_for_a_lock_that_another_process_holds_ends_when_it_is_released(self) -> None:
        lock = RLock(name=self.name())
        with Script(
            """
            import sys
            from killproof import attach
            with attach(sys.argv[1]):
                print("holds", flush=True)
                input()
            print("released", flush=True)
            """,
            lock.name,
        ) as script:
            self.assertEqual(script.line(), "holds")
            self.assertIs(lock.acquire(False), False)
            self.assertIs(lock.acquire(timeout=0.1), False)
            script.tell()
            self.assertIs(lock.acquire(), True)
            self.assertIs(lock.owner_died, False)
            lock.release()
            self.assertEqual(script.line(), "released")
            self.assertEqual(script.end().returncode, 0)
