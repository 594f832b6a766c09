// Sixteen numbers at a time, for functions that are compiled for AVX-512.
#pragma once
#include <c10/util/BFloat16.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#define BEGIN_AVX512 \
    _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl,avx2,fma\"))), apply_to = function)")
#define END_AVX512 _Pragma("clang attribute pop")
#else
#define BEGIN_AVX512
#define END_AVX512
#endif

constexpr int64_t lanes = 16;
using floats = float __attribute__((vector_size(64)));
using words = uint32_t __attribute__((vector_size(64)));
using halves = uint16_t __attribute__((vector_size(32)));

inline int64_t rounded_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

BEGIN_AVX512
namespace {

// References, since a vector that is passed by value is passed as the caller's processor does it.
__attribute__((always_inline)) inline void load(floats &x, const float *from) { std::memcpy(&x, from, sizeof x); }
__attribute__((always_inline)) inline void store(float *to, const floats &x) { std::memcpy(to, &x, sizeof x); }

__attribute__((always_inline)) inline void load(floats &x, const c10::BFloat16 *from) {
    halves narrow;
    std::memcpy(&narrow, from, sizeof narrow);
    x = (floats)(__builtin_convertvector(narrow, words) << 16);
}

/// The upper halves are x in bf16: the nearest number, of two that are as near the even one; a NaN stays one.
__attribute__((always_inline)) inline void round_halves(words &bits, const floats &x) {
    bits = (words)x;
    bits += 0x7fff + ((bits >> 16) & 1);
}

__attribute__((always_inline)) inline void store(c10::BFloat16 *to, const floats &x) {
    words bits;
    round_halves(bits, x);
    auto narrow = __builtin_convertvector(bits >> 16, halves);
    std::memcpy(to, &narrow, sizeof narrow);
}

/// 2ˣ for x ≤ 0, to three units in the last place; 0 below the smallest normal number. What is no number stays none.
__attribute__((always_inline)) inline void power_of_two(floats &x) {
    const float lowest = -126, rounding = 12582912;
    auto low = x < lowest;
    floats bounded = lowest > x ? floats{} + lowest : x;
    // Adding 1.5·2²³ leaves no place for a fraction.
    floats n = (bounded + rounding) - rounding;
    floats r = bounded - n;
    floats p = r * 1.3264727e-3f + 9.671513e-3f;
    p = p * r + 5.5507336e-2f;
    p = p * r + 2.4022242e-1f;
    p = p * r + 6.9314700e-1f;
    p = p * r + 1.0f;
    using integers = int32_t __attribute__((vector_size(64)));
    auto shifted = (integers)p + (__builtin_convertvector(n, integers) << 23);
    x = low ? floats{} : (floats)shifted;
}

/// Of all lanes, by halves.
__attribute__((always_inline)) inline float sum(const floats &x) {
    using quarter = float __attribute__((vector_size(16)));
    quarter parts[4];
    std::memcpy(parts, &x, sizeof x);
    quarter total = (parts[0] + parts[2]) + (parts[1] + parts[3]);
    return (total[0] + total[2]) + (total[1] + total[3]);
}

/// Of all lanes; those that are no number are passed over.
__attribute__((always_inline)) inline float greatest(const floats &x) {
    using quarter = float __attribute__((vector_size(16)));
    quarter parts[4];
    std::memcpy(parts, &x, sizeof x);
    quarter one = parts[0] > parts[2] ? parts[0] : parts[2], other = parts[1] > parts[3] ? parts[1] : parts[3];
    quarter most = one > other ? one : other;
    return std::max(std::max(most[0], most[2]), std::max(most[1], most[3]));
}

}  // namespace
END_AVX512
