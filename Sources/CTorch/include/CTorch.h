// libtorch behind one boxed call, and the little that is no operator. Every function that can fail returns a null
// pointer or a negative number and leaves a message in `*error`, which the caller frees with `ct_free`.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor ct_tensor;
typedef struct ct_operator ct_operator;
typedef struct ct_generator ct_generator;
typedef struct ct_frozen_weight ct_frozen_weight;

typedef enum {
    CT_NONE, CT_DEFAULT, CT_TENSOR, CT_INT, CT_DOUBLE, CT_BOOL, CT_STRING, CT_DEVICE, CT_GENERATOR,
    CT_INTS, CT_TENSORS, CT_OPTIONAL_TENSORS,
} ct_tag;

/// One argument of an operator: a tag and the field that it names; `count` elements behind `pointer` for lists.
typedef struct {
    ct_tag tag;
    int64_t integer;
    double number;
    const void *pointer;
    size_t count;
} ct_value;

void ct_free(char *message);
void ct_release(ct_tensor *tensor);

/// Finds an operator by its schema's name; it lives as long as the process.
const ct_operator *ct_find(const char *name, const char *overload, char **error);
/// Calls it; tensors of the result, lists flattened, go to `results`. Returns how many, or -1.
int64_t ct_call(const ct_operator *op, const ct_value *arguments, size_t count, ct_tensor **results, size_t capacity,
                char **error);

int64_t ct_dimensions(const ct_tensor *tensor);
void ct_shape(const ct_tensor *tensor, int64_t *shape);
int32_t ct_dtype(const ct_tensor *tensor);
/// 0 for the CPU, 1 for CUDA; `index` is -1 where there is none.
int32_t ct_device(const ct_tensor *tensor, int32_t *index);
bool ct_is_contiguous(const ct_tensor *tensor);
bool ct_requires_grad(const ct_tensor *tensor);
void ct_set_requires_grad(ct_tensor *tensor, bool required);
/// The first element's address, on the tensor's own device.
void *ct_data(const ct_tensor *tensor);
/// A tensor over memory that it does not own; `release(context)` is called when the last user lets go.
ct_tensor *ct_from_memory(void *memory, const int64_t *shape, size_t dimensions, int32_t dtype,
                          void (*release)(void *context), void *context, char **error);
/// The value of a one-element tensor.
int32_t ct_item(const ct_tensor *tensor, double *value, char **error);
ct_tensor *ct_alias(const ct_tensor *tensor);

/// Gradients of `output` (times `seed`, or 1) with respect to `inputs`; a null result where there is no path.
int32_t ct_grad(const ct_tensor *output, const ct_tensor *seed, ct_tensor *const *inputs, size_t count,
                ct_tensor **results, char **error);
/// Tells `found` of the gradient of `output` with respect to each of `leaves`, once, as soon as it is complete; the
/// gradient is the callee's to release. Leaves without a path are not told of.
int32_t ct_grad_by_leaf(const ct_tensor *output, ct_tensor *const *leaves, size_t count,
                        void (*found)(void *context, size_t index, ct_tensor *gradient), void *context, char **error);
bool ct_grad_enabled(void);
void ct_set_grad_enabled(bool enabled);

/// Runs `body(context, inputs)` without a tape and again, with one, when gradients are asked for.
/// `inputs` come first, then `parameters`: the trained leaves that the body reaches by itself.
ct_tensor *ct_checkpoint(ct_tensor *(*body)(void *context, ct_tensor *const *inputs, size_t count, char **error),
                         void (*release)(void *context), void *context, ct_tensor *const *inputs, size_t count,
                         ct_tensor *const *parameters, size_t parameter_count, char **error);

/// A weight that no gradient is asked of. `make(context)`, without inputs, gives `[outputs, inputs]` or `[outputs, inputs,
/// kernel, kernel]`; `room(context, bytes)` says whether so many bytes more may be kept.
ct_frozen_weight *ct_frozen_weight_create(
    ct_tensor *(*make)(void *context, ct_tensor *const *inputs, size_t count, char **error),
    bool (*room)(void *context, int64_t bytes), void (*release)(void *context), void *context);
void ct_frozen_weight_release(ct_frozen_weight *weight);
/// The weight as it was made, which stays in memory from then on.
ct_tensor *ct_frozen_weight_plain(ct_frozen_weight *weight, char **error);

/// Normalization over groups of channels of x `[pictures, channels, height, width]`, to which `shift` `[pictures, channels]`,
/// if any, is added first; then, if activated, SiLU. Two results: that, and x, whose other uses go through it, so that their
/// gradients are added in the same pass.
int32_t ct_group_norm(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias, const ct_tensor *shift,
                      int64_t groups, double epsilon, bool activated, ct_tensor **results, char **error);
/// GEGLU: x `[…, 2·width]` → `[…, width]`, the first half times GELU of the second.
ct_tensor *ct_geglu(const ct_tensor *x, char **error);

/// y = x·Wᵀ + b with W and b frozen.
ct_tensor *ct_frozen_linear(const ct_tensor *x, ct_frozen_weight *weight, const ct_tensor *bias, char **error);
/// y = x·Wᵀ + b + s·(x·Aᵀ)·Bᵀ with W and b frozen: no gradient of theirs, no temporary of y's size.
ct_tensor *ct_low_rank_linear(const ct_tensor *x, ct_frozen_weight *weight, const ct_tensor *bias, const ct_tensor *down,
                              const ct_tensor *up, double scale, char **error);
/// The convolution of x with W, plus b, both frozen.
ct_tensor *ct_frozen_convolution(const ct_tensor *x, ct_frozen_weight *weight, const ct_tensor *bias, int64_t stride,
                                 int64_t padding, char **error);

/// softmax(Q·Kᵀ/√width)·V in `heads` heads; queries `[batch, tokens, heads·width]`, keys and values `[batch, words, heads·width]`.
ct_tensor *ct_attention(const ct_tensor *query, const ct_tensor *key, const ct_tensor *value, int64_t heads,
                        char **error);

/// What this thread's calls of one operator took: `nanoseconds` without those of the operators it called. `caller` is the
/// outermost call around it, itself if there is none. Of each tensor the number of extents, then the extents.
typedef struct {
    const char *name, *caller;
    const int64_t *inputs;
    size_t input_count;
    const int64_t *outputs;
    size_t output_count;
    int64_t calls, nanoseconds;
} ct_profile_row;

/// From now on this thread's calls are timed.
int32_t ct_profile_begin(char **error);
/// Ends it; `visit` is called for each operator, caller and shapes that there were.
void ct_profile_end(void (*visit)(void *context, const ct_profile_row *row), void *context);

ct_generator *ct_generator_create(int32_t device, int32_t index, uint64_t seed, char **error);
void ct_generator_release(ct_generator *generator);

const char *ct_version(void);
/// The instruction set whose kernels run: "AVX2", "AVX512", …
const char *ct_cpu_capability(void);
void ct_set_threads(int32_t threads);
int32_t ct_threads(void);
/// Memory that was given back stays with the process, so that the next step's tensors cause no page faults.
void ct_keep_memory(void);
void ct_set_deterministic(bool deterministic);
int32_t ct_cuda_count(void);
int32_t ct_cuda_memory(int32_t index, int64_t *free_bytes, int64_t *total_bytes, char **error);
int32_t ct_synchronize(int32_t index, char **error);

#ifdef __cplusplus
}
#endif
