"""A kernel that computes nothing, as a worker: seconds of a run. Arguments: iterations of a chunk, chunks."""
import sys

import killproof


def nothing(start, end):
    return 0


if __name__ == "__main__":
    chunk, chunks = int(sys.argv[1]), int(sys.argv[2])
    print(killproof.run(nothing, chunk * chunks, workers=1, chunk=chunk, progress=False).elapsed)
