// What a processor can do that libtorch's name for it does not say.
#pragma once
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>

/// Whether oneDNN multiplies bf16 by whole tiles (AMX).
inline bool has_tiles() {
    static const bool has = at::get_cpu_capability().rfind("AVX512", 0) == 0 && at::cpu::init_amx();
    return has;
}
