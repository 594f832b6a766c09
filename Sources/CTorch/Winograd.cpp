#include "Winograd.h"

#include <ATen/record_function.h>

#include "Packed.h"
#include "Parallel.h"
#include "Processor.h"

// One function for each kind of processor, chosen when the library is loaded. Nothing is contracted, so that all of them give
// the same bits.
#pragma clang fp contract(off)
#if defined(__x86_64__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif
#define OVER_CHANNELS _Pragma("clang loop vectorize(assume_safety)")

namespace {

// The transforms of one row of points, for tiles of 2 and of 4: of the input (Bᵀ), of the kernel (G), of the output (Aᵀ).

template <int side> struct Filtering;

template <> struct Filtering<2> {
    static constexpr int span = 4;
    static inline void input(const float *d, float *v) {
        v[0] = d[0] - d[2];
        v[1] = d[1] + d[2];
        v[2] = d[2] - d[1];
        v[3] = d[1] - d[3];
    }
    static inline void kernel(const float *g, float *u) {
        auto even = (g[0] + g[2]) * 0.5f, odd = g[1] * 0.5f;
        u[0] = g[0];
        u[1] = even + odd;
        u[2] = even - odd;
        u[3] = g[2];
    }
    static inline void output(const float *m, float *y) {
        y[0] = (m[0] + m[1]) + m[2];
        y[1] = (m[1] - m[2]) - m[3];
    }
};

/// With the points 0, ±1, ±2 and ∞.
template <> struct Filtering<4> {
    static constexpr int span = 6;
    static inline void input(const float *d, float *v) {
        auto even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
        auto far = d[4] - d[2], turn = 2 * (d[3] - d[1]);
        v[0] = (4 * d[0] - 5 * d[2]) + d[4];
        v[1] = even + odd;
        v[2] = even - odd;
        v[3] = far + turn;
        v[4] = far - turn;
        v[5] = (4 * d[1] - 5 * d[3]) + d[5];
    }
    static inline void kernel(const float *g, float *u) {
        auto near = (g[0] + g[2]) * (-1.0f / 6), middle = g[1] * (-1.0f / 6);
        auto far = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), aside = g[1] * (1.0f / 12);
        u[0] = g[0] * 0.25f;
        u[1] = near + middle;
        u[2] = near - middle;
        u[3] = far + aside;
        u[4] = far - aside;
        u[5] = g[2];
    }
    static inline void output(const float *m, float *y) {
        auto sum = m[1] + m[2], difference = m[1] - m[2];
        auto farSum = m[3] + m[4], farDifference = m[3] - m[4];
        y[0] = (m[0] + sum) + farSum;
        y[1] = difference + 2 * farDifference;
        y[2] = sum + 4 * farSum;
        y[3] = (difference + 8 * farDifference) + m[5];
    }
};

// bf16 is taken apart and put together here, because only loops without calls become vectors.

inline float wide(float value) { return value; }
inline float wide(at::BFloat16 value) { return __builtin_bit_cast(float, static_cast<uint32_t>(value.x) << 16); }
inline void narrow(float value, float &to) { to = value; }
/// The nearest one, of two as near that with the even last bit; what is no number stays none.
inline void narrow(float value, at::BFloat16 &to) {
    auto bits = __builtin_bit_cast(uint32_t, value);
    auto nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    to.x = static_cast<uint16_t>(value == value ? nearest : 0x7fc0);
}

/// A tile of the input, point by point as rows of channels → its transform, a row of channels every `step` elements.
template <int side, typename Element>
inline void transform_input(const Element *const *points, Element *to, int64_t step, int64_t channels) {
    using F = Filtering<side>;
    constexpr int span = F::span;
    OVER_CHANNELS
    for (int64_t c = 0; c < channels; c++) {
        float rows[span][span], line[span], out[span];
#pragma clang loop unroll(full)
        for (int j = 0; j < span; j++) {
            for (int i = 0; i < span; i++) line[i] = wide(points[i * span + j][c]);
            F::input(line, out);
            for (int i = 0; i < span; i++) rows[i][j] = out[i];
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < span; i++) {
            F::input(rows[i], out);
            for (int j = 0; j < span; j++) narrow(out[j], to[(i * span + j) * step + c]);
        }
    }
}

/// The products of a tile → its output, point by point.
template <int side, typename Element>
inline void transform_output(const Element *const *products, const Element *bias, Element *const *points,
                             int64_t channels) {
    using F = Filtering<side>;
    constexpr int span = F::span;
    OVER_CHANNELS
    for (int64_t c = 0; c < channels; c++) {
        float rows[side][span], line[span], out[side];
#pragma clang loop unroll(full)
        for (int j = 0; j < span; j++) {
            for (int i = 0; i < span; i++) line[i] = wide(products[i * span + j][c]);
            F::output(line, out);
            for (int i = 0; i < side; i++) rows[i][j] = out[i];
        }
        auto shift = bias ? wide(bias[c]) : 0.0f;
#pragma clang loop unroll(full)
        for (int i = 0; i < side; i++) {
            F::output(rows[i], out);
            for (int j = 0; j < side; j++) narrow(out[j] + shift, points[i * side + j][c]);
        }
    }
}

// Functions for several processors cannot be templates.
#define TRANSFORMS(side, Element)                                                                                      \
    FOR_EACH_PROCESSOR void input_tile(std::integral_constant<int, side>, const Element *const *points, Element *to,   \
                                       int64_t step, int64_t channels) {                                               \
        transform_input<side>(points, to, step, channels);                                                             \
    }                                                                                                                  \
    FOR_EACH_PROCESSOR void output_tile(std::integral_constant<int, side>, const Element *const *products,             \
                                        const Element *bias, Element *const *points, int64_t channels) {               \
        transform_output<side>(products, bias, points, channels);                                                      \
    }
TRANSFORMS(2, float)
TRANSFORMS(4, float)
TRANSFORMS(2, at::BFloat16)
#undef TRANSFORMS

/// Kernels `[outputs, inputs, 3, 3]` in fp32 → `[span², outputs, inputs]`.
template <int side> at::Tensor transformed(const at::Tensor &kernels) {
    using F = Filtering<side>;
    constexpr int span = F::span;
    auto outputs = kernels.size(0), inputs = kernels.size(1);
    auto result = at::empty({span * span, outputs, inputs}, kernels.options());
    auto from = kernels.const_data_ptr<float>();
    auto to = result.mutable_data_ptr<float>();
    parallel(outputs, [=](int64_t output, int64_t) {
        for (int64_t k = output * inputs; k < (output + 1) * inputs; k++) {
            float rows[span][3], line[3], out[span];
            for (int j = 0; j < 3; j++) {
                for (int i = 0; i < 3; i++) line[i] = from[k * 9 + i * 3 + j];
                F::kernel(line, out);
                for (int i = 0; i < span; i++) rows[i][j] = out[i];
            }
            for (int i = 0; i < span; i++) {
                F::kernel(rows[i], out);
                for (int j = 0; j < span; j++) to[(i * span + j) * outputs * inputs + k] = out[j];
            }
        }
    });
    return result;
}

/// Pictures, and the tiles of their outputs, row by row.
struct Tiling {
    int64_t side, batch, height, width;
    int64_t across = (width + side - 1) / side, each = (height + side - 1) / side * across, count = batch * each;

    /// How many points of all pictures lie before the one that is so far from a tile's first; negative where it is outside.
    int64_t point(int64_t tile, int64_t down, int64_t aside) const {
        auto y = tile % each / across * side + down, x = tile % across * side + aside;
        bool isInside = y >= 0 && y < height && x >= 0 && x < width;
        return isInside ? (tile / each * height + y) * width + x : -1;
    }
};

/// The convolution of some tiles at a time, so that what lies between the transforms stays in the cache.
template <int side, typename Element> struct Filter {
    static constexpr int span = Filtering<side>::span;
    static constexpr int64_t width = 512, grain = 4;
    using Side = std::integral_constant<int, side>;

    const at::Tensor &x;
    const std::vector<at::Tensor> &matrices;
    /// Instead of those.
    const std::vector<FrozenMatrix> &blocks;
    bool isTurned;
    Tiling tiling{side, x.size(0), x.size(2), x.size(3)};

    /// The tiles `begin..<end` → `[span², tiles, inputs]`.
    at::Tensor tiles(int64_t begin, int64_t end) const {
        auto inputs = x.size(1), count = end - begin;
        auto result = at::empty({span * span, count, inputs}, x.options().memory_format(std::nullopt));
        auto from = x.const_data_ptr<Element>();
        auto to = result.template mutable_data_ptr<Element>();
        std::vector<Element> zeros(static_cast<size_t>(inputs));
        parallel((count + grain - 1) / grain, [&](int64_t group, int64_t) {
            const Element *points[span * span];
            for (int64_t t = group * grain; t < std::min((group + 1) * grain, count); t++) {
                for (int i = 0; i < span * span; i++) {
                    auto point = tiling.point(begin + t, i / span - 1, i % span - 1);
                    points[i] = point < 0 ? zeros.data() : from + point * inputs;
                }
                input_tile(Side(), points, to + t * inputs, count * inputs, inputs);
            }
        });
        return result;
    }

    /// The products of the tiles `begin..<end`, each `[tiles, outputs]` → their points of the result.
    void gather(const std::vector<at::Tensor> &products, const Element *bias, const at::Tensor &result, int64_t begin,
                int64_t end) const {
        auto outputs = result.size(1);
        auto to = result.mutable_data_ptr<Element>();
        auto groups = (end - begin + grain - 1) / grain;
        // For the points of a cut tile that nobody has asked for.
        std::vector<Element> outside(static_cast<size_t>(outputs * parallel_workers(groups)));
        parallel(groups, [&](int64_t group, int64_t worker) {
            const Element *sums[span * span];
            Element *points[side * side];
            for (int64_t t = group * grain; t < std::min((group + 1) * grain, end - begin); t++) {
                for (size_t k = 0; k < products.size(); k++)
                    sums[k] = products[k].const_data_ptr<Element>() + t * outputs;
                for (int i = 0; i < side * side; i++) {
                    auto point = tiling.point(begin + t, i / side, i % side);
                    points[i] = point < 0 ? outside.data() + worker * outputs : to + point * outputs;
                }
                output_tile(Side(), sums, bias, points, outputs);
            }
        });
    }

    /// The products of the tiles' transforms with the matrices in blocks, each on one thread.
    std::vector<at::Tensor> multiplied(const at::Tensor &parts, const at::Tensor &result) const {
        RECORD_FUNCTION("danlu::winograd_products", std::vector<c10::IValue>({parts, result}));
        std::vector<at::Tensor> products(blocks.size());
        parallel(span * span, [&](int64_t k, int64_t) {
            auto matrix = isTurned ? turned_point(k / span) * span + turned_point(k % span) : k;
            products[static_cast<size_t>(k)] =
                blocks[static_cast<size_t>(matrix)].product(parts[k], std::nullopt, {}, isTurned);
        });
        return products;
    }

    /// With tiles of 2×2 a kernel read backwards has the same transform in another order.
    static int64_t turned_point(int64_t k) { return k == 0 ? 3 : k == 3 ? 0 : k; }

    void operator()(const Element *bias, const at::Tensor &result) const {
        for (int64_t begin = 0; begin < tiling.count; begin += width) {
            auto end = std::min(begin + width, tiling.count);
            auto parts = tiles(begin, end);
            std::vector<at::Tensor> products;
            for (size_t k = 0; k < matrices.size(); k++)
                products.push_back(packed_linear(parts[static_cast<int64_t>(k)], matrices[k], std::nullopt));
            if (!blocks.empty()) products = multiplied(parts, result);
            gather(products, bias, result, begin, end);
        }
    }
};

}  // namespace

WinogradWeight::WinogradWeight(const at::Tensor &plain, int64_t side, bool isTurned) : side(side) {
    auto kernels = (isTurned ? plain.flip({2, 3}).transpose(0, 1) : plain).to(at::kFloat).contiguous();
    auto parts = (side == 4 ? transformed<4>(kernels) : transformed<2>(kernels)).to(plain.scalar_type());
    outputs = parts.size(1);
    inputs = parts.size(2);
    bool isInBlocks = serves_both(side, plain.sizes(), plain);
    for (int64_t k = 0; k < parts.size(0); k++) {
        if (isInBlocks) blocks.emplace_back(parts[k]);
        else matrices.push_back(pack_linear(parts[k]));
    }
}

int64_t WinogradWeight::side_for(const at::Tensor &x, at::IntArrayRef kernel, int64_t stride, int64_t padding) {
    bool fits = kernel.size() == 4 && kernel[2] == 3 && kernel[3] == 3 && stride == 1 && padding == 1;
    auto points = x.size(2) * x.size(3);
    if (!fits || kernel[0] < 64 || kernel[1] < 64 || points < 64) return 0;
    // Multiplied by tiles, the plain convolution is as fast, and takes less memory.
    if (x.scalar_type() == at::kBFloat16 && has_tiles()) return 0;
    return x.scalar_type() == at::kFloat && points >= 1024 ? 4 : 2;
}

at::Tensor WinogradWeight::convolution(const at::Tensor &x, const std::optional<at::Tensor> &bias, bool isTurned) const {
    auto input = x.contiguous(at::MemoryFormat::ChannelsLast);
    auto columns = isTurned && !blocks.empty() ? inputs : outputs;
    auto result = at::empty({x.size(0), columns, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
    RECORD_FUNCTION("danlu::winograd", std::vector<c10::IValue>({input, result}));
    auto shift = bias ? bias->to(x.scalar_type()).contiguous() : at::Tensor();
    auto run = [&]<int side, typename Element>(Filter<side, Element> filter) {
        filter(bias ? shift.const_data_ptr<Element>() : nullptr, result);
    };
    if (x.scalar_type() == at::kBFloat16) run(Filter<2, at::BFloat16>{input, matrices, blocks, isTurned});
    else if (side == 4) run(Filter<4, float>{input, matrices, blocks, isTurned});
    else run(Filter<2, float>{input, matrices, blocks, isTurned});
    return result;
}
