"""A script as a worker: launched or by hand, its arguments, its streams, and what it is given."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from processes import PATIENCE
from workers import Run, WorkerCase

EXAMPLE = Path(__file__).parent.parent / "examples" / "squares.py"

KERNELS = """
    log("started", os.getpid())

    @kernel
    def squares(start, end):
        log("chunk", os.getpid(), start, end)
        return sum(i * i for i in range(start, end))

    @kernel(name="seeds and ranges")
    def seeds(start, end, seed):
        log("chunk", os.getpid(), start, end, seed)
        return end - start

    @kernel
    def speaks(start, end):
        print("from print")
        os.write(1, b"from C\\n")
        return end - start

    @kernel
    def prints(start, end):
        print("from print")
        sys.__stdout__.write("from the other stream\\n")
        sys.__stdout__.flush()
        os.write(1, b"from C\\n")
        return end - start

    @kernel
    def leaves_text(start, end):
        print("no end of line", end="")
        sys.__stdout__.write("nor flushed")
        return end - start

    @kernel
    def leaves_a_thread(start, end):
        threading.Thread(target=time.sleep, args=(1e6,)).start()
        import atexit, concurrent.futures
        atexit.register(time.sleep, 1e6)
        concurrent.futures.ThreadPoolExecutor().submit(time.sleep, 1e6)
        return end - start
"""


def squares(n: int) -> int:
    return sum(i * i for i in range(n))


class AScript(WorkerCase):
    def example(self) -> Path:
        """The example, with this interpreter."""
        text = EXAMPLE.read_text()
        lines = text.splitlines(keepends=True)
        self.assertEqual(lines[0], "#!/usr/bin/env python3\n")
        self.assertTrue(os.access(EXAMPLE, os.X_OK))
        path = self.script("", "squares.py")
        path.write_text(path.read_text().splitlines(keepends=True)[0] + "".join(lines[1:]))
        return path

    def by_hand(self, kernel: str, wrapper: str = 'exec "$@"', *options: str) -> tuple[str, Run]:
        """A worker of a run that nobody else computes, with its segment's name."""
        script, name = self.script(KERNELS), self.name()
        create = [self.coordinator, "create", name, "--split", "-n", "100", "--type", "i64"]
        made = self.run_command([*create, "--worker", str(script), "--kernel", kernel])
        self.assertEqual(made.code, 0, made.err)
        try:
            return name, self.run_command(["sh", "-c", wrapper, "sh", str(script), "--name", name, *options])
        finally:
            status = self.run_command([self.coordinator, "status", name, "--format", "json"])
            self.status = status.json
            self.run_command([self.coordinator, "remove", name])

    def test_of_the_examples_computes_the_exact_total(self) -> None:
        script = self.example()
        self.assertEqual(self.compute(script, "squares", 1_000_000), [squares(1_000_000)])
        self.assertEqual(self.compute(script, "squares", 10_000, "--chunk", "1"), [squares(10_000)])
        run = self.run_command([self.coordinator, "--worker", str(script), "--kernel", "squares", "-n", "1e6", "-q"])
        self.assertEqual((run.code, run.out), (0, "-1958387328\n"))

    def test_is_one_interpreter_for_all_chunks_of_a_worker(self) -> None:
        script = self.script(KERNELS)
        self.assertEqual(self.compute(script, "squares", 1000, "--chunk", "5", "--workers", "3"), [squares(1000)])
        started = {words[1] for words in self.logged() if words[0] == "started"}
        chunks = [words[1:] for words in self.logged() if words[0] == "chunk"]
        self.assertEqual(len(started), 3)
        self.assertEqual(len(chunks), 200)
        self.assertLessEqual({pid for pid, *_ in chunks}, started)

    def test_gets_each_range_once_and_the_seed_of_the_run(self) -> None:
        options = ("--chunk", "7", "--workers", "3", "--seed", str(2**64 - 1))
        self.assertEqual(self.compute(self.script(KERNELS), "seeds and ranges", 1000, *options), [1000])
        chunks = sorted((int(words[2]), int(words[3])) for words in self.logged() if words[0] == "chunk")
        self.assertEqual(chunks, [(start, min(start + 7, 1000)) for start in range(0, 1000, 7)])
        self.assertEqual({words[-1] for words in self.logged() if words[0] == "chunk"}, {str(2**64 - 1)})

    def test_gets_the_iterations_of_its_shard_and_the_shards_add_up(self) -> None:
        script = self.script(KERNELS)
        shards = [self.compute(script, "squares", 1001, "--chunk", "50", "--shard", f"{index}/3") for index in range(3)]
        self.assertEqual(sum(total for [total] in shards), squares(1001))
        chunks = sorted((int(words[2]), int(words[3])) for words in self.logged() if words[0] == "chunk")
        self.assertEqual([0, *(end for _, end in chunks)], [*(start for start, _ in chunks), 1001])

    def test_leaves_the_results_of_its_shards_in_a_folder(self) -> None:
        script, folder = str(self.script(KERNELS)), str(self.folder / "results")
        kernel = ["--worker", script, "--kernel", "squares", "--split", "-n", "1001", "--type", "i64", "--progress", "none"]
        for index in range(3):
            shard = ["--shard", f"{index}/3", "--results", folder]
            done = self.run_command([self.coordinator, "run", *kernel, *shard])
            self.assertEqual((done.code, done.err), (0, ""))
        collected = self.run_command([self.coordinator, "collect", folder, "--verify", "1", "--worker", script])
        total = f"Final shared value: {squares(1001)}\nExact total: {squares(1001)}\n"
        self.assertEqual((collected.code, collected.out), (0, total), collected.err)

    def test_gets_ranges_up_to_the_largest(self) -> None:
        n = 2**64 - 1
        options = ("--chunk", str(2**62), "--type", "u64")
        self.assertEqual(self.compute(self.script(KERNELS), "seeds and ranges", n, *options), [n])
        self.assertEqual(max(int(words[3]) for words in self.logged() if words[0] == "chunk"), n)

    def test_computes_the_whole_range_in_each_worker_without_split(self) -> None:
        script, name = self.script(KERNELS), self.name()
        run = [self.coordinator, "--worker", str(script), "--kernel", "squares", "-n", "1e3", "--name", name]
        done = self.run_command([*run, "--independent", "--workers", "2", "--progress", "none"])
        self.assertEqual((done.code, done.err), (0, ""))
        expected = [f"Process Process-{number}, Result: {squares(1000)}" for number in (1, 2)]
        self.assertEqual(sorted(done.out.splitlines()), expected)

    def test_prints_to_stderr_when_it_is_launched(self) -> None:
        run = self.run_kernel(self.script(KERNELS), "prints", 1, "--workers", "1")
        self.assertEqual((run.code, run.totals), (0, [1]))
        self.assertEqual(sorted(run.err.splitlines()), ["from C", "from print", "from the other stream"])

    def test_loses_no_text_at_its_end(self) -> None:
        run = self.run_kernel(self.script(KERNELS), "leaves_text", 1, "--workers", "1")
        self.assertEqual((run.code, run.totals), (0, [1]))
        self.assertIn("no end of line", run.err)
        self.assertIn("nor flushed", run.err)

    def test_by_hand_prints_its_result_on_stdout(self) -> None:
        _, run = self.by_hand("squares")
        self.assertEqual((run.code, run.err), (0, ""))
        self.assertRegex(run.out, rf"\AProcess Process-1 added {squares(100)} in \d+ chunks?\n\Z")
        _, run = self.by_hand("prints", 'exec "$@"', "--verbose")
        self.assertIn("from print\n", run.err)
        self.assertIn("Process Process-1 added 100", run.out)

    def test_works_with_closed_streams(self) -> None:
        script = self.script(KERNELS)
        for closed in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"):
            _, run = self.by_hand("speaks", f'exec "$@" {closed}')
            self.assertEqual((run.code, self.status["exact_total"]), (0, "100"), (closed, run.err))
            command = self.command(script, "speaks", 10)
            run = self.run_command(["sh", "-c", f'exec "$@" {closed}', "sh", *command])
            self.assertEqual((run.code, run.out == ""), (0, " >&-" in f" {closed}"), (closed, run.err))

    def test_ends_although_threads_and_exit_functions_would_not(self) -> None:
        self.assertEqual(self.compute(self.script(KERNELS), "leaves_a_thread", 10, "--chunk", "5"), [10])

    def test_has_any_name_and_place(self) -> None:
        for name in ("with spaces and é.py", "folder of it/script", "-dash"):
            script = self.script(KERNELS, name)
            self.assertEqual(self.compute(script, "squares", 100), [squares(100)], name)
            run = self.run_command([str(script), "-n", "many"])
            self.assertIn(f"hint: see {script.name} --help", run.err)

    def test_is_named_by_help_and_errors(self) -> None:
        script = str(self.script(KERNELS, "mine.py"))
        run = self.run_command([script, "--help"])
        self.assertEqual((run.code, run.err), (0, ""))
        self.assertIn("Usage: mine.py [OPTIONS] <--name <NAME>|NAME>", run.out)
        self.assertEqual(self.run_command([script, "--version"]).code, 0)
        run = self.run_command([script])
        self.assertEqual((run.code, run.out), (2, ""))
        self.assertIn("hint: see mine.py --help", run.err)
        run = self.run_command([script, "--name", self.name()])
        self.assertEqual((run.code, run.out), (3, ""))

    def test_names_its_kernels_if_there_is_no_such(self) -> None:
        run = self.run_kernel(self.script(KERNELS), "square", 10)
        self.assertEqual(run.code, 1)
        self.assertIn('no kernel "square" in this worker', run.err)
        self.assertIn("did you mean squares? kernels: squares, seeds and ranges, ", run.err)

    def test_that_raises_before_main_is_an_incomplete_run(self) -> None:
        script = self.script("raise OSError('no data')")
        run = self.run_kernel(script, "squares", 10, "--workers", "1", "--restarts", "0")
        self.assertEqual(run.code, 1)
        self.assertIn("OSError: no data", run.err)

    def test_may_give_main_its_arguments(self) -> None:
        text = "\n\nmain(['mine', *sys.argv[1:]])\n"
        script = self.script(KERNELS, tail=text)
        self.assertEqual(self.compute(script, "squares", 100), [squares(100)])
        self.assertIn("hint: see mine --help", self.run_command([str(script)]).err)

    def test_is_found_as_a_module(self) -> None:
        script = self.script(KERNELS, "module.py")
        command = [*self.interpreter(script), "-m", "module", "-n", "many"]
        done = subprocess.run(
            command, cwd=script.parent, env=self.environment, capture_output=True, text=True, timeout=PATIENCE
        )
        self.assertEqual(done.returncode, 2)
        self.assertIn("see module.py --help", done.stderr)

    def interpreter(self, script: Path) -> list[str]:
        return [script.read_text().splitlines()[0].removeprefix("#!")]
