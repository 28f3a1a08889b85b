// Matrices used as they are stored: blocks of a panel are widened and turned, then multiplied by the tiles of kernels.h. Included once per path, after it.

// Sixteen stored elements of a row, from element i on (a multiple of 16 for I8 and U4), as float32.
static inline __attribute__((always_inline)) f16 PATH(widen)(const int type, const unsigned char *row, size_t i, float scale) {
  if (type == UNMASK_F32) return PATH(load)((const float *)(row + 4 * i));
  if (type == UNMASK_I8) {
    b16 q;
    __builtin_memcpy(&q, row + i, sizeof q);
    return __builtin_convertvector(q, f16) * scale;
  }
  if (type == UNMASK_U4) {
    n8 pairs;
    __builtin_memcpy(&pairs, row + i / 2, sizeof pairs);
    const i8 both = __builtin_convertvector(pairs, i8);
    const i16 q = __builtin_shufflevector(both & 15, both >> 4, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15) - 8;
    return __builtin_convertvector(q, f16) * scale;
  }
  h16 h;
  __builtin_memcpy(&h, row + 2 * i, sizeof h);
  const i16 bits = __builtin_convertvector(h, i16);
  if (type == UNMASK_BF16) return (f16)(bits << 16);
  // Half to single: the exponent is off by 112, subnormals included, and a power of two is exact.
  return (f16)((i16)((f16)((bits & 0x7FFF) << 13) * 0x1p112f) | (bits & 0x8000) << 16);
}

#define TURN(d, ...) \
  for (int i = 0; i < 16; i++) \
    if (!(i & d)) { \
      const f16 a = r[i], b = r[i + d]; \
      r[i] = __builtin_shufflevector(a, b, __VA_ARGS__); \
      r[i + d] = __builtin_shufflevector(a, b, TURN_HIGH_##d); \
    }
#define TURN_HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define TURN_HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define TURN_HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define TURN_HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31

// Turns sixteen rows of sixteen, by exchanging ever smaller squares.
static inline __attribute__((always_inline)) void PATH(turn)(f16 r[16]) {
#pragma clang loop unroll(full)
  TURN(8, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#pragma clang loop unroll(full)
  TURN(4, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#pragma clang loop unroll(full)
  TURN(2, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#pragma clang loop unroll(full)
  TURN(1, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
}
#undef TURN
#undef TURN_HIGH_8
#undef TURN_HIGH_4
#undef TURN_HIGH_2
#undef TURN_HIGH_1

// Elements k0 ... k0 + depth of 32 rows from `row` on, as out[depth][32]; rows beyond the matrix are zero.
static inline __attribute__((always_inline)) void PATH(block)(
    const int type, const struct unmask_stored *w, size_t row, size_t k, size_t k0, size_t depth, float *out) {
  const size_t bytes = type == UNMASK_F32 ? 4 * k : type == UNMASK_I8 ? k : type == UNMASK_U4 ? k / 2 : 2 * k;
  const int scaled = type == UNMASK_I8 || type == UNMASK_U4;
  const size_t groups = scaled ? k / w->group : 0;
  for (size_t half = 0; half < UNMASK_PANEL; half += 16) {
    for (size_t p = 0; p < depth; p += 16) {
      f16 r[16];
      const size_t count = depth - p < 16 ? depth - p : 16;
      for (size_t i = 0; i < 16; i++) {
        const size_t at = row + half + i;
        r[i] = (f16)0.0f;
        if (at >= w->rows) continue;
        const unsigned char *source = (const unsigned char *)w->data + at * bytes;
        const float scale = scaled ? w->scales[at * groups + (k0 + p) / w->group] : 1;
        if (count == 16) {
          r[i] = PATH(widen)(type, source, k0 + p, scale);
        } else {
          // The last elements of a row, copied so that nothing behind it is read. K is a multiple of 16 where there are scales.
          unsigned char rest[64] = {0};
          const size_t width = type == UNMASK_F32 ? 4 : 2;
          __builtin_memcpy(rest, source + (k0 + p) * width, count * width);
          r[i] = PATH(widen)(type, rest, 0, scale);
        }
      }
      PATH(turn)(r);
      for (size_t i = 0; i < count; i++) PATH(store)(out + (p + i) * UNMASK_PANEL + half, r[i]);
    }
  }
}

static void PATH(matmul_stored)(
    const float *x, size_t ldx, size_t m, size_t k, const struct unmask_stored *w, size_t first, size_t panels, float *y, size_t ldy) {
  float block[K_BLOCK * UNMASK_PANEL] __attribute__((aligned(64)));
  // As `matmul`, but a block of a panel is widened once and then meets many rows.
  for (size_t m0 = 0; m0 < m; m0 += STORED_ROWS) {
    const size_t rows = m - m0 < STORED_ROWS ? m - m0 : STORED_ROWS;
    for (size_t k0 = 0; k0 < k || k0 == 0; k0 += K_BLOCK) {
      const size_t depth = k - k0 < K_BLOCK ? k - k0 : K_BLOCK;
      for (size_t panel = 0; panel < panels; panel++) {
        const size_t row = (first + panel) * UNMASK_PANEL;
        switch (w->type) {
        case UNMASK_F32: PATH(block)(UNMASK_F32, w, row, k, k0, depth, block); break;
        case UNMASK_F16: PATH(block)(UNMASK_F16, w, row, k, k0, depth, block); break;
        case UNMASK_BF16: PATH(block)(UNMASK_BF16, w, row, k, k0, depth, block); break;
        case UNMASK_I8: PATH(block)(UNMASK_I8, w, row, k, k0, depth, block); break;
        default: PATH(block)(UNMASK_U4, w, row, k, k0, depth, block); break;
        }
        for (size_t column = 0; column < UNMASK_PANEL; column += 16 * WIDE) {
          const float *from = x + m0 * ldx + k0;
          float *to = y + m0 * ldy + panel * UNMASK_PANEL + column;
          size_t i = 0;
          for (; i + ROWS <= rows; i += ROWS) PATH(tile)(ROWS, from + i * ldx, ldx, depth, block + column, to + i * ldy, ldy, k0 > 0);
          PATH(rest)(rows - i, from + i * ldx, ldx, depth, block + column, to + i * ldy, ldy, k0 > 0);
        }
      }
    }
  }
}
