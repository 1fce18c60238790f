"""The items of a map, computed by workers that are killed between any two instructions."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from killproof import _items, _results
from killproof._items import INDEX_BYTES
from killproof._reasons import Reasons
from killproof._spool import Spool
from steps import killed_at
from support import Case, fork, wait_for

ITEMS = ["a", "b"]
TRACED = [_items, _results]


class Rig:
    """A map's folder, and what its workers need."""

    def __init__(self, folder: Path, items: list[Any], *, retries: int = 0, passed_over: tuple[int, ...] = ()) -> None:
        self.calls_path = folder / "calls"
        self.calls_path.touch()
        self._spool = Spool(folder / "map")
        self._spool.fill("f", items)
        self.results = self._spool.results
        self.items = items
        self.reasons = Reasons()
        self.ear, self.mouth = os.pipe()
        os.set_blocking(self.ear, False)
        # A forked child has no lock.
        self._lock = os.dup(self._spool.folder)
        self._terms = {"retries": retries, "by_value": False, "passed_over": passed_over, "ear": self.mouth}
        self._terms |= {"folder": self._spool.folder, "lock": self._lock}

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.__exit__()
        self.reasons.__exit__()
        for descriptor in (self.ear, self.mouth, self._lock):
            os.close(descriptor)

    def compute(self, ticket: int, function: Any = None) -> int:
        """What a worker does: all items."""
        kernel = _items.of(function or self.called, {**self._terms, "ticket": ticket}, self.reasons)
        there = kernel(0, len(self.items), 0)
        assert isinstance(there, int)
        return there

    def called(self, item: Any) -> Any:
        """The function: it leaves a line for each call."""
        with open(self.calls_path, "a") as file:
            file.write(f"{item}\n")
        return [item, item]

    def calls(self) -> Counter[str]:
        return Counter(self.calls_path.read_text().split())

    def told(self) -> set[int]:
        try:
            heard = os.read(self.ear, 1 << 16)
        except BlockingIOError:
            return set()
        return set(memoryview(heard).cast("Q")) if heard else set()

    def whole(self) -> set[int]:
        return {index for index in range(len(self.items)) if self.results.read(index) is not None}


def loaded(rig: Rig) -> list[Any]:
    bodies = [rig.results.read(index) for index in range(len(rig.items))]
    return [None if body is None else pickle.loads(body) for body in bodies]


class AWorker(Case):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kp-test-")))

    def rig(self, *args: Any, **options: Any) -> Rig:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return self.enterContext(Rig(folder, *args, **options))

    def test_that_is_killed_at_any_instruction_costs_one_item_once(self) -> None:
        for next_ticket in (1, 2):
            with self.subTest(next_ticket=next_ticket):
                steps = 0
                while self.kill_and_go_on(steps, next_ticket):
                    steps += 1
                # More than the lines alone.
                self.assertGreater(steps, 500)

    def kill_and_go_on(self, step: int, next_ticket: int) -> bool:
        """Whether there is such a step."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with Rig(folder, ITEMS) as rig:
            is_killed = killed_at(step, TRACED, lambda: rig.compute(1))
            whole, before, told = rig.whole(), rig.calls(), rig.told()
            # Nobody is told of what is not there.
            self.assertLessEqual(told, whole, step)
            self.assertEqual(wait_for(fork(lambda: self.assertEqual(rig.compute(next_ticket), len(ITEMS)))), 0)
            self.assertEqual(loaded(rig), [["a", "a"], ["b", "b"]], step)
            self.assertEqual(rig.told(), {0, 1}, step)
            self.assertEqual(rig.reasons.all(), [])
            again = rig.calls() - before
            self.assertEqual(set(again), {item for index, item in enumerate(ITEMS) if index not in whole}, step)
            self.assertLessEqual(max(rig.calls().values()), 2, step)
            self.assertLessEqual(rig.calls().total(), len(ITEMS) + 1, step)
        return is_killed

    def test_does_not_compute_what_is_there(self) -> None:
        rig = self.rig(ITEMS)
        self.assertEqual([rig.compute(1), rig.compute(1), rig.compute(2)], [2, 2, 2])
        self.assertEqual(rig.calls(), {"a": 1, "b": 1})

    def test_computes_again_what_is_damaged(self) -> None:
        rig = self.rig(ITEMS)
        rig.compute(1)
        path = self.only_file(rig, "results-1")
        memory = bytearray(path.read_bytes())
        memory[-1] ^= 1
        path.write_bytes(memory)
        self.assertEqual(rig.compute(2), 2)
        self.assertEqual(loaded(rig), [["a", "a"], ["b", "b"]])
        self.assertEqual(rig.calls(), {"a": 1, "b": 2})

    def test_does_not_compute_what_is_passed_over(self) -> None:
        rig = self.rig(ITEMS, passed_over=(0,))
        self.assertEqual(rig.compute(1), 1)
        self.assertEqual(loaded(rig), [None, ["b", "b"]])

    def test_tries_again_as_often_as_it_may_and_goes_on(self) -> None:
        def fail(item: str) -> object:
            rig.called(item)
            if item == "a":
                raise SystemExit("no a")
            return item

        rig = self.rig(ITEMS, retries=2)
        self.assertEqual(rig.compute(1, fail), 1)
        self.assertEqual(loaded(rig), [None, "b"])
        self.assertEqual(rig.calls(), {"a": 3, "b": 1})
        (reason,) = rig.reasons.all()
        self.assertEqual((reason.start, reason.end, reason.attempts), (0, 1, 3))
        self.assertRegex(reason.line, r"\ASystemExit: no a \(test_items\.py, line \d+\)\Z")

    def test_says_which_result_cannot_be_pickled(self) -> None:
        rig = self.rig(ITEMS)
        self.assertEqual(rig.compute(1, lambda item: (lambda: item) if item == "b" else item), 1)
        (reason,) = rig.reasons.all()
        self.assertEqual(reason.start, 1)
        self.assertIn("pickle", reason.line)

    def test_says_which_item_is_damaged(self) -> None:
        rig = self.rig(ITEMS)
        path = self.only_file(rig, "items")
        path.write_bytes(path.read_bytes().replace(b"b", b"c"))
        self.assertEqual(rig.compute(1), 1)
        (reason,) = rig.reasons.all()
        self.assertIn("item 1 is damaged", reason.line)
        self.assertEqual(rig.calls(), {"a": 1})

    def test_goes_on_without_its_caller(self) -> None:
        rig = self.rig(ITEMS)
        os.dup2(os.open("/dev/null", os.O_RDONLY), rig.ear)
        self.assertEqual(rig.compute(1), 2)
        self.assertEqual(rig.whole(), {0, 1})

    def test_does_not_hand_on_the_map(self) -> None:
        rig = self.rig(ITEMS)
        os.set_inheritable(rig.mouth, True)
        rig.compute(1)
        self.assertFalse(os.get_inheritable(rig.mouth))

    def test_tells_indices_in_whole_numbers(self) -> None:
        rig = self.rig(ITEMS)
        rig.compute(1)
        told = [index.to_bytes(INDEX_BYTES, "little") for index in range(2)]
        self.assertEqual(os.read(rig.ear, 100), b"".join(told))

    def only_file(self, rig: Rig, name: str) -> Path:
        return rig.calls_path.with_name("map") / name
