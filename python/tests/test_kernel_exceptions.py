"""Exceptions in kernels: failed attempts, whose tracebacks read well in the report."""

from __future__ import annotations

import unittest

from killproof._explain import explain
from workers import WorkerCase

KERNELS = """
    class Odd(Exception):
        def __str__(self):
            raise KeyError("no text")

    class Odder(Exception):
        def __str__(self):
            return 5

    class Chained(Exception):
        pass

    def helper(number):
        return 1 / number

    @kernel
    def divides(start, end):
        return helper(start - 3) and end - start

    @kernel
    def chains(start, end):
        try:
            helper(0)
        except ZeroDivisionError as error:
            raise Chained("of two") from error

    @kernel
    def fails(start, end):
        exec(os.environ["RAISES"])

    @kernel
    def recurses(start, end):
        return recurses(start, end)

    @kernel
    def changes(start, end):
        raise ValueError(time.monotonic_ns())

    @kernel
    def fails_first(start, end):
        global tries
        tries += start == 5
        if start == 5 and tries < 3:
            raise OSError("not yet")
        return end - start

    tries = 0
"""


class AnException(WorkerCase):
    def report(self, kernel: str, raises: str = "", *options: str) -> list[str]:
        """The lines on stderr of a worker whose only chunk is set aside after two attempts."""
        options = ("--restarts", "1", "--workers", "1", *options)
        run = self.run_kernel(self.script(KERNELS), kernel, 1, *options, RAISES=raises)
        self.assertEqual((run.code, run.totals), (1, [0]), run.err)
        self.assertEqual(run.json["missing"], [{"start": "0", "end": "1", "attempts": 2, "why": "failed"}])
        return run.err.splitlines()

    def reason(self, raises: str) -> str:
        lines = self.report("fails", raises)
        first = "Process-1: fails failed for 0..1 (attempt 1 of 2): "
        self.assertTrue(lines[0].startswith(first), lines)
        reason = lines[0].removeprefix(first)
        self.assertIn(f"Process-1: fails failed for 0..1 in 2 attempts: {reason}; it is set aside", lines)
        return reason.partition(" (<string>, line 1)")[0]

    def test_is_reported_with_its_traceback_once_and_the_other_chunks_count(self) -> None:
        script = self.script(KERNELS)
        run = self.run_kernel(script, "divides", 10, "--chunk", "1", "--workers", "1", "--restarts", "2")
        self.assertEqual((run.code, run.totals), (1, [9]))
        self.assertEqual(run.json["missing"], [{"start": "3", "end": "4", "attempts": 3, "why": "failed"}])
        lines = [line for line in run.err.splitlines() if not set(line) <= set(" ^~")]
        number = 1 + next(n for n, line in enumerate(script.read_text().splitlines()) if "1 / number" in line)
        why = f"ZeroDivisionError: division by zero (script.py, line {number})"
        failed = "Process-1: divides failed for 3..4"
        expected = [
            f"{failed} (attempt 1 of 3): {why}",
            "    Traceback (most recent call last):",
            f'      File "{script}", line {number + 4}, in divides',
            "        return helper(start - 3) and end - start",
            f'      File "{script}", line {number}, in helper',
            "        return 1 / number",
            "    ZeroDivisionError: division by zero",
            f"{failed} (attempt 2 of 3): {why}",
            f"{failed} in 3 attempts: {why}; it is set aside",
        ]
        self.assertEqual(lines[: len(expected)], expected)
        self.assertNotIn("Traceback", "\n".join(lines[len(expected) :]))

    def test_that_does_not_come_again_costs_an_attempt(self) -> None:
        run = self.run_kernel(self.script(KERNELS), "fails_first", 10, "--chunk", "1", "--workers", "1")
        self.assertEqual((run.code, run.totals), (0, [10]), run.err)
        self.assertIn("OSError: not yet", run.err)

    def test_that_is_another_each_time_is_shown_each_time(self) -> None:
        self.assertEqual("\n".join(self.report("changes")).count("Traceback"), 2)

    def test_shows_those_that_it_came_from(self) -> None:
        lines = "\n".join(self.report("chains"))
        self.assertLess(lines.index("ZeroDivisionError: division by zero"), lines.index("direct cause"))
        self.assertIn("Chained: of two (script.py, line ", lines)

    def test_of_any_kind_is_a_failed_attempt(self) -> None:
        reasons = {
            "raise SystemExit": "SystemExit",
            "sys.exit(3)": "SystemExit: 3",
            "raise KeyboardInterrupt": "KeyboardInterrupt",
            "raise GeneratorExit": "GeneratorExit",
            "raise BaseException('base')": "BaseException: base",
            "raise MemoryError": "MemoryError",
            "bytes(1 << 60)": "MemoryError",
            "import subprocess; subprocess.run(['false'], check=True)": "subprocess.CalledProcessError: Command "
            "'['false']' returned non-zero exit status 1. (subprocess.py, line ",
        }
        for raises, reason in reasons.items():
            self.assertTrue(self.reason(raises).startswith(reason), raises)

    def test_is_reported_whatever_it_says(self) -> None:
        reasons = {
            "raise Odd": "Odd: <exception str() failed>",
            "raise Odder": "Odder: <exception str() failed>",
            "raise ValueError('two\\n\\n  lines\\n')": "ValueError: two lines",
            "raise ValueError": "ValueError",
            "raise ValueError('\\udcff \\0 é')": "ValueError: \\udcff \\u{0} é",
            "raise ExceptionGroup('all', [ValueError(1), OSError(2)])": "ExceptionGroup: all (2 sub-exceptions)",
            "exec('a b')": "SyntaxError: invalid syntax (<string>, line 1)",
            "raise ValueError('x' * 10_000_000)": "ValueError: xxx",
            "e = ValueError('noted'); e.add_note('a note'); raise e": "ValueError: noted",
        }
        for raises, reason in reasons.items():
            found = self.reason(raises)
            self.assertTrue(reason.startswith(found) or found.startswith(reason), (raises, found))
            self.assertLess(len(found), 600)

    def test_of_a_group_shows_its_parts(self) -> None:
        lines = "\n".join(self.report("fails", "raise ExceptionGroup('several', [ValueError(1), OSError(2, 'x')])"))
        for part in ("ValueError: 1", "FileNotFoundError: [Errno 2] x"):
            self.assertIn(part, lines)

    def test_of_endless_recursion_is_short(self) -> None:
        lines = self.report("recurses")
        self.assertTrue(any("RecursionError: maximum recursion depth exceeded" in line for line in lines))
        self.assertLess(len(lines), 30)


class Explained(unittest.TestCase):
    """The text of exceptions that are odd in other ways."""

    def test_is_the_name_of_its_type_if_there_is_nothing_else(self) -> None:
        class Meta(type):
            @property
            def __module__(cls) -> str:  # type: ignore[override]
                raise KeyError

        class Nameless(Exception, metaclass=Meta):
            pass

        self.assertTrue(explain(Nameless("x")).endswith("Nameless"))

    def test_has_no_line_if_it_was_never_raised(self) -> None:
        self.assertEqual(explain(ValueError("x")).splitlines()[0], "ValueError: x")

    def test_ends_for_exceptions_that_contain_themselves(self) -> None:
        one, other = ValueError("one"), ValueError("other")
        one.__cause__, other.__context__ = other, one
        self.assertTrue(explain(one).startswith("ValueError: one\n"))

    def test_is_found_for_a_long_chain(self) -> None:
        error = ValueError(0)
        for number in range(1, 5000):
            after = ValueError(number)
            after.__context__ = error
            error = after
        self.assertTrue(explain(error).startswith("ValueError: 4999"))
