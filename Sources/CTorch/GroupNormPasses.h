// The passes of GroupNorm over pictures whose channels come last: to measure and to write, each way, in blocks of points.
#pragma once
#include <algorithm>
#include <vector>

#include "Passes.h"

namespace {

/// Points whose sums are taken together, by one thread: fixed, so that no sum depends on the number of threads.
constexpr int64_t blockPoints = 32;

struct Extents {
    int64_t pictures, channels, points, groups;
    int64_t blocks() const { return (points + blockPoints - 1) / blockPoints; }
    int64_t share() const { return channels / groups; }
};

/// Sums over a block's points, channel by channel, of x and x².
template <typename Element>
DANLU_INLINE void measure(const Element *__restrict x, float *__restrict sums, float *__restrict squares,
                          int64_t points, int64_t channels) {
    for (int64_t c = 0; c < channels; c++) sums[c] = squares[c] = 0;
    for (int64_t p = 0; p < points; p++, x += channels)
        for (int64_t c = 0; c < channels; c++) {
            float value = passes::load(x[c]);
            sums[c] += value;
            squares[c] += value * value;
        }
}

template <bool isActivated, typename Element>
DANLU_INLINE void write(const Element *__restrict x, const float *__restrict factor, const float *__restrict offset,
                        Element *__restrict y, int64_t points, int64_t channels) {
    for (int64_t p = 0; p < points; p++, x += channels, y += channels)
        for (int64_t c = 0; c < channels; c++) {
            float z = passes::load(x[c]) * factor[c] + offset[c];
            passes::store(y[c], isActivated ? z * passes::sigmoid(z) : z);
        }
}

/// The gradient of z from that of y.
template <bool isActivated> DANLU_INLINE float before_activation(float gradient, float z) {
    if (!isActivated) return gradient;
    float s = passes::sigmoid(z);
    return gradient * (s + z * s * (1.f - s));
}

/// Sums over a block's points, channel by channel, of z's gradient and of its product with x.
template <bool isActivated, typename Element>
DANLU_INLINE void measure_back(const Element *__restrict x, const Element *__restrict gradient,
                               const float *__restrict factor, const float *__restrict offset, float *__restrict sums,
                               float *__restrict products, int64_t points, int64_t channels) {
    for (int64_t c = 0; c < channels; c++) sums[c] = products[c] = 0;
    for (int64_t p = 0; p < points; p++, x += channels, gradient += channels)
        for (int64_t c = 0; c < channels; c++) {
            float value = passes::load(x[c]);
            float each = before_activation<isActivated>(passes::load(gradient[c]), value * factor[c] + offset[c]);
            sums[c] += each;
            products[c] += each * value;
        }
}

/// x's gradient, `factor`·dz + `slope`·x + `level`, plus what else came back to x.
template <bool isActivated, bool isCarried, typename Element>
DANLU_INLINE void write_back(const Element *__restrict x, const Element *__restrict gradient,
                             const Element *__restrict carried, const float *__restrict factor,
                             const float *__restrict offset, const float *__restrict slope,
                             const float *__restrict level, Element *__restrict result, int64_t points,
                             int64_t channels) {
    for (int64_t p = 0; p < points; p++) {
        for (int64_t c = 0; c < channels; c++) {
            auto i = p * channels + c;
            float value = passes::load(x[i]);
            float each = before_activation<isActivated>(passes::load(gradient[i]), value * factor[c] + offset[c]);
            float sum = factor[c] * each + (slope[c] * value + level[c]);
            if (isCarried) sum += passes::load(carried[i]);
            passes::store(result[i], sum);
        }
    }
}

/// Calls `body(picture, block, first element, points)` for each block of points.
template <typename Body> void for_blocks(const Extents &size, const Body &body) {
    auto blocks = size.blocks();
    passes::for_tasks(size.pictures * blocks, blockPoints * size.channels, [&](int64_t block) {
        auto picture = block / blocks, first = block % blocks * blockPoints;
        auto points = std::min(blockPoints, size.points - first);
        body(picture, block, (picture * size.points + first) * size.channels, points);
    });
}

/// Two sums for each channel of each picture, added up from its blocks' in their order.
struct ChannelSums {
    explicit ChannelSums(const Extents &size)
        : size(size), parts(size.pictures * size.blocks() * 2 * size.channels) {}

    float *first(int64_t block) { return parts.data() + block * 2 * size.channels; }
    float *second(int64_t block) { return first(block) + size.channels; }

    void total(int64_t picture, int64_t channel, double &one, double &other) const {
        one = other = 0;
        for (int64_t block = picture * size.blocks(); block < (picture + 1) * size.blocks(); block++) {
            one += parts[block * 2 * size.channels + channel];
            other += parts[(block * 2 + 1) * size.channels + channel];
        }
    }

private:
    Extents size;
    std::vector<float> parts;
};

}  // namespace
