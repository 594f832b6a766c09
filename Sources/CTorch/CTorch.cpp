#include "CTorch.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/Version.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>

#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "Boxes.h"
#include "Processor.h"
#include "Recomputing.h"

namespace {

void describe(char **error, const char *message) {
    if (error) *error = strdup(message);
}

at::Device device_of(int32_t type, int32_t index) {
    return type == 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

c10::IValue boxed(const ct_value &value) {
    auto integers = static_cast<const int64_t *>(value.pointer);
    auto tensors = static_cast<ct_tensor *const *>(value.pointer);
    switch (value.tag) {
    case CT_TENSOR: return tensor_of(static_cast<const ct_tensor *>(value.pointer));
    case CT_INT: return value.integer;
    case CT_DOUBLE: return value.number;
    case CT_BOOL: return value.integer != 0;
    case CT_STRING: return std::string(static_cast<const char *>(value.pointer));
    case CT_DEVICE: return device_of(static_cast<int32_t>(value.integer), static_cast<int32_t>(value.number));
    case CT_GENERATOR: return reinterpret_cast<const GeneratorBox *>(value.pointer)->generator;
    case CT_INTS: return c10::IValue(c10::List<int64_t>(c10::ArrayRef<int64_t>(integers, value.count)));
    case CT_TENSORS: {
        c10::List<at::Tensor> list;
        for (size_t i = 0; i < value.count; i++) list.push_back(tensor_of(tensors[i]));
        return list;
    }
    case CT_OPTIONAL_TENSORS: {
        c10::List<std::optional<at::Tensor>> list;
        for (size_t i = 0; i < value.count; i++)
            list.push_back(tensors[i] ? std::optional(tensor_of(tensors[i])) : std::nullopt);
        return list;
    }
    default: return {};
    }
}

bool load_cuda() {
    static const bool loaded = [] {
        // Nothing of ours names libtorch_cuda, so that one binary runs with and without it.
        return dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr && at::globalContext().hasCUDA();
    }();
    return loaded;
}

}  // namespace

void set_error(char **error) {
    try {
        throw;
    } catch (const c10::Error &failure) {
        describe(error, failure.what_without_backtrace());
    } catch (const std::exception &failure) {
        describe(error, failure.what());
    } catch (...) {
        describe(error, "an unknown C++ exception");
    }
}

void ct_free(char *message) { free(message); }
void ct_release(ct_tensor *tensor) { delete reinterpret_cast<TensorBox *>(tensor); }

const ct_operator *ct_find(const char *name, const char *overload, char **error) {
    try {
        auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
        return reinterpret_cast<const ct_operator *>(new c10::OperatorHandle(handle));
    } catch (...) { set_error(error); }
    return nullptr;
}

int64_t ct_call(const ct_operator *op, const ct_value *arguments, size_t count, ct_tensor **results, size_t capacity,
                char **error) {
    try {
        auto &handle = *reinterpret_cast<const c10::OperatorHandle *>(op);
        auto &schema = handle.schema().arguments();
        TORCH_CHECK(count <= schema.size(), "takes ", schema.size(), " arguments, not ", count);
        torch::jit::Stack stack;
        stack.reserve(schema.size());
        for (size_t i = 0; i < schema.size(); i++) {
            if (i < count && arguments[i].tag != CT_DEFAULT) {
                stack.push_back(boxed(arguments[i]));
            } else {
                TORCH_CHECK(schema[i].default_value(), "argument '", schema[i].name(), "' is missing");
                stack.push_back(*schema[i].default_value());
            }
        }
        handle.callBoxed(stack);
        std::vector<at::Tensor> tensors;
        for (auto &value : stack) {
            if (value.isTensor()) tensors.push_back(std::move(value).toTensor());
            else if (value.isTensorList())
                for (const at::Tensor &each : value.toTensorVector()) tensors.push_back(each);
        }
        TORCH_CHECK(tensors.size() <= capacity, "gives ", tensors.size(), " tensors where ", capacity, " are expected");
        for (size_t i = 0; i < tensors.size(); i++) results[i] = box(std::move(tensors[i]));
        return static_cast<int64_t>(tensors.size());
    } catch (...) { set_error(error); }
    return -1;
}

int64_t ct_dimensions(const ct_tensor *tensor) { return tensor_of(tensor).dim(); }

void ct_shape(const ct_tensor *tensor, int64_t *shape) {
    auto sizes = tensor_of(tensor).sizes();
    std::copy(sizes.begin(), sizes.end(), shape);
}

int32_t ct_dtype(const ct_tensor *tensor) { return static_cast<int32_t>(tensor_of(tensor).scalar_type()); }

int32_t ct_device(const ct_tensor *tensor, int32_t *index) {
    auto device = tensor_of(tensor).device();
    *index = device.index();
    return device.is_cpu() ? 0 : 1;
}

bool ct_is_contiguous(const ct_tensor *tensor) { return tensor_of(tensor).is_contiguous(); }
bool ct_requires_grad(const ct_tensor *tensor) { return tensor_of(tensor).requires_grad(); }
void ct_set_requires_grad(ct_tensor *tensor, bool required) { tensor_of(tensor).set_requires_grad(required); }
void *ct_data(const ct_tensor *tensor) { return tensor_of(tensor).data_ptr(); }
ct_tensor *ct_alias(const ct_tensor *tensor) { return box(tensor_of(tensor)); }

ct_tensor *ct_from_memory(void *memory, const int64_t *shape, size_t dimensions, int32_t dtype,
                          void (*release)(void *context), void *context, char **error) {
    try {
        auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
        return box(at::from_blob(memory, at::IntArrayRef(shape, dimensions), [=](void *) { release(context); }, options));
    } catch (...) { set_error(error); }
    return nullptr;
}

int32_t ct_item(const ct_tensor *tensor, double *value, char **error) {
    try {
        *value = tensor_of(tensor).item().toDouble();
        return 0;
    } catch (...) { set_error(error); }
    return -1;
}

int32_t ct_grad(const ct_tensor *output, const ct_tensor *seed, ct_tensor *const *inputs, size_t count,
                ct_tensor **results, char **error) {
    try {
        std::vector<at::Tensor> leaves, seeds;
        for (size_t i = 0; i < count; i++) leaves.push_back(tensor_of(inputs[i]));
        if (seed) seeds.push_back(tensor_of(seed));
        auto gradients = torch::autograd::grad({tensor_of(output)}, leaves, seeds, false, false, true);
        for (size_t i = 0; i < count; i++) results[i] = gradients[i].defined() ? box(gradients[i]) : nullptr;
        return 0;
    } catch (...) { set_error(error); }
    return -1;
}

int32_t ct_grad_by_leaf(const ct_tensor *output, ct_tensor *const *leaves, size_t count,
                        void (*found)(void *context, size_t index, ct_tensor *gradient), void *context, char **error) {
    std::vector<std::pair<at::Tensor, unsigned>> hooks;
    int32_t status = -1;
    try {
        std::vector<at::Tensor> inputs;
        for (size_t i = 0; i < count; i++) {
            at::Tensor leaf = tensor_of(leaves[i]);
            inputs.push_back(leaf);
            hooks.emplace_back(leaf, leaf.register_hook([=](const at::Tensor &gradient) {
                // What is computed again within a checkpoint tells of its own part only.
                if (gradient.defined() && Recomputing::depth == 0) found(context, i, box(gradient));
            }));
        }
        torch::autograd::grad({tensor_of(output)}, inputs, {}, false, false, true);
        status = 0;
    } catch (...) { set_error(error); }
    for (auto &[leaf, hook] : hooks) leaf.remove_hook(hook);
    return status;
}

bool ct_grad_enabled(void) { return at::GradMode::is_enabled(); }
void ct_set_grad_enabled(bool enabled) { at::GradMode::set_enabled(enabled); }

ct_generator *ct_generator_create(int32_t device, int32_t index, uint64_t seed, char **error) {
    try {
        if (device != 0) TORCH_CHECK(load_cuda(), "this libtorch has no CUDA");
        auto generator = device == 0 ? at::detail::createCPUGenerator(seed)
                                     : at::detail::getCUDAHooks().getNewGenerator(static_cast<c10::DeviceIndex>(index));
        generator.set_current_seed(seed);
        return reinterpret_cast<ct_generator *>(new GeneratorBox{generator});
    } catch (...) { set_error(error); }
    return nullptr;
}

void ct_generator_release(ct_generator *generator) { delete reinterpret_cast<GeneratorBox *>(generator); }

const char *ct_version(void) { return TORCH_VERSION; }

const char *ct_cpu_capability(void) {
    static const std::string capability = at::get_cpu_capability() + (has_tiles() ? "+AMX" : "");
    return capability.c_str();
}

void ct_set_threads(int32_t threads) { at::set_num_threads(threads); }
int32_t ct_threads(void) { return at::get_num_threads(); }

void ct_keep_memory(void) {
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_TOP_PAD, 64 << 20);
}

void ct_set_deterministic(bool deterministic) {
    at::globalContext().setDeterministicAlgorithms(deterministic, true);
    at::globalContext().setDeterministicCuDNN(deterministic);
    at::globalContext().setBenchmarkCuDNN(!deterministic);
}

int32_t ct_cuda_count(void) { return load_cuda() ? at::detail::getCUDAHooks().deviceCount() : 0; }

int32_t ct_cuda_memory(int32_t index, int64_t *free_bytes, int64_t *total_bytes, char **error) {
    try {
        TORCH_CHECK(load_cuda(), "this libtorch has no CUDA");
        // cudaMemGetInfo of the runtime that libtorch_cuda brought along.
        using query = int (*)(size_t *, size_t *);
        auto ask = reinterpret_cast<query>(dlsym(RTLD_DEFAULT, "cudaMemGetInfo"));
        TORCH_CHECK(ask != nullptr, "the CUDA runtime has no cudaMemGetInfo");
        c10::impl::VirtualGuardImpl guard(at::kCUDA);
        auto previous = guard.exchangeDevice(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index)));
        size_t available = 0, total = 0;
        int status = ask(&available, &total);
        guard.uncheckedSetDevice(previous);
        TORCH_CHECK(status == 0, "cudaMemGetInfo failed with code ", status);
        *free_bytes = static_cast<int64_t>(available);
        *total_bytes = static_cast<int64_t>(total);
        return 0;
    } catch (...) { set_error(error); }
    return -1;
}

int32_t ct_synchronize(int32_t index, char **error) {
    try {
        if (load_cuda()) {
            c10::impl::VirtualGuardImpl guard(at::kCUDA);
            guard.synchronizeDevice(static_cast<c10::DeviceIndex>(index));
        }
        return 0;
    } catch (...) { set_error(error); }
    return -1;
}
