#include "FrozenMatrix.h"

#include <ATen/record_function.h>

#include "FrozenWeight.h"
#include "Products.h"

bool FrozenMatrix::fits(at::IntArrayRef shape, const at::Tensor &x) {
#if defined(__x86_64__)
    static const bool hasAVX512 = at::get_cpu_capability().rfind("AVX512", 0) == 0;
    return hasAVX512 && has_kernels(x) && shape[0] % blockSide == 0 && shape[1] % blockSide == 0;
#else
    return false;
#endif
}

namespace {

constexpr int64_t blockSize = blockSide * blockSide;
/// So many rows that their sums stay in the cache.
constexpr int64_t tileRows = 128;
/// Up to so many rows each block is turned for all of them at once; the blocks of a matrix that more rows meet are turned
/// beforehand, which then costs nothing to speak of.
constexpr int64_t fewRows = 256;

BEGIN_AVX512

/// Sums `[rows, blockSide]` and, if there is one, the bias → rows that are `stride` apart.
template <typename Element>
void write(const float *sums, const Element *bias, Element *to, int64_t rows, int64_t stride) {
    floats shifts[blockSide / lanes] = {}, x;
    if (bias)
        for (int64_t c = 0; c < blockSide / lanes; c++) load(shifts[c], bias + c * lanes);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < blockSide / lanes; c++) {
            load(x, sums + r * blockSide + c * lanes);
            store(to + r * stride + c * lanes, x + shifts[c]);
        }
}

END_AVX512

/// `left · right + narrow + bias`, by blocks of columns and tiles of rows.
template <typename Element> struct FrozenProduct {
    const LeftRows<Element> &left;
    /// The panels, of `inner` rows each; or, if they are to be turned, those of as many rows as the result has columns, for
    /// each of a kernel's points.
    const Element *panels;
    bool isTurned;
    int64_t points;
    const FrozenMatrix::Narrow &narrow;
    const Element *bias;
    const at::Tensor &result;

    /// Turned panels.
    at::Tensor turned() const {
        auto down = left.inner / blockSide, across = result.size(1) / blockSide;
        auto panels = at::empty({across, left.inner, blockSide}, result.options());
        auto to = mutable_elements_of<Element>(panels);
        parallel(across * down, [=, this](int64_t task, int64_t) {
            turn_block(source(task / down, task % down * blockSide), to + task * blockSize);
        });
        return panels;
    }

    void run() const {
        auto rows = left.rows, inner = left.inner, columns = result.size(1);
        auto width = narrow.left.defined() ? narrow.left.size(1) : 0;
        auto tile = isTurned ? fewRows : tileRows, across = columns / blockSide;
        auto tasks = across * ((rows + tile - 1) / tile);
        auto each = std::min(rows, tile) * blockSide;
        Scratch<float> sums(tasks, each);
        Scratch<Element> turned(tasks, isTurned ? chunk * blockSide / perWord<Element> : 0);
        auto workers = parallel_workers(tasks);
        parallel(tasks, [&](int64_t task, int64_t worker) {
            auto block = task % across, first = task / across * tile, count = std::min(tile, rows - first);
            auto to = sums.of(worker);
            for (int64_t k = 0; k < inner; k += chunk) {
                auto length = std::min(chunk, inner - k);
                auto right = isTurned ? turn(block, k, length, turned.of(worker))
                                      : panels + (block * inner + k) * blockSide;
                // As it will be, as long as the workers keep step.
                auto next = k + chunk < inner ? ahead(block, k + chunk) : ahead(block + workers, 0);
                multiply_block(count, length, left.at(first, k), left.stride, right, to, k > 0, next);
            }
            if (width > 0)
                multiply(count, blockSide, width, elements_of<Element>(narrow.left) + first * width, width,
                         elements_of<Element>(narrow.right) + block * width * blockSide, blockSide, to, blockSide, true);
            write(to, bias ? bias + block * blockSide : nullptr,
                  mutable_elements_of<Element>(result) + first * columns + block * blockSide, count, columns);
            done_multiplying<Element>();
        });
    }

private:
    static constexpr int64_t chunk = chunkLength<Element>;

    /// The block that turned is rows k to k + blockSide of a block of columns. A kernel's points follow in reverse.
    const Element *source(int64_t block, int64_t k) const {
        auto outputs = left.inner / points, point = points - 1 - k / outputs, columns = result.size(1);
        return panels + k % outputs * points * columns + (point * (columns / blockSide) + block) * blockSize;
    }

    /// What the chunk that begins at row k takes from memory.
    Ahead ahead(int64_t block, int64_t k) const {
        auto half = chunk / 2;
        if (block * blockSide >= result.size(1)) return {};
        auto at = [&](int64_t row) {
            row = std::min(row, left.inner - blockSide);
            return reinterpret_cast<const char *>(
                isTurned ? source(block, row) : panels + (block * left.inner + row) * blockSide);
        };
        return {{at(k), at(k + half)}, half * blockSide * static_cast<int64_t>(sizeof(Element)) / 64};
    }

    const Element *turn(int64_t block, int64_t first, int64_t length, Element *to) const {
        for (int64_t k = 0; k < length; k += blockSide) turn_block(source(block, first + k), to + k * blockSide);
        return to;
    }
};

}  // namespace

FrozenMatrix::FrozenMatrix(const at::Tensor &plain, int64_t points)
    : outputs(plain.size(0)), inputs(plain.size(1) / points), points(points) {
    auto weight = plain.contiguous();
    auto length = points * inputs;
    panels = at::empty({outputs / blockSide, length, blockSide}, weight.options());
    // Rows of words become columns of words.
    auto words = length * weight.element_size() / static_cast<int64_t>(sizeof(float));
    auto from = static_cast<const float *>(weight.const_data_ptr());
    auto to = static_cast<float *>(panels.mutable_data_ptr());
    parallel(outputs / lanes, [=](int64_t task, int64_t) {
        auto first = task * lanes, panel = first / blockSide * blockSide;
        for (int64_t k = 0; k < words; k += lanes)
            turn_words(from + first * words + k, words, to + panel * words + k * blockSide + first - panel, blockSide);
    });
}

template <typename Left>
at::Tensor FrozenMatrix::multiplied(const Left &left, const at::Tensor &x, const std::optional<at::Tensor> &bias,
                                    const Narrow &narrow, bool isTurned) const {
    auto columns = isTurned ? inputs : outputs;
    TORCH_CHECK(x.size(1) == (isTurned ? outputs : inputs), "a frozen matrix was given ", x.size(1), " columns");
    TORCH_CHECK(x.scalar_type() == panels.scalar_type(), "a frozen matrix in ", panels.scalar_type(), " was given ",
                x.scalar_type());
    auto shift = bias ? bias->to(x.scalar_type()).contiguous() : at::Tensor();
    auto run = [&]<typename Element>(Element) {
        LeftRows<Element> rows = left(Element());
        auto result = at::empty({rows.rows, columns}, panels.options());
        auto offset = bias ? elements_of<Element>(shift) : nullptr;
        FrozenProduct<Element> product{rows, elements_of<Element>(panels), isTurned, points, narrow, offset, result};
        if (!isTurned || rows.rows <= fewRows) {
            product.run();
        } else {
            auto turned = product.turned();
            FrozenProduct<Element>{rows, elements_of<Element>(turned), false, points, narrow, offset, result}.run();
        }
        return result;
    };
    return x.scalar_type() == at::kFloat ? run(float()) : run(c10::BFloat16());
}

at::Tensor FrozenMatrix::product(const at::Tensor &x, const std::optional<at::Tensor> &bias, const Narrow &narrow,
                                 bool isTurned) const {
    auto input = x.contiguous();
    return multiplied([&]<typename Element>(Element) { return LeftRows<Element>::of(input); }, input, bias, narrow,
                      isTurned);
}

at::Tensor FrozenMatrix::convolution(const at::Tensor &x, const std::optional<at::Tensor> &bias, bool isTurned) const {
    auto input = x.contiguous(at::MemoryFormat::ChannelsLast);
    RECORD_FUNCTION("danlu::frozen_convolution", std::vector<c10::IValue>({input, panels}));
    auto rows = multiplied([&]<typename Element>(Element) { return LeftRows<Element>::of_neighbours(input); }, input, bias,
                           {}, isTurned);
    return rows.view({x.size(0), x.size(2), x.size(3), rows.size(1)}).permute({0, 3, 1, 2});
}
