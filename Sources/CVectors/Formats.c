#include "CVectors.h"
#include "InstructionSets.h"

#include <float.h>
#include <math.h>
#include <string.h>

/// In a message it may lie anywhere.
typedef uint16_t half __attribute__((aligned(1)));

static inline uint32_t bits(float number) {
    uint32_t pattern;
    memcpy(&pattern, &number, 4);
    return pattern;
}

static inline float number(uint32_t pattern) {
    float result;
    memcpy(&result, &pattern, 4);
    return result;
}

static inline uint32_t rounded(uint32_t pattern) {
    uint32_t magnitude = pattern & 0x7FFFFFFF;
    magnitude = magnitude < 0x7F7F0000 ? magnitude : 0x7F7F0000;
    return (pattern & 0x80000000) | ((magnitude + 0x7FFF + (magnitude >> 16 & 1)) & 0xFFFF0000);
}

EACH_PROCESSOR void vectors_narrow(const float *numbers, void *halves, size_t count) {
    half *target = halves;
    for (size_t index = 0; index < count; index++) target[index] = (half)(rounded(bits(numbers[index])) >> 16);
}

EACH_PROCESSOR void vectors_widen(const void *halves, float *numbers, size_t count) {
    const half *source = halves;
    for (size_t index = 0; index < count; index++) numbers[index] = number((uint32_t)source[index] << 16);
}

EACH_PROCESSOR void vectors_round_to_bfloat16(float *numbers, size_t count) {
    for (size_t index = 0; index < count; index++) numbers[index] = number(rounded(bits(numbers[index])));
}

EACH_PROCESSOR float vectors_scale(const float *numbers, size_t count) {
    uint32_t largest = 0;
    for (size_t index = 0; index < count; index++) {
        uint32_t magnitude = bits(numbers[index]) & 0x7FFFFFFF;
        largest = magnitude > largest ? magnitude : largest;
    }
    uint32_t most = bits(FLT_MAX);
    float exact = number(largest < most ? largest : most) / 127;
    if (!(exact >= FLT_MIN)) return 0;
    float up = number((bits(exact) + 0xFF) & ~0xFFu);
    return isfinite(127 * up) ? up : number(bits(exact) & ~0xFFu);
}

/// The float whose lowest byte is the whole number.
static inline float code(float number, float scale) {
    float ratio = number / scale;
    // NaN becomes 127.
    float most = ratio < 127 ? ratio : 127;
    float bounded = most > -127 ? most : -127;
    // A float of this size has no bits behind the point: the sum is rounded, and its low bits are the whole number.
    return bounded + 0x1.8p23f;
}

EACH_PROCESSOR void vectors_to_bytes(const float *numbers, float scale, void *bytes, size_t count) {
    int8_t *target = bytes;
    if (!(scale > 0)) {
        memset(bytes, 0, count);
        return;
    }
    for (size_t index = 0; index < count; index++) target[index] = (int8_t)bits(code(numbers[index], scale));
}

EACH_PROCESSOR int8_t vectors_from_bytes(const void *bytes, float scale, float *numbers, size_t count) {
    const int8_t *source = bytes;
    int8_t least = INT8_MAX;
    for (size_t index = 0; index < count; index++) {
        least = source[index] < least ? source[index] : least;
        numbers[index] = (float)source[index] * scale;
    }
    return least;
}

EACH_PROCESSOR void vectors_round_to_bytes(float *numbers, float scale, size_t count) {
    if (!(scale > 0)) {
        memset(numbers, 0, count * sizeof(float));
        return;
    }
    for (size_t index = 0; index < count; index++) {
        numbers[index] = (float)(int8_t)bits(code(numbers[index], scale)) * scale;
    }
}
