"""Kernels that never return, and workers that are killed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from processes import PATIENCE, until
from workers import WorkerCase

STUCK = """
    import multiprocessing

    def logs_and_sleeps(_):
        log(os.getpid())
        time.sleep(1e6)

    def ignores(*_):
        log("a Python handler ran")

    @kernel
    def loops(start, end):
        log(os.getpid())
        while True:
            pass

    @kernel
    def sleeps(start, end):
        logs_and_sleeps(0)

    @kernel
    def catches(start, end):
        log(os.getpid())
        while True:
            try:
                while True:
                    time.sleep(1)
            except BaseException:
                log("caught")

    @kernel
    def pools(start, end):
        log(os.getpid())
        with multiprocessing.Pool(2) as pool:
            pool.map(logs_and_sleeps, range(2))

    @kernel
    def never_explains(start, end):
        class Endless(Exception):
            def __str__(self):
                logs_and_sleeps(0)
        raise Endless

    signal.signal(signal.SIGINT, ignores)
    signal.signal(signal.SIGTERM, ignores)
"""

KILLED = """
    @kernel
    def slow(start, end):
        time.sleep(0.001)
        return sum(i * i for i in range(start, end))

    @kernel
    def kills_itself(start, end):
        import random
        if random.random() < 0.1:
            os.kill(os.getpid(), signal.SIGKILL)
        return sum(i * i for i in range(start, end))

    @kernel
    def poison(start, end):
        if start == 50:
            # To this thread: another one may take a signal to the process, while this one goes on for a moment.
            signal.raise_signal(signal.SIGSEGV)
        return end - start
"""

# The processes that each one has when it is stuck, a worker.
KERNELS = {"loops": 1, "sleeps": 1, "catches": 1, "pools": 3, "never_explains": 1}
KILLS = int(os.environ.get("KILLPROOF_KILLS", "150")) // 5


class AStuckKernel(WorkerCase):
    def assert_ends(self, end: Callable[["subprocess.Popen[str]", str], object], code: int, *options: str) -> None:
        """A run of each kernel, whose workers are all stuck, ends soon with this code, and nothing of it is left."""
        script = self.script(STUCK)
        for kernel, processes in KERNELS.items():
            with self.subTest(kernel=kernel):
                Path(self.environment["LOG"]).unlink(missing_ok=True)
                command = self.command(script, kernel, 100, "--grace", "1h", *options)
                name = command[command.index("--name") + 1]
                with subprocess.Popen(
                    command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                ) as run:
                    self.addCleanup(run.kill)
                    until(lambda: len(self.logged()) == 2 * processes)
                    end(run, name)
                    _, err = run.communicate(timeout=PATIENCE)
                self.assertEqual(run.returncode, code, err)
                self.assertNotIn("Traceback", err)
                pids = [pid for [pid] in self.logged()]
                until(lambda: not any(Path("/proc", pid).exists() for pid in pids))

    def test_ends_when_the_run_is_stopped(self) -> None:
        def stop(_: object, name: str) -> None:
            done = self.run_command([self.coordinator, "stop", name, "--now"])
            self.assertEqual(done.code, 0, done.err)

        self.assert_ends(stop, 1)

    def test_ends_at_a_timeout(self) -> None:
        self.assert_ends(lambda *_: None, 5, "--timeout", "4s")

    def test_ends_at_a_signal_to_the_coordinator(self) -> None:
        self.assert_ends(lambda run, _: run.send_signal(signal.SIGINT), 130)
        self.assert_ends(lambda run, _: run.send_signal(signal.SIGTERM), 143)

    def test_ends_at_a_signal_to_a_worker_by_hand(self) -> None:
        script = self.script(STUCK)
        for kernel, processes in KERNELS.items():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                Path(self.environment["LOG"]).unlink(missing_ok=True)
                name = self.name()
                create = [self.coordinator, "create", name, "--split", "-n", "100", "--kernel", kernel]
                self.assertEqual(self.run_command([*create, "--worker", str(script)]).code, 0)
                try:
                    worker = subprocess.Popen([str(script), "--name", name], env=self.environment)
                    self.addCleanup(worker.kill)
                    until(lambda: len(self.logged()) == processes)
                    worker.send_signal(number)
                    self.assertEqual(worker.wait(PATIENCE), 128 + number, (kernel, number))
                    pids = [pid for [pid] in self.logged()]
                    until(lambda: not any(Path("/proc", pid).exists() for pid in pids))
                finally:
                    self.run_command([self.coordinator, "remove", name])


class AKilledWorker(WorkerCase):
    def children(self, parent: int) -> list[int]:
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return [int(child) for child in text.split()]

    def test_costs_a_try_and_the_total_is_exact(self) -> None:
        n = 20 * 1000
        total = sum(i * i for i in range(n))
        command = self.command(self.script(KILLED), "slow", n, "--chunk", "10", "--restarts", "10000", "--workers", "4")
        kills = 0
        while kills < KILLS:
            command[command.index("--name") + 1] = self.name()
            with subprocess.Popen(
                command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as run:
                self.addCleanup(run.kill)
                while run.poll() is None:
                    time.sleep(random.uniform(0, 0.06))
                    workers = self.children(run.pid) if run.poll() is None else []
                    # In the end it must come to its own.
                    if workers and kills < KILLS:
                        # It may have ended just now.
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(random.choice(workers), signal.SIGKILL)
                            kills += 1
                out, err = run.communicate(timeout=PATIENCE)
            self.assertEqual(run.returncode, 0, err)
            self.assertIn(f'"exact_total":"{total}"', out)

    def test_by_itself_again_and_again_loses_and_doubles_nothing(self) -> None:
        n = 1000
        run = self.run_kernel(self.script(KILLED), "kills_itself", n, "--chunk", "10", "--restarts", "1000")
        self.assertEqual((run.code, run.totals), (0, [sum(i * i for i in range(n))]), run.err)

    def test_by_each_try_of_one_chunk_leaves_the_others(self) -> None:
        run = self.run_kernel(self.script(KILLED), "poison", 100, "--chunk", "10", "--restarts", "2")
        self.assertEqual((run.code, run.totals), (1, [90]), run.err)
        [missing] = run.json["missing"]
        self.assertEqual((missing["start"], missing["end"], missing["attempts"]), ("50", "60", 3))
        self.assertIn("SIGSEGV", missing["why"])
