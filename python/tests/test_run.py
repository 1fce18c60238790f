"""`run`: what it gives, and what it raises."""

from __future__ import annotations

import functools
import importlib.util
import math
import os
import pickle
import subprocess
import sys
import threading
import time
from typing import Any

import killproof
from calls import CallCase, all_of, die, log, logged, once, stay, sum_of_squares
from killproof import Incomplete, Value, run
from processes import PATIENCE
from support import for_each_start_method, run_in


def one(start: int, end: int) -> int:
    return end - start


def cells_of_ten(start: int, end: int) -> list[int]:
    cells = [0] * 10
    for i in range(start, end):
        cells[i % 10] += i
    return cells


def halves(start: int, end: int) -> float:
    return (end - start) / 2


def with_seed(start: int, end: int, seed: int) -> int:
    return seed * (end - start)


def fails_at(where: int, start: int, end: int) -> int:
    if start <= where < end:
        raise ValueError(f"no {where}")
    return end - start


def dies_once(folder: str, start: int, end: int) -> int:
    if start <= 50 < end and once(folder, "died"):
        die()
    return end - start


def dies_at(where: int, start: int, end: int) -> int:
    if start <= where < end:
        die()
    return end - start


def stays(start: int, end: int) -> int:
    stay()
    return 0


def logs(folder: str, start: int, end: int) -> int:
    log(folder, os.getpid(), start, end)
    time.sleep(0.01)
    return end - start


def adds(value: Value[int], start: int, end: int) -> int:
    value.add(end - start)
    return end - start


def runs(start: int, end: int) -> int:
    return int(run(one, end - start, workers=1, progress=False).value)


class Unpicklable:
    def __call__(self, start: int, end: int) -> int:
        return 0

    def __reduce__(self) -> Any:
        raise TypeError("no way to pickle this")


class ARun(CallCase):
    def test_adds_up_a_function_over_all_chunks(self) -> None:
        result = run(sum_of_squares, 100_000, progress=False)
        self.assertEqual(result.value, sum_of_squares(0, 100_000))
        self.assertEqual(result.exact_total, result.value)
        self.assertIs(result.complete, True)
        self.assertEqual(result.missing, [])
        self.assertEqual(len(result.workers), len(os.sched_getaffinity(0)))
        self.assertEqual(sum(worker["contribution"] or 0 for worker in result.workers), result.value)
        self.assertGreater(result.elapsed, 0)
        self.no_segment_is_left()

    def test_gives_each_iteration_once_in_chunks_of_the_size_that_is_asked_for(self) -> None:
        result = run(functools.partial(logs, self.folder), 100, chunk=7, workers=3, progress=False)
        self.assertEqual(result.value, 100)
        ranges = sorted((int(start), int(end)) for _, start, end in logged(self.folder))
        self.assertEqual(ranges, [(start, min(start + 7, 100)) for start in range(0, 100, 7)])
        self.assertLessEqual(len({pid for pid, *_ in logged(self.folder)}), 3)

    def test_of_nothing_is_zero(self) -> None:
        result = run(one, 0, progress=False)
        self.assertEqual((result.value, result.complete), (0, True))

    def test_gives_an_int_beyond_64_bits_as_the_exact_total_and_wraps_the_value(self) -> None:
        result = run(sum_of_squares, 10_000_000, progress=False, workers=2)
        self.assertEqual(result.exact_total, 333333283333335000000)
        self.assertEqual(result.value, (333333283333335000000 + 2**63) % 2**64 - 2**63)
        result = run(one, 2**32 + 5, type="i32", chunk=2**32, progress=False)
        self.assertEqual((result.value, result.exact_total), (5, 2**32 + 5))

    def test_gives_floats_and_lists(self) -> None:
        result = run(halves, 1001, type="f64", progress=False)
        self.assertEqual((result.value, result.exact_total), (500.5, None))
        self.assertIsInstance(result.value, float)
        result = run(cells_of_ten, 1000, cells=10, progress=False)
        self.assertEqual(result.value, cells_of_ten(0, 1000))
        self.assertEqual(result.exact_total, result.value)

    def test_gives_the_seed_to_a_function_that_asks_for_it(self) -> None:
        self.assertEqual(run(with_seed, 10, seed=3, progress=False).value, 30)

    def test_takes_partial_functions_methods_and_shared_objects_along(self) -> None:
        value = self.learn(Value("q", 0))
        self.assertEqual(run(functools.partial(adds, value), 100, progress=False).value, 100)
        self.assertEqual(value.value, 100)

    def test_sets_a_chunk_aside_that_fails_and_tells_why(self) -> None:
        with self.assertRaises(Incomplete) as raised:
            run(functools.partial(fails_at, 7), 10, chunk=1, retries=1, progress=False)
        incomplete = raised.exception
        [gap] = incomplete.missing
        self.assertEqual((gap["start"], gap["end"], gap["attempts"]), (7, 8, 2))
        self.assertRegex(gap["why"], r"^ValueError: no 7 \(test_run\.py, line \d+\)$")
        assert incomplete.result is not None
        self.assertEqual((incomplete.result.value, incomplete.result.complete), (9, False))
        self.assertEqual(incomplete.result.missing, incomplete.missing)
        self.assertIn("9 of 10 iterations are applied; missing: 7..8 (ValueError: no 7", str(incomplete))
        again = pickle.loads(pickle.dumps(incomplete))
        self.assertEqual((again.missing, again.result), (incomplete.missing, incomplete.result))
        self.assertEqual(str(again), str(incomplete))

    def test_goes_on_when_a_worker_is_killed(self) -> None:
        self.assertEqual(run(functools.partial(dies_once, self.folder), 100, chunk=10, progress=False).value, 100)

    def test_sets_a_chunk_aside_that_kills_its_workers(self) -> None:
        with self.assertRaises(Incomplete) as raised:
            run(functools.partial(dies_at, 3), 10, chunk=1, retries=2, progress=False)
        expected = {"start": 3, "end": 4, "attempts": 3, "why": "killed 3 workers, last by SIGKILL"}
        self.assertEqual(raised.exception.missing, [expected])

    def test_ends_after_its_timeout_in_the_middle_of_a_function(self) -> None:
        with self.assertRaises(Incomplete) as raised:
            run(stays, 10, timeout=0.5, progress=False)
        self.assertRegex(str(raised.exception), "^timeout: 0 of 10 iterations are applied; missing: 0..10")
        self.nobody_is_left()

    def test_refuses_a_sum_that_does_not_fit_if_asked_to(self) -> None:
        with self.raises_and_says(OverflowError, "i32", "larger type"):
            run(one, 2**31 + 5, type="i32", chunk=2**31, workers=1, overflow="error", progress=False)

    def test_may_be_called_in_a_worker_of_another_run(self) -> None:
        self.assertEqual(run(runs, 6, chunk=3, progress=False).value, 6)

    def test_works_in_any_thread(self) -> None:
        results: list[Any] = []
        threads = [
            threading.Thread(target=lambda: results.append(run(one, 1000, workers=1, progress=False).value))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [1000] * 3)

    @for_each_start_method
    def test_works_in_a_process_of_multiprocessing(self, context: Any) -> None:
        self.assertEqual(run_in(context, check_in_child), 0)


def check_in_child() -> None:
    assert run(one, 1000, progress=False).value == 1000
    assert killproof.map(math.sqrt, [4.0, 9.0], progress=False) == [2.0, 3.0]


class AFunction(CallCase):
    def test_that_cannot_be_pickled_is_refused_or_goes_by_cloudpickle(self) -> None:
        with self.raises_and_says(pickle.PicklingError, "lambda", "top level", "install cloudpickle"):
            run(lambda start, end: end - start, 10, progress=False)
        del sys.modules["cloudpickle"]
        if importlib.util.find_spec("cloudpickle") is None:
            self.skip("cloudpickle is not installed")
        self.assertEqual(run(lambda start, end: end - start, 10, progress=False).value, 10)

    def test_of_a_session_without_a_file_needs_cloudpickle(self) -> None:
        program = "import killproof\ndef f(x): return x + 1\nprint(killproof.map(f, [1, 2], progress=False))"
        command = [sys.executable, "-c", program]
        without = [sys.executable, "-c", "import sys; sys.modules['cloudpickle'] = None\n" + program]
        refused = subprocess.run(without, capture_output=True, text=True, timeout=PATIENCE)
        self.assertIn("install cloudpickle", refused.stderr)
        del sys.modules["cloudpickle"]
        if importlib.util.find_spec("cloudpickle") is None:
            self.skip("cloudpickle is not installed")
        self.assertEqual(subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE).stdout, "[2, 3]\n")

    def test_that_nothing_can_pickle_is_refused_before_any_worker_starts(self) -> None:
        with self.assertRaises((pickle.PicklingError, TypeError)):
            run(Unpicklable(), 10, progress=False)

    def test_that_takes_no_range_is_refused(self) -> None:
        with self.raises_and_says(TypeError, "(start, end)"):
            run(abs, 10, progress=False)
        with self.raises_and_says(TypeError, "cannot be called"):
            run(3, 10, progress=False)  # type: ignore[arg-type]
