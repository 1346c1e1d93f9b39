// Matrix products with operands packed once, and with everything attached that would otherwise be
// a pass of its own: bias, low-rank terms, activation, residual.
//
// A packed operand [depth, columns] lies in panels of `width` columns, the last one padded with
// zeros. In single precision element (i, j) is at panel j / width, place i * width + j % width; in
// bf16 two rows of depth lie side by side: place (i / 2) * 2 * width + 2 * (j % width) + i % 2.
#ifndef ATTUNE_PRODUCTS_H
#define ATTUNE_PRODUCTS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-completeness"

// What is done with a row of the product: y = product + bias, and then
enum {
  ATTUNE_IDENTITY = 0,
  // the GELU of it, while `before` gets the value itself
  ATTUNE_GELU = 1
};

// y[rows, columns] = activation(a[rows, depth] · panels + extra[rows, extra_depth] · extra_panels
//   + bias) + residual. Arrays are single precision, or bf16 where marked `half`; sums are single
// precision. NULL leaves a term out.
typedef struct {
  size_t rows, depth, columns;
  const void *a;
  size_t a_stride;
  int a_half;
  const void *panels;
  int panels_half;
  // Panels of one vector instead of the usual width: for few columns.
  int narrow;
  const float *extra, *extra_panels;
  size_t extra_depth;
  const float *bias, *residual;
  int activation;
  void *y, *before;
  int y_half;
  // attune_product_scratch elements where that is not 0.
  float *scratch;
} attune_product;

// The functions of one instruction set.
typedef struct {
  // Columns of a panel, of a narrow panel.
  size_t width, narrow_width;
  // Whether products of bf16 with bf16 are an instruction.
  int multiplies_half;
  // Whether there are matrix tiles for them.
  int has_tiles;
  void (*_Nonnull product)(const attune_product *_Nonnull p);
  // y[r, columns] = sum over rows m of a[m, r] * b[m, columns]; b [rows, columns] with a stride.
  void (*_Nonnull outer)(const float *_Nonnull a, size_t r, const void *_Nonnull b,
                         size_t b_stride, int b_half, size_t rows, size_t columns,
                         float *_Nonnull y);
  // Packs element (i, j) = source[i * row_stride + j * column_stride] * factor; narrow as above.
  void (*_Nonnull pack)(const float *_Nonnull source, size_t row_stride, size_t column_stride,
                        size_t depth, size_t columns, float factor, int half, int narrow,
                        void *_Nonnull panels);
  // Casts, to nearest even; NaN stays NaN.
  void (*_Nonnull to_half)(const float *_Nonnull x, uint16_t *_Nonnull y, size_t n);
  void (*_Nonnull from_half)(const uint16_t *_Nonnull x, float *_Nonnull y, size_t n);
  // dx = dy * GELU'(x); each single precision or bf16.
  void (*_Nonnull gelu_backward)(const void *_Nonnull x, const void *_Nonnull dy,
                                 void *_Nonnull dx, int x_half, int dy_half, int dx_half,
                                 size_t n);
  // Layer norm of rows [rows, n] in single precision, with the result in bf16 where `half`.
  void (*_Nonnull layer_norm)(const float *_Nonnull x, const float *weight, const float *bias,
                              double eps, void *_Nonnull y, int half, float *_Nonnull mean,
                              float *_Nonnull rstd, size_t rows, size_t n);
  // Its backward for frozen weight and bias: dx, with dy in bf16 where `half`.
  void (*_Nonnull layer_norm_backward)(const float *_Nonnull x, const float *weight,
                                       const float *_Nonnull mean, const float *_Nonnull rstd,
                                       const void *_Nonnull dy, int half, float *_Nonnull dx,
                                       size_t rows, size_t n);
} attune_product_table;

const attune_product_table *_Nonnull attune_products(void);

// Rows that a product takes through all panels at a time.
size_t attune_block_rows(const attune_product *_Nonnull p);

// Whether a product goes through matrix tiles.
int attune_uses_tiles(const attune_product *_Nonnull p);

// Elements of `scratch` that a product needs.
size_t attune_product_scratch(const attune_product *_Nonnull p);

// Elements (of the panels' type) of a packed operand.
size_t attune_panel_elements(size_t depth, size_t columns, int half, int narrow);

#pragma clang diagnostic pop
#endif
