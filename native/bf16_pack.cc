// Rounding to bf16 and the layouts of bf16.h. Both operands are handled as pairs of neighbours along k, 32 bits each: b wants
// the pairs of a row of columns side by side, a wants those of a row one after the other. Where the source has the other
// direction contiguous, a block of pairs is turned in registers.

#include "bf16.h"
#include "simd.h"

namespace VIT_ISA {
namespace {

typedef uint32_t vu __attribute__((vector_size(VL * 4)));
typedef uint16_t vh __attribute__((vector_size(VL * 2)));

constexpr uint32_t kUpper = 0xffff0000u;

VIT_INLINE vu zero() { return vu{}; }

// bf16 in the upper half of each lane; the lower half holds what was cut off.
VIT_INLINE vu rounded(vf x) {
  const vu bits = reinterpret_cast<vu>(x);
  return x == x ? bits + 0x7fffu + ((bits >> 16) & 1u) : bits | 0x400000u;
}
VIT_INLINE vu upper(const float* p) { return rounded(load(p)); }
VIT_INLINE vu upper_n(const float* p, size_t n) { return n == 0 ? zero() : rounded(load_n(p, n)); }
VIT_INLINE vu upper(const bf16* p) {
  vh half;
  memcpy(&half, p, sizeof half);
  return __builtin_convertvector(half, vu) << 16;
}
VIT_INLINE vu upper_n(const bf16* p, size_t n) {
  bf16 lane[VL] = {};
  for (size_t i = 0; i < n; ++i) lane[i] = p[i];
  return upper(lane);
}

#if defined(__clang__) || __GNUC__ >= 12
template <size_t... J>
VIT_INLINE vu join_neighbours(vu a, vu b, std::index_sequence<J...>) {
  return (__builtin_shufflevector(a, b, (2 * J)...) >> 16) | (__builtin_shufflevector(a, b, (2 * J + 1)...) & kUpper);
}
#else
template <size_t... J>
VIT_INLINE vu join_neighbours(vu a, vu b, std::index_sequence<J...>) {
  return (vu{(J < VL / 2 ? a[2 * J % VL] : b[2 * J % VL])...} >> 16) |
         (vu{(J < VL / 2 ? a[(2 * J + 1) % VL] : b[(2 * J + 1) % VL])...} & kUpper);
}
#endif

// VL pairs of 2·VL neighbours.
VIT_INLINE vu along(const float* p) {
  return join_neighbours(upper(p), upper(p + VL), std::make_index_sequence<VL>());
}
VIT_INLINE vu along(const bf16* p) {
  vu pairs;
  memcpy(&pairs, p, sizeof pairs);
  return pairs;
}
// Of which the first n exist; the others are zero.
template <typename T>
__attribute__((noinline)) vu along_part(const T* p, size_t n) {
  T lane[2 * VL] = {};
  memcpy(lane, p, n * sizeof(T));
  return along(lane);
}
template <typename T>
VIT_INLINE vu along(const T* p, size_t n) {
  return n >= 2 * VL ? along(p) : along_part(p, n);
}

// VL pairs, of two rows each: element i of p and of p + step. n of the VL exist; without `both` the second row is zero.
template <typename T>
__attribute__((noinline)) vu across_part(const T* p, size_t step, size_t n, bool both) {
  const size_t count = n < VL ? n : VL;
  return (upper_n(p, count) >> 16) | (both ? upper_n(p + step, count) & kUpper : zero());
}
template <typename T>
VIT_INLINE vu across(const T* p, size_t step, size_t n, bool both) {
  if (n < VL || !both) return across_part(p, step, n, both);
  return (upper(p) >> 16) | (upper(p + step) & kUpper);
}

VIT_INLINE void put(bf16* dst, vu pairs) { memcpy(dst, &pairs, sizeof pairs); }

VIT_INLINE size_t less(size_t a, size_t b) { return a > b ? a - b : 0; }

// VL vectors of VL pairs, `make(0)` and so on, turned: line q of dst, the first `lines` of them, gets pair q of each vector.
template <typename Make>
VIT_INLINE void turn_pairs(const Make& make, bf16* dst, size_t line, size_t lines) {
  vf block[VL];
  for (size_t i = 0; i < VL; ++i) block[i] = reinterpret_cast<vf>(make(i));
  transpose_block(block);
#pragma GCC unroll 16
  for (size_t i = 0; i < VL; ++i)
    if (i < lines) put(dst + i * line, reinterpret_cast<vu>(block[i]));
}

VIT_INLINE bf16 one(const float* p) {
  float lane[VL] = {*p};
  return static_cast<bf16>(upper(lane)[0] >> 16);
}
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
              return p < k ? across(data + p * col + i, col, m - i, p + 1 < k) : zero();
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
        put(dst + p * NR16 + 2 * j, p < k && j < n ? across(data + p * row + j, row, n - j, p + 1 < k) : zero());
  } else if (row == 1) {
    for (size_t j = 0; j < NR16; j += VL)
      for (size_t p = 0; p < filled; p += 2 * VL)
        turn_pairs([&](size_t i) { return j + i < n ? along(data + (j + i) * col + p, less(k, p)) : zero(); },
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
    pack_panel(data + j * col, row, col, k, n - j < NR16 ? n - j : NR16, dst + panel * panel16_size(k));
  }
}

}  // namespace

void to_bf16(size_t n, const float* x, bf16* y) {
  size_t i = 0;
  for (; i + 2 * VL <= n; i += 2 * VL) put(y + i, along(x + i, 2 * VL));
  if (i == n) return;
  const vu rest = along(x + i, n - i);
  memcpy(y + i, &rest, (n - i) * sizeof(bf16));
}

void from_bf16(size_t n, const bf16* x, float* y) {
  size_t i = 0;
  for (; i + VL <= n; i += VL) store(y + i, reinterpret_cast<vf>(upper(x + i)));
  if (i < n) store_n(y + i, reinterpret_cast<vf>(upper_n(x + i, n - i)), n - i);
}

void pack_a16(const Operand& a, size_t m, size_t k, bf16* dst) { pack_rows(a.data, a.row, a.col, m, k, dst); }
void pack_a16(const Operand16& a, size_t m, size_t k, bf16* dst) { pack_rows(a.data, a.row, a.col, m, k, dst); }

void pack_b16(const Operand& b, size_t k, size_t n, size_t first, size_t last, bf16* dst) {
  pack_panels(b.data, b.row, b.col, k, n, first, last, dst);
}
void pack_b16(const Operand16& b, size_t k, size_t n, size_t first, size_t last, bf16* dst) {
  pack_panels(b.data, b.row, b.col, k, n, first, last, dst);
}

}  // namespace VIT_ISA
