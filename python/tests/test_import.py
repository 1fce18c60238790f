"""Importing the package: what it has, and where it is refused."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys

import killproof
from processes import run_script
from support import Case

NAMES = sorted(
    "Array Incomplete Lock OwnerDied RLock Result Value attach imap_unordered kernel main map run transaction".split()
)

# Each way to run a program in a subinterpreter, by the module that has it.
WAYS = {
    "concurrent.interpreters": """
        from concurrent import interpreters
        def run(text):
            interpreters.create().exec(text)
    """,
    "_interpreters": """
        import _interpreters
        def run(text, config={config!r}):
            error = _interpreters.run_string(_interpreters.create(config), text)
            assert error is None, error
    """,
    "_xxsubinterpreters": """
        import _xxsubinterpreters
        def run(text):
            _xxsubinterpreters.run_string(_xxsubinterpreters.create({options}), text)
    """,
}
IMPORT = """
try:
    import killproof
except ImportError as error:
    found = "ImportError"
else:
    found = "imported"
with open({path!r}, "a") as file:
    file.write(found + " ")
"""
REFUSED = """
    import os, sys, tempfile
    {way}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "found")
        text = {text!r}.format(path=path)
        {before}
        run(text)
        run(text)
        import killproof
        run(text)
        with open(path) as file:
            print(file.read(), killproof.Value("i", 7).value)
"""


def ways() -> list[str]:
    """The definitions of `run`, for what this interpreter has."""
    for module, way in WAYS.items():
        package = module.partition(".")[0]
        if importlib.util.find_spec(package) is None or importlib.util.find_spec(module) is None:
            continue
        if module == "_interpreters":
            return [way.format(config=config) for config in ["isolated", "legacy"]]
        if module == "_xxsubinterpreters":
            options = ["", "isolated=True", "isolated=False"] if sys.version_info >= (3, 12) else [""]
            return [way.format(options=option) for option in options]
        return [way]
    return []


class TheModule(Case):
    def test_has_these_names(self) -> None:
        self.assertEqual(sorted(killproof.__all__), NAMES)
        for name in NAMES:
            self.assertTrue(hasattr(killproof, name))
        everything: dict[str, object] = {}
        exec("from killproof import *", everything)
        self.assertEqual(sorted(name for name in everything if not name.startswith("__")), NAMES)

    def test_has_the_version_of_its_package(self) -> None:
        try:
            version = importlib.metadata.version("killproof")
        except importlib.metadata.PackageNotFoundError:
            self.skip("killproof is not installed as a package")
        self.assertEqual(killproof.__version__, version)

    def test_says_what_it_is(self) -> None:
        for thing in [killproof, killproof.Value, killproof.Array, killproof.Lock, killproof.RLock, killproof.attach]:
            self.assertTrue(thing.__doc__, thing)
        self.assertTrue(killproof.transaction.__doc__ and killproof.OwnerDied.__doc__)

    def test_names_its_classes_as_users_do(self) -> None:
        for kind in [killproof.Value, killproof.Array, killproof.Lock, killproof.RLock, killproof.OwnerDied]:
            self.assertEqual(kind.__module__, "killproof")

    def test_does_not_import_multiprocessing(self) -> None:
        out = run_script("import sys, killproof; print('multiprocessing' in sys.modules, 'numpy' in sys.modules)")
        self.assertEqual(out, "False False\n")


class ASubinterpreter(Case):
    def test_is_refused_in_whichever_order(self) -> None:
        if not ways():
            self.skip("this Python has no module for subinterpreters")
        for way in ways():
            for before in ["pass", "import killproof"]:
                with self.subTest(way=way, before=before):
                    indented = way.strip("\n").replace("\n    ", "\n").strip()
                    out = run_script(REFUSED.format(way=indented, text=IMPORT, before=before))
                    self.assertEqual(out.split(), ["ImportError"] * 3 + ["7"])


class AnotherInterpreter(Case):
    """Other versions of Python, which `KILLPROOF_OTHER_PYTHONS` names and which can import the package."""

    def test_shares_values_arrays_and_locks(self) -> None:
        pythons = [python for python in os.environ.get("KILLPROOF_OTHER_PYTHONS", "").split(os.pathsep) if python]
        if not pythons:
            self.skip("KILLPROOF_OTHER_PYTHONS names no other interpreter")
        for python in pythons:
            with self.subTest(python=python):
                self.share_with(python)

    def share_with(self, python: str) -> None:
        import pickle

        version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
        print(f"shared with {version.strip()}", file=sys.__stderr__)
        v, a, lock = killproof.Value("i", 1), killproof.Array("d", [1, 2]), killproof.RLock()
        pickled = pickle.dumps((v, a, lock)).hex()
        out = run_script(
            """
            import os, pickle, sys
            v, a, lock = pickle.loads(bytes.fromhex(sys.argv[1]))
            v += 41
            a[:] = a[::-1]
            print(v.value, a[:], lock.acquire())
            sys.stdout.flush()
            os._exit(0)
            """,
            pickled,
            python=python,
        )
        self.assertEqual(out, "42 [2.0, 1.0] True\n")
        self.assertEqual((v.value, a[:]), (42, [2, 1]))
        with lock:
            self.assertIs(lock.owner_died, True)
        made = run_script(
            """
            import killproof, pickle, sys
            v = killproof.Value("q", 7)
            print(pickle.dumps(v, 4).hex(), flush=True)
            sys.stdin.close()
            """,
            python=python,
        )
        # Its creator has ended, and its name with it.
        self.assertRaises(FileNotFoundError, pickle.loads, bytes.fromhex(made))
