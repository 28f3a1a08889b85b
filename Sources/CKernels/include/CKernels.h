/// The loops that need the full width of the processor, chosen when the program runs.
///
/// Every function computes the same bits on every path (AVX-512, AVX2, portable): elements are combined in one fixed
/// order, with fused multiply-adds only where they are written, and the order depends on neither tile, row nor thread.
///
/// Legend: M rows, N outputs, K inputs, a panel = 32 outputs; `ld` = distance between rows in elements.
#ifndef UNMASK_CKERNELS_H
#define UNMASK_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Outputs per packed panel. A packed matrix W[N, K] is ceil(N / 32) panels of [K][32] floats, short panels padded with zeros.
#define UNMASK_PANEL 32

/// Elements of a stored tensor. I8: a signed byte times a scale. U4: half a byte less 8 times a scale, the element of lower index in the lower half.
enum { UNMASK_F32 = 0, UNMASK_F16 = 1, UNMASK_BF16 = 2, UNMASK_I8 = 3, UNMASK_U4 = 4 };

/// A matrix W[rows, K] as it is stored, row by row, possibly unaligned.
struct unmask_stored {
  const void *data;
  size_t rows;
  int type;
  /// K / group scales a row, for I8 and U4; `group` is a multiple of 16.
  const float *scales;
  size_t group;
};

/// The path taken on this machine: "avx512", "avx2" or "portable".
const char *unmask_kernel_path(void);

/// Takes the named path from now on, for tests and for the doctor; returns 0 if this machine cannot.
int unmask_kernel_select(const char *path);

/// y[M, 32 * panels] = x[M, K] * W^T. Each output is one chain of fused multiply-adds over k = 0, 1, ..., K - 1 from zero.
void unmask_matmul(const float *x, size_t ldx, size_t m, size_t k, const float *packed, size_t panels, float *y, size_t ldy);

/// The same for panels `first`, `first` + 1, ... of a matrix used as it is stored: widened block by block into 64 KB, so the same bits as when it is packed.
void unmask_matmul_stored(
    const float *x, size_t ldx, size_t m, size_t k, const struct unmask_stored *w, size_t first, size_t panels, float *y, size_t ldy);

/// Packs `n` rows of `k` elements (stored as `type`, possibly unaligned) as rows `first`, `first` + 1, ... of a packed matrix, widened to
/// float32. What no row fills is left as it is. Returns 1 if every element is finite, else 0.
int unmask_pack(const void *source, int type, size_t first, size_t n, size_t k, float *packed);

/// Widens `count` stored elements; returns 1 if all are finite, else 0.
int unmask_widen(const void *source, int type, size_t count, float *out);

/// 1 if all `count` stored elements (F32, F16 or BF16) are finite, else 0.
int unmask_finite_stored(const void *source, int type, size_t count);

/// Rows of a head's keys or values: row i is row `place[i]` of `fresh` where that is not negative, else row -1 - `place[i]` of `held`. Without `place` they are
/// the rows of `fresh` in order. Rows of `fresh` and `held` are `ldf` and `ldh` apart.
struct unmask_rows {
  const float *fresh;
  size_t ldf;
  const float *held;
  size_t ldh;
  const int32_t *place;
};

/// Transposes `count` rows of `width` into panels over `count`: the keys of an attention head, as a packed matrix W[count, width].
void unmask_pack_rows(const struct unmask_rows *x, size_t count, size_t width, float *packed);

/// Copies `count` rows of `width` into panels over `width`: the values of an attention head, as a packed matrix W[width, count].
void unmask_pack_columns(const struct unmask_rows *x, size_t count, size_t width, float *packed);

/// out = weight * x / sqrt(mean(x^2) + eps), row by row.
void unmask_rmsnorm(const float *x, size_t ldx, size_t rows, size_t width, const float *weight, float eps, float *out, size_t ldo);

/// x += y, row by row.
void unmask_add(float *x, size_t ldx, const float *y, size_t ldy, size_t rows, size_t width);

/// gate = silu(gate) * up, row by row.
void unmask_swiglu(float *gate, const float *up, size_t ld, size_t rows, size_t width);

/// Softmax in place over the first `count` of each row; the rest of the row up to a multiple of 16 becomes zero.
void unmask_softmax(float *x, size_t ldx, size_t rows, size_t count);

/// out = exp(x): at most 1 ulp from the true value for x in [-87, 88]; 0 below -87.33, the value at 88.72 above it.
void unmask_exp(const float *x, float *out, size_t count);

/// Rotates the first `rotary` elements of `heads` heads of `width` in place: halves (a, b) become (a cos - b sin, b cos + a sin). All elements are
/// multiplied by `scale`. `cosine` and `sine` hold rotary / 2 values.
void unmask_rotate(float *x, size_t heads, size_t width, size_t rotary, const float *cosine, const float *sine, float scale);

/// Folds `blocks` blocks of 64 bytes into a SHA-256 state.
void unmask_sha256(uint32_t state[8], const uint8_t *bytes, size_t blocks);

/// 1 if all `count` values are finite, else 0.
int unmask_finite(const float *x, size_t count);

#endif
