// What Swift asks of libvips. Its operations end in `...`, a list of optional arguments that Swift cannot write: each
// function here fixes that list for one operation, and its reason stands in CVips.c. A status of 0 is success; after any
// other, the reason is in `vips_take_error`. Images that come out belong to the caller until `vips_release`.
#pragma once

#include <stddef.h>

typedef struct _VipsImage VipsImage;

int danlu_vips_start(void);
// libvips' words on the last failures, which are then forgotten; free with `danlu_vips_free`.
char *danlu_vips_take_error(void);
void danlu_vips_free(void *memory);
void danlu_vips_release(VipsImage *image);

// These read a header; pixels are decoded when they are asked for. `bytes` must outlive the image.
int danlu_vips_load_png(const void *bytes, size_t count, VipsImage **out);
int danlu_vips_load_jpeg(const void *bytes, size_t count, VipsImage **out);
int danlu_vips_load_webp(const void *bytes, size_t count, VipsImage **out);
int danlu_vips_load_bmp(const void *bytes, size_t count, VipsImage **out);

int danlu_vips_width(VipsImage *image);
int danlu_vips_height(VipsImage *image);
int danlu_vips_bands(VipsImage *image);
// Whether EXIF says that the picture lies on its side.
int danlu_vips_is_on_its_side(VipsImage *image);
int danlu_vips_has_profile(VipsImage *image);
int danlu_vips_has_alpha(VipsImage *image);

int danlu_vips_rotate_upright(VipsImage *in, VipsImage **out);
int danlu_vips_profile_to_srgb(VipsImage *in, VipsImage **out);
int danlu_vips_to_8_bits(VipsImage *in, VipsImage **out);
int danlu_vips_to_srgb(VipsImage *in, VipsImage **out);
int danlu_vips_flatten_on_white(VipsImage *in, VipsImage **out);
int danlu_vips_to_bytes(VipsImage *in, VipsImage **out);

// The pixels, row by row, bands interleaved; `*count` bytes, freed with `danlu_vips_free`. NULL is failure.
void *danlu_vips_pixels(VipsImage *image, size_t *count);
// `pixels` is copied: `width * height * bands` bytes.
VipsImage *danlu_vips_from_pixels(const void *pixels, int width, int height, int bands);

int danlu_vips_save_png(VipsImage *in, void **bytes, size_t *count);
int danlu_vips_text(const char *markup, const char *font, int width, int dpi, VipsImage **out);
