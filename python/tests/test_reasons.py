"""Why attempts failed: what workers write, and what their caller reads."""

from __future__ import annotations

import os
from unittest import mock

from killproof import _reasons
from killproof._reasons import PREPARING, Reason, Reasons
from support import Case, fork, wait_for

TEXT = """\
ValueError: no (a.py, line 3)
Traceback (most recent call last):
  File "a.py", line 3
    f(1)
    ~^^^
ValueError: no
"""
ODD = ["", "\n", "\0", "é", "\U0001f600" * 10, "\udcff\ud800", "a\u2028b\x85c\x0cd\r\ne", "\u0301"]
# In UTF-8 these have the bytes that a reason begins with.
ODD += ["–reason\n", "–reason\n" * 9]


class ReasonsOfWorkers(Case):
    def setUp(self) -> None:
        super().setUp()
        self.reasons = self.enterContext(Reasons())

    def memory(self) -> bytes:
        return os.pread(self.reasons.descriptor, 1 << 30, 0)

    def test_are_read_as_they_were_added(self) -> None:
        added = [Reason(0, 1, 4, TEXT), Reason(7, 9, 1, ""), Reason(PREPARING, PREPARING, 1, "no module")]
        added.append(added[0])
        self.assertEqual(self.reasons.all(), [])
        for reason in added:
            self.reasons.add(reason.start, reason.end, reason.attempts, reason.text)
        self.assertEqual(self.reasons.all(), added)
        self.assertEqual(self.reasons.all(), added)

    def test_may_be_any_text(self) -> None:
        for text in ODD:
            self.reasons.add(1, 2, 3, text)
        read = [reason.text for reason in self.reasons.all()]
        self.assertEqual(read, [text.encode(errors="backslashreplace").decode() for text in ODD])
        for reason in self.reasons.all():
            self.assertNotIn("\n", reason.line)
            self.assertLessEqual(reason.last_lines.count("\n"), 2)

    def test_have_a_first_line_and_the_last_ones(self) -> None:
        reason = Reason(0, 1, 1, TEXT)
        self.assertEqual(reason.line, "ValueError: no (a.py, line 3)")
        self.assertEqual(reason.last_lines, '  File "a.py", line 3\n    f(1)\nValueError: no')
        self.assertEqual(Reason(0, 1, 1, "MemoryError").last_lines, "MemoryError")

    def test_that_are_long_keep_their_first_line_and_their_end(self) -> None:
        most = _reasons._MOST_BYTES
        line, end = "ValueError: no (a.py, line 3)", "ValueError: " + "é" * 100
        for size in (most, most + 1, most * 3):
            text = f"{line}\n" + "é" * size + f"\n{end}\n"
            self.reasons.add(1, 2, 1, text)
            reason = self.reasons.all()[-1]
            self.assertEqual(reason.line, line)
            self.assertTrue(reason.text.rstrip().endswith(end))
            self.assertLessEqual(len(reason.text.encode()), most + 2 * len("\ufffd".encode()))
        for length in (most - 1, most):
            self.reasons.add(1, 2, 1, "x" * length)
            self.assertEqual(self.reasons.all()[-1].text, "x" * length)
        self.reasons.add(1, 2, 1, "ValueError: " + "x" * most * 2)
        reason = self.reasons.all()[-1]
        self.assertTrue(reason.line.startswith("ValueError: xxx"))
        self.assertEqual(len(reason.text), most)

    def test_take_no_more_memory_than_they_may(self) -> None:
        with mock.patch.object(_reasons, "_MOST_BYTES_IN_ALL", 10_000):
            for number in range(1000):
                self.reasons.add(number, number + 1, 1, TEXT)
        read = self.reasons.all()
        self.assertEqual([reason.start for reason in read], list(range(len(read))))
        self.assertGreater(len(self.memory()), 9_900)
        self.assertLess(len(self.memory()), 10_500)

    def test_are_read_but_for_half_ones(self) -> None:
        self.reasons.add(1, 2, 1, "half \x93reason\n–reason\n it")
        record = self.memory()
        for length in range(len(record)):
            with Reasons() as reasons:
                reasons.add(0, 1, 1, "before")
                os.write(reasons.descriptor, record[:length])
                reasons.add(2, 3, 1, "after")
                os.write(reasons.descriptor, record[:length])
                self.assertEqual([reason.text for reason in reasons.all()], ["before", "after"], length)

    def test_are_read_but_for_damaged_ones(self) -> None:
        self.reasons.add(1, 2, 3, "the text")
        record = self.memory()
        for at in range(len(record)):
            for bit in range(8):
                with Reasons() as reasons:
                    os.write(reasons.descriptor, record[:at] + bytes([record[at] ^ 1 << bit]) + record[at + 1 :])
                    reasons.add(2, 3, 1, "after")
                    self.assertEqual([reason.text for reason in reasons.all()], ["after"], (at, bit))

    def test_of_several_processes_do_not_mix(self) -> None:
        def add(worker: int) -> None:
            # Whether it shares the offset of others or not.
            own = os.open(f"/proc/self/fd/{self.reasons.descriptor}", os.O_RDWR)
            reasons = Reasons(own if worker % 2 else os.dup(self.reasons.descriptor))
            for number in range(300):
                reasons.add(worker, number, 1, f"{worker} " * (number * 10))

        children = [fork(lambda worker=worker: add(worker)) for worker in range(4)]  # type: ignore[misc]
        while len(read := self.reasons.all()) < 4 * 300:
            for reason in read:
                self.assertEqual(reason.text, f"{reason.start} " * (reason.end * 10))
        self.assertEqual([wait_for(child) for child in children], [0] * 4)
        for worker in range(4):
            numbers = [reason.end for reason in self.reasons.all() if reason.start == worker]
            self.assertEqual(numbers, list(range(300)))
