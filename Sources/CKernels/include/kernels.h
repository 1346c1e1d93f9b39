// Kernels in C: what neither BLAS nor oneDNN has fused.
//
// Every kernel exists in single and double precision and for several instruction sets;
// attune_kernels(precision) gives the table for the best instruction set of the machine, capped by
// the environment variable ATTUNE_ISA (default|avx2|avx512|avx512bf16|amx). Arrays are row-major and dense unless
// a stride is given. `void` pointers are arrays of the table's precision.
#ifndef ATTUNE_KERNELS_H
#define ATTUNE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// Only the functions of a table are marked non-null, so that Swift calls them without unwrapping.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-completeness"
#pragma clang diagnostic ignored "-Wnullability-completeness-on-arrays"

enum { ATTUNE_F32 = 0, ATTUNE_F64 = 1 };

// Convolution over up to three axes; unused axes have size 1 and kernel 1.
typedef struct {
  int64_t channels;
  int64_t input[3], kernel[3], output[3], stride[3], padding[3], dilation[3];
} attune_convolution;

// Keep probability and random stream of a dropout: element i is dropped when word i of the
// Philox stream (key, stream) is below `threshold`. `offset` is the global index of element 0, so
// that a mask does not depend on how a batch is cut into shards.
typedef struct {
  uint32_t threshold;
  uint32_t key[2];
  uint32_t stream[2];
  uint64_t offset;
  double scale;
} attune_dropout_mask;

// Softmax attention: out = softmax(scale q k^T + bias) v for each batch row and head, weights through
// a dropout where `mask` is given. Element (b, head, i, j) of the bias, in the table's precision, is
// at bias[b * bias_stride[0] + head * bias_stride[1] + i * bias_stride[2] + j]; `dbias` is laid out
// alike, NULL where its gradient isn't wanted.
typedef struct {
  size_t batch, heads, queries, keys, width;
  double scale;
  int is_bf16;
  const attune_dropout_mask *mask;
  const void *bias;
  void *dbias;
  size_t bias_stride[3];
} attune_attention;

// Operand of attention: row i of batch row b, heads * width elements, is `stride` * (b * rows + i)
// elements behind `data`; elements are bf16 or in the table's precision.
typedef struct {
  void *data;
  size_t stride;
} attune_rows;

// A batch row and a head.
typedef struct {
  size_t batch, head;
} attune_place;

// X(name, parameters)
#define ATTUNE_KERNELS(X)                                                                          \
  /* y = a + b, a - b, a * b, element by element */                                                \
  X(add, (const void *a, const void *b, void *y, size_t n))                                        \
  X(subtract, (const void *a, const void *b, void *y, size_t n))                                   \
  X(multiply, (const void *a, const void *b, void *y, size_t n))                                   \
  /* y = s * a */                                                                                  \
  X(scale, (const void *a, double s, void *y, size_t n))                                           \
  /* y += s * a */                                                                                 \
  X(accumulate, (const void *a, double s, void *y, size_t n))                                      \
  /* y[rows, n] = a[rows, n] + b[n], a * b; a may be y */                                          \
  X(add_row, (const void *a, const void *b, void *y, size_t rows, size_t n))                       \
  X(multiply_row, (const void *a, const void *b, void *y, size_t rows, size_t n))                  \
  /* y[n] += sum over rows of a[rows, n]; the second form of a * b */                              \
  X(sum_rows, (const void *a, void *y, size_t rows, size_t n))                                     \
  X(sum_rows_product, (const void *a, const void *b, void *y, size_t rows, size_t n))              \
  /* out = sum of a, of a^2, of (a - b)^2, in double, in a fixed order */                          \
  X(sum, (const void *a, size_t n, double *out))                                                   \
  X(sum_of_squares, (const void *a, size_t n, double *out))                                        \
  X(squared_distance, (const void *a, const void *b, size_t n, double *out))                       \
  /* out[0] = number of NaN among a, out[1] = number of infinite values */                         \
  X(count_not_finite, (const void *a, size_t n, int64_t *out))                                     \
  /* GELU, erf form: y = x Phi(x); dx = dy (Phi(x) + x phi(x)) */                                  \
  X(gelu, (const void *x, void *y, size_t n))                                                      \
  X(gelu_backward, (const void *x, const void *dy, void *dx, size_t n))                            \
  /* leaky ReLU with the slope for negative values; slope 0 is ReLU */                             \
  X(leaky_relu, (const void *x, double slope, void *y, size_t n))                                  \
  X(leaky_relu_backward, (const void *x, const void *dy, double slope, void *dx, size_t n))        \
  /* logistic function y = 1 / (1 + exp(-x)); dx = dy y (1 - y) */                                 \
  X(sigmoid, (const void *x, void *y, size_t n))                                                   \
  X(sigmoid_backward, (const void *y, const void *dy, void *dx, size_t n))                         \
  /* layer norm over the last axis; weight and bias [n] or NULL; mean, rstd [rows] are saved */    \
  X(layer_norm,                                                                                    \
    (const void *x, const void *weight, const void *bias, double eps, void *y, void *mean,         \
     void *rstd, size_t rows, size_t n))                                                           \
  /* dx, dweight, dbias may be NULL; the last two are added to */                                  \
  X(layer_norm_backward,                                                                           \
    (const void *x, const void *weight, const void *mean, const void *rstd, const void *dy,        \
     void *dx, void *dweight, void *dbias, size_t rows, size_t n))                                 \
  /* softmax over the last axis; dx = y (dy - sum(dy y)) */                                        \
  X(softmax, (const void *x, void *y, size_t rows, size_t n))                                      \
  X(softmax_backward, (const void *y, const void *dy, void *dx, size_t rows, size_t n))            \
  /* x [batch, channels, n]: mean and biased variance of each channel in double, in a fixed order; \
     y = (x - mean) rstd * weight + bias, where weight and bias may be NULL */                      \
  X(channel_moments,                                                                               \
    (const void *x, double *mean, double *variance, size_t batch, size_t channels, size_t n))      \
  X(channel_norm,                                                                                  \
    (const void *x, const double *mean, const double *rstd, const void *weight, const void *bias,  \
     void *y, size_t batch, size_t channels, size_t n))                                            \
  /* backward of channel_norm, through mean and rstd where `moves`; dx, dweight, dbias may be NULL,\
     the last two are written */                                                                   \
  X(channel_norm_backward,                                                                         \
    (const void *x, const double *mean, const double *rstd, const void *weight, const void *dy,    \
     void *dx, void *dweight, void *dbias, size_t batch, size_t channels, size_t n, int moves))    \
  /* cross entropy of rows of logits [rows, n] with labels in 0..n-1 or `ignored`, with label      \
     smoothing s: -sum_k ((1-s) [k = label] + s/n) log softmax_k; p [rows, n] gets the softmax;    \
     out the sum over rows that are not ignored, in double */                                      \
  X(cross_entropy,                                                                                 \
    (const void *x, const int32_t *labels, int32_t ignored, double smoothing, void *p, size_t rows,\
     size_t n, double *out))                                                                       \
  /* dx = scale (p - target), 0 in ignored rows */                                                 \
  X(cross_entropy_backward,                                                                        \
    (const void *p, const int32_t *labels, int32_t ignored, double smoothing, double scale,        \
     void *dx, size_t rows, size_t n))                                                             \
  /* softmax attention, see attune_attention; lse [batch, heads, queries] is saved for the way back, \
     in units of log 2 */                                                                           \
  X(attention,                                                                                     \
    (const attune_attention *a, attune_rows q, attune_rows k, attune_rows v, attune_rows out,      \
     void *lse, void *scratch))                                                                    \
  /* dq, dk, dv are written; a->dbias is added to */                                               \
  X(attention_backward,                                                                            \
    (const attune_attention *a, attune_rows q, attune_rows k, attune_rows v, attune_rows out,      \
     const void *lse, attune_rows dout, attune_rows dq, attune_rows dk, attune_rows dv,            \
     void *scratch))                                                                               \
  /* size of the scratch of one of the two */                                                      \
  X(attention_scratch, (const attune_attention *a, int backward, size_t *bytes))                   \
  /* one sample [channels, in...] to columns [channels*kernel..., out...], and its adjoint (+=) */ \
  X(im2col, (const void *x, void *columns, const attune_convolution *g))                           \
  X(col2im, (const void *columns, void *x, const attune_convolution *g))                           \
  /* weights for `convolve`, element (output, input, tap) at the given strides, taps backwards with \
     `flips`; packed_kernel_size gives the number of elements */                                   \
  X(pack_kernel,                                                                                   \
    (const void *weight, void *packed, size_t outputs, size_t inputs, size_t taps,                 \
     size_t output_stride, size_t input_stride, int flips))                                        \
  X(packed_kernel_size, (size_t outputs, size_t inputs, size_t taps, size_t *elements))            \
  /* y [batch, outputs, out...] = convolution of x [batch, channels, in...] with packed weights    \
     (+ bias [outputs] unless NULL); scratch holds what convolve_scratch says */                   \
  X(convolve,                                                                                      \
    (const void *x, const void *packed, const void *bias, void *y, size_t batch, size_t outputs,   \
     const attune_convolution *g, void *scratch))                                                  \
  X(convolve_scratch, (const attune_convolution *g, size_t *elements))                             \
  /* convolution of every channel with a kernel of its own: x [batch, channels, in...], w          \
     [channels, kernel...]; y is written, dx and dw, either of which may be NULL, are added to */  \
  X(depthwise,                                                                                     \
    (const void *x, const void *w, void *y, size_t batch, const attune_convolution *g))            \
  X(depthwise_backward,                                                                            \
    (const void *x, const void *w, const void *dy, void *dx, void *dw, size_t batch,               \
     const attune_convolution *g))                                                                 \
  /* y[outer, out, inner] = sum over taps t of weights[out, taps] * x[outer, index[out, taps],     \
     inner], and its adjoint (dx +=) */                                                            \
  X(resample,                                                                                      \
    (const void *x, void *y, const int32_t *index, const double *weights, size_t outer,            \
     size_t in, size_t out, size_t inner, size_t taps))                                            \
  X(resample_backward,                                                                             \
    (const void *dy, void *dx, const int32_t *index, const double *weights, size_t outer,          \
     size_t in, size_t out, size_t inner, size_t taps))                                            \
  /* x [batch, channels, n]: layer norm over the channels of each pixel; weight and bias [channels]\
     or NULL; mean, rstd [batch, n] are saved */                                                   \
  X(pixel_norm,                                                                                    \
    (const void *x, const void *weight, const void *bias, double eps, void *y, void *mean,         \
     void *rstd, size_t batch, size_t channels, size_t n))                                         \
  /* dx, dweight, dbias may be NULL; the last two are added to */                                  \
  X(pixel_norm_backward,                                                                           \
    (const void *x, const void *weight, const void *mean, const void *rstd, const void *dy,        \
     void *dx, void *dweight, void *dbias, size_t batch, size_t channels, size_t n))               \
  /* y[outer, in - window + 1, inner]: means of `window` neighbors of x[outer, in, inner] by       \
     running sums in double, and the adjoint (dx is written) */                                    \
  X(window_mean,                                                                                   \
    (const void *x, void *y, size_t outer, size_t in, size_t window, size_t inner))                \
  X(window_mean_backward,                                                                          \
    (const void *dy, void *dx, size_t outer, size_t in, size_t window, size_t inner))              \
  /* largest of each cell x cell square of x [planes, height, width], rest cut off, and its place  \
     in the plane; the adjoint adds */                                                             \
  X(max_pool,                                                                                      \
    (const void *x, void *y, int32_t *index, size_t planes, size_t height, size_t width,           \
     size_t cell))                                                                                 \
  X(max_pool_backward,                                                                             \
    (const void *dy, const int32_t *index, void *dx, size_t planes, size_t pixels, size_t cells))  \
  /* y = x * mask * scale; its own adjoint */                                                      \
  X(dropout, (const void *x, void *y, size_t n, const attune_dropout_mask *mask))                  \
  /* AdamW with decoupled weight decay (arXiv 1711.05101, algorithm 2), bias corrections given */  \
  X(adamw,                                                                                         \
    (void *p, void *m, void *v, const void *g, size_t n, double lr, double beta1, double beta2,    \
     double eps, double decay, double correction1, double correction2))

// One table of kernels per precision and instruction set.
typedef struct {
#define X(name, parameters) void (*_Nonnull name) parameters;
  ATTUNE_KERNELS(X)
#undef X
} attune_kernel_table;

// Table for a precision on this machine.
const attune_kernel_table *attune_kernels(int precision);

// Name of the instruction set in use: "default", "avx2", "avx512", "avx512bf16", "amx".
const char *attune_instruction_set(void);

// Four words of Philox4x32-10 (Salmon et al. 2011) for one counter block.
void attune_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

// Strided copy into a dense array: element (i0, i1, ...) of `y` with the given shape comes from
// x + sum(i * stride) elements of `size` bytes (4 or 8, or any other).
void attune_permute(const void *x, void *y, size_t rank, const int64_t *shape,
                    const int64_t *stride, size_t size);

// Casts of n elements.
void attune_f32_to_f64(const float *x, double *y, size_t n);
void attune_f64_to_f32(const double *x, float *y, size_t n);

#pragma clang diagnostic pop
#endif
