// Products with a frozen matrix through oneDNN's matmul: the matrix is packed once per direction.
#ifndef ATTUNE_ONEDNN_H
#define ATTUNE_ONEDNN_H

#include <stdint.h>

typedef struct attune_dnn_matrix attune_dnn_matrix;

// Keeps a pointer to weight [rows_out, columns_in]; it must stay valid. NULL on failure.
attune_dnn_matrix *attune_dnn_matrix_create(const float *weight, int64_t out, int64_t in);
void attune_dnn_matrix_destroy(attune_dnn_matrix *matrix);

// y[m, out] = x[m, in] W^T (+ bias [out] unless NULL); dx[m, in] = dy[m, out] W. 0 on success;
// otherwise nothing was written. Any thread may call.
int attune_dnn_matrix_forward(attune_dnn_matrix *matrix, const void *x, const void *bias, void *y,
                              int64_t m);
int attune_dnn_matrix_backward(attune_dnn_matrix *matrix, const void *dy, void *dx, int64_t m);

const char *attune_dnn_version(void);

#endif
