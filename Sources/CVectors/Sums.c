#include "CVectors.h"
#include "InstructionSets.h"

typedef float floats __attribute__((vector_size(32), aligned(4)));
typedef double doubles __attribute__((vector_size(64)));

EACH_PROCESSOR double vectors_squares(const float *numbers, size_t count) {
    // Two sums at a time, since each addition waits for the one before. The square of a float is exact in fp64.
    doubles even = {0}, odd = {0};
    size_t whole = count / 16 * 16;
    for (size_t start = 0; start < whole; start += 16) {
        doubles x = __builtin_convertvector(*(const floats *)(numbers + start), doubles);
        doubles y = __builtin_convertvector(*(const floats *)(numbers + start + 8), doubles);
        even += x * x;
        odd += y * y;
    }
    even += odd;
    double sum = even[0];
    for (int lane = 1; lane < 8; lane++) sum += even[lane];
    for (size_t index = whole; index < count; index++) sum += (double)numbers[index] * numbers[index];
    return sum;
}

EACH_PROCESSOR void vectors_add(float *sum, const float *left, const float *right, size_t count) {
#pragma clang loop vectorize(assume_safety)
    for (size_t index = 0; index < count; index++) sum[index] = left[index] + right[index];
}

EACH_PROCESSOR void vectors_take_owed(const float *source, float part, float *owed, float *target, size_t count) {
    float rest = 1 - part;
#pragma clang loop vectorize(assume_safety)
    for (size_t index = 0; index < count; index++) {
        float value = source[index] + part * owed[index];
        owed[index] = rest * owed[index] + value;
        target[index] = value;
    }
}

EACH_PROCESSOR void vectors_owe(const float *rounded, float *owed, size_t count) {
    for (size_t index = 0; index < count; index++) owed[index] -= rounded[index];
}
