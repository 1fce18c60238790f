"""What the package's coordinator shows and removes of that which Python programs have left."""

from __future__ import annotations

import json

from processes import coordinator, run_script, seclusion
from support import Case

# Makes a value, and is killed. Then the coordinator is asked.
PROGRAM = """
    import json, os, signal, subprocess, sys
    from killproof import Array, Lock, Value

    coordinator = sys.argv[1]

    def ask(*args):
        result = subprocess.run([coordinator, *args], capture_output=True, text=True)
        return [result.returncode, result.stdout, result.stderr]

    def there():
        return sorted(os.listdir("/dev/shm"))

    read, write = os.pipe()
    child = os.fork()
    if not child:
        left = [Value("i", 5), Array("d", 3), Lock(name="a-lock")]
        os.write(write, json.dumps([thing.name for thing in left]).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    left = json.loads(os.read(read, 1000))
    os.waitpid(child, 0)
    used = Value("i", 7, name="used")
    report = {"left": left, "before": there(), "list": ask("list"), "json": ask("list", "--format", "json")}
    report["remove"] = ask("remove", "--unused")
    report["after"] = there()
    report["value"] = used.add(1)
    report["again"] = ask("remove", "--unused")
    print(json.dumps(report))
"""


class WhatAKilledProgramLeaves(Case):
    def test_is_listed_and_removed_and_what_is_in_use_stays(self) -> None:
        program, wrapper = coordinator(), seclusion()
        if program is None:
            self.skip("the package's coordinator is not installed beside this interpreter")
        if wrapper is None:
            self.skip("no namespace can be made here (unshare, mount)")
        report = json.loads(run_script(PROGRAM, program, wrapper=wrapper))
        left = report["left"]
        self.assertEqual(report["before"], sorted([*left, "used"]))
        code, listed, _ = report["list"]
        self.assertEqual(code, 0)
        for name in [*left, "used"]:
            self.assertIn(name, listed)
        self.assertEqual(report["json"][0], 0)
        json.loads(report["json"][1])
        self.assertEqual(report["remove"][0], 0, report["remove"])
        for name in left:
            self.assertIn(name, "".join(report["remove"][1:]))
        self.assertEqual(report["after"], ["used"])
        self.assertEqual(report["value"], 8)
        self.assertEqual(report["again"][0], 0, report["again"])
