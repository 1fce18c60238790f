"""Program B: four processes add the sum of the squares to a shared value. Arguments: start method, longest delay."""
import multiprocessing
import random
import sys
import time


def add_sum_of_squares(value, lock, n, delay):
    result = sum(i * i for i in range(n))
    if delay > 0:
        time.sleep(random.uniform(0.1, delay))
    with lock:
        value.value += result
        print(f"Process {multiprocessing.current_process().name} updated shared value to {value.value}")


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    delay = float(sys.argv[2])
    value = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    arguments = (value, lock, 1_000_000, delay)
    processes = [multiprocessing.Process(target=add_sum_of_squares, args=arguments) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(f"Final shared value: {value.value}")
