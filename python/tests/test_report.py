"""How a run ended: what the coordinator printed, and what is missing of a map."""

from __future__ import annotations

import json
import math
import pickle
import signal
from typing import Any

from killproof._outstanding import Outstanding
from killproof._reasons import PREPARING, Reason
from killproof._report import Report, must_have_loaded
from support import Case

TRACEBACK = """\
ValueError: no (a.py, line 3)
Traceback (most recent call last):
  File "a.py"
    f()
    ^^^
ValueError: no
"""
KILLED = "killed 4 workers, last by SIGKILL"
SHORT = "memory was short meanwhile (the system's OOM killer)"


def gap(start: int, end: int, why: str, attempts: int = 4) -> dict[str, Any]:
    return {"start": str(start), "end": str(end), "attempts": attempts, "why": why}


def report(exit_code: int = 1, *gaps: dict[str, Any], **values: Any) -> Report:
    printed = {"iterations": "10", "type": "i64", "missing": gaps, "workers": [], **values}
    return Report(exit_code, json.dumps(printed).encode() + b"\n", b"")


class AReport(Case):
    def test_has_exact_numbers(self) -> None:
        huge = (1 << 63) - 1
        told = report(0, type="i64", value=str(-huge), exact_total=[str(1 << 100), "0"], iterations=str(huge))
        self.assertEqual((told.value, told.exact_total, told.iterations), (-huge, [1 << 100, 0], huge))
        told = report(0, type="i32", value=[1, -2], exact_total=["3", None])
        self.assertEqual((told.value, told.exact_total), ([1, -2], [3, None]))
        self.assertIs(type(told.value[0]), int)

    def test_has_floats(self) -> None:
        told = report(0, type="f64", value=[1, 0.1, "inf", "-inf", "nan"], exact_total=None)
        self.assertEqual(told.value[:4], [1.0, 0.1, math.inf, -math.inf])
        self.assertIs(type(told.value[0]), float)
        self.assertTrue(math.isnan(told.value[4]))
        self.assertIsNone(told.exact_total)

    def test_has_what_each_worker_did(self) -> None:
        workers = [{"ticket": 1, "contribution": str(1 << 60), "chunks": "7"}, {"contribution": None, "chunks": None}]
        told = report(0, workers=workers).workers
        self.assertEqual(told[0], {"ticket": 1, "contribution": 1 << 60, "chunks": 7})
        self.assertEqual(told[1], {"contribution": None, "chunks": 0})

    def test_is_told_only_by_a_whole_line(self) -> None:
        whole = b'{"iterations": "1"}\n'
        self.assertTrue(Report(0, whole, b"").is_told)
        for length in range(len(whole)):
            self.assertFalse(Report(-9, whole[:length], b"").is_told)

    def test_has_how_it_ended_by_its_exit_code(self) -> None:
        for code in (0, 1, 3, 5, 7, 130, -9):
            told = report(code)
            self.assertEqual(told.is_over_by_itself, code in (0, 1))
            self.assertEqual(told.has_timed_out, code == 5)
            self.assertEqual(told.has_overflow, code == 7)

    def test_has_the_workers_reasons_where_they_have_failed(self) -> None:
        told = report(1, gap(0, 2, "failed"), gap(4, 5, KILLED), gap(7, 9, "failed"))
        reasons = [Reason(0, 2, 1, "first"), Reason(4, 5, 1, "no"), Reason(0, 2, 1, TRACEBACK)]
        missing = told.missing(reasons)
        whys = ["ValueError: no (a.py, line 3)", KILLED, "failed"]
        self.assertEqual([line["why"] for line in missing], whys)
        ranges = [(line["start"], line["end"], line["attempts"]) for line in missing]
        self.assertEqual(ranges, [(0, 2, 4), (4, 5, 4), (7, 9, 4)])

    def test_names_the_first_gaps_and_counts_the_others(self) -> None:
        self.assertEqual(report().summary("done", ["a"]), "done; missing: a")
        self.assertEqual(report().summary("done", list("abc")), "done; missing: a, b, c")
        self.assertEqual(report(5).summary("done", list("abcde")), "timeout: done; missing: a, b, c, and 2 more")

    def test_of_a_coordinator_that_told_nothing_is_an_error_that_says_why(self) -> None:
        stderr = b"progress\rnoise\nerror: no \xff room\nhint: make room\n"
        cases = {3: OSError, 4: OSError, 2: RuntimeError, 101: RuntimeError, -9: RuntimeError, -35: RuntimeError}
        names = {-9: "SIGKILL", -35: "signal 35"}
        for code, kind in cases.items():
            error = Report(code, b"", stderr).error()
            self.assertIs(type(error), kind)
            ended = f"the coordinator ended with exit code {code}: error: no \ufffd room; hint: make room"
            killed = f"the coordinator was killed by {names.get(code)}: run it again"
            self.assertEqual(str(error), killed if code < 0 else ended)
        self.assertEqual(str(Report(2, b"", b"").error()), "the coordinator ended with exit code 2: stderr says why")
        for number in range(1, signal.NSIG):
            self.assertIn("the coordinator was killed by", str(Report(-number, b"", b"").error()))

    def test_of_workers_that_could_not_load_the_function_is_an_error(self) -> None:
        must_have_loaded([])
        must_have_loaded([Reason(0, 1, 1, "failed")])
        with self.raises_and_says(RuntimeError, "could not load the function", "no module"):
            must_have_loaded([Reason(0, 1, 1, "x"), Reason(PREPARING, PREPARING, 1, "no module")])


class Breaks:
    def __reduce__(self) -> Any:
        return int, ("not a number",)


class WhatIsOutstanding(Case):
    def test_is_less_with_each_result(self) -> None:
        outstanding = Outstanding(3)
        self.assertEqual(outstanding.load(1, pickle.dumps("one")), (True, "one"))
        self.assertEqual(outstanding.load(2, pickle.dumps(None)), (True, None))
        self.assertEqual(outstanding.indices, {0})

    def test_is_also_what_cannot_be_unpickled(self) -> None:
        outstanding = Outstanding(2)
        for _ in range(2):
            self.assertEqual(outstanding.load(1, pickle.dumps(Breaks())), (False, None))
        (missing,) = outstanding.missing([], was_short=False)[1:]
        self.assertEqual((missing["index"], missing["attempts"]), (1, 1))
        self.assertRegex(missing["why"], r"\Aits result cannot be unpickled: ValueError: .*not a number")

    def test_is_in_order_and_says_why(self) -> None:
        outstanding = Outstanding(5)
        outstanding.load(2, pickle.dumps("two"))
        outstanding.pass_over(report(1, gap(3, 4, KILLED, 4)))
        reasons = [Reason(1, 2, 4, "old"), Reason(1, 2, 4, TRACEBACK)]
        self.assertEqual(
            outstanding.missing(reasons, was_short=False),
            [
                {"index": 0, "attempts": 0, "why": "not computed before the end"},
                {"index": 1, "attempts": 4, "why": '  File "a.py"\n    f()\nValueError: no'},
                {"index": 3, "attempts": 4, "why": KILLED},
                {"index": 4, "attempts": 0, "why": "not computed before the end"},
            ],
        )
        why = [missing["why"] for missing in outstanding.missing(reasons, was_short=True)]
        self.assertEqual([text for text in why if "memory" in text], [f"{KILLED}; {SHORT}"])

    def test_is_tried_again_without_what_kills_workers(self) -> None:
        kills, rest = gap(0, 2, KILLED), gap(2, 9, "not begun", 0)
        outstanding = Outstanding(9)
        self.assertTrue(outstanding.pass_over(report(1, kills, rest)))
        self.assertEqual(outstanding.passed_over, [0, 1])
        # Nothing new was found: another pass would find nothing either.
        self.assertFalse(outstanding.pass_over(report(1, kills, rest)))
        self.assertTrue(outstanding.pass_over(report(1, kills, gap(2, 3, "killed 4 workers, last by signal 11"), rest)))
        self.assertEqual(outstanding.passed_over, [0, 1, 2])

    def test_is_not_tried_again_if_all_was_tried_or_it_was_to_end(self) -> None:
        kills, rest = gap(0, 1, KILLED), gap(1, 9, "not begun", 0)
        self.assertFalse(Outstanding(9).pass_over(report(1, kills)))
        self.assertFalse(Outstanding(9).pass_over(report(1, kills, gap(1, 2, "failed"))))
        self.assertFalse(Outstanding(9).pass_over(report(1, rest)))
        self.assertFalse(Outstanding(9).pass_over(report(0)))
        for code in (5, 130, 143, -9):
            self.assertFalse(Outstanding(9).pass_over(report(code, kills, rest)), code)
