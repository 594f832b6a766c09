// What is done to every number of a gradient, and to every byte of a message, in the widest registers that the processor has.
//
// The results are the same bits on every processor: what is added up is added up in one order, and no product and sum are
// rounded as one. Memory may lie anywhere, and no two arguments overlap unless they are the same.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// XXH3's 64 bits with seed 0: Yann Collet, <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>.
uint64_t vectors_checksum(const void *bytes, size_t count);

/// Σ x² in fp64; finite exactly when all numbers are.
double vectors_squares(const float *numbers, size_t count);

/// `sum = left + right`, element by element; `sum` may be one of the two.
void vectors_add(float *sum, const float *left, const float *right, size_t count);

/// The upper halves of floats, to nearest, ties to even; what is too large or not finite becomes the largest.
void vectors_narrow(const float *numbers, void *halves, size_t count);
void vectors_widen(const void *halves, float *numbers, size_t count);
/// Both, in one place.
void vectors_round_to_bfloat16(float *numbers, size_t count);

/// What 1 stands for in a block of signed bytes: at least a 127th of the largest number, with 16 significant bits. 0 where all
/// of it is nothing, or so small that a 127th of it is not normal.
float vectors_scale(const float *numbers, size_t count);
/// The whole numbers nearest to number ÷ scale, ties to even, from −127 to 127; 0 where the scale is.
void vectors_to_bytes(const float *numbers, float scale, void *bytes, size_t count);
/// byte × scale. Returns the least byte, 127 where there is none.
int8_t vectors_from_bytes(const void *bytes, float scale, float *numbers, size_t count);
/// Both, in one place.
void vectors_round_to_bytes(float *numbers, float scale, size_t count);

/// Takes a part of what earlier roundings owe along: `target = source + part · owed`, of which `owed` then holds what is left and
/// the target itself. `target` may be the source.
void vectors_take_owed(const float *source, float part, float *owed, float *target, size_t count);
/// What rounding the target has lost stays owed: `owed -= rounded`.
void vectors_owe(const float *rounded, float *owed, size_t count);

/// Writes floats in fewer bytes, from which they come back bit for bit.
///
/// `base` are numbers that the reader has too, close to these, or NULL. `bytes` has room for 4·count. Returns how many of them
/// it takes: fewer than 4·count, or 0 where that cannot be.
size_t vectors_pack(const float *numbers, const float *base, size_t count, void *bytes);
/// Takes them out again. Returns 0 where these bytes were not written so for so many numbers; then `numbers` are anything.
int vectors_unpack(const void *bytes, size_t length, const float *base, float *numbers, size_t count);
