// Matrices in the layout that oneDNN's products want.
#pragma once
#include <ATen/Tensor.h>
#include <optional>

/// `[outputs, inputs]`, laid out.
at::Tensor pack_linear(const at::Tensor &matrix);
/// x `[rows, inputs]` → `[rows, outputs]`.
at::Tensor packed_linear(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias);
