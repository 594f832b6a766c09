// The low-rank change of a layer beside its frozen matrix, forward and backward.
#pragma once
#include "FrozenMatrix.h"

/// `scale·B·A`, with A `[rank, inputs]` and B `[outputs, rank]`, as the products beside a matrix's own need them. Of the
/// layer's rows and of their gradients little is read that the frozen product has not just brought into the cache.
struct LowRank {
    at::Tensor down, up;
    double scale;

    LowRank(const at::Tensor &down, const at::Tensor &up, double scale);

    /// `scale·x·Aᵀ` and Bᵀ. The left one is what ``gradient_of_up`` wants.
    FrozenMatrix::Narrow beside(const at::Tensor &x) const;
    /// `scale·g·B` and A.
    FrozenMatrix::Narrow beside_back(const at::Tensor &gradient) const;

    /// A's gradient, in fp32: of ``beside_back``'s left one and x.
    at::Tensor gradient_of_down(const at::Tensor &left, const at::Tensor &x) const;
    /// B's, of ``beside``'s left one and the output's gradient.
    at::Tensor gradient_of_up(const at::Tensor &left, const at::Tensor &gradient) const;
};
