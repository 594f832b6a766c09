// Blocks of numbers whose columns become rows, in registers.
#pragma once
#include "Vectors.h"

/// Rows and columns of a block.
constexpr int64_t blockSide = 64;

/// Numbers of a format that make a word of 32 bits, which is what products take at a time.
template <typename Element> constexpr int64_t perWord = 4 / sizeof(Element);

BEGIN_AVX512
namespace {

/// Of every two quarters the first, or the second.
__attribute__((always_inline)) inline void even_quarters(floats &to, const floats &one, const floats &other) {
    to = __builtin_shufflevector(one, other, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
}
__attribute__((always_inline)) inline void odd_quarters(floats &to, const floats &one, const floats &other) {
    to = __builtin_shufflevector(one, other, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

/// The last two steps of turning, of columns that lie four registers apart.
__attribute__((always_inline)) inline void gather_quarters(const floats &a, const floats &b, const floats &c,
                                                           const floats &d, floats *to, int64_t step) {
    floats even[2], odd[2];
    even_quarters(even[0], a, b);
    even_quarters(even[1], c, d);
    odd_quarters(odd[0], a, b);
    odd_quarters(odd[1], c, d);
    even_quarters(to[0], even[0], even[1]);
    odd_quarters(to[2 * step], even[0], even[1]);
    even_quarters(to[step], odd[0], odd[1]);
    odd_quarters(to[3 * step], odd[0], odd[1]);
}

/// 16 rows of 16 words.
__attribute__((always_inline)) inline void turn_registers(floats (&rows)[16]) {
    floats pairs[16], fours[16];
    for (int k = 0; k < 16; k += 2) {
        auto &one = rows[k], &other = rows[k + 1];
        pairs[k] = __builtin_shufflevector(one, other, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        pairs[k + 1] = __builtin_shufflevector(one, other, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    }
    for (int k = 0; k < 16; k += 4)
        for (int c = 0; c < 2; c++) {
            auto &one = pairs[k + c], &other = pairs[k + c + 2];
            fours[k + 2 * c] =
                __builtin_shufflevector(one, other, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
            fours[k + 2 * c + 1] =
                __builtin_shufflevector(one, other, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
        }
    for (int c = 0; c < 4; c++) gather_quarters(fours[c], fours[4 + c], fours[8 + c], fours[12 + c], rows + c, 4);
}

/// 16 rows of 16 words, that are `from` and `step` words apart.
inline void turn_words(const float *from, int64_t apart, float *to, int64_t step) {
    floats rows[16];
    for (int k = 0; k < 16; k++) load(rows[k], from + k * apart);
    turn_registers(rows);
    for (int k = 0; k < 16; k++) store(to + k * step, rows[k]);
}

/// A block as the right side of a product, `[blockSide, blockSide]`, turned.
inline void turn_block(const float *from, float *to) {
    for (int64_t r = 0; r < blockSide; r += 16)
        for (int64_t c = 0; c < blockSide; c += 16)
            turn_words(from + r * blockSide + c, blockSide, to + c * blockSide + r, blockSide);
}

/// A block as the right side of a product, pairs of rows woven into one another, turned: two rows and two columns at a
/// time are 64 bits, which only have to be woven the other way within themselves.
inline void turn_block(const c10::BFloat16 *from, c10::BFloat16 *to) {
    using singles = uint16_t __attribute__((vector_size(64)));
    constexpr int64_t row = 2 * blockSide;
    for (int64_t r = 0; r < blockSide / 2; r += 8)
        for (int64_t c = 0; c < row; c += 32) {
            floats rows[8], pairs[8];
            for (int k = 0; k < 8; k++) {
                singles x;
                std::memcpy(&x, from + (r + k) * row + c, sizeof x);
                x = __builtin_shufflevector(x, x, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15, 16, 18, 17, 19,
                                            20, 22, 21, 23, 24, 26, 25, 27, 28, 30, 29, 31);
                rows[k] = (floats)x;
            }
            for (int k = 0; k < 8; k += 2) {
                auto &one = rows[k], &other = rows[k + 1];
                pairs[k] = __builtin_shufflevector(one, other, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
                pairs[k + 1] =
                    __builtin_shufflevector(one, other, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
            }
            for (int k = 0; k < 2; k++) gather_quarters(pairs[k], pairs[2 + k], pairs[4 + k], pairs[6 + k], rows + k, 2);
            for (int k = 0; k < 8; k++) std::memcpy(to + (c / 4 + k) * row + 4 * r, &rows[k], sizeof rows[k]);
        }
}

/// Two rows of the right side of a product, woven.
__attribute__((always_inline)) inline void store_woven(c10::BFloat16 *to, const floats &one, const floats &other) {
    words low, high;
    round_halves(low, one);
    round_halves(high, other);
    words both = (low >> 16) | (high & 0xffff0000);
    std::memcpy(to, &both, sizeof both);
}

}  // namespace
END_AVX512
