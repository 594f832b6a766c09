// GEGLU (Shazeer 2020): one half of the features times the other's GELU, in one pass each way.
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include "Boxes.h"
#include "Passes.h"

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

template <typename Element>
DANLU_INLINE void gate_rows(const Element *__restrict from, Element *__restrict to, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; row++, from += 2 * width, to += width)
        for (int64_t i = 0; i < width; i++) {
            float gate = passes::load(from[width + i]), density, distribution;
            passes::normal(gate, density, distribution);
            passes::store(to[i], passes::load(from[i]) * gate * distribution);
        }
}

template <typename Element>
DANLU_INLINE void gate_rows_back(const Element *__restrict from, const Element *__restrict gradient,
                                 Element *__restrict to, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; row++, from += 2 * width, gradient += width, to += 2 * width)
        for (int64_t i = 0; i < width; i++) {
            float gate = passes::load(from[width + i]), density, distribution;
            passes::normal(gate, density, distribution);
            float each = passes::load(gradient[i]);
            passes::store(to[i], each * gate * distribution);
            passes::store(to[width + i], each * passes::load(from[i]) * (distribution + gate * density));
        }
}

/// Calls `body(first row, end)` for a few rows at a time, on several threads.
template <typename Body> void for_rows(int64_t rows, int64_t width, const Body &body) {
    auto each = 8192 / width + 1;
    passes::for_tasks((rows + each - 1) / each, each * width,
                      [&](int64_t task) { body(task * each, std::min((task + 1) * each, rows)); });
}

/// Keeps x alone for the way back.
struct Gate : torch::autograd::Function<Gate> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &input) {
        RECORD_FUNCTION("danlu::geglu", std::vector<c10::IValue>{input});
        auto x = input.contiguous();
        context->save_for_backward({x});
        auto shape = x.sizes().vec();
        auto width = shape.back() /= 2;
        auto y = at::empty(shape, x.options());
        passes::with_elements_of(x, [&]<typename Element>(Element) {
            auto from = passes::elements<Element>(x);
            auto to = passes::mutable_elements<Element>(y);
            for_rows(y.numel() / width, width, [=](int64_t begin, int64_t end) {
                passes::vectorized([=]() DANLU_INLINED {
                    gate_rows(from + begin * 2 * width, to + begin * width, end - begin, width);
                });
            });
        });
        return y;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto x = context->get_saved_variables()[0];
        auto gradient = gradients[0].contiguous();
        RECORD_FUNCTION("danlu::geglu_backward", std::vector<c10::IValue>({gradient, x}));
        auto width = gradient.size(-1);
        auto result = at::empty(x.sizes(), x.options());
        passes::with_elements_of(x, [&]<typename Element>(Element) {
            auto from = passes::elements<Element>(x), back = passes::elements<Element>(gradient);
            auto to = passes::mutable_elements<Element>(result);
            for_rows(gradient.numel() / width, width, [=](int64_t begin, int64_t end) {
                passes::vectorized([=]() DANLU_INLINED {
                    gate_rows_back(from + begin * 2 * width, back + begin * width, to + begin * 2 * width, end - begin,
                                   width);
                });
            });
        });
        return {result};
    }
};

at::Tensor gated(const at::Tensor &x) {
    TORCH_CHECK(x.dim() > 0 && x.size(-1) % 2 == 0, "a gate needs an even number of features");
    if (passes::reads(x)) return Gate::apply(x);
    auto halves = x.chunk(2, -1);
    return halves[0] * at::gelu(halves[1]);
}

}  // namespace

ct_tensor *ct_geglu(const ct_tensor *x, char **error) {
    try {
        return box(gated(tensor_of(x)));
    } catch (...) { set_error(error); }
    return nullptr;
}
