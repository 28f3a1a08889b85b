// Reading long rows of logits, compiled once per path after kernels.h.

static inline __attribute__((always_inline)) d8 PATH(fma64)(d8 a, d8 b, d8 c) { return __builtin_elementwise_fma(a, b, c); }

// exp by 2^n * p(r), as `expv`: the series to r^13, whose rest is below 2^-57 of the value for |r| <= ln 2 / 2. For x <= 0.
static inline __attribute__((always_inline)) d8 PATH(exp64v)(d8 x) {
  const d8 magic = 0x1.8p52;
  const d8 bounded = __builtin_elementwise_max(x, (d8)-708.0);
  const d8 shifted = PATH(fma64)(bounded, (d8)0x1.71547652b82fep0, magic);
  const d8 n = shifted - magic;
  d8 r = PATH(fma64)(n, (d8)-0x1.62e42fefa39efp-1, bounded);
  r = PATH(fma64)(n, (d8)-0x1.abc9e3b39803fp-56, r);
  d8 p = (d8)(1.0 / 6227020800.0);
  p = PATH(fma64)(p, r, (d8)(1.0 / 479001600.0));
  p = PATH(fma64)(p, r, (d8)(1.0 / 39916800.0));
  p = PATH(fma64)(p, r, (d8)(1.0 / 3628800.0));
  p = PATH(fma64)(p, r, (d8)(1.0 / 362880.0));
  p = PATH(fma64)(p, r, (d8)(1.0 / 40320.0));
  p = PATH(fma64)(p, r, (d8)(1.0 / 5040.0));
  p = PATH(fma64)(p, r, (d8)(1.0 / 720.0));
  p = PATH(fma64)(p, r, (d8)(1.0 / 120.0));
  p = PATH(fma64)(p, r, (d8)(1.0 / 24.0));
  p = PATH(fma64)(p, r, (d8)(1.0 / 6.0));
  p = PATH(fma64)(p, r, (d8)0.5);
  p = PATH(fma64)(p, r * r, r) + 1.0;
  const l8 whole = (l8)shifted - (l8)magic;
  const d8 y = p * (d8)((whole + 1023) << 52);
  return (d8)((l8)y & (x >= -708.0));
}

static void PATH(exp64)(const double *x, double *out, size_t count) {
  for (size_t i = 0; i < count; i += 8) {
    const size_t n = count - i < 8 ? count - i : 8;
    d8 v = (d8)0.0;
    __builtin_memcpy(&v, x + i, n * sizeof(double));
    v = PATH(exp64v)(v);
    __builtin_memcpy(out + i, &v, n * sizeof(double));
  }
}

static inline __attribute__((always_inline)) double PATH(sum64)(d8 a, d8 b) {
  double t[8];
  a += b;
  __builtin_memcpy(t, &a, sizeof t);
  for (int half = 4; half >= 1; half /= 2)
    for (int i = 0; i < half; i++) t[i] = t[i] + t[i + half];
  return t[0];
}

// Lanes by index modulo 16, added by halves at the end.
static void PATH(mass)(const float *x, size_t count, double maximum, double *sum, double *weighted) {
  d8 sums[2] = {(d8)0.0, (d8)0.0}, products[2] = {(d8)0.0, (d8)0.0};
  for (size_t i = 0; i < count; i += 16) {
    const f16 v = count - i >= 16 ? PATH(load)(x + i) : PATH(load_part)(x + i, count - i, -__builtin_inff());
    const d8 both[2] = {
      __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7), d8),
      __builtin_convertvector(__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15), d8)};
#pragma clang loop unroll(full)
    for (int j = 0; j < 2; j++) {
      // What is far below the largest adds nothing, and must not add infinity times nothing.
      const d8 exponent = __builtin_elementwise_max(both[j] - maximum, (d8)-1000.0);
      const d8 share = PATH(exp64v)(exponent);
      sums[j] += share;
      products[j] = PATH(fma64)(share, exponent, products[j]);
    }
  }
  *sum = PATH(sum64)(sums[0], sums[1]);
  *weighted = PATH(sum64)(products[0], products[1]);
}

// Sorted, the first of equals first; `found` of them are there already. -1 if an element is not finite.
static long PATH(top)(const float *x, size_t count, int32_t first, size_t k, size_t found, float *values, int32_t *places) {
  i16 bad = (i16)0;
  for (size_t i = 0; i < count; i += 64) {
    const size_t n = count - i < 64 ? count - i : 64;
    f16 top = (f16)-3.4028235e38f;
    for (size_t j = 0; j < n; j += 16) {
      const f16 v = n - j >= 16 ? PATH(load)(x + i + j) : PATH(load_part)(x + i + j, n - j, -3.4028235e38f);
      bad |= ((i16)v & 0x7F800000) == 0x7F800000;
      top = __builtin_elementwise_max(top, v);
    }
    if (found == k && !(__builtin_reduce_max(top) > values[k - 1])) continue;
    for (size_t j = 0; j < n; j++) {
      const float value = x[i + j];
      if (found == k && !(value > values[k - 1])) continue;
      size_t at = found < k ? found : k - 1;
      for (; at > 0 && values[at - 1] < value; at--) {
        values[at] = values[at - 1];
        places[at] = places[at - 1];
      }
      values[at] = value;
      places[at] = first + (int32_t)(i + j);
      found += found < k;
    }
  }
  return __builtin_reduce_or(bad) ? -1 : (long)found;
}
