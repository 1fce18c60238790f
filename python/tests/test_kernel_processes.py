"""Kernels that use threads and processes themselves."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from processes import until
from support import is_there, start_methods
from workers import WorkerCase

KERNELS = """
    import multiprocessing, subprocess
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

    def square(i):
        return i * i

    @kernel
    def pools(start, end):
        with multiprocessing.get_context(os.environ["METHOD"]).Pool(2) as pool:
            return sum(pool.map(square, range(start, end)))

    kept = None

    @kernel
    def keeps_a_pool(start, end):
        global kept
        kept = kept or multiprocessing.get_context(os.environ["METHOD"]).Pool(2)
        return sum(kept.map(square, range(start, end)))

    stuck = None

    @kernel
    def leaves_a_stuck_pool(start, end):
        global stuck
        if not stuck:
            stuck = multiprocessing.get_context(os.environ["METHOD"]).Pool(2)
            stuck.map_async(time.sleep, [1e6] * 10)
        return sum(map(square, range(start, end)))

    class Endless:
        def __call__(self):
            log("finalizer")
            time.sleep(1e6)

    @kernel
    def cannot_be_finished(start, end):
        import multiprocessing.util
        multiprocessing.util.Finalize(None, Endless(), exitpriority=0)
        return sum(map(square, range(start, end)))

    @kernel
    def makes_segments(start, end):
        from killproof import Value
        log(Value("i", 0).name)
        global kept
        kept = Value("i", 0)
        log(kept.name)
        return sum(map(square, range(start, end)))

    @kernel
    def executes(start, end):
        context = multiprocessing.get_context(os.environ["METHOD"])
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            return sum(executor.map(square, range(start, end)))

    @kernel
    def threads(start, end):
        with ThreadPoolExecutor(3) as executor:
            return sum(executor.map(square, range(start, end)))

    @kernel
    def busy_thread(start, end):
        if threading.active_count() == 1:
            threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
        return sum(map(square, range(start, end)))

    def forked():
        import warnings
        with warnings.catch_warnings():
            # CPython 3.12 and later warn of the watchdog's thread.
            warnings.simplefilter("ignore", DeprecationWarning)
            return os.fork()

    @kernel
    def forks(start, end):
        read, write = os.pipe()
        if not forked():
            os.write(write, str(sum(map(square, range(start, end)))).encode())
            os._exit(0)
        os.close(write)
        with open(read) as file:
            total = int(file.read())
        os.wait()
        return total

    @kernel
    def leaves_forks(start, end):
        child = forked()
        if not child:
            time.sleep(1e6)
        log(child)
        return sum(map(square, range(start, end)))

    @kernel
    def returns_twice(start, end):
        forked()
        return sum(map(square, range(start, end)))

    @kernel
    def commands(start, end):
        done = subprocess.run(["seq", str(start), str(end - 1)], stdout=subprocess.PIPE, text=True, check=True)
        return sum(square(int(line)) for line in done.stdout.split())

    @kernel
    def uses_numpy(start, end):
        import numpy
        numbers = numpy.arange(start, end)
        return (numbers * numbers).sum()

    @kernel(cells=10)
    def numpy_cells(start, end):
        import numpy
        return numpy.bincount(numpy.arange(start, end) % 10, minlength=10)
"""


class AKernel(WorkerCase):
    def assert_squares(self, kernel: str, n: int = 40, *options: str, **environment: str) -> None:
        options = ("--chunk", "10", *options)
        total = self.compute(self.script(KERNELS), kernel, n, *options, **environment)
        self.assertEqual(total, [sum(i * i for i in range(n))], kernel)

    def test_may_use_pools_of_each_start_method(self) -> None:
        for method in start_methods():
            for kernel in ("pools", "keeps_a_pool", "executes"):
                with self.subTest(start_method=method, kernel=kernel):
                    self.assert_squares(kernel, METHOD=method)

    def test_leaves_no_folder_of_multiprocessing(self) -> None:
        for method in start_methods():
            self.assert_squares("keeps_a_pool", METHOD=method, TMPDIR=str(self.folder))
            self.assertEqual(list(self.folder.glob("pymp-*")), [], method)

    def test_may_leave_a_pool_that_computes(self) -> None:
        for method in start_methods():
            self.assert_squares("leaves_a_stuck_pool", METHOD=method)

    def test_is_not_waited_for_by_its_finalizers_for_long(self) -> None:
        self.assert_squares("cannot_be_finished", 40, "--workers", "1")
        self.assertEqual(self.logged(), [["finalizer"]])

    def test_leaves_no_name_of_segments_that_it_has_made(self) -> None:
        self.assert_squares("makes_segments")
        self.assertEqual(len(self.logged()), 8)
        self.assertEqual([name for [name] in self.logged() if is_there(name)], [])

    def test_may_use_threads(self) -> None:
        self.assert_squares("threads")

    def test_may_leave_a_busy_thread(self) -> None:
        self.assert_squares("busy_thread", 200)

    def test_may_fork(self) -> None:
        self.assert_squares("forks")

    def test_may_run_commands(self) -> None:
        self.assert_squares("commands")

    def test_leaves_no_process_behind(self) -> None:
        self.assert_squares("leaves_forks")
        self.assertEqual(len(self.logged()), 4)
        until(lambda: not any(Path("/proc", pid).exists() for [pid] in self.logged()), 10)

    def test_counts_once_if_its_child_returns_too(self) -> None:
        run = self.run_kernel(self.script(KERNELS), "returns_twice", 40, "--chunk", "10")
        self.assertEqual((run.code, run.totals), (0, [sum(i * i for i in range(40))]), run.err)

    def test_may_use_numpy(self) -> None:
        if importlib.util.find_spec("numpy") is None:
            self.skip("numpy is not installed")
        self.assert_squares("uses_numpy", 1000)
        cells = self.compute(self.script(KERNELS), "numpy_cells", 1005, "--chunk", "11", "--cells", "10")
        self.assertEqual(cells, [101] * 5 + [100] * 5)

    def test_with_spawned_children_needs_the_guard(self) -> None:
        script = self.script(KERNELS, tail="\n\nmain()\n")
        environment = {"METHOD": "spawn"}
        run = self.run_kernel(script, "executes", 10, "--workers", "1", "--restarts", "0", **environment)
        self.assertEqual(run.code, 1)
        self.assertIn('if __name__ == "__main__":', run.err)
        self.assertEqual(run.totals, [0])
