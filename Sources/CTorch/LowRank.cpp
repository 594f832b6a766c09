#include "LowRank.h"

#include <ATen/record_function.h>

#include "Products.h"

namespace {

/// Of a rank: so wide that no product has a rest.
template <typename Element> int64_t width_of(int64_t rank) { return rounded_up(rank, lanes * perWord<Element>); }

/// An fp32 matrix that is read in either direction.
struct Source {
    const float *at;
    int64_t down, across;
};

BEGIN_AVX512

/// As the right side of a product: 16 columns of as many rows of which `rows` and `columns` are there; the rest are zeros.
template <typename Element>
void pack_tile(const Source &from, int64_t rows, int64_t columns, Element *to, int64_t stride) {
    floats tile[lanes] = {};
    bool isTurned = from.across != 1;
    auto lines = isTurned ? columns : rows, length = isTurned ? rows : columns;
    for (int64_t k = 0; k < lines; k++) {
        auto line = from.at + k * (isTurned ? from.across : from.down);
        if (length == lanes) load(tile[k], line);
        else std::memcpy(&tile[k], line, length * sizeof(float));
    }
    if (isTurned) turn_registers(tile);
    for (int64_t k = 0; k < lanes; k += perWord<Element>) {
        if constexpr (perWord<Element> == 2) store_woven(to + k * stride, tile[k], tile[k + 1]);
        else store(to + k * stride, tile[k]);
    }
}

/// Sums times a factor, rounded.
template <typename Element> void write_scaled(const float *sums, float factor, Element *to, int64_t count) {
    for (int64_t c = 0; c < count; c += lanes) {
        floats x;
        load(x, sums + c);
        store(to + c, x * factor);
    }
}

/// A block of rows as the right side of a product whose inner extent they are.
inline void weave(const float *from, int64_t apart, int64_t rows, float *to) {
    for (int64_t r = 0; r < rows; r++) std::memcpy(to + r * blockSide, from + r * apart, blockSide * sizeof(float));
}

inline void weave(const c10::BFloat16 *from, int64_t apart, int64_t rows, c10::BFloat16 *to) {
    for (int64_t r = 0; r < rows; r += 2)
        for (int64_t c = 0; c < blockSide; c += lanes) {
            halves one, other = {};
            std::memcpy(&one, from + r * apart + c, sizeof one);
            if (r + 1 < rows) std::memcpy(&other, from + (r + 1) * apart + c, sizeof other);
            words both = __builtin_convertvector(one, words) | __builtin_convertvector(other, words) << 16;
            std::memcpy(to + r * blockSide + 2 * c, &both, sizeof both);
        }
}

END_AVX512

/// `[rows, columns]` as the right side of products: panels of `panel` columns, padded with zeros.
template <typename Element> at::Tensor packed(const Source &from, int64_t rows, int64_t columns, int64_t panel) {
    auto height = rounded_up(rows, lanes * perWord<Element>), panels = (columns + panel - 1) / panel;
    auto result = at::empty({panels, height, panel}, at::CppTypeToScalarType<Element>::value);
    auto to = mutable_elements_of<Element>(result);
    auto steps = height / lanes;
    auto pack = [=](int64_t p, int64_t step) {
        auto r = step * lanes;
        for (int64_t c = 0; c < panel; c += lanes) {
            auto column = p * panel + c;
            Source tile{from.at + r * from.down + column * from.across, from.down, from.across};
            auto down = std::clamp<int64_t>(rows - r, 0, lanes), across = std::clamp<int64_t>(columns - column, 0, lanes);
            pack_tile(tile, across > 0 ? down : 0, down > 0 ? across : 0,
                      to + (p * height + r) * panel + c * perWord<Element>, panel);
        }
    };
    constexpr int64_t grain = 8;
    auto all = panels * steps;
    parallel((all + grain - 1) / grain, [&](int64_t task, int64_t) {
        for (int64_t k = task * grain; k < std::min((task + 1) * grain, all); k++) pack(k / steps, k % steps);
    });
    return result;
}

/// `factor · x · right`, right one panel; x `[rows, inner]`.
template <typename Element> at::Tensor narrowed(const at::Tensor &x, const at::Tensor &right, float factor) {
    constexpr int64_t tileRows = 32;
    auto rows = x.size(0), inner = x.size(1), width = right.size(2), tasks = (rows + tileRows - 1) / tileRows;
    auto result = at::empty({rows, width}, x.options());
    auto to = mutable_elements_of<Element>(result);
    Scratch<float> scratch(tasks, tileRows * width);
    parallel(tasks, [&](int64_t task, int64_t worker) {
        auto first = task * tileRows, count = std::min(tileRows, rows - first);
        auto sums = scratch.of(worker);
        for (int64_t k = 0; k < inner; k += chunkLength<Element>)
            multiply(count, width, std::min(chunkLength<Element>, inner - k),
                     elements_of<Element>(x) + first * inner + k, inner, elements_of<Element>(right) + k * width, width,
                     sums, width, k > 0);
        write_scaled(sums, factor, to + first * width, count * width);
        done_multiplying<Element>();
    });
    return result;
}

/// `leftᵀ · right` in fp32, of left `[rows, width]` the first `rank` columns; right `[rows, columns]`.
template <typename Element>
at::Tensor gradient(const at::Tensor &left, const at::Tensor &right, int64_t rank, bool isTurned) {
    auto rows = right.size(0), columns = right.size(1), width = left.size(1), tasks = columns / blockSide;
    auto even = rounded_up(rows, perWord<Element>);
    auto result = at::empty(isTurned ? at::IntArrayRef({columns, rank}) : at::IntArrayRef({rank, columns}), at::kFloat);
    auto to = mutable_elements_of<float>(result);
    auto turned = at::empty({rank, even}, right.options());
    auto across = mutable_elements_of<Element>(turned);
    auto from = elements_of<Element>(left);
    constexpr auto chunk = chunkLength<Element>;
    parallel((even + chunk - 1) / chunk, [=](int64_t part, int64_t) {
        for (int64_t r = part * chunk; r < std::min((part + 1) * chunk, even); r++)
            for (int64_t k = 0; k < rank; k++) across[k * even + r] = r < rows ? from[r * width + k] : Element(0);
    });
    Scratch<float> scratch(tasks, rank * blockSide);
    Scratch<Element> room(tasks, chunk * blockSide / perWord<Element>);
    parallel(tasks, [&](int64_t task, int64_t worker) {
        auto sums = scratch.of(worker);
        auto woven = room.of(worker);
        for (int64_t r = 0; r < rows; r += chunk) {
            auto count = std::min(chunk, rows - r);
            weave(elements_of<Element>(right) + r * columns + task * blockSide, columns, count, woven);
            multiply(rank, blockSide, rounded_up(count, perWord<Element>), across + r, even, woven, blockSide, sums,
                     blockSide, r > 0);
        }
        for (int64_t k = 0; k < rank; k++)
            for (int64_t c = 0; c < blockSide; c++) {
                auto column = task * blockSide + c;
                to[isTurned ? column * rank + k : k * columns + column] = sums[k * blockSide + c];
            }
        done_multiplying<Element>();
    });
    return result;
}

}  // namespace

LowRank::LowRank(const at::Tensor &down, const at::Tensor &up, double scale)
    : down(down.to(at::kFloat).contiguous()), up(up.to(at::kFloat).contiguous()), scale(scale) {
    TORCH_CHECK(down.dim() == 2 && up.dim() == 2 && down.size(0) == up.size(1),
                "a low-rank pair does not fit together");
}

FrozenMatrix::Narrow LowRank::beside(const at::Tensor &x) const {
    RECORD_FUNCTION("danlu::low_rank", std::vector<c10::IValue>({x, down, up}));
    auto rank = down.size(0), inputs = down.size(1), outputs = up.size(0);
    TORCH_CHECK(x.size(1) == inputs, "a low-rank layer of ", inputs, " inputs was given ", x.size(1));
    auto run = [&]<typename Element>(Element) -> FrozenMatrix::Narrow {
        auto turnedDown =
            packed<Element>({down.const_data_ptr<float>(), 1, inputs}, inputs, rank, width_of<Element>(rank));
        auto turnedUp = packed<Element>({up.const_data_ptr<float>(), 1, rank}, rank, outputs, blockSide);
        return {narrowed<Element>(x.contiguous(), turnedDown, static_cast<float>(scale)), turnedUp};
    };
    return x.scalar_type() == at::kFloat ? run(float()) : run(c10::BFloat16());
}

FrozenMatrix::Narrow LowRank::beside_back(const at::Tensor &gradient) const {
    RECORD_FUNCTION("danlu::low_rank_back", std::vector<c10::IValue>({gradient, down, up}));
    auto rank = down.size(0), inputs = down.size(1), outputs = up.size(0);
    auto run = [&]<typename Element>(Element) -> FrozenMatrix::Narrow {
        auto right = packed<Element>({up.const_data_ptr<float>(), rank, 1}, outputs, rank, width_of<Element>(rank));
        auto beside = packed<Element>({down.const_data_ptr<float>(), inputs, 1}, rank, inputs, blockSide);
        return {narrowed<Element>(gradient.contiguous(), right, static_cast<float>(scale)), beside};
    };
    return gradient.scalar_type() == at::kFloat ? run(float()) : run(c10::BFloat16());
}

at::Tensor LowRank::gradient_of_down(const at::Tensor &left, const at::Tensor &x) const {
    RECORD_FUNCTION("danlu::low_rank_gradient", std::vector<c10::IValue>({x, down}));
    auto rank = down.size(0);
    return x.scalar_type() == at::kFloat ? gradient<float>(left, x.contiguous(), rank, false)
                                         : gradient<c10::BFloat16>(left, x.contiguous(), rank, false);
}

at::Tensor LowRank::gradient_of_up(const at::Tensor &left, const at::Tensor &from) const {
    RECORD_FUNCTION("danlu::low_rank_gradient", std::vector<c10::IValue>({from, up}));
    auto rank = down.size(0);
    return from.scalar_type() == at::kFloat ? gradient<float>(left, from.contiguous(), rank, true)
                                            : gradient<c10::BFloat16>(left, from.contiguous(), rank, true);
}
