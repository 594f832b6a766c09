// Where a thread's time goes: what libtorch's record functions say of each operator.
#include <ATen/record_function.h>

#include <chrono>
#include <map>
#include <vector>

#include "Boxes.h"

namespace {

using Clock = std::chrono::steady_clock;

/// Of calls with the same name, the same outermost caller and the same shapes.
struct Row {
    int64_t calls = 0;
    std::chrono::nanoseconds own{0};
};

struct Key {
    std::string name, caller;
    /// Of each tensor among the arguments and the results: the number of extents, then the extents.
    std::vector<int64_t> inputs, outputs;
    auto operator<=>(const Key &) const = default;
};

/// A call that has not returned yet.
struct Open : at::ObserverContext {
    std::vector<int64_t> inputs;
    Clock::time_point began;
    std::chrono::nanoseconds inside{0};
    Open *parent = nullptr;
    std::string name;
};

struct Profile {
    std::map<Key, Row> rows;
    Open *innermost = nullptr;
    at::CallbackHandle handle = at::INVALID_CALLBACK_HANDLE;
};

thread_local std::unique_ptr<Profile> profile;

void add_shape(const at::Tensor &tensor, std::vector<int64_t> &shapes) {
    if (!tensor.defined()) return;
    shapes.push_back(tensor.dim());
    shapes.insert(shapes.end(), tensor.sizes().begin(), tensor.sizes().end());
}

std::vector<int64_t> shapes_of(c10::ArrayRef<const c10::IValue> values) {
    std::vector<int64_t> shapes;
    for (auto &value : values) {
        if (value.isTensor()) add_shape(value.toTensor(), shapes);
        else if (value.isTensorList())
            for (const at::Tensor &each : value.toTensorVector()) add_shape(each, shapes);
    }
    return shapes;
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction &function) {
    auto open = std::make_unique<Open>();
    if (!profile) return open;
    open->name = function.name();
    open->inputs = shapes_of(function.inputs());
    open->parent = profile->innermost;
    profile->innermost = open.get();
    open->began = Clock::now();
    return open;
}

void end(const at::RecordFunction &function, at::ObserverContext *context) {
    auto now = Clock::now();
    auto open = static_cast<Open *>(context);
    if (!profile || profile->innermost != open) return;
    auto whole = now - open->began;
    auto caller = open;
    while (caller->parent) caller = caller->parent;
    auto &results = function.outputs();
    auto outputs = shapes_of(c10::ArrayRef<const c10::IValue>(results.data(), results.size()));
    auto &row = profile->rows[{open->name, caller->name, std::move(open->inputs), std::move(outputs)}];
    row.calls++;
    row.own += whole - open->inside;
    profile->innermost = open->parent;
    if (open->parent) open->parent->inside += whole;
}

}  // namespace

int32_t ct_profile_begin(char **error) {
    try {
        TORCH_CHECK(!profile, "this thread is being profiled already");
        profile = std::make_unique<Profile>();
        profile->handle = at::addThreadLocalCallback(
            at::RecordFunctionCallback(begin, end).needsInputs(true).needsOutputs(true).scopes(
                {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
        return 0;
    } catch (...) { set_error(error); }
    return -1;
}

void ct_profile_end(void (*visit)(void *context, const ct_profile_row *row), void *context) {
    if (!profile) return;
    at::removeCallback(profile->handle);
    auto done = std::move(profile);
    for (auto &[key, row] : done->rows) {
        ct_profile_row each{key.name.c_str(), key.caller.c_str(), key.inputs.data(), key.inputs.size(),
                            key.outputs.data(), key.outputs.size(), row.calls, row.own.count()};
        visit(context, &each);
    }
}
