/* The shared value as a window of rank 0.
 * program-b: each rank adds its sum of the squares and prints the value.   lock COUNT: seconds of lock, add, unlock. */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t sum_of_squares(uint64_t n) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        __asm__ volatile("" : "+r"(i)); /* each square computed */
        sum += i * i;
    }
    return (uint32_t)sum;
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    int rank, ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    int32_t *value;
    MPI_Win window;
    MPI_Win_allocate(sizeof *value, sizeof *value, MPI_INFO_NULL, MPI_COMM_WORLD, &value, &window);
    *value = 0;
    MPI_Barrier(MPI_COMM_WORLD);
    if (argc == 2 && strcmp(argv[1], "program-b") == 0) {
        int32_t result = (int32_t)sum_of_squares(1000000), before;
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, window);
        MPI_Fetch_and_op(&result, &before, MPI_INT32_T, 0, 0, MPI_SUM, window);
        MPI_Win_flush(0, window);
        printf("Process Process-%d updated shared value to %d\n", rank + 1,
               (int32_t)((uint32_t)before + (uint32_t)result));
        fflush(stdout);
        MPI_Win_unlock(0, window);
        MPI_Barrier(MPI_COMM_WORLD);
        if (rank == 0) {
            printf("Final shared value: %d\n", *value);
        }
    } else if (argc == 3 && strcmp(argv[1], "lock") == 0) {
        long count = atol(argv[2]);
        int32_t one = 1;
        MPI_Barrier(MPI_COMM_WORLD);
        double began = MPI_Wtime();
        for (long i = 0; i < count; i++) {
            MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, window);
            MPI_Accumulate(&one, 1, MPI_INT32_T, 0, 0, 1, MPI_INT32_T, MPI_SUM, window);
            MPI_Win_unlock(0, window);
        }
        MPI_Barrier(MPI_COMM_WORLD);
        double took = MPI_Wtime() - began;
        if (rank == 0) {
            if (*value != count * ranks) {
                fprintf(stderr, "lost additions\n");
                MPI_Abort(MPI_COMM_WORLD, 1);
            }
            printf("%.12f\n", took / ((double)count * ranks));
        }
    }
    MPI_Win_free(&window);
    MPI_Finalize();
    return 0;
}
