"""The tutorial's sum of squares, computed by workers that may be killed: `python program_a_run.py`

Four processes share the range, instead of computing all of it four times.
"""

import killproof


def sum_of_squares(start: int, end: int) -> int:
    return sum(i * i for i in range(start, end))


if __name__ == "__main__":
    result = killproof.run(sum_of_squares, 10_000_000, workers=4)
    # It needs more than 64 bits.
    print(f"Result: {result.exact_total}")
