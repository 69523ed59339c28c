// The layouts of bf16.h, from float32 and from bf16. Both operands are handled as pairs of neighbours along k, 32 bits
// each: b wants the pairs of a row of columns side by side, a wants those of a row one after the other. Where the
// source has the other direction contiguous, a block of pairs is transposed in registers.

#include <algorithm>

#include "bf16_rounding.h"
#include "bf16_vector.h"

namespace VIT_ISA {
namespace {

// VL pairs of 2·VL neighbours, of which the first n exist; the others are zero.
VIT_INLINE vu along(const float* p, size_t n) {
  if (n >= 2 * VL) return neighbours(load(p), load(p + VL));
  return neighbours(get_some(p, n), get_some(p + VL, less(n, VL)));
}
VIT_INLINE vu along(const bf16* p, size_t n) { return pairs_of(p, n); }

// VL pairs, of two rows each: element i of p and of p + step. n of the VL exist, and without `both` the second row is
// zero.
VIT_INLINE vu across(const float* p, size_t step, size_t n, bool both) {
  if (n >= VL && both) return stacked(load(p), load(p + step));
  return stacked(get_some(p, n), get_some(p + step, both ? n : 0));
}
VIT_INLINE vu across(const bf16* p, size_t step, size_t n, bool both) {
  return __builtin_convertvector(halves(p, n), vu) | __builtin_convertvector(halves(p + step, both ? n : 0), vu) << 16;
}

// VL vectors of VL pairs, `make(0)` and so on, transposed: line q of dst, the first `lines` of them, gets pair q of
// each vector.
template <typename Make>
VIT_INLINE void turn_pairs(const Make& make, bf16* dst, size_t line, size_t lines) {
  vf block[VL];
  for (size_t i = 0; i < VL; ++i) block[i] = reinterpret_cast<vf>(make(i));
  transpose_block(block);
#pragma GCC unroll 16
  for (size_t i = 0; i < VL; ++i)
    if (i < lines) put(dst + i * line, reinterpret_cast<vu>(block[i]));
}

VIT_INLINE bf16 one(const float* p) { return static_cast<bf16>(along(p, 1)[0]); }
VIT_INLINE bf16 one(const bf16* p) { return *p; }

template <typename T>
void pack_rows(const T* data, size_t row, size_t col, size_t m, size_t k, bf16* dst) {
  const size_t width = a16_width(k);
  const size_t filled = round_up(k, KR16);
  if (col == 1) {
    for (size_t i = 0; i < m; ++i)
      for (size_t p = 0; p < filled; p += 2 * VL) put(dst + i * width + p, along(data + i * row + p, less(k, p)));
  } else if (row == 1) {
    for (size_t i = 0; i < m; i += VL)
      for (size_t p0 = 0; p0 < filled; p0 += 2 * VL)
        turn_pairs(
            [&](size_t q) {
              const size_t p = p0 + 2 * q;
              return p < k ? across(data + p * col + i, col, m - i, p + 1 < k) : vu{};
            },
            dst + i * width + p0, width, m - i);
  } else {
    for (size_t i = 0; i < m; ++i)
      for (size_t p = 0; p < filled; ++p) dst[i * width + p] = p < k ? one(data + i * row + p * col) : bf16{0};
  }
}

template <typename T>
void pack_panel(const T* data, size_t row, size_t col, size_t k, size_t n, bf16* dst) {
  const size_t filled = round_up(k, KR16);
  if (col == 1) {
    for (size_t p = 0; p < filled; p += 2)
      for (size_t j = 0; j < NR16; j += VL)
        put(dst + p * NR16 + 2 * j, p < k && j < n ? across(data + p * row + j, row, n - j, p + 1 < k) : vu{});
  } else if (row == 1) {
    for (size_t j = 0; j < NR16; j += VL)
      for (size_t p = 0; p < filled; p += 2 * VL)
        turn_pairs([&](size_t i) { return j + i < n ? along(data + (j + i) * col + p, less(k, p)) : vu{}; },
                   dst + p * NR16 + 2 * j, 2 * NR16, VL);
  } else {
    for (size_t p = 0; p < filled; ++p)
      for (size_t j = 0; j < NR16; ++j)
        dst[(p / 2 * NR16 + j) * 2 + p % 2] = p < k && j < n ? one(data + p * row + j * col) : bf16{0};
  }
}

template <typename T>
void pack_panels(const T* data, size_t row, size_t col, size_t k, size_t n, size_t first, size_t last, bf16* dst) {
  for (size_t panel = first; panel < last; ++panel) {
    const size_t j = panel * NR16;
    pack_panel(data + j * col, row, col, k, std::min(n - j, NR16), dst + panel * panel16_size(k));
  }
}

}  // namespace

void from_bf16(size_t n, const bf16* x, float* y) {
  each_part(n, [&](size_t j, size_t count) { put(y + j, get_some(x + j, count), count); });
}

void pack_a16(const Operand16& a, size_t m, size_t k, bf16* dst) { pack_rows(a.data, a.row, a.col, m, k, dst); }
void pack_b16(const Operand16& b, size_t k, size_t n, size_t first, size_t last, bf16* dst) {
  pack_panels(b.data, b.row, b.col, k, n, first, last, dst);
}

void round_floats(size_t n, const float* x, bf16* y) {
  for (size_t j = 0; j < n; j += 2 * VL) put_n(y + j, along(x + j, n - j), n - j);
}
void pack_left(const float* a, size_t row, size_t col, size_t m, size_t k, bf16* dst) {
  pack_rows(a, row, col, m, k, dst);
}
void pack_right(const float* b, size_t row, size_t col, size_t k, size_t n, size_t first, size_t last, bf16* dst) {
  pack_panels(b, row, col, k, n, first, last, dst);
}

}  // namespace VIT_ISA
