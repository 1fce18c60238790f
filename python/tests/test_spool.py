"""The folder of a map: which ones are taken, what is in them, and who is refused."""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

from killproof import _results, _spool, _table
from killproof._spool import Spool
from killproof._table import Items
from processes import run_script
from steps import killed_at
from support import Case

NAME = "module.function"
ITEMS = ["one", "two", "three"]

# What stands in a folder whose map has not begun.
EMPTY = {"lock": b"", "places": b""}


class Marks:
    """Its pickle makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self._path,)


class Folder(Case):
    def setUp(self) -> None:
        super().setUp()
        self.parent = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kp-test-")))
        self.path = self.parent / "map"

    def fill(self, items: list[Any], name: str = NAME) -> None:
        with Spool(self.path) as spool:
            spool.fill(name, items)

    def filled(self) -> list[Any]:
        """The items in the folder, as workers load them."""
        with Spool(self.path) as spool:
            items = Items(spool.folder)
            try:
                return [items.load(index) for index in range(len(ITEMS))]
            finally:
                items.close()

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.path.iterdir()}

    def seen(self) -> dict[str, Any]:
        """All that can be changed."""
        paths = [self.path, *self.path.iterdir()]
        return {str(path): (path.lstat(), path.is_file() and path.read_bytes()) for path in paths}

    def assert_refused(self, kind: type[Exception], *words: str, items: list[Any] = ITEMS, name: str = NAME) -> None:
        """The folder is refused, and stays as it is."""
        before = self.seen()
        with self.raises_and_says(kind, *words):
            self.fill(items, name)
        after = self.seen()
        for path in before.keys() | after.keys():
            for field in ("st_mode", "st_uid", "st_size", "st_mtime_ns", "st_ino"):
                self.assertEqual(getattr(before[path][0], field), getattr(after[path][0], field), (path, field))
            self.assertEqual(before[path][1], after[path][1], path)


class WhoseFolder(Folder):
    def setUp(self) -> None:
        super().setUp()
        self.fill(ITEMS)
        self.mark = self.parent / "mark"
        # Whoever unpickles it has trusted the folder.
        (self.path / "items").write_bytes(pickle.dumps(Marks(self.mark)) * 3)

    def tearDown(self) -> None:
        self.assertFalse(self.mark.exists())
        super().tearDown()

    def test_open_to_others_is_refused(self) -> None:
        for mode in (0o755, 0o777, 0o701, 0o710, 0o720, 0o704, 0o1777):
            self.path.chmod(mode)
            self.assert_refused(PermissionError, str(self.path), f"{mode & 0o777:o}, not 700", "chmod 700")

    def test_that_its_owner_cannot_use_is_refused(self) -> None:
        if os.geteuid() != 0:
            self.skip("only root can read it nevertheless")
        self.path.chmod(0o500)
        self.assert_refused(PermissionError, str(self.path), "500, not 700")

    def test_of_another_user_is_refused(self) -> None:
        if os.geteuid() != 0:
            self.skip("only root can give a folder away")
        os.chown(self.path, 65534, -1)
        self.assert_refused(PermissionError, str(self.path), "of user 65534")

    def test_behind_a_link_is_refused(self) -> None:
        target = self.path.rename(self.parent / "target")
        for link_to in (target, self.parent / "nothing"):
            self.path.symlink_to(link_to)
            with self.raises_and_says(NotADirectoryError, str(self.path), "a link"):
                self.fill(ITEMS)
            self.path.unlink()

    def test_that_is_a_file_is_refused(self) -> None:
        self.path.rename(self.parent / "target")
        self.path.write_text("kept")
        with self.raises_and_says(NotADirectoryError, str(self.path), "not a folder"):
            self.fill(ITEMS)
        self.assertEqual(self.path.read_text(), "kept")

    def test_with_files_that_are_links_is_refused(self) -> None:
        target = self.parent / "target"
        for name in ("head", "table", "items", "places", "lock"):
            (self.path / name).rename(target)
            (self.path / name).symlink_to(target)
            descriptors = len(os.listdir("/proc/self/fd"))
            with self.subTest(file=name), self.assertRaises(OSError):
                self.fill(ITEMS)
            self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors, name)
            (self.path / name).unlink()
            target.rename(self.path / name)

    def test_that_hands_its_group_on_is_taken(self) -> None:
        self.parent.chmod(0o2700)
        self.path = self.parent / "within"
        self.fill(ITEMS)
        self.assertEqual(self.path.stat().st_mode & 0o7777, 0o2700)
        self.assertEqual(self.filled(), ITEMS)


class WhatIsInIt(Folder):
    def test_is_the_same_for_the_same_map(self) -> None:
        self.fill(ITEMS)
        self.assertEqual(self.filled(), ITEMS)
        before = self.content()
        self.fill(list(ITEMS))
        self.assertEqual(self.content(), before)
        self.assertEqual(before.keys(), {"head", "items", "lock", "places", "table"})
        self.assertEqual({path.stat().st_mode & 0o777 for path in self.path.iterdir()}, {0o600})

    def test_is_refused_for_another_map(self) -> None:
        self.fill(ITEMS)
        self.assert_refused(ValueError, str(self.path), NAME, "other.function", name="other.function")
        self.assert_refused(ValueError, "3 items, not of 2", items=ITEMS[:2])
        self.assert_refused(ValueError, "3 items, not of 4", items=[*ITEMS, "four"])
        self.assert_refused(ValueError, "item 1 ", items=["one", "2", "3"])
        self.assert_refused(ValueError, "item 2 ", items=["one", "two", ["three"]])
        self.assert_refused(ValueError, "item 0 ", items=ITEMS[::-1])

    def test_is_refused_for_items_that_cannot_be_compared(self) -> None:
        class Odd:
            def __eq__(self, other: object) -> bool:
                raise LookupError

            def __reduce__(self) -> Any:
                return str, ("odd",)

        self.fill(ITEMS)
        self.assert_refused(ValueError, "item 1 ", items=["one", Odd(), "three"])

    def test_may_be_equal_items_with_other_pickles(self) -> None:
        text = "te" + "xt" * 100
        other = "".join(["te", "xt" * 100])
        same, equal = [text, text], [text, other]
        self.assertNotEqual(pickle.dumps(same), pickle.dumps(equal))
        self.fill([same, 1, 2])
        self.fill([equal, 1, 2])

    def test_may_be_sets_in_another_order(self) -> None:
        program = """
            import pickle, sys
            from killproof._spool import Spool
            item = {str(number) for number in range(100)}
            with Spool(sys.argv[1]) as spool:
                spool.fill("f", [item])
            print(hash(pickle.dumps(list(item))))
        """
        orders = set()
        for seed in ("1", "2", "3"):
            os.environ["PYTHONHASHSEED"] = seed
            self.addCleanup(os.environ.pop, "PYTHONHASHSEED", None)
            orders.add(run_script(program, str(self.path)))
        self.assertGreater(len(orders), 1)

    def test_is_refused_if_its_head_is_damaged(self) -> None:
        self.fill(ITEMS)
        path = self.path / "head"
        whole = path.read_bytes()
        others = [b"{}", b"[]", b"null", b"\xff", whole.replace(b"map 1", b"map 2"), b'{"format": "killproof map 1"}']
        for damaged in [*others, *(whole[:length] for length in range(len(whole)))]:
            path.write_bytes(damaged)
            self.assert_refused(ValueError, f"{path} is damaged")
        for at in range(len(whole)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            self.assert_refused(ValueError, str(self.path))

    def test_is_refused_if_its_head_says_another_number(self) -> None:
        self.fill(ITEMS)
        path = self.path / "head"
        path.write_bytes(path.read_bytes().replace(b'"count": 3', b'"count": 4'))
        self.assert_refused(ValueError, "item 3 ", items=[*ITEMS, "four"])

    def test_is_refused_if_its_table_is_damaged(self) -> None:
        self.fill(ITEMS)
        path = self.path / "table"
        whole = path.read_bytes()
        for at in range(len(whole)):
            flipped = whole[:at] + bytes([whole[at] ^ 128]) + whole[at + 1 :]
            for damaged in (whole[:at], flipped, whole + whole[: at + 1]):
                path.write_bytes(damaged)
                self.assert_refused(ValueError, f"{path} is damaged")

    def test_is_mended_by_the_same_items_if_it_is_damaged(self) -> None:
        self.fill(ITEMS)
        path = self.path / "items"
        whole = path.read_bytes()
        for at in range(len(whole)):
            for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
                path.write_bytes(damaged)
                self.fill(ITEMS)
                self.assertEqual(path.read_bytes(), whole)

    def test_is_left_alone_if_it_is_not_of_a_map(self) -> None:
        self.path.mkdir(0o700)
        for name in ("thesis.txt", "items", "table", "places", "head.new", "results-1"):
            (self.path / name).write_text("mine")
            self.assert_refused(ValueError, str(self.path), repr(name))
            self.assertEqual(self.content(), {name: b"mine"})
            (self.path / name).unlink()

    def test_is_left_alone_if_it_has_more_than_a_map_that_was_killed(self) -> None:
        self.fill(ITEMS)
        (self.path / "head").unlink()
        (self.path / "results-1").touch()
        self.assert_refused(ValueError, str(self.path), "'results-1'")

    def test_is_nothing_of_items_that_cannot_be_pickled(self) -> None:
        items = ["one", lambda: 0, "three"]
        with self.assertRaises((pickle.PicklingError, AttributeError, TypeError)) as caught:
            self.fill(items)
        self.assertIn("item 1 cannot be handed to workers", caught.exception.__notes__)
        self.assertEqual(self.content(), EMPTY)
        self.fill(ITEMS)
        self.assertEqual(self.filled(), ITEMS)

    def test_is_nothing_if_there_is_no_room(self) -> None:
        self.path.mkdir(0o700)
        (self.path / "lock").touch()
        for name in ("items", "table"):
            # It cannot be made.
            (self.path / name).symlink_to("nowhere")
            with self.raises_and_says(OSError, name):
                self.fill(ITEMS)
            self.assertEqual(self.content(), EMPTY)

    def test_begins_anew_if_it_was_killed_before_its_head_was_there(self) -> None:
        steps = 0
        while killed_at(steps, [_spool, _table, _results], lambda: self.fill(ITEMS)):
            if self.path.exists() and "head" in os.listdir(self.path):
                self.assert_refused(ValueError, "3 items, not of 1", items=["x"])
                self.fill(ITEMS)
                self.assertEqual(self.filled(), ITEMS)
            else:
                for _ in range(2):
                    self.fill(["x"])
                self.assert_refused(ValueError, "1 items, not of 3")
            for path in self.path.iterdir():
                path.unlink()
            if steps % 2:
                self.path.rmdir()
            steps += 1
        self.assertGreater(steps, 300)
        self.assertEqual(self.content().keys(), {"head", "items", "lock", "places", "table"})


class ATemporaryFolder(Folder):
    def test_goes_when_it_is_left_and_stays_if_it_is_to(self) -> None:
        with Spool(None) as spool:
            spool.fill(NAME, ITEMS)
            self.assertEqual(os.stat(spool.path).st_mode & 0o777, 0o700)
        self.assertFalse(os.path.exists(spool.path))
        with Spool(None) as spool:
            spool.fill(NAME, ITEMS)
            spool.stays = True
        self.path = Path(spool.path)
        self.assertEqual(self.filled(), ITEMS)
        self.path.rename(self.parent / "map")

    def test_goes_if_an_item_cannot_be_pickled(self) -> None:
        with self.assertRaises((pickle.PicklingError, AttributeError, TypeError)), Spool(None) as spool:
            spool.fill(NAME, [sys.stdout])
        self.assertFalse(os.path.exists(spool.path))
