#include "CVectors.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

#if defined(__x86_64__)
uint64_t vectors_checksum_avx2(const void *bytes, size_t count);

uint64_t vectors_checksum(const void *bytes, size_t count) {
    // Short ones take no vectors.
    if (count > 240 && __builtin_cpu_supports("avx2")) return vectors_checksum_avx2(bytes, count);
    return XXH3_64bits(bytes, count);
}
#else
uint64_t vectors_checksum(const void *bytes, size_t count) { return XXH3_64bits(bytes, count); }
#endif
