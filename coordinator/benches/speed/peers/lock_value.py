"""Lock + Value: seconds of `with lock: value.value += 1`. Arguments: processes, operations per process."""
import multiprocessing
import sys
import time


def add(value, lock, barrier, count, times):
    barrier.wait()
    began = time.monotonic()
    for _ in range(count):
        with lock:
            value.value += 1
    times.put((began, time.monotonic()))


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    processes, count = int(sys.argv[1]), int(sys.argv[2])
    value = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    barrier = multiprocessing.Barrier(processes)
    times = multiprocessing.SimpleQueue()
    children = [multiprocessing.Process(target=add, args=(value, lock, barrier, count, times)) for _ in range(processes)]
    for child in children:
        child.start()
    spans = [times.get() for _ in children]
    for child in children:
        child.join()
    assert value.value == processes * count
    took = max(ended for _, ended in spans) - min(began for began, _ in spans)
    print(took / (processes * count))
