// Normalization over groups of channels, with what stands around it in a residual block: one pass to measure and one to
// write, each way, over pictures whose channels come last.
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "Boxes.h"
#include "GroupNormPasses.h"

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

/// For each channel of a picture: z = x·factor + offset, which is the normed x.
struct Line {
    std::vector<float> factor, offset;
};

std::vector<float> floats(const at::Tensor &x) {
    auto plain = x.to(at::kFloat).contiguous();
    return {plain.const_data_ptr<float>(), plain.const_data_ptr<float>() + plain.numel()};
}

/// z = x·factor + offset for every channel of every picture, where `shift` is added to x first.
Line normed(const Extents &size, const at::Tensor &means, const at::Tensor &scales, const at::Tensor &weight,
            const at::Tensor &bias, const at::Tensor &shift) {
    auto mean = means.const_data_ptr<float>(), scale = scales.const_data_ptr<float>();
    auto w = floats(weight), b = floats(bias), s = shift.defined() ? floats(shift) : std::vector<float>();
    Line line{std::vector<float>(size.pictures * size.channels), std::vector<float>(size.pictures * size.channels)};
    for (int64_t i = 0; i < size.pictures * size.channels; i++) {
        auto channel = i % size.channels, group = i / size.share();
        float added = s.empty() ? 0 : s[i];
        line.factor[i] = scale[group] * w[channel];
        line.offset[i] = (added - mean[group]) * line.factor[i] + b[channel];
    }
    return line;
}

Extents extents(const at::Tensor &x, int64_t groups) {
    return {x.size(0), x.size(1), x.size(2) * x.size(3), groups};
}

/// Keeps x and, of each group, mean and 1 / deviation. The second result is x again: what comes back to it is added to x's
/// gradient as that is written.
struct GroupNorm : torch::autograd::Function<GroupNorm> {
    static variable_list forward(AutogradContext *context, const at::Tensor &input, const at::Tensor &weight,
                                 const at::Tensor &bias, const std::optional<at::Tensor> &shift, int64_t groups,
                                 double epsilon, bool isActivated) {
        RECORD_FUNCTION("danlu::group_norm", std::vector<c10::IValue>{input});
        auto x = input.contiguous(at::MemoryFormat::ChannelsLast);
        auto size = extents(x, groups);
        auto added = shift ? shift->contiguous() : at::Tensor();
        auto means = at::empty({size.pictures, groups}, x.options().dtype(at::kFloat)), scales = at::empty_like(means);
        auto y = at::empty_like(x);
        passes::with_elements_of(x, [&]<typename Element>(Element) {
            auto from = passes::elements<Element>(x);
            auto to = passes::mutable_elements<Element>(y);
            ChannelSums sums(size);
            for_blocks(size, [&](int64_t, int64_t block, int64_t start, int64_t points) {
                auto first = sums.first(block), second = sums.second(block);
                auto channels = size.channels;
                passes::vectorized([=]() DANLU_INLINED { measure(from + start, first, second, points, channels); });
            });
            settle(size, sums, added, epsilon, means, scales);
            auto line = normed(size, means, scales, weight, bias, added);
            for_blocks(size, [&](int64_t picture, int64_t, int64_t start, int64_t points) {
                auto factor = line.factor.data() + picture * size.channels;
                auto offset = line.offset.data() + picture * size.channels;
                auto channels = size.channels;
                passes::vectorized([=]() DANLU_INLINED {
                    if (isActivated) write<true>(from + start, factor, offset, to + start, points, channels);
                    else write<false>(from + start, factor, offset, to + start, points, channels);
                });
            });
        });
        context->save_for_backward({x, weight, bias, added, means, scales});
        context->saved_data["activated"] = isActivated;
        context->set_materialize_grads(false);
        return {y, input};
    }

    /// Mean and 1 / deviation of every group. In fp64, where a large mean leaves enough of the squares.
    static void settle(const Extents &size, const ChannelSums &sums, const at::Tensor &shift, double epsilon,
                       at::Tensor &means, at::Tensor &scales) {
        auto mean = means.mutable_data_ptr<float>(), scale = scales.mutable_data_ptr<float>();
        auto added = shift.defined() ? floats(shift) : std::vector<float>();
        auto points = static_cast<double>(size.points), count = points * static_cast<double>(size.share());
        for (int64_t group = 0; group < size.pictures * size.groups; group++) {
            double sum = 0, squares = 0;
            for (int64_t i = group * size.share(); i < (group + 1) * size.share(); i++) {
                double one, other, more = added.empty() ? 0 : added[i];
                sums.total(i / size.channels, i % size.channels, one, other);
                sum += one + points * more;
                squares += other + 2 * more * one + points * more * more;
            }
            auto middle = sum / count;
            mean[group] = static_cast<float>(middle);
            scale[group] = static_cast<float>(1 / std::sqrt(std::max(0.0, squares / count - middle * middle) + epsilon));
        }
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        auto x = saved[0], weight = saved[1], shift = saved[3], means = saved[4], scales = saved[5];
        bool isActivated = context->saved_data["activated"].toBool();
        if (!gradients[0].defined()) return {gradients[1], {}, {}, {}, {}, {}, {}};
        auto gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
        auto carried = gradients[1].defined() ? gradients[1].contiguous(at::MemoryFormat::ChannelsLast) : at::Tensor();
        RECORD_FUNCTION("danlu::group_norm_backward", std::vector<c10::IValue>({gradient, x}));
        auto size = extents(x, means.size(1));
        auto line = normed(size, means, scales, weight, saved[2], shift);
        auto result = at::empty_like(x);
        passes::with_elements_of(x, [&]<typename Element>(Element) {
            auto from = passes::elements<Element>(x), back = passes::elements<Element>(gradient);
            auto more = carried.defined() ? passes::elements<Element>(carried) : nullptr;
            auto to = passes::mutable_elements<Element>(result);
            ChannelSums sums(size);
            for_blocks(size, [&](int64_t picture, int64_t block, int64_t start, int64_t points) {
                auto first = sums.first(block), second = sums.second(block);
                auto factor = line.factor.data() + picture * size.channels;
                auto offset = line.offset.data() + picture * size.channels;
                auto channels = size.channels;
                passes::vectorized([=]() DANLU_INLINED {
                    auto x = from + start, gradient = back + start;
                    if (isActivated)
                        measure_back<true>(x, gradient, factor, offset, first, second, points, channels);
                    else measure_back<false>(x, gradient, factor, offset, first, second, points, channels);
                });
            });
            auto rest = settle_back(size, sums, line, shift, means, scales, floats(weight));
            for_blocks(size, [&](int64_t picture, int64_t, int64_t start, int64_t points) {
                auto factor = line.factor.data() + picture * size.channels;
                auto offset = line.offset.data() + picture * size.channels;
                auto slope = rest.factor.data() + picture * size.channels;
                auto level = rest.offset.data() + picture * size.channels;
                auto channels = size.channels;
                passes::vectorized([=]() DANLU_INLINED {
                    auto x = from + start, gradient = back + start;
                    auto result = to + start;
                    auto carried = more ? more + start : nullptr;
                    if (isActivated && more)
                        write_back<true, true>(x, gradient, carried, factor, offset, slope, level, result, points,
                                               channels);
                    else if (isActivated)
                        write_back<true, false>(x, gradient, carried, factor, offset, slope, level, result, points,
                                                channels);
                    else if (more)
                        write_back<false, true>(x, gradient, carried, factor, offset, slope, level, result, points,
                                                channels);
                    else
                        write_back<false, false>(x, gradient, carried, factor, offset, slope, level, result, points,
                                                 channels);
                });
            });
        });
        at::Tensor forShift;
        if (shift.defined() && context->needs_input_grad(3)) {
            auto own = carried.defined() ? result - carried : result;
            forShift = own.sum({2, 3});
        }
        return {result, {}, {}, forShift, {}, {}, {}};
    }

    /// What the gradient has beside factor·dz: −scale/count · (Σw·dz + x̂·Σw·dz·x̂), sums over the group, as a line in x.
    static Line settle_back(const Extents &size, const ChannelSums &sums, const Line &line, const at::Tensor &shift,
                            const at::Tensor &means, const at::Tensor &scales, const std::vector<float> &weight) {
        auto mean = means.const_data_ptr<float>(), scale = scales.const_data_ptr<float>();
        auto added = shift.defined() ? floats(shift) : std::vector<float>();
        auto count = static_cast<double>(size.points * size.share());
        Line rest{std::vector<float>(line.factor.size()), std::vector<float>(line.factor.size())};
        for (int64_t group = 0; group < size.pictures * size.groups; group++) {
            double sum = 0, product = 0, r = scale[group], m = mean[group];
            for (int64_t i = group * size.share(); i < (group + 1) * size.share(); i++) {
                double one, other, more = added.empty() ? 0 : added[i], w = weight[i % size.channels];
                sums.total(i / size.channels, i % size.channels, one, other);
                sum += w * one;
                product += w * (other + (more - m) * one) * r;
            }
            for (int64_t i = group * size.share(); i < (group + 1) * size.share(); i++) {
                double more = added.empty() ? 0 : added[i];
                rest.factor[i] = static_cast<float>(-r * r * product / count);
                rest.offset[i] = static_cast<float>(-r / count * (sum + (more - m) * r * product));
            }
        }
        return rest;
    }
};

/// The same by libtorch's operators, for whatever device, format and shape.
variable_list plain(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                    const std::optional<at::Tensor> &shift, int64_t groups, double epsilon, bool isActivated) {
    auto shifted = shift ? x + shift->unsqueeze(-1).unsqueeze(-1) : x;
    auto y = at::group_norm(shifted, groups, weight, bias, epsilon);
    return {isActivated ? at::silu(y) : y, x};
}

bool has_pass(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, int64_t groups) {
    return passes::reads(x) && x.dim() == 4 && groups > 0 && x.size(1) % groups == 0 && weight.numel() == x.size(1) &&
           bias.numel() == x.size(1) && !weight.requires_grad() && !bias.requires_grad();
}

}  // namespace

int32_t ct_group_norm(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias, const ct_tensor *shift,
                      int64_t groups, double epsilon, bool activated, ct_tensor **results, char **error) {
    try {
        auto input = tensor_of(x), scale = tensor_of(weight), offset = tensor_of(bias);
        std::optional<at::Tensor> added;
        if (shift) {
            added = tensor_of(shift);
            TORCH_CHECK(added->dim() == 2 && input.dim() == 4 && added->size(0) == input.size(0) &&
                            added->size(1) == input.size(1),
                        "what is added to each channel must be [pictures, channels]");
        }
        auto both = has_pass(input, scale, offset, groups)
                        ? GroupNorm::apply(input, scale, offset, added, groups, epsilon, activated)
                        : plain(input, scale, offset, added, groups, epsilon, activated);
        for (size_t i = 0; i < 2; i++) results[i] = box(both[i]);
        return 0;
    } catch (...) { set_error(error); }
    return -1;
}
