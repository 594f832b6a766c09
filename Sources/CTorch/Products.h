// Small products that stay in the cache, by oneDNN, and what they read.
#pragma once
#include <ATen/ATen.h>
#include <ATen/native/CPUBlas.h>

#include "Parallel.h"
#include "Turning.h"

/// How far a sum goes before it is added to what is there. Fixed, since bits hang on it; short, so that what is multiplied
/// stays in the nearest cache.
template <typename Element> constexpr int64_t chunkLength = 128 * perWord<Element>;

template <typename Element> const Element *elements_of(const at::Tensor &x) {
    return static_cast<const Element *>(x.const_data_ptr());
}
template <typename Element> Element *mutable_elements_of(const at::Tensor &x) {
    return static_cast<Element *>(x.mutable_data_ptr());
}

/// Memory for each worker of ``parallel`` by itself.
template <typename Element> struct Scratch {
    Scratch(int64_t tasks, int64_t words)
        : words(rounded_up(words, lanes)), memory(at::empty({parallel_workers(tasks) * this->words}, at::kFloat)) {}
    Element *of(int64_t worker) const {
        return reinterpret_cast<Element *>(mutable_elements_of<float>(memory) + worker * words);
    }

private:
    int64_t words;
    at::Tensor memory;
};

/// Where the right side of the next product lies, in two halves: it is fetched while this one is computed, as long as
/// memory takes about as much time as the processor.
struct Ahead {
    const char *halves[2] = {};
    /// Lines of each.
    int64_t lines = 0;
};

/// `to = left · right`, or `to += …`; right's rows woven into one another where numbers are narrower than words.
inline void multiply(int64_t rows, int64_t columns, int64_t inner, const c10::BFloat16 *left, int64_t leftStride,
                     const c10::BFloat16 *right, int64_t rightStride, float *to, int64_t stride, bool adds) {
    at::native::cpublas::brgemm(rows, columns, inner, leftStride, rightStride, stride, adds, left, right, to, true);
}
inline void multiply(int64_t rows, int64_t columns, int64_t inner, const float *left, int64_t leftStride,
                     const float *right, int64_t rightStride, float *to, int64_t stride, bool adds) {
    at::native::cpublas::brgemm(rows, columns, inner, leftStride, rightStride, stride, adds, left, right, to, false);
}

BEGIN_AVX512

/// A few rows by a block's columns.
template <int count>
void multiply_rows(int64_t inner, const float *left, int64_t leftStride, const float *right, float *to, bool adds,
                   const char *const (&ahead)[2], int64_t pace) {
    constexpr int parts = blockSide / lanes;
    floats sums[count][parts] = {};
    if (adds)
        for (int r = 0; r < count; r++)
            for (int c = 0; c < parts; c++) load(sums[r][c], to + r * blockSide + c * lanes);
    for (int64_t k = 0; k < inner; k++, right += blockSide) {
        floats row[parts];
        for (int c = 0; c < parts; c++) load(row[c], right + c * lanes);
        auto line = (k * pace >> 16) * 64;
        __builtin_prefetch(ahead[0] + line, 0, 2);
        __builtin_prefetch(ahead[1] + line, 0, 2);
#pragma clang loop unroll(full)
        for (int r = 0; r < count; r++) {
            auto x = left[r * leftStride + k];
#pragma clang loop unroll(full)
            for (int c = 0; c < parts; c++) sums[r][c] += row[c] * x;
        }
    }
    for (int r = 0; r < count; r++)
        for (int c = 0; c < parts; c++) store(to + r * blockSide + c * lanes, sums[r][c]);
}

/// The same for a block's columns, with what comes next fetched meanwhile.
inline void multiply_block(int64_t rows, int64_t inner, const float *left, int64_t leftStride, const float *right,
                           float *to, bool adds, const Ahead &next) {
    constexpr int64_t most = 6;
    auto groups = (rows + most - 1) / most, share = (next.lines + groups - 1) / groups;
    auto pace = (share << 16) / inner;
    for (int64_t group = 0, first = 0; group < groups; group++) {
        auto count = (rows - first + groups - group - 1) / (groups - group);
        auto from = left + first * leftStride;
        auto into = to + first * blockSide;
        auto offset = std::min(group * share, std::max<int64_t>(next.lines - share, 0)) * 64;
        const char *ahead[2] = {next.halves[0] + offset, next.halves[1] + offset};
        switch (count) {
        case 1: multiply_rows<1>(inner, from, leftStride, right, into, adds, ahead, pace); break;
        case 2: multiply_rows<2>(inner, from, leftStride, right, into, adds, ahead, pace); break;
        case 3: multiply_rows<3>(inner, from, leftStride, right, into, adds, ahead, pace); break;
        case 4: multiply_rows<4>(inner, from, leftStride, right, into, adds, ahead, pace); break;
        case 5: multiply_rows<5>(inner, from, leftStride, right, into, adds, ahead, pace); break;
        default: multiply_rows<6>(inner, from, leftStride, right, into, adds, ahead, pace);
        }
        first += count;
    }
}

inline void multiply_block(int64_t rows, int64_t inner, const c10::BFloat16 *left, int64_t leftStride,
                           const c10::BFloat16 *right, float *to, bool adds, const Ahead &) {
    multiply(rows, blockSide, inner, left, leftStride, right, blockSide, to, blockSide, adds);
}

END_AVX512

/// What a thread has to say after its last product.
template <typename Element> void done_multiplying() {
    at::native::cpublas::brgemm_release(perWord<Element> == 2);
}

/// The left side of products: rows as they lie, or, where they lie so far apart that they fall on one another in the cache,
/// copied chunk by chunk.
template <typename Element> struct LeftRows {
    /// x `[rows, inner]`.
    static LeftRows of(const at::Tensor &x) {
        LeftRows left{x.size(0), x.size(1), x.size(1), elements_of<Element>(x), {}};
        if (left.inner * static_cast<int64_t>(sizeof(Element)) < 4096) return left;
        auto from = left.from;
        left.copy(x, [=, inner = left.inner](int64_t row, int64_t k, int64_t count, Element *to) {
            std::memcpy(to, from + row * inner + k, count * sizeof(Element));
        });
        return left;
    }

    /// Each point of a picture whose channels lie last, with its eight neighbours: `[points, 9 · channels]`.
    static LeftRows of_neighbours(const at::Tensor &x) {
        auto channels = x.size(1), height = x.size(2), width = x.size(3);
        LeftRows left{x.size(0) * height * width, 9 * channels, 0, nullptr, {}};
        auto from = elements_of<Element>(x);
        left.copy(x, [=](int64_t row, int64_t k, int64_t count, Element *to) {
            auto across = row % width, down = row / width % height;
            while (count > 0) {
                auto neighbour = k / channels, first = k % channels, length = std::min(count, channels - first);
                auto aside = across + neighbour % 3 - 1, below = down + neighbour / 3 - 1;
                auto point = row + (below - down) * width + aside - across;
                bool isInside = aside >= 0 && aside < width && below >= 0 && below < height;
                if (isInside) std::memcpy(to, from + point * channels + first, length * sizeof(Element));
                else std::memset(to, 0, length * sizeof(Element));
                k += length, to += length, count -= length;
            }
        });
        return left;
    }

    /// Where a row's chunk begins that begins at column k.
    const Element *at(int64_t row, int64_t k) const {
        return memory.defined() ? from + (k / chunk * rows + row) * chunk : from + row * inner + k;
    }

    int64_t rows, inner, stride;
    const Element *from;
    at::Tensor memory;

private:
    static constexpr int64_t chunk = chunkLength<Element>;

    /// `part(row, k, count, to)` writes so many numbers of a row from column k on.
    template <typename Part> void copy(const at::Tensor &like, const Part &part) {
        auto chunks = (inner + chunk - 1) / chunk;
        memory = at::empty({chunks, rows, chunk}, like.options().memory_format(std::nullopt));
        auto to = mutable_elements_of<Element>(memory);
        parallel(chunks, [&, this](int64_t index, int64_t) {
            auto first = index * chunk, count = std::min(chunk, inner - first);
            for (int64_t row = 0; row < rows; row++) part(row, first, count, to + (index * rows + row) * chunk);
        });
        from = to;
        stride = chunk;
    }
};
