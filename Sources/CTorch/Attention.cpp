// Attention in several heads without a head's copy of its own, forward and backward, by oneDNN's small products.
#include <ATen/native/CPUBlas.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "Boxes.h"
#include "FrozenWeight.h"
#include "Parallel.h"
#include "Turning.h"

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

/// One head of one sample: `tokens` rows that are `width` apart, `size` columns.
template <typename Element> struct Head {
    Element *rows;
    int64_t tokens, size, width;
};

/// Rows so far apart that those of one column do not fall on one another in the cache.
int64_t spaced(int64_t columns) { return rounded_up(columns, lanes) + lanes; }

constexpr float logarithmOfE = 1.44269504f;

BEGIN_AVX512

/// rows `[tokens, size]` as the right side `[size, tokens]` of a product: words `[size / perWord, spaced(tokens)]`.
template <typename Element> void pack_turned(const Head<const Element> &head, float *to) {
    auto columns = head.size / perWord<Element>, stride = spaced(head.tokens);
    for (int64_t first = 0; first < head.tokens; first += lanes) {
        auto last = std::min(first + lanes, head.tokens);
        for (int64_t c = 0; c < columns; c++)
            for (int64_t t = first; t < last; t++)
                std::memcpy(to + c * stride + t, head.rows + t * head.width + c * perWord<Element>, sizeof(float));
    }
}

/// rows `[tokens, size]` as the right side of a product, and how far its rows are apart: themselves, or pairs of rows
/// woven into one another, the last with zeros.
template <typename Element> struct Rows {
    const Element *at;
    int64_t stride;
};

Rows<float> woven(const Head<const float> &head, float *) { return {head.rows, head.width}; }

Rows<c10::BFloat16> woven(const Head<const c10::BFloat16> &head, float *room) {
    auto to = reinterpret_cast<c10::BFloat16 *>(room);
    for (int64_t t = 0; t < head.tokens; t += 2) {
        auto one = head.rows + t * head.width, other = one + head.width;
        bool isLast = t + 1 == head.tokens;
        for (int64_t c = 0; c < head.size; c++) {
            to[t * head.size + 2 * c] = one[c];
            to[t * head.size + 2 * c + 1] = isLast ? c10::BFloat16(0) : other[c];
        }
    }
    return {to, head.size};
}

template <typename Element>
void multiply(int64_t rows, int64_t columns, int64_t inner, const Element *left, int64_t leftStride,
              const Element *right, int64_t rightStride, float *to, int64_t stride, bool adds = false) {
    at::native::cpublas::brgemm(rows, columns, inner, leftStride, rightStride, stride, adds, left, right, to,
                                perWord<Element> == 2);
}

/// The softmax of one query, as far as it has come: of the keys so far the greatest score, as a power of two, and the sum
/// of the shares.
struct Softmax {
    float greatest = -INFINITY, total = 0;

    /// Takes in more scores: turns them into 2^(scale · score − greatest), as the left side of the next product; in place if
    /// that is fp32. Returns what the shares so far are to be multiplied with.
    template <typename Element> float take(float *scores, int64_t count, float scale, Element *to) {
        floats top = floats{} - INFINITY, sums{}, x;
        int64_t whole = count / lanes * lanes;
        for (int64_t i = 0; i < whole; i += lanes) {
            load(x, scores + i);
            top = x > top ? x : top;
        }
        auto most = ::greatest(top);
        for (int64_t i = whole; i < count; i++) most = std::max(most, scores[i]);
        // What lies behind the last score gets no share.
        for (int64_t i = count; i < rounded_up(count, lanes); i++) scores[i] = -INFINITY;
        most = std::max(most * scale, greatest);
        for (int64_t i = 0; i < count; i += lanes) {
            load(x, scores + i);
            x = x * scale - most;
            power_of_two(x);
            sums += x;
            store(to + i, x);
        }
        floats factor = floats{} + (greatest - most);
        power_of_two(factor);
        total = total * factor[0] + sum(sums);
        greatest = most;
        return factor[0];
    }
};

/// Rows of fp32, each times a factor, rounded to where they belong.
template <typename Element> void write(const float *from, const Head<Element> &to, const float *factors = nullptr) {
    for (int64_t r = 0; r < to.tokens; r++) {
        auto factor = factors ? factors[r] : 1;
        auto source = from + r * to.size;
        auto target = to.rows + r * to.width;
        int64_t c = 0;
        for (floats x; c + lanes <= to.size; c += lanes) {
            load(x, source + c);
            store(target + c, x * factor);
        }
        for (; c < to.size; c++) target[c] = source[c] * factor;
    }
}

template <typename Element> float dot(const Element *left, const Element *right, int64_t count) {
    floats total{}, x, y;
    int64_t c = 0;
    for (; c + lanes <= count; c += lanes) {
        load(x, left + c);
        load(y, right + c);
        total += x * y;
    }
    auto all = sum(total);
    for (; c < count; c++) all += float(left[c]) * float(right[c]);
    return all;
}

/// Rows `[tokens, size]` turned, `[size, stride]`, with zeros behind the last token.
template <typename Element> void turn(const Head<const Element> &head, Element *to, int64_t stride) {
    for (int64_t first = 0; first < stride; first += lanes)
        for (int64_t c = 0; c < head.size; c++)
            for (int64_t t = first; t < first + lanes; t++)
                to[c * stride + t] = t < head.tokens ? head.rows[t * head.width + c] : Element(0);
}

/// What one head's backward pass reads and writes. Of a tile of scores the rows are queries and the columns keys.
template <typename Element> struct Backward {
    Head<const Element> query, key, value, out, gradient;
    Head<Element> forQuery, forKey, forValue;
    const float *logarithms;
    float scale;

    /// Queries and keys at a time: enough for long products, few enough for what is between them to stay in the cache.
    static constexpr int64_t tileRows = 128, tileColumns = 256;

    static int64_t rows(int64_t queries) { return std::min(tileRows, rounded_up(queries, 2)); }
    static int64_t columns(int64_t keys) { return spaced(std::min(tileColumns, keys)); }

    /// Words of scratch memory.
    static int64_t room(int64_t queries, int64_t keys, int64_t size) {
        auto forQueries = queries * (size + 1) + 2 * size * spaced(queries);
        auto forKeys = size * (2 * spaced(keys) + rounded_up(keys, 2) + 2 * columns(keys) + lanes);
        return forQueries + forKeys + 5 * rows(queries) * columns(keys) + 16 * lanes;
    }

    void run(float *room) const {
        auto queries = query.tokens, keys = key.tokens, size = query.size;
        auto across = spaced(queries), along = spaced(keys), stride = columns(keys), tile = rows(queries) * stride;
        auto take = [&](int64_t words) { return std::exchange(room, room + rounded_up(words, lanes)); };
        auto elements = [&](int64_t words) { return reinterpret_cast<Element *>(take(words)); };
        auto dots = take(queries), forQueries = take(queries * size);
        for (int64_t t = 0; t < queries; t++)
            dots[t] = dot(out.rows + t * out.width, gradient.rows + t * gradient.width, size);
        auto turnedQuery = elements(size * across), turnedGradient = elements(size * across);
        turn(query, turnedQuery, across);
        turn(gradient, turnedGradient, across);
        auto turnedKey = take(size * along), turnedValue = take(size * along);
        pack_turned(key, turnedKey);
        pack_turned(value, turnedValue);
        auto keyRows = woven(key, take(rounded_up(keys, 2) * size));
        auto scores = take(tile), slopes = take(tile);
        // In fp32 in place, and themselves the right side of a product; in bf16 that is woven.
        constexpr bool isInPlace = perWord<Element> == 1;
        auto shares = isInPlace ? reinterpret_cast<Element *>(scores) : elements(tile);
        auto changes = isInPlace ? reinterpret_cast<Element *>(slopes) : elements(tile);
        auto wovenChanges = isInPlace ? changes : elements(tile);
        auto forKeys = take(size * stride), forValues = take(size * stride), turned = take(lanes * size);
        std::memset(scores, 0, tile * sizeof(float));
        std::memset(slopes, 0, tile * sizeof(float));
        for (int64_t first = 0; first < keys; first += tileColumns) {
            auto count = std::min(tileColumns, keys - first);
            for (int64_t begin = 0; begin < queries; begin += tileRows) {
                auto rows = std::min(tileRows, queries - begin), inner = rounded_up(rows, perWord<Element>);
                multiply(rows, count, size, query.rows + begin * query.width, query.width,
                         reinterpret_cast<Element *>(turnedKey + first), along, scores, stride);
                multiply(rows, count, size, gradient.rows + begin * gradient.width, gradient.width,
                         reinterpret_cast<Element *>(turnedValue + first), along, slopes, stride);
                for (int64_t r = 0; r < rows; r += perWord<Element>)
                    derive(r, rows, count, stride, logarithms + begin, dots + begin, scores, slopes, shares, changes,
                           wovenChanges);
                multiply(size, count, inner, turnedGradient + begin, across, shares, stride, forValues, stride,
                         begin > 0);
                multiply(size, count, inner, turnedQuery + begin, across, wovenChanges, stride, forKeys, stride,
                         begin > 0);
                multiply(rows, size, rounded_up(count, perWord<Element>), changes, perWord<Element> * stride,
                         keyRows.at + first * keyRows.stride, keyRows.stride, forQueries + begin * size, size, first > 0);
            }
            write_turned(forKeys, stride, scale, part(forKey, first, count), turned);
            write_turned(forValues, stride, 1, part(forValue, first, count), turned);
        }
        for (int64_t i = 0; i < queries * size; i++) forQueries[i] *= scale;
        write(forQueries, forQuery);
        at::native::cpublas::brgemm_release(perWord<Element> == 2);
    }

    static Head<Element> part(const Head<Element> &head, int64_t first, int64_t count) {
        return {head.rows + first * head.width, count, head.size, head.width};
    }

    /// Columns `[size, stride]`, times a factor, to rows.
    static void write_turned(const float *from, int64_t stride, float factor, const Head<Element> &to, float *turned) {
        for (int64_t begin = 0; begin < to.tokens; begin += lanes) {
            auto count = std::min(lanes, to.tokens - begin);
            for (int64_t c = 0; c < to.size; c++)
                for (int64_t t = 0; t < count; t++) turned[t * to.size + c] = from[c * stride + begin + t] * factor;
            write(turned, part(to, begin, count));
        }
    }

    /// The shares p and the scores' gradients p·(dp − dot), without the scale, of one row, or of two that are woven.
    void derive(int64_t row, int64_t rows, int64_t count, int64_t stride, const float *shifts, const float *dots,
                const float *scores, const float *slopes, Element *shares, Element *changes,
                Element *wovenChanges) const {
        auto factor = scale * logarithmOfE;
        bool isAlone = row + 1 >= rows;
        for (int64_t t = 0; t < count; t += lanes) {
            floats share[2] = {{}, {}}, change[2] = {{}, {}}, slope;
            for (int64_t i = 0; i < perWord<Element> && (i == 0 || !isAlone); i++) {
                auto at = (row + i) * stride + t;
                load(share[i], scores + at);
                load(slope, slopes + at);
                share[i] = share[i] * factor - shifts[row + i];
                power_of_two(share[i]);
                change[i] = share[i] * (slope - dots[row + i]);
                store(changes + (row + i) * perWord<Element> * stride + t, change[i]);
            }
            if constexpr (perWord<Element> == 1) store(shares + row * stride + t, share[0]);
            else {
                store_woven(shares + row * stride + 2 * t, share[0], share[1]);
                store_woven(wovenChanges + row * stride + 2 * t, change[0], change[1]);
            }
        }
        // What the last product reads behind the last key.
        if (perWord<Element> == 2 && count % 2 != 0)
            for (int64_t i = 0; i < 2 && row + i < rows; i++)
                changes[(row + i) * perWord<Element> * stride + count] = 0;
    }
};

/// What one head's forward pass shares between its blocks of queries.
template <typename Element> struct Forward {
    Head<const Element> key, value;
    float *turnedKey;
    Rows<Element> valueRows;
    float scale;

    /// Queries and keys at a time.
    static constexpr int64_t block = 64, tileColumns = 512;

    /// Words of scratch memory, for a head and for a block.
    static int64_t room(int64_t keys, int64_t size) { return spaced(keys) * size + rounded_up(keys, 2) * size + 4 * lanes; }
    static int64_t block_room(int64_t keys, int64_t size) {
        return block * (2 * spaced(std::min(tileColumns, keys)) + size) + 4 * lanes;
    }

    Forward(Head<const Element> key, Head<const Element> value, float scale, float *room)
        : key(key), value(value), turnedKey(room), scale(scale) {
        pack_turned(key, turnedKey);
        valueRows = woven(value, room + rounded_up(spaced(key.tokens) * key.size, lanes));
    }

    void run(const Head<const Element> &query, const Head<Element> &out, float *logarithms, float *room) const {
        auto count = query.tokens, keys = key.tokens, size = key.size;
        auto along = spaced(keys), stride = spaced(std::min(tileColumns, keys));
        auto scores = room, sums = scores + 2 * count * stride;
        auto shares = reinterpret_cast<Element *>(perWord<Element> == 1 ? scores : scores + count * stride);
        Softmax rows[block];
        float factors[block];
        for (int64_t first = 0; first < keys; first += tileColumns) {
            auto columns = std::min(tileColumns, keys - first);
            multiply(count, columns, size, query.rows, query.width, reinterpret_cast<Element *>(turnedKey + first), along,
                     scores, stride);
            for (int64_t r = 0; r < count; r++) {
                auto factor = rows[r].take(scores + r * stride, columns, scale * logarithmOfE, shares + r * stride);
                if (first > 0 && factor != 1)
                    for (int64_t c = 0; c < size; c++) sums[r * size + c] *= factor;
            }
            multiply(count, size, rounded_up(columns, perWord<Element>), shares, stride,
                     valueRows.at + first * valueRows.stride, valueRows.stride, sums, size, first > 0);
        }
        for (int64_t r = 0; r < count; r++) {
            logarithms[r] = rows[r].greatest + std::log2(rows[r].total);
            factors[r] = 1 / rows[r].total;
        }
        write(sums, out, factors);
        at::native::cpublas::brgemm_release(perWord<Element> == 2);
    }
};

END_AVX512

template <typename Element> Head<Element> head_of(const at::Tensor &x, int64_t index, int64_t heads, int64_t first = 0) {
    auto tokens = x.size(1), width = x.size(2), size = width / heads;
    auto rows = static_cast<std::remove_const_t<Element> *>(x.data_ptr()) + (index / heads) * tokens * width;
    return {rows + first * width + index % heads * size, tokens - first, size, width};
}

float scale_of(const at::Tensor &query, int64_t heads) {
    return 1 / std::sqrt(static_cast<float>(query.size(2) / heads));
}

at::Tensor scratch(int64_t words) { return at::empty({words}, at::kFloat); }
float *numbers(const at::Tensor &x) { return static_cast<float *>(x.data_ptr()); }

template <typename Element>
void run_forward(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, int64_t heads,
                 const at::Tensor &out, const at::Tensor &logarithms) {
    using Pass = Forward<Element>;
    auto all = query.size(0) * heads, queries = query.size(1), keys = key.size(1), size = query.size(2) / heads;
    constexpr auto block = Pass::block;
    auto blocks = (queries + block - 1) / block;
    auto shared = scratch(all * Pass::room(keys, size));
    std::vector<std::optional<Pass>> passes(all);
    parallel(all, [&](int64_t i, int64_t) {
        passes[i].emplace(head_of<const Element>(key, i, heads), head_of<const Element>(value, i, heads),
                          scale_of(query, heads), numbers(shared) + i * Pass::room(keys, size));
    });
    auto own = scratch(parallel_workers(all * blocks) * Pass::block_room(keys, size));
    parallel(all * blocks, [&](int64_t task, int64_t worker) {
        auto i = task / blocks, first = task % blocks * block;
        auto from = head_of<const Element>(query, i, heads, first);
        auto to = head_of<Element>(out, i, heads, first);
        from.tokens = to.tokens = std::min(block, from.tokens);
        passes[i]->run(from, to, numbers(logarithms) + i * queries + first,
                       numbers(own) + worker * Pass::block_room(keys, size));
    });
}

template <typename Element>
void run_backward(const variable_list &saved, const at::Tensor &gradient, int64_t heads, const variable_list &results) {
    using Pass = Backward<Element>;
    auto &query = saved[0], &key = saved[1], &value = saved[2], &out = saved[3], &logarithms = saved[4];
    auto all = query.size(0) * heads, queries = query.size(1);
    auto words = Pass::room(queries, key.size(1), query.size(2) / heads);
    auto own = scratch(parallel_workers(all) * words);
    parallel(all, [&](int64_t i, int64_t worker) {
        auto read = [&](const at::Tensor &x) { return head_of<const Element>(x, i, heads); };
        auto write = [&](const at::Tensor &x) { return head_of<Element>(x, i, heads); };
        Pass{read(query), read(key), read(value), read(out), read(gradient), write(results[0]), write(results[1]),
             write(results[2]), numbers(logarithms) + i * queries, scale_of(query, heads)}
            .run(numbers(own) + worker * words);
    });
}

struct Attention : torch::autograd::Function<Attention> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &q, const at::Tensor &k, const at::Tensor &v,
                              int64_t heads) {
        RECORD_FUNCTION("danlu::attention", std::vector<c10::IValue>({q, k}));
        auto query = q.contiguous(), key = k.contiguous(), value = v.contiguous();
        auto out = at::empty_like(query);
        auto logarithms = at::empty({query.size(0), heads, query.size(1)}, at::kFloat);
        auto run = query.scalar_type() == at::kFloat ? run_forward<float> : run_forward<c10::BFloat16>;
        run(query, key, value, heads, out, logarithms);
        context->save_for_backward({query, key, value, out, logarithms});
        context->saved_data["heads"] = heads;
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        RECORD_FUNCTION("danlu::attention_backward", std::vector<c10::IValue>({saved[0], saved[1]}));
        variable_list results;
        for (int i = 0; i < 3; i++) results.push_back(at::empty_like(saved[i]));
        auto run = saved[0].scalar_type() == at::kFloat ? run_backward<float> : run_backward<c10::BFloat16>;
        run(saved, gradients[0].contiguous(), context->saved_data["heads"].toInt(), results);
        results.emplace_back();
        return results;
    }
};

/// Whether the pass above is made for these; known from what they are alone.
bool has_attention(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, int64_t heads) {
#if defined(__x86_64__)
    static const bool hasAVX512 = at::get_cpu_capability().rfind("AVX512", 0) == 0;
    auto type = query.scalar_type();
    return hasAVX512 && has_kernels(query) && key.scalar_type() == type && value.scalar_type() == type &&
           key.device().is_cpu() && value.device().is_cpu() && key.numel() > 0 &&
           (type == at::kFloat || query.size(2) / heads % 2 == 0);
#else
    return false;
#endif
}

at::Tensor attention(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, int64_t heads) {
    TORCH_CHECK(query.dim() == 3 && key.dim() == 3 && value.sizes() == key.sizes() && key.size(0) == query.size(0) &&
                    key.size(2) == query.size(2) && heads > 0 && query.size(2) % heads == 0,
                "attention takes [batch, tokens, heads·width], with keys and values alike");
    if (has_attention(query, key, value, heads)) return Attention::apply(query, key, value, heads);
    auto split = [=](const at::Tensor &x) {
        return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
    };
    auto out = at::scaled_dot_product_attention(split(query), split(key), split(value));
    return out.transpose(1, 2).reshape(query.sizes());
}

}  // namespace

ct_tensor *ct_attention(const ct_tensor *query, const ct_tensor *key, const ct_tensor *value, int64_t heads,
                        char **error) {
    try {
        return box(attention(tensor_of(query), tensor_of(key), tensor_of(value), heads));
    } catch (...) { set_error(error); }
    return nullptr;
}
