// bf16 operands and their product with float32 sums: conversion, packing and the loop over micro-tiles, for one thread.
// The layouts are the same for every instruction set, so that only the inner routine is chosen at run time.
//
// Conversion gives the same bits everywhere: nearest, ties to even; too large becomes infinity; a NaN stays one, quiet.
// Denormals stay, but AVX-512 BF16 and AMX take them as zero, in conversions as in products, and their sums too. The
// order of a sum differs between instruction sets, not between runs, numbers of threads or ways to cut m and n.
#pragma once

#include "gemm.h"
#include "sizes.h"

namespace VIT_ISA {

using vit::bf16;

constexpr size_t NR16 = 32;  // columns of a panel of b: two vectors of AVX-512, two tiles of AMX
constexpr size_t KR16 = 32;  // k is filled up to these, the depth of a tile of AMX
constexpr size_t KC16 =
    512;  // k that multiply16 sums before it goes back to c: a panel's 32 KB stay in the first cache

// As Operand.
struct Operand16 {
  const bf16* data;
  size_t row, col;
};

inline const vit::Bf16Rounding& rounding() { return *vit::kernels().bf16_rounding; }
inline void to_bf16(size_t n, const float* x, bf16* y) { rounding().round(n, x, y); }
void from_bf16(size_t n, const bf16* x, float* y);

// From row to row of a block that pack_a16 writes, in elements: k filled up, and never a multiple of 2 KB, for rows
// that far apart fall into the same few sets of the first cache.
inline size_t a16_width(size_t k) {
  const size_t width = round_up(k, KR16);
  return width % 1024 == 0 ? width + KR16 : width;
}
inline size_t packed_a16_size(size_t m, size_t k) { return m * a16_width(k); }
// dst[i·a16_width(k) + p] = a(i, p), zero from k to round_up(k, KR16).
void pack_a16(const Operand16& a, size_t m, size_t k, bf16* dst);
inline void pack_a16(const Operand& a, size_t m, size_t k, bf16* dst) {
  rounding().pack_left(a.data, a.row, a.col, m, k, dst);
}

// From panel to panel of packed b, in elements.
inline size_t panel16_size(size_t k) { return round_up(k, KR16) * NR16; }
inline size_t packed_b16_size(size_t k, size_t n) { return panel16_size(k) * (round_up(n, NR16) / NR16); }
// dst[panel·panel16_size(k) + ((p / 2)·NR16 + j)·2 + p % 2] = b(p, panel·NR16 + j), zero past k and n, for panels first
// … last - 1. Row p of a panel begins p·NR16 elements into it, for even p.
inline void pack_b16(const Operand& b, size_t k, size_t n, size_t first, size_t last, bf16* dst) {
  rounding().pack_right(b.data, b.row, b.col, k, n, first, last, dst);
}
void pack_b16(const Operand16& b, size_t k, size_t n, size_t first, size_t last, bf16* dst);

// As Packed32.
struct Packed16 {
  static constexpr size_t kColumns = NR16;
  static size_t panels(size_t n) { return round_up(n, NR16) / NR16; }
  static size_t packed_elements(size_t k, size_t n) { return packed_b16_size(k, n); }
  static size_t packed_size(size_t k, size_t n) { return (packed_b16_size(k, n) + 1) / 2; }
  static void pack(const Operand& b, size_t k, size_t n, size_t first, size_t last, float* dst) {
    pack_b16(b, k, n, first, last, reinterpret_cast<bf16*>(dst));
  }
};

// c[m, n] (=|+=) a·packed_b (+ bias) over k rows of panels that were packed with `depth` rows. packed_b may point at a
// later row of the first panel, a multiple of KR16. Row i of a begins at a + i·lda; round_up(k, KR16) elements of each
// row are read. Elements past k must be finite (they meet zeros of b, and 0·∞ is NaN); where k ends before the panels
// do, they must be zero. Columns of a panel lie side by side in c, and those of the next one `panel` floats on.
inline void multiply16(const bf16* a, size_t lda, const bf16* packed_b, size_t depth, size_t m, size_t n, size_t k,
                       float* c, size_t ldc, const float* bias, Store store, size_t panel = NR16,
                       const Prefetch& prefetch = {}) {
  vit::kernels().bf16_gemm->multiply(a, lda, packed_b, depth, m, n, k, c, ldc, panel, bias, store == kStoreAdd,
                                     prefetch);
}
// Deals the memory to be prefetched out to the tiles of a product, since processors drop some of many lines at once.
class PrefetchQueue {
 public:
  PrefetchQueue(const Prefetch& prefetch, size_t tiles)
      : next_(static_cast<const char*>(prefetch.data)),
        left_((prefetch.bytes + 63) / 64),
        each_(tiles == 0 ? 0 : ceil_div(left_, tiles)) {}
  // Before each tile.
  void step() {
    for (size_t i = 0; i < each_ && left_ > 0; ++i, --left_, next_ += 64) __builtin_prefetch(next_, 0, 2);
  }

 private:
  const char* next_;
  size_t left_, each_;
};

}  // namespace VIT_ISA
