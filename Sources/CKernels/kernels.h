// One set of kernels, compiled once per path: kernels.c includes this file with PATH(name), ROWS and WIDE defined.
//
// A tile of ROWS rows of x by 16 * WIDE columns of a panel lives in registers. Its shape changes speed, never bits: each output has its own accumulator.

static inline __attribute__((always_inline)) f16 PATH(load)(const float *p) {
  f16 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

static inline __attribute__((always_inline)) void PATH(store)(float *p, f16 v) { __builtin_memcpy(p, &v, sizeof v); }

static inline __attribute__((always_inline)) f16 PATH(fma)(f16 a, f16 b, f16 c) { return __builtin_elementwise_fma(a, b, c); }

// The first `count` elements of p, the rest filled.
static inline __attribute__((always_inline)) f16 PATH(load_part)(const float *p, size_t count, float fill) {
  float t[16];
  for (size_t i = 0; i < 16; i++) t[i] = fill;
  __builtin_memcpy(t, p, count * sizeof(float));
  return PATH(load)(t);
}

static inline __attribute__((always_inline)) void PATH(store_part)(float *p, f16 v, size_t count) {
  float t[16];
  PATH(store)(t, v);
  __builtin_memcpy(p, t, count * sizeof(float));
}

static inline __attribute__((always_inline)) float PATH(sum)(f16 v) {
  float t[16];
  PATH(store)(t, v);
  for (int half = 8; half >= 1; half /= 2)
    for (int i = 0; i < half; i++) t[i] = t[i] + t[i + half];
  return t[0];
}

static inline __attribute__((always_inline)) float PATH(largest)(f16 v) {
  float t[16];
  PATH(store)(t, v);
  float m = t[0];
  for (int i = 1; i < 16; i++) m = t[i] > m ? t[i] : m;
  return m;
}

// exp by 2^n * p(r), x = n ln 2 + r, |r| <= ln 2 / 2: adding 1.5 * 2^23 rounds to the nearest integer in the low bits.
static inline __attribute__((always_inline)) f16 PATH(expv)(f16 x) {
  const f16 magic = 12582912.0f;
  f16 bounded = __builtin_elementwise_min(__builtin_elementwise_max(x, (f16)-87.336540f), (f16)88.722830f);
  f16 shifted = PATH(fma)(bounded, (f16)1.44269504088896341f, magic);
  f16 n = shifted - magic;
  f16 r = PATH(fma)(n, (f16)-0.693145751953125f, bounded);
  r = PATH(fma)(n, (f16)-1.42860682030941723e-6f, r);
  f16 p = (f16)1.9875691500e-4f;
  p = PATH(fma)(p, r, (f16)1.3981999507e-3f);
  p = PATH(fma)(p, r, (f16)8.3334519073e-3f);
  p = PATH(fma)(p, r, (f16)4.1665795894e-2f);
  p = PATH(fma)(p, r, (f16)1.6666665459e-1f);
  p = PATH(fma)(p, r, (f16)5.0000001201e-1f);
  p = PATH(fma)(p, r * r, r) + 1.0f;
  // 2^n in two factors: n = 128 has no single one.
  i16 whole = (i16)shifted - (i16)magic;
  i16 low = whole >> 1;
  f16 y = p * (f16)((low + 127) << 23) * (f16)((whole - low + 127) << 23);
  // A comparison gives all ones or all zeros per lane: below the range the result is zero, and a NaN stays one.
  return (f16)(((i16)y & (x >= -87.336540f)) | ((i16)x & (x != x)));
}

static inline __attribute__((always_inline)) void PATH(tile)(
    const size_t rows, const float *x, size_t ldx, size_t k, const float *w, float *y, size_t ldy, int resume) {
  f16 sums[ROWS][WIDE];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t j = 0; j < WIDE; j++) sums[i][j] = resume ? PATH(load)(y + i * ldy + 16 * j) : (f16)0.0f;
  // Every third row has a pointer of its own, which the compiler is kept from deriving from another: the two behind it are one and two `ldx` away, as the
  // processor addresses them, and what is left to count would otherwise take the place of multiplications.
  const float *from[(ROWS + 2) / 3];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i += 3) {
    from[i / 3] = x + i * ldx;
    KEEP(from[i / 3]);
  }
  size_t p = 0;
#define STEP(q) { \
    f16 b[WIDE]; \
    _Pragma("clang loop unroll(full)") for (size_t j = 0; j < WIDE; j++) b[j] = PATH(load)(w + (q) * UNMASK_PANEL + 16 * j); \
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < rows; i++) { \
      const f16 a = from[i / 3][i % 3 * ldx + (q)]; \
      _Pragma("clang loop unroll(full)") for (size_t j = 0; j < WIDE; j++) sums[i][j] = PATH(fma)(a, b[j], sums[i][j]); \
    } \
  }
  for (; p + 4 <= k; p += 4) {
    STEP(0) STEP(1) STEP(2) STEP(3)
    w += 4 * UNMASK_PANEL;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i += 3) from[i / 3] += 4;
  }
  for (; p < k; p++) {
    STEP(0)
    w += UNMASK_PANEL;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i += 3) from[i / 3]++;
  }
#undef STEP
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t j = 0; j < WIDE; j++) PATH(store)(y + i * ldy + 16 * j, sums[i][j]);
}

static void PATH(rest)(
    size_t rows, const float *x, size_t ldx, size_t k, const float *w, float *y, size_t ldy, int resume) {
  switch (rows) {
#define CASE(n) case n: PATH(tile)(n < ROWS ? n : ROWS, x, ldx, k, w, y, ldy, resume); break;
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13)
#undef CASE
  default: break;
  }
}

static void PATH(matmul)(
    const float *x, size_t ldx, size_t m, size_t k, const float *packed, size_t panels, float *y, size_t ldy) {
  // Rows in blocks so that x stays in the second-level cache; k in blocks so that a panel stays in the first. An
  // accumulator parked in y between blocks is exact, so blocks change no bits.
  for (size_t m0 = 0; m0 < m; m0 += ROW_BLOCK) {
    const size_t rows = m - m0 < ROW_BLOCK ? m - m0 : ROW_BLOCK;
    for (size_t k0 = 0; k0 < k || k0 == 0; k0 += K_BLOCK) {
      const size_t depth = k - k0 < K_BLOCK ? k - k0 : K_BLOCK;
      for (size_t column = 0; column < panels * UNMASK_PANEL; column += 16 * WIDE) {
        const float *w = packed + column / UNMASK_PANEL * UNMASK_PANEL * k + k0 * UNMASK_PANEL + column % UNMASK_PANEL;
        const float *from = x + m0 * ldx + k0;
        float *to = y + m0 * ldy + column;
        size_t i = 0;
        for (; i + ROWS <= rows; i += ROWS) PATH(tile)(ROWS, from + i * ldx, ldx, depth, w, to + i * ldy, ldy, k0 > 0);
        PATH(rest)(rows - i, from + i * ldx, ldx, depth, w, to + i * ldy, ldy, k0 > 0);
      }
    }
  }
}

static void PATH(rmsnorm)(
    const float *x, size_t ldx, size_t rows, size_t width, const float *weight, float eps, float *out, size_t ldo) {
  const size_t whole = width / 16 * 16;
  for (size_t row = 0; row < rows; row++) {
    const float *in = x + row * ldx;
    float *to = out + row * ldo;
    f16 squares = (f16)0.0f;
    for (size_t i = 0; i < whole; i += 16) {
      f16 v = PATH(load)(in + i);
      squares = PATH(fma)(v, v, squares);
    }
    if (whole < width) {
      f16 v = PATH(load_part)(in + whole, width - whole, 0.0f);
      squares = PATH(fma)(v, v, squares);
    }
    const float scale = 1.0f / __builtin_sqrtf(PATH(sum)(squares) / (float)width + eps);
    for (size_t i = 0; i < whole; i += 16) PATH(store)(to + i, PATH(load)(weight + i) * (PATH(load)(in + i) * scale));
    for (size_t i = whole; i < width; i++) to[i] = weight[i] * (in[i] * scale);
  }
}

static void PATH(add)(float *x, size_t ldx, const float *y, size_t ldy, size_t rows, size_t width) {
  for (size_t row = 0; row < rows; row++)
    for (size_t i = 0; i < width; i++) x[row * ldx + i] += y[row * ldy + i];
}

static void PATH(swiglu)(float *gate, const float *up, size_t ld, size_t rows, size_t width) {
  const size_t whole = width / 16 * 16;
  for (size_t row = 0; row < rows; row++) {
    float *g = gate + row * ld;
    const float *u = up + row * ld;
    for (size_t i = 0; i < width; i += 16) {
      const size_t count = i < whole ? 16 : width - whole;
      f16 v = count == 16 ? PATH(load)(g + i) : PATH(load_part)(g + i, count, 0.0f);
      f16 w = count == 16 ? PATH(load)(u + i) : PATH(load_part)(u + i, count, 0.0f);
      f16 silu = v / (PATH(expv)(-v) + 1.0f);
      if (count == 16) PATH(store)(g + i, silu * w);
      else PATH(store_part)(g + i, silu * w, count);
    }
  }
}

static void PATH(softmax)(float *x, size_t ldx, size_t rows, size_t count) {
  const size_t whole = count / 16 * 16, rest = count - whole;
  for (size_t row = 0; row < rows; row++) {
    float *p = x + row * ldx;
    f16 top = (f16)-__builtin_inff();
    for (size_t i = 0; i < whole; i += 16) top = __builtin_elementwise_max(top, PATH(load)(p + i));
    if (rest) {
      // Filling in place makes the last lanes ordinary: exp(-inf) is exactly zero.
      PATH(store)(p + whole, PATH(load_part)(p + whole, rest, -__builtin_inff()));
      top = __builtin_elementwise_max(top, PATH(load)(p + whole));
    }
    const f16 shift = (f16)PATH(largest)(top);
    f16 total = (f16)0.0f;
    for (size_t i = 0; i < count; i += 16) {
      f16 e = PATH(expv)(PATH(load)(p + i) - shift);
      total += e;
      PATH(store)(p + i, e);
    }
    const f16 scale = (f16)(1.0f / PATH(sum)(total));
    for (size_t i = 0; i < count; i += 16) PATH(store)(p + i, PATH(load)(p + i) * scale);
  }
}

static void PATH(exp)(const float *x, float *out, size_t count) {
  for (size_t i = 0; i < count; i += 16) {
    if (count - i >= 16) PATH(store)(out + i, PATH(expv)(PATH(load)(x + i)));
    else PATH(store_part)(out + i, PATH(expv)(PATH(load_part)(x + i, count - i, 0.0f)), count - i);
  }
}

static void PATH(rotate)(
    float *x, size_t heads, size_t width, size_t rotary, const float *cosine, const float *sine, float scale) {
  const size_t half = rotary / 2;
  for (size_t head = 0; head < heads; head++) {
    float *a = x + head * width, *b = a + half;
    for (size_t i = 0; i < half; i++) {
      const float left = a[i], right = b[i];
      a[i] = (left * cosine[i] - right * sine[i]) * scale;
      b[i] = (right * cosine[i] + left * sine[i]) * scale;
    }
    for (size_t i = rotary; i < width; i++) a[i] *= scale;
  }
}

static int PATH(finite)(const float *x, size_t count) {
  uint32_t bad = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    __builtin_memcpy(&bits, x + i, sizeof bits);
    bad |= (bits & 0x7F800000u) == 0x7F800000u;
  }
  return !bad;
}
