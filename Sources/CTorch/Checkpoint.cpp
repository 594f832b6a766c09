// Computing again for the backward pass instead of keeping.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "Closure.h"
#include "Recomputing.h"

thread_local int Recomputing::depth = 0;

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

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
        Recomputing recomputing;
        auto found = torch::autograd::grad({output}, wanted, {gradients[0]}, false, false, true);
        for (size_t i = 0; i < places.size(); i++) results[places[i] + 2] = found[i];
        return results;
    }
};

}  // namespace

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
