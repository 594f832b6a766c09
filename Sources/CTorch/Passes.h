// Passes over memory: loops that the compiler makes vectors of, for the widest that the processor has.
#pragma once
#include <ATen/ATen.h>
#include <ATen/Version.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "Parallel.h"

#define DANLU_INLINED __attribute__((always_inline))
#define DANLU_INLINE inline DANLU_INLINED

namespace passes {

/// A 16-bit float as its bits: the upper half of an fp32 number's.
struct Half {
    uint16_t bits;
};

DANLU_INLINE float load(float value) { return value; }
DANLU_INLINE float load(Half value) { return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16); }

DANLU_INLINE void store(float &place, float value) { place = value; }
/// To the nearest, of two equally near ones to the even; not a number stays none.
DANLU_INLINE void store(Half &place, float value) {
    auto bits = std::bit_cast<uint32_t>(value);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    place.bits = static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded);
}

/// eˣ to 2 units in the last place, 0 below e⁻⁸⁷.
DANLU_INLINE float exponential(float x) {
    x = x < -87.f ? -87.f : x > 88.f ? 88.f : x;
    // Adding 1.5·2²³ rounds to a whole number, which then lies in the lowest bits.
    float shifted = x * 1.44269504f + 12582912.f;
    float whole = shifted - 12582912.f;
    float rest = x - whole * 0.693359375f;
    rest = rest + whole * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * rest + 1.3981999507e-3f;
    y = y * rest + 8.3334519073e-3f;
    y = y * rest + 4.1665795894e-2f;
    y = y * rest + 1.6666665459e-1f;
    y = y * rest + 5.0000001201e-1f;
    y = y * rest * rest + rest + 1.f;
    auto exponent = static_cast<uint32_t>(std::bit_cast<int32_t>(shifted) - 0x4b400000 + 127) << 23;
    return y * std::bit_cast<float>(exponent);
}

DANLU_INLINE float sigmoid(float x) { return 1.f / (1.f + exponential(-x)); }

/// The normal distribution's density, and Φ(x) to 5e-7 of itself: Φ(−|x|) = e^(−x²/2)·t·P(t) with t = 1 / (1 + 0.27·|x|),
/// P fitted at Chebyshev's nodes for |x| < 14.
DANLU_INLINE void normal(float x, float &density, float &distribution) {
    float size = std::bit_cast<float>(std::bit_cast<uint32_t>(x) & 0x7fffffff);
    float power = exponential(-0.5f * x * x);
    float t = 1.f / (1.f + 0.27f * size);
    float p = 0.029107028618454933f;
    p = p * t - 0.12724211812019348f;
    p = p * t + 0.17144468426704407f;
    p = p * t - 0.07121391594409943f;
    p = p * t + 0.10927720367908478f;
    p = p * t + 0.0714060589671135f;
    p = p * t + 0.10198036581277847f;
    p = p * t + 0.10751860588788986f;
    p = p * t + 0.10772208124399185f;
    float tail = power * t * p;
    distribution = x < 0.f ? tail : 1.f - tail;
    density = 0.3989422804f * power;
}

#if defined(__x86_64__)
template <typename Body> __attribute__((target("arch=x86-64-v4"), noinline)) void run_v4(const Body &body) { body(); }
template <typename Body> __attribute__((target("arch=x86-64-v3"), noinline)) void run_v3(const Body &body) { body(); }
#endif

/// Runs `body`, a lambda that is always inlined, compiled for the instructions that libtorch's own kernels use here.
template <typename Body> void vectorized(const Body &body) {
#if defined(__x86_64__)
    static const std::string capability = at::get_cpu_capability();
    if (capability.rfind("AVX512", 0) == 0) return run_v4(body);
    if (capability == "AVX2") return run_v3(body);
#endif
    body();
}

/// Calls `body(element)` with an element of the type that x's memory is read as.
template <typename Body> void with_elements_of(const at::Tensor &x, const Body &body) {
    if (x.scalar_type() == at::kFloat) body(float());
    else body(Half());
}

/// Whether these passes read x; every worker of a kind says the same.
inline bool reads(const at::Tensor &x) {
    return x.device().is_cpu() && x.numel() > 0 && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

/// Calls `body(task)` for each task, of so many elements each, on several threads where that is worth it.
template <typename Body> void for_tasks(int64_t tasks, int64_t elements, const Body &body) {
    constexpr int64_t worthIt = 16384;
    if (tasks * elements < worthIt) {
        for (int64_t task = 0; task < tasks; task++) body(task);
    } else {
        parallel(tasks, [&](int64_t task, int64_t) { body(task); });
    }
}

template <typename Element> const Element *elements(const at::Tensor &x) {
    return static_cast<const Element *>(x.const_data_ptr());
}
template <typename Element> Element *mutable_elements(const at::Tensor &x) {
    return static_cast<Element *>(x.mutable_data_ptr());
}

}  // namespace passes
