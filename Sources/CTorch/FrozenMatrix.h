// A matrix that is never trained, in one layout for its product and for the product's gradient.
#pragma once
#include <ATen/ATen.h>
#include <optional>

/// Products with rows take the layout as it lies. The gradient with respect to them takes it block by block, each turned in
/// the cache right before it is multiplied, so that nothing is in memory twice.
struct FrozenMatrix {
    /// What a product is increased by: a narrow one, `left · right`.
    struct Narrow {
        /// `[rows, width]`.
        at::Tensor left;
        /// `[width, columns]`, as panels.
        at::Tensor right;
    };

    FrozenMatrix() = default;
    /// `plain`: `[outputs, inputs]`, as ``fits`` wants it; or, of a convolution, `[outputs, points · inputs]`.
    explicit FrozenMatrix(const at::Tensor &plain, int64_t points = 1);

    /// Whether a matrix, or a kernel, of this shape is laid out so for x: known from shapes, format and processor alone.
    static bool fits(at::IntArrayRef shape, const at::Tensor &x);

    bool is_defined() const { return panels.defined(); }
    const at::Tensor &memory() const { return panels; }

    /// x `[rows, inputs]` → `[rows, outputs]`; or, turned, the gradient of the output → that of the input.
    at::Tensor product(const at::Tensor &x, const std::optional<at::Tensor> &bias, const Narrow &narrow,
                       bool isTurned = false) const;

    /// x `[batch, inputs, height, width]`, padded by one point → `[batch, outputs, height, width]`, with a kernel of 3×3 points;
    /// or, turned, the gradient of the output → that of the input. For small pictures: each point's nine neighbours are
    /// copied together.
    at::Tensor convolution(const at::Tensor &x, const std::optional<at::Tensor> &bias, bool isTurned = false) const;

private:
    int64_t outputs = 0, inputs = 0, points = 1;
    /// `[outputs / 64, points · inputs, 64]`; in bf16 with pairs of inputs woven into one another.
    at::Tensor panels;

    template <typename Left>
    at::Tensor multiplied(const Left &left, const at::Tensor &x, const std::optional<at::Tensor> &bias,
                          const Narrow &narrow, bool isTurned) const;
};
