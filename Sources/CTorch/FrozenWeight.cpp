#include "FrozenWeight.h"

#include <ATen/Context.h>
#include <ATen/Dispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/Version.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include "LowRank.h"
#include "Packed.h"
#include "Parallel.h"

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

bool has_kernels(const at::Tensor &x) {
    if (!x.device().is_cpu() || !at::globalContext().userEnabledMkldnn() || !at::hasMKLDNN()) return false;
    if (x.numel() == 0) return false;
    static const std::string capability = at::get_cpu_capability();
    bool hasAVX512 = capability.rfind("AVX512", 0) == 0;
    return (x.scalar_type() == at::kFloat && (hasAVX512 || capability == "AVX2")) ||
           (x.scalar_type() == at::kBFloat16 && hasAVX512);
}

namespace {

/// Layouts made for these sizes fit all others (measured); that they are fixed keeps a weight's bits from depending on
/// the picture that came first.
constexpr int64_t nominalRows = 64, nominalSide = 8;

c10::OperatorHandle mkldnn(const char *name) {
    return c10::Dispatcher::singleton().findSchemaOrThrow((std::string("mkldnn::") + name).c_str(), "");
}

template <typename... Arguments> at::Tensor call(const c10::OperatorHandle &op, Arguments &&...arguments) {
    torch::jit::Stack stack{c10::IValue(std::forward<Arguments>(arguments))...};
    op.callBoxed(stack);
    return std::move(stack[0]).toTensor();
}

c10::IValue pair(int64_t value) { return c10::List<int64_t>({value, value}); }
c10::IValue optional(const std::optional<at::Tensor> &tensor) { return tensor ? c10::IValue(*tensor) : c10::IValue(); }
c10::IValue no_scalars() { return c10::impl::GenericList(c10::OptionalType::create(c10::NumberType::get())); }

/// A linear layer's weight, or that of a convolution of single points, which is the same layer.
at::Tensor matrix(const at::Tensor &weight) { return weight.dim() == 2 ? weight : weight.flatten(1); }

at::Tensor pack_matrix(const at::Tensor &weight) { return pack_linear(matrix(weight)); }
at::Tensor pack_transposed(const at::Tensor &weight) { return pack_linear(matrix(weight).t()); }

at::Tensor pack_convolution(const at::Tensor &weight, int64_t stride, int64_t padding) {
    static const auto op = mkldnn("_reorder_convolution_weight");
    auto size = c10::List<int64_t>({1, weight.size(1), nominalSide, nominalSide});
    return call(op, weight, pair(padding), pair(stride), pair(1), int64_t(1), size);
}

at::Tensor packed_convolution(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                              int64_t stride, int64_t padding) {
    static const auto op = mkldnn("_convolution_pointwise");
    return call(op, x, weight, optional(bias), pair(padding), pair(stride), pair(1), int64_t(1), "none", no_scalars(),
                "");
}

/// For the gradient of a convolution with a stride with respect to its input.
at::Tensor pack_strided_back(const at::Tensor &weight, int64_t stride, int64_t padding) {
    static const auto op = mkldnn("_reorder_convolution_transpose_weight");
    auto size = c10::List<int64_t>({1, weight.size(0), nominalSide, nominalSide});
    return call(op, weight.contiguous(), pair(padding), pair(stride - 1), pair(stride), pair(1), int64_t(1), size);
}

/// `behind`: the rows and columns of the input that lie behind the last window.
at::Tensor packed_strided_back(const at::Tensor &gradient, const at::Tensor &weight, int64_t stride, int64_t padding,
                               at::IntArrayRef behind) {
    static const auto op = mkldnn("_convolution_transpose_pointwise");
    return call(op, gradient, weight, c10::IValue(), pair(padding), c10::List<int64_t>(behind), pair(stride), pair(1),
                int64_t(1), "none", no_scalars(), "");
}

bool is_laid_out(const at::Tensor &weight) { return weight.defined(); }
bool is_laid_out(const WinogradWeight &weight) { return weight.is_defined(); }
bool is_laid_out(const FrozenMatrix &weight) { return weight.is_defined(); }
/// What a layout takes of a weight that takes `plain` bytes.
int64_t bytes(const at::Tensor &, int64_t plain) { return plain; }
int64_t bytes(const WinogradWeight &weight, int64_t plain) { return weight.bytes(plain); }
int64_t bytes(const FrozenMatrix &, int64_t plain) { return plain; }

at::Tensor channels_last(const at::Tensor &x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

/// x as a matrix [rows, features].
at::Tensor rows(const at::Tensor &x) { return x.dim() == 2 ? x : x.reshape({-1, x.size(-1)}); }

at::Tensor with_last(const at::Tensor &matrix, const at::Tensor &like) {
    auto shape = like.sizes().vec();
    shape.back() = matrix.size(1);
    return matrix.view(shape);
}

at::Tensor product(const FrozenMatrix &matrix, const at::Tensor &x, const std::optional<at::Tensor> &bias,
                   const FrozenMatrix::Narrow &narrow, bool isTurned) {
    RECORD_FUNCTION("danlu::frozen_matrix", std::vector<c10::IValue>({x, matrix.memory()}));
    return matrix.product(x, bias, narrow, isTurned);
}

c10::intrusive_ptr<FrozenWeight> weight_in(AutogradContext *context) {
    return c10::static_intrusive_pointer_cast<FrozenWeight>(context->saved_data["weight"].toCapsule());
}

struct FrozenLinear : torch::autograd::Function<FrozenLinear> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x, c10::intrusive_ptr<FrozenWeight> weight,
                              const std::optional<at::Tensor> &bias) {
        context->saved_data["weight"] = c10::IValue::make_capsule(weight);
        return with_last(weight->linear(rows(x), bias, x.requires_grad()), x);
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto forX = weight_in(context)->linear_back(rows(gradients[0]));
        return {with_last(forX, gradients[0]), Variable(), Variable()};
    }
};

struct LowRankLinear : torch::autograd::Function<LowRankLinear> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x, c10::intrusive_ptr<FrozenWeight> weight,
                              const std::optional<at::Tensor> &bias, const at::Tensor &down, const at::Tensor &up,
                              double scale) {
        context->saved_data["weight"] = c10::IValue::make_capsule(weight);
        context->saved_data["scale"] = scale;
        // Only tensors that are there have an edge: A's and B's come after x and, if any, the bias.
        context->saved_data["down"] = static_cast<int64_t>(bias.has_value() ? 2 : 1);
        auto input = rows(x);
        if (auto matrix = weight->in_blocks(input); matrix.is_defined()) {
            auto beside = LowRank(down, up, scale).beside(input);
            context->save_for_backward({x, down, up, beside.left});
            return with_last(product(matrix, input, bias, beside, false), x);
        }
        auto a = down.to(x.scalar_type()), b = up.to(x.scalar_type());
        auto y = weight->linear(input, bias, x.requires_grad());
        auto hidden = at::mm(input, a.t());
        y.addmm_(hidden, b.t(), 1, scale);
        context->save_for_backward({x, a, b, hidden});
        return with_last(y, x);
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        auto scale = context->saved_data["scale"].toDouble();
        auto x = saved[0], a = saved[1], b = saved[2], hidden = saved[3];
        auto gradient = rows(gradients[0]);
        auto down = static_cast<size_t>(context->saved_data["down"].toInt());
        if (auto matrix = weight_in(context)->in_blocks(gradient); matrix.is_defined()) {
            LowRank pair(a, b, scale);
            auto beside = pair.beside_back(gradient);
            at::Tensor forX, forDown, forUp;
            if (context->needs_input_grad(0)) forX = product(matrix, gradient, std::nullopt, beside, true).view(x.sizes());
            if (context->needs_input_grad(down)) forDown = pair.gradient_of_down(beside.left, rows(x));
            if (context->needs_input_grad(down + 1)) forUp = pair.gradient_of_up(hidden, gradient);
            return {forX, Variable(), Variable(), forDown, forUp, Variable()};
        }
        auto back = at::mm(gradient, b);  // [rows, rank], still without the scale
        at::Tensor forX, forDown, forUp;
        if (context->needs_input_grad(0)) {
            forX = weight_in(context)->linear_back(gradient);
            forX.addmm_(back, a, 1, scale);
            forX = forX.view(x.sizes());
        }
        if (context->needs_input_grad(down)) forDown = at::mm(back.t(), rows(x)).to(at::kFloat).mul_(scale);
        if (context->needs_input_grad(down + 1)) forUp = at::mm(gradient.t(), hidden).to(at::kFloat).mul_(scale);
        return {forX, Variable(), Variable(), forDown, forUp, Variable()};
    }
};

struct FrozenConvolution : torch::autograd::Function<FrozenConvolution> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x, c10::intrusive_ptr<FrozenWeight> weight,
                              const std::optional<at::Tensor> &bias, int64_t stride, int64_t padding) {
        context->saved_data["weight"] = c10::IValue::make_capsule(weight);
        context->saved_data["input"] = x.sizes().vec();
        context->saved_data["stride"] = stride;
        context->saved_data["padding"] = padding;
        return weight->convolution(x, bias, stride, padding, x.requires_grad());
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto input = context->saved_data["input"].toIntVector();
        auto stride = context->saved_data["stride"].toInt(), padding = context->saved_data["padding"].toInt();
        auto forX = weight_in(context)->convolution_back(gradients[0], input, stride, padding);
        return {forX, Variable(), Variable(), Variable(), Variable()};
    }
};

}  // namespace

at::Tensor pack_linear(const at::Tensor &matrix) {
    static const auto op = mkldnn("_reorder_linear_weight");
    return call(op, matrix.contiguous(), nominalRows);
}

at::Tensor packed_linear(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
    static const auto op = mkldnn("_linear_pointwise");
    return call(op, x, weight, optional(bias), "none", no_scalars(), "");
}

const at::Tensor &FrozenWeight::source() {
    if (!made.defined()) {
        made = (*make)({});
        shape = made.sizes().vec();
    }
    return made;
}

at::Tensor FrozenWeight::plain() {
    isPlainKept = true;
    return source();
}

void FrozenWeight::tidy() {
    if (isPlainKept || blocks.isRefused || direct.isRefused()) return;
    for (auto &each : filtered)
        if (each.second.isRefused()) return;
    made.reset();
}

template <typename Weight, typename Pack>
Weight FrozenWeight::packed(Layout<Weight> &layout, const Pack &pack) {
    if (is_laid_out(layout.weight)) return layout.weight;
    Weight weight = pack(source());
    if (!layout.isRefused) {
        if (room(context, bytes(weight, static_cast<int64_t>(source().nbytes())))) layout.weight = weight;
        else layout.isRefused = true;
    }
    return weight;
}

bool FrozenWeight::is_pointwise(const at::Tensor &x, int64_t stride, int64_t padding) {
    if (shape.empty()) source();
    return shape.size() == 4 && shape[2] == 1 && shape[3] == 1 && stride == 1 && padding == 0 && has_kernels(x);
}

int64_t FrozenWeight::filter_side(const at::Tensor &x, int64_t stride, int64_t padding) {
    if (shape.empty()) source();
    return has_kernels(x) ? WinogradWeight::side_for(x, shape, stride, padding) : 0;
}

bool FrozenWeight::is_small(const at::Tensor &x, int64_t stride, int64_t padding) {
    if (shape.empty()) source();
    return shape.size() == 4 && shape[2] == 3 && shape[3] == 3 && stride == 1 && padding == 1 &&
           x.size(2) * x.size(3) <= 256 && FrozenMatrix::fits(shape, x);
}

WinogradWeight FrozenWeight::filter(const at::Tensor &x, int64_t side, bool isTurned) {
    auto &layouts = filtered[side];
    bool isShared = WinogradWeight::serves_both(side, shape, x);
    return packed(isTurned && !isShared ? layouts.backward : layouts.forward,
                  [=](auto &plain) { return WinogradWeight(plain, side, isTurned && !isShared); });
}

FrozenMatrix FrozenWeight::in_blocks(const at::Tensor &x) {
    if (shape.empty()) source();
    if (!FrozenMatrix::fits(shape, x)) return {};
    auto weight = packed(blocks, [](auto &plain) { return FrozenMatrix(matrix(plain)); });
    tidy();
    return weight;
}

at::Tensor FrozenWeight::linear(const at::Tensor &x, const std::optional<at::Tensor> &bias, bool goesBack) {
    if (!has_kernels(x)) return at::linear(x, matrix(plain()), bias);
    if (auto weight = in_blocks(x); weight.is_defined()) return product(weight, x, bias, {}, false);
    auto weight = packed(direct.forward, pack_matrix);
    // While the plain weight is at hand.
    if (goesBack && !direct.backward.isRefused) packed(direct.backward, pack_transposed);
    tidy();
    return packed_linear(x, weight, bias);
}

at::Tensor FrozenWeight::linear_back(const at::Tensor &gradient) {
    if (!has_kernels(gradient)) return at::mm(gradient, matrix(plain()));
    if (auto weight = in_blocks(gradient); weight.is_defined()) return product(weight, gradient, std::nullopt, {}, true);
    auto weight = packed(direct.backward, pack_transposed);
    tidy();
    return packed_linear(gradient, weight, std::nullopt);
}

namespace {

/// Copies `[outputs, inputs, points]` to rows of channels, `[outputs, points, inputs]`; or, turned, to `[inputs, points,
/// outputs]` with the points in reverse. A few outputs at a time, so that what is read and written stays in the cache.
template <typename Element>
void rearrange(const Element *from, Element *to, int64_t outputs, int64_t inputs, int64_t points, bool isTurned) {
    constexpr int64_t width = 16;
    parallel((outputs + width - 1) / width, [=](int64_t block, int64_t) {
        auto first = block * width, last = std::min(first + width, outputs);
        for (int64_t i = 0; i < inputs; i++)
            for (int64_t p = 0; p < points; p++)
                for (int64_t o = first; o < last; o++) {
                    auto value = from[(o * inputs + i) * points + p];
                    if (isTurned) to[(i * points + points - 1 - p) * outputs + o] = value;
                    else to[(o * points + p) * inputs + i] = value;
                }
    });
}

/// A kernel with its channels last; turned, the one whose convolution with the output's gradient is the input's gradient.
at::Tensor laid_out(const at::Tensor &weight, bool isTurned) {
    auto plain = weight.contiguous();
    auto outputs = plain.size(0), inputs = plain.size(1), height = plain.size(2), width = plain.size(3);
    auto result = at::empty({isTurned ? inputs : outputs, height, width, isTurned ? outputs : inputs}, plain.options());
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, plain.scalar_type(), "laid_out", [&] {
        rearrange(plain.const_data_ptr<scalar_t>(), result.mutable_data_ptr<scalar_t>(), outputs, inputs,
                  height * width, isTurned);
    });
    return result.permute({0, 3, 1, 2});
}

/// A picture's points as rows of channels, and back: views, where channels come last.
at::Tensor as_rows(const at::Tensor &x) { return channels_last(x).permute({0, 2, 3, 1}).reshape({-1, x.size(1)}); }
at::Tensor as_picture(const at::Tensor &rows, const at::Tensor &like) {
    return rows.view({like.size(0), like.size(2), like.size(3), rows.size(1)}).permute({0, 3, 1, 2});
}

}  // namespace

FrozenMatrix FrozenWeight::kernel_in_blocks() {
    auto weight = packed(blocks, [](auto &plain) {
        return FrozenMatrix(laid_out(plain, false).permute({0, 2, 3, 1}).flatten(1), plain.size(2) * plain.size(3));
    });
    tidy();
    return weight;
}

at::Tensor FrozenWeight::back_layout(int64_t stride, int64_t padding) {
    auto around = shape[2] - 1 - padding;
    return packed(direct.backward, [=](auto &plain) {
        if (stride != 1) return pack_strided_back(plain, stride, padding);
        return pack_convolution(laid_out(plain, true), 1, around);
    });
}

at::Tensor FrozenWeight::convolution(const at::Tensor &x, const std::optional<at::Tensor> &bias, int64_t stride,
                                     int64_t padding, bool goesBack) {
    if (is_pointwise(x, stride, padding)) return as_picture(linear(as_rows(x), bias, goesBack), x);
    if (!has_kernels(x)) {
        made = channels_last(plain());
        return at::conv2d(x, made, bias, stride, padding);
    }
    if (auto side = filter_side(x, stride, padding)) {
        auto weight = filter(x, side, false);
        if (goesBack && !filtered[side].isRefused()) filter(x, side, true);
        tidy();
        return weight.convolution(x, bias, false);
    }
    if (is_small(x, stride, padding)) return kernel_in_blocks().convolution(x, bias);
    auto weight =
        packed(direct.forward, [=](auto &plain) { return pack_convolution(laid_out(plain, false), stride, padding); });
    if (goesBack && shape[2] - 1 - padding >= 0 && !direct.backward.isRefused) back_layout(stride, padding);
    tidy();
    return packed_convolution(channels_last(x), weight, bias, stride, padding);
}

at::Tensor FrozenWeight::convolution_back(const at::Tensor &gradient, at::IntArrayRef input, int64_t stride,
                                          int64_t padding) {
    if (is_pointwise(gradient, stride, padding)) return as_picture(linear_back(as_rows(gradient)), gradient);
    auto around = shape[2] - 1 - padding;
    if (!has_kernels(gradient) || around < 0) {
        made = channels_last(plain());
        // Only the shape of the input is looked at.
        auto x = at::empty({1}, gradient.options()).expand(input);
        return std::get<0>(at::convolution_backward(channels_last(gradient), x, made, std::nullopt, {stride, stride},
                                                    {padding, padding}, {1, 1}, false, {0, 0}, 1,
                                                    {true, false, false}));
    }
    if (auto side = filter_side(gradient, stride, padding)) {
        auto weight = filter(gradient, side, true);
        tidy();
        return weight.convolution(gradient, std::nullopt, true);
    }
    if (is_small(gradient, stride, padding)) return kernel_in_blocks().convolution(gradient, std::nullopt, true);
    auto weight = back_layout(stride, padding);
    tidy();
    if (stride == 1) return packed_convolution(channels_last(gradient), weight, std::nullopt, 1, around);
    auto behind = [&](int64_t side) {
        return input[side] + 2 * padding - shape[side] - (gradient.size(side) - 1) * stride;
    };
    return packed_strided_back(channels_last(gradient), weight, stride, padding, {behind(2), behind(3)});
}

namespace {

c10::intrusive_ptr<FrozenWeight> shared(ct_frozen_weight *weight) {
    return c10::intrusive_ptr<FrozenWeight>::reclaim_copy(reinterpret_cast<FrozenWeight *>(weight));
}

std::optional<at::Tensor> optional_tensor(const ct_tensor *tensor) {
    return tensor ? std::optional(tensor_of(tensor)) : std::nullopt;
}

}  // namespace

ct_frozen_weight *ct_frozen_weight_create(ct_tensor *(*make)(void *, ct_tensor *const *, size_t, char **),
                                          bool (*room)(void *, int64_t), void (*release)(void *), void *context) {
    auto closure = c10::make_intrusive<Closure>(make, release, context);
    return reinterpret_cast<ct_frozen_weight *>(
        c10::make_intrusive<FrozenWeight>(std::move(closure), room, context).release());
}

void ct_frozen_weight_release(ct_frozen_weight *weight) {
    c10::intrusive_ptr<FrozenWeight>::reclaim(reinterpret_cast<FrozenWeight *>(weight));
}

ct_tensor *ct_frozen_weight_plain(ct_frozen_weight *weight, char **error) {
    try {
        return box(shared(weight)->plain());
    } catch (...) { set_error(error); }
    return nullptr;
}

ct_tensor *ct_frozen_linear(const ct_tensor *x, ct_frozen_weight *weight, const ct_tensor *bias, char **error) {
    try {
        return box(FrozenLinear::apply(tensor_of(x), shared(weight), optional_tensor(bias)));
    } catch (...) { set_error(error); }
    return nullptr;
}

ct_tensor *ct_low_rank_linear(const ct_tensor *x, ct_frozen_weight *weight, const ct_tensor *bias, const ct_tensor *down,
                              const ct_tensor *up, double scale, char **error) {
    try {
        return box(LowRankLinear::apply(tensor_of(x), shared(weight), optional_tensor(bias), tensor_of(down),
                                        tensor_of(up), scale));
    } catch (...) { set_error(error); }
    return nullptr;
}

ct_tensor *ct_frozen_convolution(const ct_tensor *x, ct_frozen_weight *weight, const ct_tensor *bias, int64_t stride,
                                 int64_t padding, char **error) {
    try {
        return box(FrozenConvolution::apply(tensor_of(x), shared(weight), optional_tensor(bias), stride, padding));
    } catch (...) { set_error(error); }
    return nullptr;
}
