// The autograd functions that make a frozen base fast: what no chain of operators can say.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "Boxes.h"

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

namespace {

/// x as a matrix [rows, features].
at::Tensor rows(const at::Tensor &x) { return x.dim() == 2 ? x : x.reshape({-1, x.size(-1)}); }

struct LowRankLinear : torch::autograd::Function<LowRankLinear> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                              const std::optional<at::Tensor> &bias, const at::Tensor &down, const at::Tensor &up,
                              double scale) {
        auto a = down.to(x.scalar_type()), b = up.to(x.scalar_type());
        auto input = rows(x);
        auto y = at::linear(input, weight, bias);
        auto hidden = at::mm(input, a.t());
        y.addmm_(hidden, b.t(), 1, scale);
        context->save_for_backward({x, weight, a, b, hidden});
        context->saved_data["scale"] = scale;
        // Only tensors that are there have an edge: A's and B's come after x, the weight and, if any, the bias.
        context->saved_data["down"] = static_cast<int64_t>(bias.has_value() ? 3 : 2);
        auto shape = x.sizes().vec();
        shape.back() = weight.size(0);
        return y.view(shape);
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        auto scale = context->saved_data["scale"].toDouble();
        auto x = saved[0], weight = saved[1], a = saved[2], b = saved[3], hidden = saved[4];
        auto gradient = rows(gradients[0]);
        auto back = at::mm(gradient, b);  // [rows, rank], still without the scale
        at::Tensor forX, forDown, forUp;
        if (context->needs_input_grad(0)) {
            forX = at::mm(gradient, weight);
            forX.addmm_(back, a, 1, scale);
            forX = forX.view(x.sizes());
        }
        auto down = static_cast<size_t>(context->saved_data["down"].toInt());
        if (context->needs_input_grad(down)) forDown = at::mm(back.t(), rows(x)).to(at::kFloat).mul_(scale);
        if (context->needs_input_grad(down + 1)) forUp = at::mm(gradient.t(), hidden).to(at::kFloat).mul_(scale);
        return {forX, Variable(), Variable(), forDown, forUp, Variable()};
    }
};

using Body = ct_tensor *(*)(void *, ct_tensor *const *, size_t, char **);

/// A Swift closure, released with its last user.
struct Closure : torch::CustomClassHolder {
    Body body;
    void (*release)(void *);
    void *context;
    Closure(Body body, void (*release)(void *), void *context) : body(body), release(release), context(context) {}
    ~Closure() override { release(context); }

    at::Tensor operator()(const variable_list &inputs) const {
        std::vector<ct_tensor *> boxes;
        for (auto &input : inputs) boxes.push_back(box(input));
        char *error = nullptr;
        ct_tensor *result = body(context, boxes.data(), boxes.size(), &error);
        for (auto each : boxes) ct_release(each);
        if (!result) {
            std::string message = error ? error : "failed without a word";
            ct_free(error);
            TORCH_CHECK(false, message);
        }
        at::Tensor tensor = tensor_of(result);
        ct_release(result);
        return tensor;
    }
};

struct Checkpoint : torch::autograd::Function<Checkpoint> {
    static at::Tensor forward(AutogradContext *context, c10::intrusive_ptr<Closure> closure, int64_t inputCount,
                              at::TensorList all) {
        variable_list inputs(all.begin(), all.begin() + inputCount);
        context->saved_data["inputs"] = inputCount;
        // A capsule holds what no schema knows, and keeps the closure alive for the backward pass.
        context->saved_data["closure"] = c10::IValue::make_capsule(closure);
        context->save_for_backward(variable_list(all.begin(), all.end()));
        at::NoGradGuard guard;
        return (*closure)(inputs);
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        auto inputCount = context->saved_data["inputs"].toInt();
        auto closure = c10::static_intrusive_pointer_cast<Closure>(context->saved_data["closure"].toCapsule());
        variable_list inputs, wanted;
        std::vector<size_t> places;
        for (size_t i = 0; i < saved.size(); i++) {
            at::Tensor each = saved[i];
            if (i < static_cast<size_t>(inputCount)) {
                each = each.detach();
                each.set_requires_grad(saved[i].requires_grad());
                inputs.push_back(each);
            }
            if (each.requires_grad()) {
                wanted.push_back(each);
                places.push_back(i);
            }
        }
        at::Tensor output;
        {
            at::AutoGradMode guard(true);
            output = (*closure)(inputs);
        }
        variable_list results(saved.size() + 2);
        auto found = torch::autograd::grad({output}, wanted, {gradients[0]}, false, false, true);
        for (size_t i = 0; i < places.size(); i++) results[places[i] + 2] = found[i];
        return results;
    }
};

}  // namespace

ct_tensor *ct_low_rank_linear(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias, const ct_tensor *down,
                              const ct_tensor *up, double scale, char **error) {
    try {
        auto offset = bias ? std::optional(tensor_of(bias)) : std::nullopt;
        return box(LowRankLinear::apply(tensor_of(x), tensor_of(weight), offset, tensor_of(down), tensor_of(up), scale));
    } catch (...) { set_error(error); }
    return nullptr;
}

ct_tensor *ct_checkpoint(ct_tensor *(*body)(void *, ct_tensor *const *, size_t, char **), void (*release)(void *),
                         void *context, ct_tensor *const *inputs, size_t count, ct_tensor *const *parameters,
                         size_t parameter_count, char **error) {
    try {
        auto closure = c10::make_intrusive<Closure>(body, release, context);
        variable_list all;
        for (size_t i = 0; i < count; i++) all.push_back(tensor_of(inputs[i]));
        for (size_t i = 0; i < parameter_count; i++) all.push_back(tensor_of(parameters[i]));
        return box(Checkpoint::apply(closure, static_cast<int64_t>(count), at::TensorList(all)));
    } catch (...) { set_error(error); }
    return nullptr;
}
