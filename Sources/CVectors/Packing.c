// Floats in fewer bytes: their bytes are cut into four planes, and a plane in which they are much alike is given to zstd's
// entropy coder. The others are as good as noise, and stay as they are.
//
// Layout, little-endian: for each plane, from the least significant byte up, its length in 32 bits; then the planes. A plane
// as long as there are numbers lies there as it is; a shorter one is a zstd frame.
#define ZSTD_STATIC_LINKING_ONLY
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <zstd.h>

#include "CVectors.h"
#include "InstructionSets.h"

enum { PLANES = 4, HEAD = PLANES * 4 };

typedef uint32_t word __attribute__((aligned(1)));

/// What a thread packs and unpacks with; it ends with the thread.
typedef struct {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    uint8_t *room;
    size_t bytes;
} workspace;

static once_flag prepared = ONCE_FLAG_INIT;
static tss_t workspaces;

static void end(void *pointer) {
    workspace *own = pointer;
    ZSTD_freeCCtx(own->compressor);
    ZSTD_freeDCtx(own->decompressor);
    free(own->room);
    free(own);
}

static void prepare(void) {
    if (tss_create(&workspaces, end) != thrd_success) abort();
}

/// This thread's, with room for so many bytes; NULL where there is no memory.
static workspace *own_workspace(size_t bytes) {
    call_once(&prepared, prepare);
    workspace *own = tss_get(workspaces);
    if (!own) {
        own = calloc(1, sizeof *own);
        if (!own) return NULL;
        if (tss_set(workspaces, own) != thrd_success) {
            free(own);
            return NULL;
        }
        own->compressor = ZSTD_createCCtx();
        own->decompressor = ZSTD_createDCtx();
        if (own->compressor) {
            // Nothing repeats in a plane, so that no time is spent on looking for what does.
            ZSTD_CCtx_setParameter(own->compressor, ZSTD_c_compressionLevel, -100);
            ZSTD_CCtx_setParameter(own->compressor, ZSTD_c_literalCompressionMode, ZSTD_lcm_huffman);
        }
    }
    if (own->bytes < bytes) {
        free(own->room);
        own->room = malloc(bytes);
        own->bytes = own->room ? bytes : 0;
    }
    return own->compressor && own->decompressor && own->room ? own : NULL;
}

/// The exponent becomes the uppermost byte, the sign the last bit.
static inline uint32_t turned(uint32_t number) { return number << 1 | number >> 31; }
static inline uint32_t turned_back(uint32_t number) { return number >> 1 | number << 31; }
/// How many floats lie between the two, with the direction in the last bit.
static inline uint32_t distance(uint32_t number, uint32_t base) {
    uint32_t change = number - base;
    return change << 1 ^ (0 - (change >> 31));
}
static inline uint32_t moved(uint32_t base, uint32_t distance) { return base + (distance >> 1 ^ (0 - (distance & 1))); }

EACH_PROCESSOR static void cut(const word *numbers, const word *base, size_t count, int plane, uint8_t *restrict bytes) {
    int shift = 8 * plane;
    if (base) {
        for (size_t index = 0; index < count; index++) bytes[index] = distance(numbers[index], base[index]) >> shift;
    } else {
        for (size_t index = 0; index < count; index++) bytes[index] = turned(numbers[index]) >> shift;
    }
}

EACH_PROCESSOR static void join(const uint8_t *const plane[PLANES], const word *base, size_t count, word *restrict numbers) {
    const uint8_t *a = plane[0], *b = plane[1], *c = plane[2], *d = plane[3];
    if (base) {
        for (size_t index = 0; index < count; index++)
            numbers[index] = moved(base[index], a[index] | b[index] << 8 | c[index] << 16 | (uint32_t)d[index] << 24);
    } else {
        for (size_t index = 0; index < count; index++)
            numbers[index] = turned_back(a[index] | b[index] << 8 | c[index] << 16 | (uint32_t)d[index] << 24);
    }
}

size_t vectors_pack(const float *numbers, const float *base, size_t count, void *bytes) {
    workspace *own = own_workspace(count);
    if (!own || count > UINT32_MAX || 4 * count <= HEAD) return 0;
    uint8_t *start = bytes, *next = start + HEAD, *limit = start + 4 * count - 1;
    for (int plane = 0; plane < PLANES; plane++) {
        // Of a number only the exponent is worth the time, of a distance the upper half.
        int is_tried = plane >= (base ? 2 : 3);
        size_t room = limit - next, length = count;
        if (is_tried) {
            cut((const word *)numbers, (const word *)base, count, plane, own->room);
            size_t packed = ZSTD_compress2(own->compressor, next, room, own->room, count);
            if (!ZSTD_isError(packed) && packed < count) {
                length = packed;
            } else if (count <= room) {
                memcpy(next, own->room, count);
            }
        } else if (count <= room) {
            cut((const word *)numbers, (const word *)base, count, plane, next);
        }
        if (length > room) return 0;
        uint32_t said = (uint32_t)length;
        memcpy(start + 4 * plane, &said, 4);
        next += length;
    }
    return next - start;
}

int vectors_unpack(const void *bytes, size_t length, const float *base, float *numbers, size_t count) {
    workspace *own = own_workspace(PLANES * count);
    if (!own || length < HEAD) return 0;
    const uint8_t *start = bytes, *next = start + HEAD, *end = start + length, *plane[PLANES];
    for (int index = 0; index < PLANES; index++) {
        uint32_t said;
        memcpy(&said, start + 4 * index, 4);
        if (said > (size_t)(end - next)) return 0;
        plane[index] = next;
        if (said != count) {
            uint8_t *place = own->room + index * count;
            if (ZSTD_decompressDCtx(own->decompressor, place, count, next, said) != count) return 0;
            plane[index] = place;
        }
        next += said;
    }
    if (next != end) return 0;
    join(plane, (const word *)base, count, (word *)numbers);
    return 1;
}
