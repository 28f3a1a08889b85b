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

/// Largest number of inputs that share a scale in products of small integers; their sum of products stays below 2^24.
#define UNMASK_GROUP 128

/// A matrix W[N, K] of small integers: for each panel and each group of inputs, 32 float32 scales, then [group / 4][32][4] bytes, an integer from -128 to 127 plus 128 each.
struct unmask_integers {
  const uint8_t *blocks;
  size_t groups;
  /// A multiple of 4, at most UNMASK_GROUP; inputs behind K count as zero.
  size_t group;
};

/// Rows x[M, K] as integers from -127 to 127: [groups][M][group], and of each group its scale and -128 times its sum, both [groups][M]. Up to
/// 32 * UNMASK_GROUP bytes behind the last integer are read, whatever they are.
struct unmask_levels {
  int8_t *levels;
  float *scales;
  int32_t *starts;
};

/// The path taken on this machine: "avx512+amx", "avx512+vnni", "avx512", "avx2" or "portable". What stands behind a plus sign multiplies small integers only.
const char *unmask_kernel_path(void);

/// Takes the named path from now on, for tests and for the doctor; returns 0 if this machine cannot.
int unmask_kernel_select(const char *path);

/// 1 if this machine can take the named path, else 0.
int unmask_kernel_can(const char *path);

/// y[M, 32 * panels] = x[M, K] * W^T. Each output is one chain of fused multiply-adds over k = 0, 1, ..., K - 1 from zero.
void unmask_matmul(const float *x, size_t ldx, size_t m, size_t k, const float *packed, size_t panels, float *y, size_t ldy);

/// The same for panels `first`, `first` + 1, ... of a matrix used as it is stored: widened block by block into 64 KB, so the same bits as when it is packed.
void unmask_matmul_stored(
    const float *x, size_t ldx, size_t m, size_t k, const struct unmask_stored *w, size_t first, size_t panels, float *y, size_t ldy);

/// Turns `count` rows of x[M, K] from `row` on into integers, group by group: x = scale * integer, the largest of a group in size being 127, ties to even. A group with
/// an element that is not finite has a scale that is none; one whose largest is below 2^-95 is nothing.
void unmask_quantize(
    const float *x, size_t ldx, size_t m, size_t k, size_t group, size_t row, size_t count, const struct unmask_levels *out);

/// y[count, 32 * panels] = x * W^T for `count` of the M rows from `row` on, and panels `first`, `first` + 1, ... Each output is a chain of one fused multiply-add per group
/// in order, from zero: the group's exact sum of products times the product of both scales.
void unmask_matmul_integers(
    const struct unmask_levels *x, size_t m, size_t row, size_t count, const struct unmask_integers *w, size_t first, size_t panels, float *y,
    size_t ldy);

/// Puts row `row` into the blocks of a matrix: `k` integers and a scale for each group.
void unmask_pack_integers(const int8_t *levels, const float *scales, size_t row, size_t k, size_t group, uint8_t *blocks);

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

/// out = exp(x) for x <= 0: at most 1 ulp from the true value for x in [-708, 0]; 0 below.
void unmask_exp64(const double *x, double *out, size_t count);

/// Sums over a row of logits, float64: of exp(x - maximum), and of that times (x - maximum). In 16 lanes by index, added by halves; -inf adds nothing.
void unmask_mass(const float *x, size_t count, double maximum, double *sum, double *weighted);

/// Puts a row's elements, whose indices begin at `first`, among the `k` largest known so far, of which there are `found`: sorted, the lower index first among
/// equals if rows are given in order. Returns how many there are then, or -1 if an element is not finite. `k` is above 0.
long unmask_top(const float *x, size_t count, int32_t first, size_t k, size_t found, float *values, int32_t *places);

/// Rotates the first `rotary` elements of `heads` heads of `width` in place: halves (a, b) become (a cos - b sin, b cos + a sin). All elements are
/// multiplied by `scale`. `cosine` and `sine` hold rotary / 2 values.
void unmask_rotate(float *x, size_t heads, size_t width, size_t rotary, const float *cosine, const float *sine, float scale);

/// Folds `blocks` blocks of 64 bytes into a SHA-256 state.
void unmask_sha256(uint32_t state[8], const uint8_t *bytes, size_t blocks);

/// 1 if all `count` values are finite, else 0.
int unmask_finite(const float *x, size_t count);

#endif
