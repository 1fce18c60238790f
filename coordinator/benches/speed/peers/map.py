"""A map of trivial items by two processes: seconds in all. Arguments: package, start method, items."""
import multiprocessing
import sys
import time


def double(number):
    return 2 * number


if __name__ == "__main__":
    package, method, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    items = range(count)
    began = time.perf_counter()
    if package == "killproof":
        import killproof

        results = killproof.map(double, items, workers=2, progress=False)
    else:
        with multiprocessing.get_context(method).Pool(2) as pool:
            results = pool.map(double, items, chunksize=1)
    seconds = time.perf_counter() - began
    assert results == [2 * item for item in items]
    print(seconds)
