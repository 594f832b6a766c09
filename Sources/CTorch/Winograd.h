// Convolutions with fewer multiplications: minimal filtering, F(2×2, 3×3) and F(4×4, 3×3) (Lavin & Gray 2016).
#pragma once
#include <ATen/ATen.h>
#include <optional>
#include <vector>

#include "FrozenMatrix.h"

/// A frozen 3×3 kernel as the matrices of its transform, laid out for oneDNN. Who trains kernels has to transform them at
/// each step; here it is done once.
struct WinogradWeight {
    WinogradWeight() = default;
    /// `plain`: `[outputs, inputs, 3, 3]`. `side`: of the tiles of the output, 2, or 4 in fp32. `isTurned`: for the gradient
    /// with respect to the input.
    WinogradWeight(const at::Tensor &plain, int64_t side, bool isTurned);

    /// The side of the tiles with which x is filtered; 0 where that does not pay. Known from shapes and the processor alone,
    /// so that every worker of a kind does the same: 4×4 takes a quarter of the multiplications and four times the memory,
    /// for pictures of 1024 points and more in fp32; 2×2 not quite a half of them and twice the memory, for 64 and more. Not
    /// for bf16 on a processor that multiplies by tiles.
    static int64_t side_for(const at::Tensor &x, at::IntArrayRef kernel, int64_t stride, int64_t padding);

    /// Whether the matrices for a kernel are those for its gradient, too, in another order and turned: so with tiles of 2×2,
    /// where they lie in blocks.
    static bool serves_both(int64_t side, at::IntArrayRef kernel, const at::Tensor &x) {
        return side == 2 && FrozenMatrix::fits(kernel, x);
    }

    bool is_defined() const { return !matrices.empty() || !blocks.empty(); }
    /// What the matrices take of a kernel that takes `plain` bytes.
    int64_t bytes(int64_t plain) const { return plain * (side + 2) * (side + 2) / 9; }

    /// x `[batch, inputs, height, width]` → `[batch, outputs, height, width]`, padded by one point. `isTurned`: the gradient of
    /// the output → that of the input; for that the weight was made, or it serves both.
    at::Tensor convolution(const at::Tensor &x, const std::optional<at::Tensor> &bias, bool isTurned) const;

private:
    int64_t side = 0, outputs = 0, inputs = 0;
    /// (side + 2)² of them, each `[outputs, inputs]`, the ones or the others.
    std::vector<at::Tensor> matrices;
    std::vector<FrozenMatrix> blocks;
};
