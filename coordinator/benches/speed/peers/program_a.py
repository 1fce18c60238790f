"""Program A: four processes compute the sum of the squares and print it. Argument: start method."""
import multiprocessing
import sys


def sum_of_squares(n):
    result = sum(i * i for i in range(n))
    print(f"Process {multiprocessing.current_process().name}, Result: {result}")


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    processes = [multiprocessing.Process(target=sum_of_squares, args=(10_000_000,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
