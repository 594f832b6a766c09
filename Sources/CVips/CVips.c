#include "CVips.h"

#include <vips/vips.h>

// libvips warns on stderr (a worn colour profile, a broken EXIF tag); what matters comes back as an error.
static void ignore_message(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data) {}

// One thread for each picture and no cache: a trainer reads a picture once, and many at a time.
int danlu_vips_start(void) {
    g_log_set_handler(
        "VIPS", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_DEBUG, ignore_message, NULL);
    if (vips_init("danlu"))
        return -1;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    return 0;
}

char *danlu_vips_take_error(void) { return vips_error_buffer_copy(); }

void danlu_vips_free(void *memory) { g_free(memory); }

void danlu_vips_release(VipsImage *image) { g_object_unref(image); }

// A loader for each format, because libvips' own guess would also open PDF, SVG and whatever else it was built with.
// `memory` keeps a large picture out of a temporary file; `fail_on` makes a truncated file an error, where libvips would
// fill the rest with gray.
int danlu_vips_load_png(const void *bytes, size_t count, VipsImage **out) {
    return vips_pngload_buffer((void *)bytes, count, out, "memory", TRUE, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
}

int danlu_vips_load_jpeg(const void *bytes, size_t count, VipsImage **out) {
    return vips_jpegload_buffer((void *)bytes, count, out, "memory", TRUE, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
}

int danlu_vips_load_webp(const void *bytes, size_t count, VipsImage **out) {
    return vips_webpload_buffer((void *)bytes, count, out, "memory", TRUE, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
}

// libvips has no reader of its own for BMP.
int danlu_vips_load_bmp(const void *bytes, size_t count, VipsImage **out) {
    return vips_magickload_buffer((void *)bytes, count, out, "memory", TRUE, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
}

int danlu_vips_width(VipsImage *image) { return vips_image_get_width(image); }

int danlu_vips_height(VipsImage *image) { return vips_image_get_height(image); }

int danlu_vips_bands(VipsImage *image) { return vips_image_get_bands(image); }

int danlu_vips_is_on_its_side(VipsImage *image) { return vips_image_get_orientation_swap(image); }

int danlu_vips_has_profile(VipsImage *image) { return vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0; }

int danlu_vips_has_alpha(VipsImage *image) { return vips_image_hasalpha(image); }

int danlu_vips_rotate_upright(VipsImage *in, VipsImage **out) { return vips_autorot(in, out, NULL); }

// From the picture's own colour profile to 8-bit sRGB, as a viewer would.
int danlu_vips_profile_to_srgb(VipsImage *in, VipsImage **out) {
    return vips_icc_transform(
        in, out, "srgb", "embedded", TRUE, "depth", 8, "intent", VIPS_INTENT_RELATIVE, "black_point_compensation", TRUE,
        NULL);
}

// A transform by profile leaves alpha as it is, and 16 bits of it would be read as 8.
int danlu_vips_to_8_bits(VipsImage *in, VipsImage **out) {
    switch (vips_image_get_interpretation(in)) {
    case VIPS_INTERPRETATION_RGB16:
        return vips_colourspace(in, out, VIPS_INTERPRETATION_sRGB, NULL);
    case VIPS_INTERPRETATION_GREY16:
        return vips_colourspace(in, out, VIPS_INTERPRETATION_B_W, NULL);
    default:
        return vips_copy(in, out, NULL);
    }
}

// To 8-bit sRGB by the picture's kind alone: gray to three bands, 16 bits to 8, CMYK to RGB.
int danlu_vips_to_srgb(VipsImage *in, VipsImage **out) {
    return vips_colourspace(in, out, VIPS_INTERPRETATION_sRGB, NULL);
}

// The default background is black.
int danlu_vips_flatten_on_white(VipsImage *in, VipsImage **out) {
    double white[] = {255, 255, 255};
    VipsArrayDouble *background = vips_array_double_new(white, 3);
    int status = vips_flatten(in, out, "background", background, NULL);
    vips_area_unref(VIPS_AREA(background));
    return status;
}

int danlu_vips_to_bytes(VipsImage *in, VipsImage **out) { return vips_cast(in, out, VIPS_FORMAT_UCHAR, NULL); }

void *danlu_vips_pixels(VipsImage *image, size_t *count) { return vips_image_write_to_memory(image, count); }

// libvips takes a picture without a meaning; three bands are meant as sRGB.
VipsImage *danlu_vips_from_pixels(const void *pixels, int width, int height, int bands) {
    size_t count = (size_t)width * height * bands;
    VipsImage *image = vips_image_new_from_memory_copy(pixels, count, width, height, bands, VIPS_FORMAT_UCHAR);
    if (image)
        image->Type = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    return image;
}

// `strip` writes the pixels and no metadata: ours is added by whoever knows what it says.
int danlu_vips_save_png(VipsImage *in, void **bytes, size_t *count) {
    return vips_pngsave_buffer(in, bytes, count, "strip", TRUE, NULL);
}

// `width` is where lines wrap, at words; the result is a mask whose 255 is ink.
int danlu_vips_text(const char *markup, const char *font, int width, int dpi, VipsImage **out) {
    return vips_text(out, markup, "font", font, "width", width, "dpi", dpi, NULL);
}
