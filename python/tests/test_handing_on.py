"""Objects are handed on to other processes by every start method."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext
from typing import Any

from killproof import Array, Lock, RLock, Value, transaction
from support import Case, for_each_start_method, run_in


def add(v: Value[int], times: int) -> int:
    for _ in range(times):
        v += 1
    return os.getpid()


def change(a: Array[int], index: int) -> None:
    with transaction(a) as cells:
        cells[index] += 1
    a.add(-1, 1)


def increment_under(lock: Any, v: Value[int], times: int) -> None:
    for _ in range(times):
        with lock:
            v.value = v.value + 1


def hand_on(context_name: str, v: Value[int], generations: int) -> None:
    import multiprocessing

    v += 1
    if generations:
        code = run_in(multiprocessing.get_context(context_name), hand_on, context_name, v, generations - 1)
        raise SystemExit(code)


def put(queue: Any, v: Value[int]) -> None:
    handed_on: Value[int] = queue.get()
    handed_on += 1
    assert v.value == 1
    queue.put(v)


def use_a_mixture(things: dict[str, Any]) -> None:
    with things["lock"], things["inner"][0]:
        things["inner"][1].value += 1
        things["array"][0] += 1


inherited: Value[int] | None = None


def remember(v: Value[int]) -> None:
    global inherited
    inherited = v


def add_to_remembered(x: int) -> int:
    assert inherited is not None
    return inherited.add(x)


def add_one(v: Value[int], x: int) -> int:
    return v.add(x)


def identity(thing: Any) -> Any:
    return thing


class AnObject(Case):
    @for_each_start_method
    def test_is_an_argument_of_processes(self, context: Any) -> None:
        v, a, lock, plain = Value("i", 0), Array("i", 5), RLock(), Value("q", 0)
        processes = [context.Process(target=add, args=(v, 1000)) for _ in range(3)]
        processes += [context.Process(target=change, args=(a, index)) for index in range(3)]
        processes += [context.Process(target=increment_under, args=(lock, plain, 1000)) for _ in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            self.assertEqual(process.exitcode, 0)
        self.assertEqual((v.value, a[:], plain.value), (3000, [1, 1, 1, 0, 3], 2000))

    @for_each_start_method
    def test_excludes_the_other_processes_as_a_lock(self, context: Any) -> None:
        v = Value("i", 0)
        for lock in [Lock(), RLock(), v.get_lock(), v]:
            v.value = 0
            processes = [context.Process(target=increment_under, args=(lock, v, 2000)) for _ in range(3)]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
            self.assertEqual(v.value, 6000)

    @for_each_start_method
    def test_is_handed_on_by_who_was_handed_it(self, context: Any) -> None:
        v = Value("i", 0)
        self.assertEqual(run_in(context, hand_on, context.get_start_method(), v, 3), 0)
        self.assertEqual(v.value, 4)

    @for_each_start_method
    def test_may_lie_in_other_objects(self, context: BaseContext) -> None:
        things: dict[str, Any] = {"lock": Lock(), "inner": (RLock(), Value("i", 0)), "array": Array("i", 1)}
        self.assertEqual(run_in(context, use_a_mixture, things), 0)
        self.assertEqual((things["inner"][1].value, things["array"][0]), (1, 1))

    @for_each_start_method
    def test_goes_through_a_queue_in_both_directions(self, context: Any) -> None:
        v, queue = Value("i", 0), context.Queue()
        process = context.Process(target=put, args=(queue, v))
        process.start()
        queue.put(v)
        process.join()
        self.assertEqual(process.exitcode, 0)
        back = queue.get()
        back += 1
        self.assertEqual(v.value, 2)
        queue.close()
        queue.join_thread()

    @for_each_start_method
    def test_goes_to_a_pool_by_its_initializer_and_by_map(self, context: Any) -> None:
        v = Value("i", 0)
        with context.Pool(2, initializer=remember, initargs=(v,)) as pool:
            sums = pool.map(add_to_remembered, [1] * 50)
            self.assertEqual(sorted(sums), list(range(1, 51)))
            sums = pool.map(functools.partial(add_one, v), [1] * 50)
            self.assertEqual(sorted(sums), list(range(51, 101)))
            sums = pool.starmap(add_one, [(v, 1)] * 50, chunksize=1)
            self.assertEqual(sorted(sums), list(range(101, 151)))
            pool.close()
            pool.join()
        self.assertEqual(v.value, 150)

    @for_each_start_method
    def test_comes_back_from_a_pool_as_the_same_object(self, context: Any) -> None:
        v, a, lock = Value("i", 1), Array("i", 2), RLock()
        with context.Pool(1) as pool:
            things: list[Any] = [v, a, lock]
            for thing in things:
                back = pool.apply(identity, (thing,))
                self.assertEqual((type(back), back.name), (type(thing), thing.name))
                with thing:
                    self.assertIs(back.acquire(False), True)
                    back.release()
            back = pool.apply(identity, (v,))
            back.value = 7
            pool.close()
            pool.join()
        self.assertEqual(v.value, 7)

    @for_each_start_method
    def test_goes_to_an_executor_by_its_initializer_and_as_an_argument(self, context: Any) -> None:
        v = Value("i", 0)
        with ProcessPoolExecutor(2, mp_context=context, initializer=remember, initargs=(v,)) as executor:
            futures = [executor.submit(add_one, v, 1) for _ in range(20)]
            self.assertEqual(sorted(future.result() for future in futures), list(range(1, 21)))
            self.assertEqual(sorted(executor.map(add_to_remembered, [1] * 20)), list(range(21, 41)))
        self.assertEqual(v.value, 40)

    @for_each_start_method
    def test_outlives_the_reference_of_who_handed_it_on(self, context: Any) -> None:
        v = self.learn(Value("i", 41))
        here, there = context.Pipe()
        process = context.Process(target=answer, args=(v, there))
        process.start()
        del v
        here.send(1)
        self.assertEqual(here.recv(), 42)
        process.join()
        self.assertEqual(process.exitcode, 0)


def answer(v: Value[int], connection: Any) -> None:
    connection.send(v.add(connection.recv()))
