// Products of small integers in tiles of 16 by 16 by 64 (AMX), for integers.c. PATH is that of the wide vectors.

// What the processor is told about its tiles: 0 to 3 sums [16][16], 4 and 5 rows of x [16][depth], 6 and 7 weights [depth / 4][16][4].
struct amx_shape {
  uint8_t palette, start, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
};

static void amx_configure(size_t depth) {
  struct amx_shape shape = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    shape.bytes[tile] = tile == 4 || tile == 5 ? (uint16_t)depth : 64;
    shape.rows[tile] = tile >= 6 ? (uint8_t)(depth / 4) : 16;
  }
  _tile_loadconfig(&shape);
}

// Sums of 32 rows (or 16) by a panel for one group. Rows behind the last are read and mean nothing.
static inline __attribute__((always_inline)) void amx_sums(
    const int two, const int8_t *x, size_t group, size_t depth, const uint8_t *w, int32_t sums[32][UNMASK_PANEL]) {
  _tile_zero(0);
  _tile_zero(1);
  if (two) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (size_t p = 0; p < group; p += depth) {
    _tile_loadd(6, w + p * UNMASK_PANEL, 4 * UNMASK_PANEL);
    _tile_loadd(4, x + p, group);
    _tile_dpbsud(0, 4, 6);
    _tile_loadd(7, w + p * UNMASK_PANEL + 64, 4 * UNMASK_PANEL);
    _tile_dpbsud(1, 4, 7);
    if (two) {
      _tile_loadd(5, x + 16 * group + p, group);
      _tile_dpbsud(2, 5, 6);
      _tile_dpbsud(3, 5, 7);
    }
  }
  _tile_stored(0, sums[0], 4 * UNMASK_PANEL);
  _tile_stored(1, sums[0] + 16, 4 * UNMASK_PANEL);
  if (two) {
    _tile_stored(2, sums[16], 4 * UNMASK_PANEL);
    _tile_stored(3, sums[16] + 16, 4 * UNMASK_PANEL);
  }
}

// Adds what `amx_sums` found for `count` rows to y.
static inline __attribute__((always_inline)) void amx_finish(
    size_t count, int32_t sums[32][UNMASK_PANEL], const float *weightScales, const float *scales, const int32_t *starts, float *y, size_t ldy,
    int resume) {
  const __m512 low = _mm512_loadu_ps(weightScales), high = _mm512_loadu_ps(weightScales + 16);
  for (size_t i = 0; i < count; i++) {
    const __m512 scale = _mm512_set1_ps(scales[i]);
    const __m512i start = _mm512_set1_epi32(starts[i]);
    const __m512 a = _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_load_si512(sums[i]), start));
    const __m512 b = _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_load_si512(sums[i] + 16), start));
    float *to = y + i * ldy;
    _mm512_storeu_ps(to, _mm512_fmadd_ps(a, _mm512_mul_ps(low, scale), resume ? _mm512_loadu_ps(to) : _mm512_setzero_ps()));
    _mm512_storeu_ps(to + 16, _mm512_fmadd_ps(b, _mm512_mul_ps(high, scale), resume ? _mm512_loadu_ps(to + 16) : _mm512_setzero_ps()));
  }
}

static void amx_multiply(
    const struct unmask_levels *x, size_t m, size_t row, size_t count, const struct unmask_integers *w, size_t first, size_t panels, float *y,
    size_t ldy) {
  // Sums of one tile are finished while the processor is at the next.
  int32_t sums[2][32][UNMASK_PANEL] __attribute__((aligned(64)));
  const size_t group = w->group, size = INTEGER_BLOCK(group), rows = INTEGER_ROWS(w), behind = row + count;
  size_t depth = group < 64 ? group : 64;
  while (group % depth) depth -= 4;
  amx_configure(depth);
  for (size_t m0 = row; m0 < behind; m0 += rows) {
    const size_t end = behind - m0 < rows ? behind : m0 + rows;
    for (size_t panel = 0; panel < panels; panel++) {
      const uint8_t *block = w->blocks + (first + panel) * w->groups * size, *last = block;
      float *to = y + panel * UNMASK_PANEL;
      size_t turn = 0, lastRow = m0, lastGroup = 0, waiting = 0;
      for (size_t g = 0; g < w->groups; g++, block += size) {
        for (size_t at = 0; at < size; at += 64) __builtin_prefetch(block + 3 * size + at, 0, 2);
        for (size_t i = m0; i < end; i += 32) {
          const int8_t *from = x->levels + (g * m + i) * group;
          if (end - i > 16) amx_sums(1, from, group, depth, block + UNMASK_PANEL * sizeof(float), sums[turn]);
          else amx_sums(0, from, group, depth, block + UNMASK_PANEL * sizeof(float), sums[turn]);
          turn ^= 1;
          const size_t at = lastGroup * m + lastRow;
          if (waiting)
            amx_finish(waiting, sums[turn], (const float *)last, x->scales + at, x->starts + at, to + (lastRow - row) * ldy, ldy, lastGroup > 0);
          (lastRow = i, lastGroup = g, last = block, waiting = end - i < 32 ? end - i : 32);
        }
      }
      const size_t at = lastGroup * m + lastRow;
      amx_finish(waiting, sums[turn ^ 1], (const float *)last, x->scales + at, x->starts + at, to + (lastRow - row) * ldy, ldy, lastGroup > 0);
    }
  }
  _tile_release();
}
