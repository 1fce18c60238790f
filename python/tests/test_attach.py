"""`attach`, and what the names do not stand for."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from typing import Any

from killproof import Array, Lock, RLock, Value, attach
from processes import coordinator, run_script
from support import FOLDER, Case

BAD_NAMES: list[str] = ["", "/", "a/b", "/demo", ".", "..", "-x", "a\nb", "a\0b", "a b", "é", "x" * 256, "\udc80"]


class Attaching(Case):
    def makers(self) -> list[Any]:
        return [
            lambda name: Value("i", 1, name=name),
            lambda name: Array("i", 2, name=name),
            lambda name: Lock(name=name),
            lambda name: RLock(name=name),
        ]

    def test_gives_what_lies_under_the_name(self) -> None:
        for make in self.makers():
            thing = make(self.name())
            again = attach(thing.name)
            self.assertEqual((type(again), again.name), (type(thing), thing.name))
            out = run_script(
                "import sys, killproof; print(type(killproof.attach(sys.argv[1])).__name__)", thing.name
            )
            self.assertEqual(out, type(thing).__name__ + "\n")

    def test_gives_the_type_of_the_numbers(self) -> None:
        kinds: list[Any] = [*"ilqILQfd", ctypes.c_bool]
        for kind in kinds:
            things: list[Any] = [Value(kind, 1, name=self.name()), Array(kind, [1, 0], name=self.name())]
            for thing in things:
                out = run_script(
                    "import sys, killproof; print(type(killproof.attach(sys.argv[1]).get_obj()).__name__)", thing.name
                )
                self.assertEqual(out, type(thing.get_obj()).__name__ + "\n")

    def test_tells_an_array_of_one_cell_from_a_value(self) -> None:
        a, v = Array("i", [5], name=self.name()), Value("i", 5, name=self.name())
        out = run_script(
            """
            import sys, killproof
            print(*[type(killproof.attach(name)).__name__ for name in sys.argv[1:]])
            """,
            a.name,
            v.name,
        )
        self.assertEqual(out, "Array Value\n")

    def test_twice_gives_one_object_whose_lock_is_re_entered(self) -> None:
        v, a, lock = Value("i", 1, name=self.name()), Array("i", 1, name=self.name()), RLock(name=self.name())
        things: list[Any] = [v, a, lock]
        for thing in things:
            one: Any = attach(thing.name)
            two: Any = attach(thing.name)
            with thing, one, two:
                self.assertIs(two.acquire(False), True)
                two.release()
            self.assertRaises(AssertionError, one.release)
        names = [v.name, a.name, lock.name]
        out = run_script(
            """
            import sys, killproof
            for name in sys.argv[1:]:
                one, two = killproof.attach(name), killproof.attach(name)
                with one, two:
                    print(one.acquire(False), end=" ")
                    one.release()
            """,
            *names,
        )
        self.assertEqual(out, "True True True ")

    def test_shares_the_numbers_with_another_process(self) -> None:
        v, a = Value("q", 2**40, name=self.name()), Array("d", [1.5, 2.5], name=self.name())
        out = run_script(
            """
            import sys, killproof
            v, a = map(killproof.attach, sys.argv[1:])
            print(v.add(1), a[:])
            a[:] = a[::-1]
            """,
            v.name,
            a.name,
        )
        self.assertEqual(out, f"{2**40 + 1} [1.5, 2.5]\n")
        self.assertEqual((v.value, a[:]), (2**40 + 1, [2.5, 1.5]))

    def test_leaves_the_name_to_its_creator(self) -> None:
        lock = Lock(name=self.name())
        run_script("import sys, killproof; killproof.attach(sys.argv[1])", lock.name)
        attach(lock.name)
        self.assertIsInstance(attach(lock.name), Lock)

    def test_to_a_missing_name_is_a_missing_file(self) -> None:
        name = self.name()
        with self.raises_and_says(FileNotFoundError, name):
            attach(name)

    def test_or_creating_under_a_bad_name_is_a_value_error(self) -> None:
        for name in BAD_NAMES:
            with self.subTest(name=name):
                self.assertRaises(ValueError, attach, name)
                for make in self.makers():
                    self.assertRaises(ValueError, make, name)
        others: list[Any] = [5, b"demo", Path("demo")]
        for other in others:
            with self.subTest(name=other):
                for act in [attach, *self.makers()]:
                    self.assertRaises(TypeError, act, other)
        self.assertRaises(TypeError, attach, None)

    def test_is_possible_under_the_longest_name(self) -> None:
        name = (self.name() + "-" + "x" * 255)[:255]
        self.names.add(name)
        lock = Lock(name=name)
        self.assertEqual(attach(name).name, lock.name)

    def test_creating_under_a_taken_name_is_an_existing_file(self) -> None:
        for make in self.makers():
            taken = make(self.name())
            for again in self.makers():
                with self.raises_and_says(FileExistsError, taken.name):
                    again(taken.name)
            self.assertIs(type(attach(taken.name)), type(taken))

    def test_to_a_run_is_a_type_error(self) -> None:
        program = coordinator()
        if program is None:
            self.skip("the package's coordinator is not installed beside this interpreter")
        name = self.name()
        subprocess.run([program, "create", name, "-q"], check=True, capture_output=True)
        try:
            with self.raises_and_says(TypeError, name):
                attach(name)
            for make in self.makers():
                self.assertRaises(FileExistsError, make, name)
        finally:
            subprocess.run([program, "remove", name], check=True, capture_output=True)


class ADamagedSegment(Case):
    def damaged(self, damage: Any) -> str:
        """The name of a copy of a segment, with the damage done to it."""
        name = self.name()
        source = Value("i", 5, name=self.name())
        content = bytearray((FOLDER / source.name).read_bytes())
        descriptor = os.open(FOLDER / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.write(descriptor, damage(content))
        os.close(descriptor)
        self.addCleanup(os.unlink, FOLDER / name)
        return name

    def test_is_a_runtime_error(self) -> None:
        damages: list[Any] = [
            lambda content: content[:0],
            lambda content: content[:100],
            lambda content: b"not magic" + content[9:],
            lambda content: b"x" * 5000,
            lambda content: b"\0" * len(content),
            lambda content: content + b"\0" * 4096,
        ]
        for number, damage in enumerate(damages):
            name = self.damaged(damage)
            with self.subTest(number=number), self.raises_and_says(RuntimeError, name):
                attach(name)

    def test_is_not_a_directory_or_a_link(self) -> None:
        name, link = self.name(), self.name()
        os.mkdir(FOLDER / name)
        self.addCleanup(os.rmdir, FOLDER / name)
        os.symlink("/etc/passwd", FOLDER / link)
        self.addCleanup(os.unlink, FOLDER / link)
        for bad in [name, link]:
            with self.subTest(name=bad), self.assertRaises((RuntimeError, OSError)):
                attach(bad)

    def test_that_is_truncated_under_its_users_is_an_error_in_all_they_do(self) -> None:
        v, a, lock = Value("i", 5, name=self.name()), Array("i", 5, name=self.name()), Lock(name=self.name())
        out = run_script(
            """
            import os, sys
            from killproof import attach, transaction
            v, a, lock = map(attach, sys.argv[1:])
            v.value, a[0], lock.acquire(), lock.release()
            for name in sys.argv[1:]:
                os.truncate("/dev/shm/" + name, 0)
            def block():
                with transaction(a) as cells:
                    cells[0] = 1
            def assign():
                a[0] = 1
            for act in [lambda: v.value, lambda: v.add(1), v.acquire, lambda: a[0], lambda: a[:], assign, block,
                        lambda: a.add(0, 1), lambda: v.update(lambda old: old), lock.acquire, lambda: list(a)]:
                try:
                    print("did", act())
                except RuntimeError:
                    print("refused", end=" ")
            """,
            v.name,
            a.name,
            lock.name,
        )
        self.assertEqual(out.split(), ["refused"] * 11)
