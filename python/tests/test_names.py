"""How long a name stays in `/dev/shm`."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from typing import Any

from killproof import Array, Lock, RLock, Value, attach
from processes import Script, run_script
from support import FOLDER, Case, fork, is_there, wait_for

MAKERS: list[Any] = [lambda: Value("i", 0), lambda: Array("i", 5), Lock, RLock]

# A program that makes a value, does something, and ends in some way.
MAKE = """
    import os, pickle, sys
    from killproof import Value
    v = Value("i", 0)
    print(v.name, flush=True)
    {}
"""


class AName(Case):
    def test_goes_with_the_last_reference(self) -> None:
        for make in MAKERS:
            thing = self.learn(make())
            name, other = thing.name, thing
            self.assertTrue(is_there(name))
            del thing
            self.assertTrue(is_there(name))
            del other
            self.assertFalse(is_there(name))

    def test_of_a_temporary_goes_at_once(self) -> None:
        for make in MAKERS:
            name = make().name
            self.assertFalse(is_there(name))

    def test_stays_while_the_lock_of_a_value_is_in_use(self) -> None:
        for make in MAKERS[:2]:
            thing = self.learn(make())
            name, lock = thing.name, thing.get_lock()
            del thing
            with lock:
                self.assertIsInstance(attach(name).name, str)
            del lock
            gc.collect()
            self.assertFalse(is_there(name))

    def test_goes_when_an_exception_ends_the_function(self) -> None:
        names: list[str] = []

        def fail() -> None:
            v = Value("i", 0)
            names.append(v.name)
            raise LookupError

        with self.assertRaises(LookupError):
            fail()
        gc.collect()
        self.assertFalse(is_there(names[0]))

    def test_goes_also_if_the_last_reference_is_in_another_thread(self) -> None:
        names: list[str] = []
        thread = threading.Thread(target=lambda: names.append(Value("i", 0).name))
        thread.start()
        thread.join()
        self.assertFalse(is_there(names[0]))

    def test_goes_in_a_cycle_that_is_collected(self) -> None:
        box: list[Any] = [Value("i", 0)]
        box.append(box)
        name = box[0].name
        del box
        gc.collect()
        self.assertFalse(is_there(name))

    def test_is_not_held_by_a_weak_reference(self) -> None:
        for make in MAKERS:
            thing = make()
            name, reference = thing.name, weakref.ref(thing)
            self.assertIs(reference(), thing)
            del thing
            self.assertIsNone(reference())
            self.assertFalse(is_there(name))

    def test_may_be_used_again_at_once(self) -> None:
        name = self.name()
        for number in range(100):
            v = Value("i", number, name=name)
            self.assertEqual(v.value, number)
            del v
            self.assertFalse(is_there(name))

    def test_stays_if_the_process_forked_since(self) -> None:
        v = self.learn(Value("i", 0))
        name = v.name
        self.assertEqual(wait_for(fork(lambda: v.add(1))), 0)
        del v
        self.assertTrue(is_there(name))
        self.assertEqual(attach(name).value, 1)  # type: ignore[union-attr]

    def test_goes_with_the_last_reference_if_the_fork_was_before(self) -> None:
        self.assertEqual(wait_for(fork(lambda: None)), 0)
        name = Value("i", 0).name
        self.assertFalse(is_there(name))

    def test_is_never_unlinked_by_a_forked_child(self) -> None:
        things = [make() for make in MAKERS]
        names = [self.learn(thing).name for thing in things]

        def drop() -> None:
            things.clear()
            gc.collect()

        self.assertEqual(wait_for(fork(drop)), 0)
        self.assertEqual([is_there(name) for name in names], [True] * 4)
        look = "os.waitpid(child, 0); print(os.path.exists('/dev/shm/' + v.name))"
        fork_and_look = f"child = os.fork()\n    if child: {look}"
        out = run_script(MAKE.format(fork_and_look))
        name, still_there = out.split()
        self.assertEqual((still_there, is_there(name)), ("True", False))

    def test_that_now_stands_for_something_else_is_left(self) -> None:
        for end in ["del v", "pass", "pickle.dumps(v)", "os.fork() or os._exit(0)"]:
            with self.subTest(end=end), Script(MAKE.format("input(); " + end)) as script:
                name = script.line()
                os.unlink(FOLDER / name)
                other = Value("i", 5, name=name)
                script.tell()
                self.assertEqual(script.end().returncode, 0)
                self.assertTrue(is_there(name))
                self.assertEqual(other.value, 5)
                self.learn(other)
                del other

    def test_that_somebody_has_removed_is_no_error(self) -> None:
        for end in ["del v", "pass", "pickle.dumps(v)"]:
            with self.subTest(end=end), Script(MAKE.format("input(); v.add(1); " + end)) as script:
                os.unlink(FOLDER / script.line())
                script.tell()
                result = script.end()
                self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_goes_when_its_creator_ends_in_good_order(self) -> None:
        befores = ["", "pickle.dumps(v); del v", "os.fork() or os._exit(0); del v"]
        ends = {"pass": 0, "sys.exit(3)": 3, "raise LookupError": 1, "raise KeyboardInterrupt": -2}
        for before in befores:
            for end, code in ends.items():
                with self.subTest(before=before, end=end):
                    look = "print(os.path.exists('/dev/shm/' + name), flush=True)"
                    program = MAKE.format(f"name = v.name\n    {before}\n    {look}\n    {end}")
                    with Script(program) as script:
                        name, still_there = script.line(), script.line()
                        self.assertEqual(script.end().returncode, code)
                    self.assertEqual((still_there, is_there(name)), ("True", False))

    def test_does_not_go_when_somebody_who_attached_ends(self) -> None:
        v = self.learn(Value("i", 0))
        attach = "import sys, killproof; v = killproof.attach(sys.argv[1]); w = killproof.Value('i', 1); "
        for end in ["pass", "del v", "sys.exit()", "import pickle; pickle.dumps(v)"]:
            run_script(attach + end, v.name)
            self.assertTrue(is_there(v.name))


class Descriptors(Case):
    def test_are_not_used_up_by_temporaries(self) -> None:
        out = run_script(
            """
            import os, resource
            from killproof import Array, Lock, Value
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            before = len(os.listdir("/proc/self/fd"))
            names = set()
            for number in range(2000):
                names.add(Value("i", number).name)
                Array("d", 3)[1] = 1.5
                with Lock():
                    pass
            print(len(os.listdir("/proc/self/fd")) - before, len(names))
            print(any(os.path.exists("/dev/shm/" + name) for name in names))
            """
        )
        self.assertEqual(out, "0 2000\nFalse\n")

    def test_are_three_for_each_object(self) -> None:
        count = "len(os.listdir('/proc/self/fd'))"
        for make in ["Value('i', 0)", "Array('i', 1000)", "Lock()", "RLock()"]:
            out = run_script(
                f"""
                import os
                from killproof import *
                first = {make}
                before = {count}
                more = [{make} for _ in range(100)]
                print(({count} - before) / 100)
                """
            )
            with self.subTest(make=make):
                self.assertLessEqual(float(out), 3)

    def test_that_are_missing_are_an_error_of_the_system(self) -> None:
        out = run_script(
            """
            import resource
            from killproof import Value
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            values = []
            try:
                while True:
                    values.append(Value("i", len(values)))
            except OSError as error:
                print(error.errno, len(values) > 10)
            print([v.value for v in values] == list(range(len(values))), values[-1].add(0) == len(values) - 1)
            del values
            print(Value("i", 7).value)
            """
        )
        self.assertEqual(out, "24 True\nTrue True\n7\n")
