"""What kernels in Python return, and what becomes of it."""

from __future__ import annotations

import importlib.util
from workers import WorkerCase

# The result is an expression, of the start and the end.
RESULT = """
    if "numpy" in os.environ["RESULT"]:
        import numpy
    import array, collections, decimal, fractions, killproof, math

    class Index:
        def __index__(self):
            return 3

    class Liar(list):
        def __len__(self):
            return 2

    class Raises:
        def __index__(self):
            raise LookupError("no index today")

    @kernel
    def one(start, end):
        return eval(os.environ["RESULT"])

    @kernel(cells=3)
    def three(start, end):
        return eval(os.environ["RESULT"])

    @kernel(cells=None)
    def many(start, end):
        return eval(os.environ["RESULT"])
"""
I128 = 2**127


class AResult(WorkerCase):
    def result(self, result: str, kernel: str = "one", *options: str) -> list[int]:
        return self.compute(self.script(RESULT), kernel, 1, *options, RESULT=result)

    def assert_failed(self, result: str, *words: str, kernel: str = "one", options: tuple[str, ...] = ()) -> None:
        """The chunk is set aside after this result, and the report has these words."""
        run = self.run_kernel(self.script(RESULT), kernel, 1, "--restarts", "1", *options, RESULT=result)
        self.assertEqual(run.code, 1, result)
        self.assertFalse(run.json["complete"])
        missing = {"start": "0", "end": "1", "attempts": 2, "why": "failed"}
        self.assertEqual(run.json["missing"], [missing], result)
        for word in words:
            self.assertIn(word, run.err)

    def float(self, result: str) -> object:
        run = self.run_kernel(self.script(RESULT), "one", 1, "--type", "f64", RESULT=result)
        self.assertEqual(run.code, 0, run.err)
        return run.json["value"]

    def need_numpy(self) -> None:
        if importlib.util.find_spec("numpy") is None:
            self.skip("numpy is not installed")

    def test_is_an_int_of_any_size_that_sums_have(self) -> None:
        for number in (0, -1, 2**63 - 1, -(2**63), 2**63, I128 - 1, -I128):
            run = self.run_kernel(self.script(RESULT), "one", 1, RESULT=str(number))
            self.assertEqual((run.code, run.totals), (0, [number]))
            self.assertEqual(int(run.json["value"]), (number + 2**63) % 2**64 - 2**63)

    def test_is_reduced_as_each_type_does_it(self) -> None:
        values = {"i32": -(2**31), "i64": 2**31, "u64": 2**31}
        for kind, value in values.items():
            run = self.run_kernel(self.script(RESULT), "one", 1, "--type", kind, RESULT="2**31")
            self.assertEqual((run.code, run.totals, int(run.json["value"])), (0, [2**31], value), kind)
        run = self.run_kernel(self.script(RESULT), "one", 1, "--type", "u64", RESULT="-1")
        self.assertEqual((run.totals, int(run.json["value"])), ([-1], 2**64 - 1))

    def test_may_be_refused_for_overflow(self) -> None:
        run = self.run_kernel(self.script(RESULT), "one", 1, "--type", "i32", "--overflow", "error", RESULT="2**31")
        self.assertEqual(run.code, 7)
        self.assertIn("overflow", run.err)

    def test_is_what_python_takes_for_an_int(self) -> None:
        for result, number in {"True": 1, "Index()": 3, "[7]": 7, "(-2,)": -2, "range(5, 6)": 5}.items():
            self.assertEqual(self.result(result), [number], result)

    def test_is_a_float_if_the_value_is_of_floats(self) -> None:
        numbers = {"1.5": 1.5, "3": 3.0, "True": 1.0, "decimal.Decimal('0.5')": 0.5, "fractions.Fraction(1, 4)": 0.25}
        numbers |= {"[0.5]": 0.5, "2**200": 2.0**200, "Index()": 3.0}
        for result, number in numbers.items():
            self.assertEqual(self.float(result), number, result)
        for result in ("inf", "-inf", "nan"):
            self.assertEqual(self.float(f"float('{result}')"), result)

    def test_as_a_float_is_no_int(self) -> None:
        for result, shown in {"3.0": "3.0", "1e300": "1e300", "math.nan": "nan", "-math.inf": "-inf"}.items():
            self.assert_failed(result, f"returned the float {shown}, and the value is i64", "--type f64")
        self.assert_failed("fractions.Fraction(1)", "returned the float 1.0, and the value is i64")

    def test_beyond_128_bits_is_refused(self) -> None:
        for result in (2**127, -(2**127) - 1, 2**500):
            bits = result.bit_length()
            self.assert_failed(str(result), f"an int of {bits} bits", "128", "--type f64")
        self.assert_failed("10**400", "OverflowError", options=("--type", "f64"))

    def test_of_another_type_is_named(self) -> None:
        others = {"None": "None", "'5'": "str", "b'5'": "bytes", "{0: 1}": "dict", "{1}": "set", "1j": "complex"}
        others |= {"(i for i in 'a')": "generator", "object()": "object", "Index": "type", "list": "type", "''": "str"}
        others |= {"bytearray(1)": "bytearray", "len": "builtin_function_or_method"}
        for result, shown in others.items():
            self.assert_failed(result, f"returned {shown}: a kernel returns one number (int)")
        self.assert_failed("None", "one number (float or int)", options=("--type", "f64"))

    def test_that_raises_is_a_failure_with_its_traceback(self) -> None:
        self.assert_failed("Raises()", "LookupError: no index today (script.py, line ", "in __index__")

    def test_of_several_cells_is_any_sequence(self) -> None:
        sequences = ["[1, 2, 3]", "(1, 2, 3)", "range(1, 4)", "[True, 2, Index()]", "memoryview(bytes([1, 2, 3]))"]
        sequences += [f"{kind}([1, 2, 3])" for kind in ("collections.deque", "collections.UserList")]
        sequences += ["array.array('q', [1, 2, 3])", "killproof.Array('i', [1, 2, 3])"]
        for result in sequences:
            for kernel in ("three", "many"):
                self.assertEqual(self.result(result, kernel, "--cells", "3"), [1, 2, 3], result)
        self.assertEqual(self.result("list(range(10))", "many", "--cells", "10"), list(range(10)))
        self.assertEqual(self.result("5", "many"), [5])

    def test_has_a_number_for_each_cell(self) -> None:
        three = ("--cells", "3")
        given_by = {"[1, 2]": "2 numbers", "[]": "0 numbers", "7": "1 number", "range(10**12)": f"{10**12} numbers"}
        for result, given in given_by.items():
            words = (f"returned {given}", "not 3", "a sequence or array of 3 numbers (int), one for each cell")
            self.assert_failed(result, *words, kernel="three", options=three)
        self.assert_failed("[1, 2]", "returned 2 numbers, not 1", "one number (int)")
        self.assert_failed("Liar([1, 2, 3])", "returned 3 numbers, not 2", kernel="many", options=("--cells", "2"))
        self.assert_failed("[1, None, 3]", "among others, None", kernel="three", options=("--cells", "3"))
        self.assert_failed("[1, [2], 3]", "among others, list", kernel="three", options=("--cells", "3"))
        self.assert_failed("[1, 2.5, 3]", "the float 2.5", kernel="three", options=("--cells", "3"))

    def test_fills_as_many_cells_as_the_kernel_says(self) -> None:
        run = self.run_kernel(self.script(RESULT), "three", 1, "--cells", "2", RESULT="[1, 2]")
        self.assertEqual(run.code, 1)
        self.assertIn("kernel three fills 3 cells, and the segment has 2", run.err)

    def test_is_a_number_of_numpy(self) -> None:
        self.need_numpy()
        for result in ("numpy.int64(5)", "numpy.uint8(5)", "numpy.array(5)", "numpy.array([5], dtype='i2')"):
            self.assertEqual(self.result(result), [5], result)
        self.assertEqual(self.result("numpy.uint64(2**64 - 1)", "one", "--type", "u64"), [2**64 - 1])
        self.assertEqual(self.result("numpy.bool_(True)"), [1])
        for result in ("numpy.float32(0.5)", "numpy.float64(0.5)", "numpy.longdouble(0.5)", "numpy.array(0.5)"):
            self.assertEqual(self.float(result), 0.5, result)
        self.assert_failed("numpy.float32(2)", "returned the float 2.0, and the value is i64")
        for number in ("numpy.complex64(1)", "numpy.complex128(1)"):
            self.assert_failed(number, "complex", options=("--type", "f64"))

    def test_is_an_array_of_numpy(self) -> None:
        self.need_numpy()
        for result in ("numpy.arange(1, 4)", "numpy.array([1, 2, 3], dtype='u1')", "list(numpy.arange(1, 4))"):
            self.assertEqual(self.result(result, "three", "--cells", "3"), [1, 2, 3], result)
        self.assertEqual(self.result("numpy.arange(6)[::2]", "three", "--cells", "3"), [0, 2, 4])
        three = ("--cells", "3")
        self.assert_failed("numpy.zeros((3, 1), int)", "an array of 2 dimensions", kernel="three", options=three)
        self.assert_failed("numpy.zeros(4, int)", "returned 4 numbers, not 3", kernel="three", options=three)
        self.assert_failed("numpy.zeros(3)", "returned the float 0.0", kernel="three", options=three)
        self.assert_failed("numpy.array(['a', 'b', 'c'])", "among others, str", kernel="three", options=three)
