// Sixteen numbers at a time, for functions that are compiled for AVX-512.
#pragma once
#include <c10/util/BFloat16.h>

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

/// To the nearest number, of two that are as near to the even one; a NaN stays one.
__attribute__((always_inline)) inline void store(c10::BFloat16 *to, const floats &x) {
    auto bits = (words)x;
    auto narrow = __builtin_convertvector((bits + 0x7fff + ((bits >> 16) & 1)) >> 16, halves);
    std::memcpy(to, &narrow, sizeof narrow);
}

/// eˣ for x ≤ 0, to two units in the last place; 0 below the smallest normal number. By Cephes' polynomial.
__attribute__((always_inline)) inline void exponential(floats &x) {
    const float lowest = -87.33f;
    auto low = x < lowest;
    floats bounded = low ? floats{} + lowest : x;
    floats n = __builtin_elementwise_roundeven(bounded * 1.44269504f);
    floats r = bounded - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    using integers = int32_t __attribute__((vector_size(64)));
    auto shifted = (integers)p + (__builtin_convertvector(n, integers) << 23);
    x = low ? floats{} : (floats)shifted;
}

__attribute__((always_inline)) inline float sum(const floats &x) {
    float total = 0;
    for (int i = 0; i < lanes; i++) total += x[i];
    return total;
}

}  // namespace
END_AVX512
