// What the opaque pointers of CTorch.h point to.
#pragma once
#include <ATen/ATen.h>

#include "CTorch.h"

struct TensorBox {
    at::Tensor tensor;
};
struct GeneratorBox {
    at::Generator generator;
};

inline at::Tensor &tensor_of(ct_tensor *box) { return reinterpret_cast<TensorBox *>(box)->tensor; }
inline const at::Tensor &tensor_of(const ct_tensor *box) { return reinterpret_cast<const TensorBox *>(box)->tensor; }
inline ct_tensor *box(at::Tensor tensor) { return reinterpret_cast<ct_tensor *>(new TensorBox{std::move(tensor)}); }

/// Turns the exception that is being handled into text.
void set_error(char **error);
