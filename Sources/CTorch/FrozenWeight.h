// A weight that no gradient is ever asked of, in the layouts that oneDNN's kernels want.
#pragma once
#include "Closure.h"
#include "FrozenMatrix.h"
#include "Winograd.h"

#include <map>

/// Whether oneDNN computes with x: known from what x is alone, so that every worker of a kind does the same.
bool has_kernels(const at::Tensor &x);

/// Made when it is first needed. Where oneDNN computes, it is laid out: a matrix once, in blocks, if its sides allow it;
/// anything else once for the product and once for the product's gradient with respect to its input. The plain weight is
/// then let go. A layout that there is no room to keep is made for each product anew: the same kernels, the same bits.
struct FrozenWeight : torch::CustomClassHolder {
    /// Whether so many bytes more may be kept.
    using Room = bool (*)(void *context, int64_t bytes);

    /// `room` is asked with the closure's context.
    FrozenWeight(c10::intrusive_ptr<Closure> make, Room room, void *context)
        : make(std::move(make)), room(room), context(context) {}

    /// The weight itself, `[outputs, inputs]` or `[outputs, inputs, kernel, kernel]`; kept from now on.
    at::Tensor plain();

    /// The layout in blocks; none where x `[rows, inputs]` is multiplied in another way.
    FrozenMatrix in_blocks(const at::Tensor &x);

    /// x `[rows, inputs]` → `[rows, outputs]`. `goesBack`: whether ``linear_back`` will follow.
    at::Tensor linear(const at::Tensor &x, const std::optional<at::Tensor> &bias, bool goesBack);
    /// The gradient of the output, `[rows, outputs]` → that of the input.
    at::Tensor linear_back(const at::Tensor &gradient);

    at::Tensor convolution(const at::Tensor &x, const std::optional<at::Tensor> &bias, int64_t stride, int64_t padding,
                           bool goesBack);
    /// The gradient with respect to an input of shape `input`.
    at::Tensor convolution_back(const at::Tensor &gradient, at::IntArrayRef input, int64_t stride, int64_t padding);

private:
    template <typename Weight> struct Layout {
        Weight weight;
        bool isRefused = false;
    };
    /// For the product and for its gradient.
    template <typename Weight> struct Layouts {
        Layout<Weight> forward, backward;
        bool isRefused() const { return forward.isRefused || backward.isRefused; }
    };
    c10::intrusive_ptr<Closure> make;
    Room room;
    void *context;
    at::Tensor made;
    /// Its shape, once it was made.
    std::vector<int64_t> shape;
    /// Whether the plain weight has users of its own.
    bool isPlainKept = false;
    Layout<FrozenMatrix> blocks;
    Layouts<at::Tensor> direct;
    /// By the tiles' side. Pictures of several sizes may go through one layer.
    std::map<int64_t, Layouts<WinogradWeight>> filtered;

    const at::Tensor &source();
    /// Whether the layer mixes channels point by point. The 1×1 kernels of oneDNN want other layouts for other pictures,
    /// its matrix products do not.
    bool is_pointwise(const at::Tensor &x, int64_t stride, int64_t padding);
    /// Whether a 3×3 kernel meets a picture so small that each point's neighbours are copied together.
    bool is_small(const at::Tensor &x, int64_t stride, int64_t padding);
    /// The side of the tiles in which a picture is filtered; 0 for a plain convolution.
    int64_t filter_side(const at::Tensor &x, int64_t stride, int64_t padding);
    template <typename Weight, typename Pack> Weight packed(Layout<Weight> &layout, const Pack &pack);
    FrozenMatrix kernel_in_blocks();
    WinogradWeight filter(const at::Tensor &x, int64_t side, bool isTurned);
    /// The kernel for the gradient with respect to the input.
    at::Tensor back_layout(int64_t stride, int64_t padding);
    void tidy();
};
