#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// libpng reports errors by jumping out of the call, which Swift must not see: so these functions
// catch the jump and return a reason. Samples pass unchanged: no gamma, no premultiplied alpha, and
// palette indices stay indices, none of which png.h's simplified interface guarantees.

struct attune_png {
  uint32_t width, height;
  int bit_depth;   // as stored: 1, 2, 4, 8, 16
  int color_type;  // PNG_COLOR_TYPE_…
  int channels;
  size_t row_bytes;
  unsigned char *rows;  // from malloc: 8-bit or native 16-bit samples, height × row_bytes
  unsigned char palette[256][3];
  int palette_count;
  unsigned char alpha[256];  // of the first colors of the palette; the others are opaque
  int alpha_count;
  char reason[160];
};

struct attune_png_bytes {
  unsigned char *start;
  size_t count, position, capacity;
};

struct attune_png_failure {
  jmp_buf jump;
  char *reason;
  size_t capacity;
};

static inline void attune_png_error(png_structp png, png_const_charp text) {
  struct attune_png_failure *failure = (struct attune_png_failure *)png_get_error_ptr(png);
  strncpy(failure->reason, text, failure->capacity - 1);
  longjmp(failure->jump, 1);
}

static inline void attune_png_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static inline void attune_png_take(png_structp png, png_bytep target, size_t count) {
  struct attune_png_bytes *bytes = (struct attune_png_bytes *)png_get_io_ptr(png);
  if (count > bytes->count - bytes->position) png_error(png, "the file is cut off");
  memcpy(target, bytes->start + bytes->position, count);
  bytes->position += count;
}

static inline void attune_png_append(png_structp png, png_bytep source, size_t count) {
  struct attune_png_bytes *bytes = (struct attune_png_bytes *)png_get_io_ptr(png);
  if (bytes->count + count > bytes->capacity) {
    size_t capacity = 2 * bytes->capacity + count;
    unsigned char *grown = (unsigned char *)realloc(bytes->start, capacity);
    if (!grown) png_error(png, "out of memory");
    bytes->start = grown;
    bytes->capacity = capacity;
  }
  memcpy(bytes->start + bytes->count, source, count);
  bytes->count += count;
}

static inline void attune_png_flush(png_structp png) { (void)png; }

// Decodes `count` bytes; 0 on failure with picture->reason set. The caller frees picture->rows
// either way. Pictures of more than `largest` bytes are refused before memory is taken.
static inline int attune_png_read(
    const unsigned char *start, size_t count, size_t largest, struct attune_png *picture) {
  struct attune_png_bytes bytes = {(unsigned char *)start, count, 0, 0};
  struct attune_png_failure failure = {.reason = picture->reason, .capacity = sizeof picture->reason};
  png_structp volatile png = NULL;
  png_infop volatile info = NULL;
  png_bytep *volatile pointers = NULL;
  volatile int succeeded = 0;
  if (setjmp(failure.jump) == 0) {
    png = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, &failure, attune_png_error, attune_png_warning);
    if (png) info = png_create_info_struct(png);
    if (png && info) {
      png_set_read_fn(png, &bytes, attune_png_take);
      png_read_info(png, info);
      picture->width = png_get_image_width(png, info);
      picture->height = png_get_image_height(png, info);
      picture->bit_depth = png_get_bit_depth(png, info);
      picture->color_type = png_get_color_type(png, info);
      picture->channels = png_get_channels(png, info);
      png_colorp palette = NULL;
      if (picture->color_type == PNG_COLOR_TYPE_PALETTE &&
          png_get_PLTE(png, info, &palette, &picture->palette_count)) {
        for (int i = 0; i < picture->palette_count && i < 256; i++) {
          picture->palette[i][0] = palette[i].red;
          picture->palette[i][1] = palette[i].green;
          picture->palette[i][2] = palette[i].blue;
        }
        png_bytep alpha = NULL;
        int count = 0;
        if (png_get_tRNS(png, info, &alpha, &count, NULL) && alpha && count <= 256) {
          memcpy(picture->alpha, alpha, (size_t)count);
          picture->alpha_count = count;
        }
      }
      png_set_packing(png);
      if (picture->bit_depth == 16) png_set_swap(png);
      png_set_interlace_handling(png);
      png_read_update_info(png, info);
      picture->row_bytes = png_get_rowbytes(png, info);
      if (picture->row_bytes > largest / picture->height) png_error(png, "the picture is too large");
      picture->rows = (unsigned char *)malloc(picture->row_bytes * picture->height);
      pointers = (png_bytep *)malloc(picture->height * sizeof(png_bytep));
      if (!picture->rows || !pointers) png_error(png, "out of memory");
      for (uint32_t y = 0; y < picture->height; y++)
        pointers[y] = picture->rows + y * picture->row_bytes;
      png_read_image(png, pointers);
      png_read_end(png, NULL);
      succeeded = 1;
    }
  }
  png_structp made = png;
  png_infop described = info;
  if (made) png_destroy_read_struct(&made, described ? &described : NULL, NULL);
  free(pointers);
  return succeeded;
}

// Encodes rows of native samples; 0 on failure with picture->reason set. The caller frees
// output->start either way.
static inline int attune_png_write(struct attune_png *picture, struct attune_png_bytes *output) {
  struct attune_png_failure failure = {.reason = picture->reason, .capacity = sizeof picture->reason};
  png_structp volatile png = NULL;
  png_infop volatile info = NULL;
  volatile int succeeded = 0;
  if (setjmp(failure.jump) == 0) {
    png = png_create_write_struct(
        PNG_LIBPNG_VER_STRING, &failure, attune_png_error, attune_png_warning);
    if (png) info = png_create_info_struct(png);
    if (png && info) {
      png_set_write_fn(png, output, attune_png_append, attune_png_flush);
      png_set_IHDR(
          png, info, picture->width, picture->height, picture->bit_depth, picture->color_type,
          PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
      if (picture->color_type == PNG_COLOR_TYPE_PALETTE) {
        png_color colors[256];
        for (int i = 0; i < picture->palette_count; i++) {
          colors[i].red = picture->palette[i][0];
          colors[i].green = picture->palette[i][1];
          colors[i].blue = picture->palette[i][2];
        }
        png_set_PLTE(png, info, colors, picture->palette_count);
        if (picture->alpha_count > 0)
          png_set_tRNS(png, info, picture->alpha, picture->alpha_count, NULL);
      }
      png_write_info(png, info);
      if (picture->bit_depth == 16) png_set_swap(png);
      for (uint32_t y = 0; y < picture->height; y++)
        png_write_row(png, picture->rows + y * picture->row_bytes);
      png_write_end(png, info);
      succeeded = 1;
    }
  }
  png_structp made = png;
  png_infop described = info;
  if (made) png_destroy_write_struct(&made, described ? &described : NULL);
  return succeeded;
}
