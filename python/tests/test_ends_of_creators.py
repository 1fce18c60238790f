"""The name of what was handed on goes when its creator ends, and not before its children."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from killproof import Value
from processes import Script, run_script, until
from support import Case, fork, for_each_start_method, is_there, start_methods, wait_for


def create(connection: Any, ends: str) -> None:
    v = Value("i", 41)
    connection.send((v.name, v))
    connection.recv()
    del v
    if ends == "raise":
        raise SystemExit(3)


def made(number: int) -> Any:
    v = Value("i", number)
    return v.name, v


LATE_CHILD = """
    import multiprocessing, os, sys, time
    from killproof import Value, attach

    def late(name):
        # By now the parent is in its end, or will be, and waits for its children.
        time.sleep(0.3)
        print(attach(name).add(1), flush=True)

    def parent():
        v = Value("i", 0)
        v.add(1)
        print(v.name, flush=True)
        multiprocessing.Process(target=late, args=(v.name,), daemon={daemon}).start()
        {wait}

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
        {start}
"""
IN_A_CHILD = "multiprocessing.Process(target=parent).start()"
HERE = "parent()"
KEPT = "globals().update(v=v)"


class ACreator(Case):
    @for_each_start_method
    def test_in_a_child_takes_its_names_with_it(self, context: Any) -> None:
        for ends in ["return", "raise"]:
            here, there = context.Pipe()
            process = context.Process(target=create, args=(there, ends))
            process.start()
            name, v = here.recv()
            self.names.add(name)
            self.assertTrue(is_there(name))
            self.assertEqual(v.add(1), 42)
            here.send("end")
            process.join()
            self.assertEqual(process.exitcode, 0 if ends == "return" else 3)
            self.assertFalse(is_there(name))
            self.assertEqual(v.add(1), 43)

    @for_each_start_method
    def test_in_a_pool_takes_its_names_with_it(self, context: Any) -> None:
        with context.Pool(1) as pool:
            results = pool.map(made, range(3))
            for number, (name, v) in enumerate(results):
                self.names.add(name)
                self.assertEqual((v.value, is_there(name)), (number, True))
            pool.close()
            pool.join()
        self.assertEqual([is_there(name) for name, _ in results], [False] * 3)

    def test_keeps_its_names_until_its_children_have_ended(self) -> None:
        for method in start_methods():
            for start in [HERE, IN_A_CHILD]:
                with self.subTest(start_method=method, start=start):
                    out = run_script(LATE_CHILD.format(daemon=False, wait=KEPT, start=start), method)
                    name, number = out.split()
                    self.assertEqual(number, "2")
                    self.assertFalse(is_there(name))

    def test_does_not_wait_for_daemonic_children(self) -> None:
        for method in start_methods():
            with self.subTest(start_method=method):
                text = LATE_CHILD.format(daemon=True, wait=KEPT, start=HERE).replace("0.3", "1000")
                name = run_script(text, method).strip()
                self.assertFalse(is_there(name))

    def test_made_by_os_fork_unlinks_what_it_has_made_and_nothing_else(self) -> None:
        for first in ["", "mine = Value('i', 1); "]:
            out = run_script(
                f"""
                import os, sys
                from killproof import Value
                {first}
                v = Value("i", 0)
                child = os.fork()
                if not child:
                    w = Value("i", 1)
                    print(w.name, os.path.exists("/dev/shm/" + w.name), flush=True)
                    import pickle
                    pickle.dumps(w)
                    sys.exit(5)
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                print(code, v.name, os.path.exists("/dev/shm/" + v.name))
                """
            )
            child_name, was_there, code, name, still_there = out.split()
            self.assertEqual((was_there, code, still_there), ("True", "5", "True"))
            self.assertEqual((is_there(child_name), is_there(name)), (False, False))

    def test_that_leaves_by_os_exit_leaves_its_names(self) -> None:
        name = run_script(
            "import os; from killproof import Value; v = Value('i'); print(v.name, flush=True); os._exit(0)"
        ).strip()
        self.assertTrue(is_there(name))
        os.unlink(Path("/dev/shm", name))

    def test_that_is_killed_leaves_its_names_to_the_next_one(self) -> None:
        with Script("from killproof import Value; v = Value('i', 7); print(v.name, flush=True); input()") as script:
            name = script.line()
            os.kill(script.process.pid, signal.SIGKILL)
        self.assertTrue(is_there(name))
        self.assertEqual(run_script(f"import killproof; print(killproof.attach('{name}').value)"), "7\n")
        os.unlink(Path("/dev/shm", name))

    def test_registers_one_finalizer_and_only_when_it_creates(self) -> None:
        out = run_script(
            """
            import sys
            import killproof
            print("multiprocessing" in sys.modules)
            from multiprocessing import util
            print(len(util._finalizer_registry))
            for _ in range(10):
                killproof.Value("i", 0), killproof.Lock()
            print([key[0] < -100 for key in util._finalizer_registry])
            """
        )
        self.assertEqual(out, "False\n0\n[True]\n")


class TheResourceTracker(Case):
    def test_never_hears_of_an_object(self) -> None:
        out = run_script(
            """
            import multiprocessing, pickle
            from multiprocessing import resource_tracker
            from killproof import Array, Lock, RLock, Value

            if __name__ == "__main__":
                multiprocessing.set_start_method("fork")
                things = [Value("i", 0), Array("i", 2), Lock(), RLock()]
                process = multiprocessing.Process(target=pickle.dumps, args=(things,))
                process.start()
                process.join()
                print(resource_tracker._resource_tracker._pid)
            """
        )
        self.assertEqual(out, "None\n")

    def test_has_nothing_to_warn_of(self) -> None:
        # What it says goes to stderr, which must stay empty.
        for method in start_methods():
            out = run_script(
                """
                import multiprocessing, sys
                from killproof import Array, Lock, Value

                def use(v, a, lock):
                    with lock:
                        v += 1
                        a[0] += 1

                if __name__ == "__main__":
                    multiprocessing.set_start_method(sys.argv[1])
                    v, a, lock = Value("i", 0), Array("i", 2), Lock()
                    processes = [multiprocessing.Process(target=use, args=(v, a, lock)) for _ in range(3)]
                    for process in processes:
                        process.start()
                    for process in processes:
                        process.join()
                    with multiprocessing.Pool(2) as pool:
                        pool.starmap(use, [(v, a, lock)] * 5)
                    print(v.value, a[0], multiprocessing.active_children())
                """,
                method,
            )
            self.assertEqual(out, "8 8 []\n", method)


class AKilledChild(Case):
    def test_that_has_made_nothing_leaves_nothing(self) -> None:
        v = self.learn(Value("i", 0))
        child = fork(lambda: time.sleep(1000))
        os.kill(child, signal.SIGKILL)
        self.assertEqual(wait_for(child), -signal.SIGKILL)
        v += 1
        until(lambda: v.value == 1)
