#!/usr/bin/env python3
"""A worker with a kernel in Python: coordinator --worker ./squares.py --kernel squares --split -n 1e6"""

from killproof import kernel, main


@kernel
def squares(start: int, end: int) -> int:
    """the sum of i*i over the range"""
    return sum(i * i for i in range(start, end))


if __name__ == "__main__":
    main()
