/* Sums the squares below 2^22 TIMES times, without a closed form, by vectors: prints seconds an iteration.
 *
 * Eight accumulators of 64-bit lanes hide the latency of the products. Below 2^22 neither the 52 bits of a fused product
 * nor the sum of an accumulator's lanes can overflow. The compiler's flags choose the vectors. */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ACCUMULATORS = 8, N = 1 << 22 };

#if defined(__AVX512F__)
typedef __m512i vector;
enum { LANES = 8 };
#define SET1(number) _mm512_set1_epi64(number)
#define ADD(a, b) _mm512_add_epi64(a, b)
#if defined(__AVX512IFMA__)
#define ADD_SQUARE(sum, number) _mm512_madd52lo_epu64(sum, number, number)
#else
#define ADD_SQUARE(sum, number) ADD(sum, _mm512_mul_epu32(number, number))
#endif
#else
typedef __m256i vector;
enum { LANES = 4 };
#define SET1(number) _mm256_set1_epi64x(number)
#define ADD(a, b) _mm256_add_epi64(a, b)
#define ADD_SQUARE(sum, number) ADD(sum, _mm256_mul_epu32(number, number))
#endif

static unsigned __int128 sum_of_squares(uint64_t n) {
    vector numbers[ACCUMULATORS], sums[ACCUMULATORS];
    const vector step = SET1(LANES * ACCUMULATORS);
    for (int index = 0; index < ACCUMULATORS; index++) {
        union {
            uint64_t lanes[LANES];
            vector whole;
        } first;
        for (int lane = 0; lane < LANES; lane++) {
            first.lanes[lane] = (uint64_t)(LANES * index + lane);
        }
        numbers[index] = first.whole;
        sums[index] = SET1(0);
    }
    for (uint64_t at = 0; at < n; at += LANES * ACCUMULATORS) {
#pragma GCC unroll 8
        for (int index = 0; index < ACCUMULATORS; index++) {
            sums[index] = ADD_SQUARE(sums[index], numbers[index]);
            numbers[index] = ADD(numbers[index], step);
        }
    }
    unsigned __int128 total = 0;
    for (int index = 0; index < ACCUMULATORS; index++) {
        union {
            uint64_t lanes[LANES];
            vector whole;
        } last = {.whole = sums[index]};
        for (int lane = 0; lane < LANES; lane++) {
            total += last.lanes[lane];
        }
    }
    return total;
}

int main(int argc, char **argv) {
    long times = argc == 2 ? atol(argv[1]) : 1;
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (long time = 0; time < times; time++) {
        uint64_t n = N;
        __asm__ volatile("" : "+r"(n));
        unsigned __int128 expected = (unsigned __int128)n * (n - 1) * (2 * n - 1) / 6;
        if (sum_of_squares(n) != expected) {
            fprintf(stderr, "the sum is wrong\n");
            return 1;
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    double seconds = (double)(ended.tv_sec - began.tv_sec) + 1e-9 * (double)(ended.tv_nsec - began.tv_nsec);
    printf("%.15f\n", seconds / (double)times / N);
    return 0;
}
