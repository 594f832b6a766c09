// A Swift closure that C++ may call, and lets go of with its last user.
#pragma once
#include <ATen/core/ivalue.h>

#include "Boxes.h"

struct Closure : torch::CustomClassHolder {
    using Body = ct_tensor *(*)(void *context, ct_tensor *const *inputs, size_t count, char **error);

    Closure(Body body, void (*release)(void *), void *context) : body(body), release(release), context(context) {}
    ~Closure() override { release(context); }

    at::Tensor operator()(const std::vector<at::Tensor> &inputs) const {
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

private:
    Body body;
    void (*release)(void *);
    void *context;
};
