"""How often the system has killed processes for want of memory, as the files of several systems tell."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

from killproof import _oom
from support import Case

EVENTS = "low 0\nhigh 0\nmax 12\noom 4\noom_kill {}\noom_group_kill 9\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"
MACHINE = "nr_free_pages 1234\noom_kill {}\npgfault 99\n"


class TheCount(Case):
    def setUp(self) -> None:
        super().setUp()
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kp-test-")))
        for name, path in {"_GROUPS": "groups", "_OWN_GROUPS": "own", "_OF_THE_MACHINE": "vmstat"}.items():
            self.enterContext(mock.patch.object(_oom, name, str(self.root / path)))

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode(errors="surrogateescape"))

    def test_is_that_of_the_own_group(self) -> None:
        self.write("own", "0::/user.slice/a\n")
        self.write("groups/user.slice/a/memory.events", EVENTS.format(3))
        self.write("vmstat", MACHINE.format(7))
        self.assertEqual(_oom.kills(), 3)

    def test_is_that_of_the_own_group_in_a_container(self) -> None:
        self.write("own", "0::/\n")
        self.write("groups/memory.events", EVENTS.format(4))
        self.assertEqual(_oom.kills(), 4)

    def test_is_that_of_the_own_group_of_the_older_kind(self) -> None:
        for controllers in ("memory", "memory,hugetlb"):
            self.write("own", f"12:cpu,cpuacct:/b\n11:{controllers}:/a:b\n1:name=systemd:/c\n0::/d\n")
            self.write("groups/memory/a:b/memory.oom_control", CONTROL.format(5))
            self.assertEqual(_oom.kills(), 5)

    def test_is_that_of_the_machine_if_the_group_does_not_tell(self) -> None:
        self.write("vmstat", MACHINE.format(7))
        odd = ["", "\n", "nonsense\n", "0::/odd\udcff\u2028name\n"]
        for own in ["0::/user.slice/a\n", "0::/../elsewhere\n", "1:cpu:/\n", *odd]:
            self.write("own", own)
            self.assertEqual(_oom.kills(), 7, own)
        self.write("own", "0::/a\n")
        self.write("groups/a/memory.events", "low 0\n")
        self.assertEqual(_oom.kills(), 7)

    def test_is_that_of_the_machine_if_there_are_no_groups(self) -> None:
        self.write("vmstat", MACHINE.format(0))
        self.assertEqual(_oom.kills(), 0)

    def test_is_none_if_nothing_tells(self) -> None:
        self.assertIsNone(_oom.kills())
        self.write("vmstat", "nr_free_pages 1234\noom_killer 5\n")
        self.assertIsNone(_oom.kills())


class TheCountHere(Case):
    def test_is_a_number_that_does_not_fall(self) -> None:
        first, second = _oom.kills(), _oom.kills()
        if first is None or second is None:
            self.skip("this system does not tell")
        self.assertLessEqual(0, first)
        self.assertLessEqual(first, second)
