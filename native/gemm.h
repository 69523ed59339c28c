// The parts of the matrix product that attention uses too: packing and the loop over micro-tiles, for one thread.
#pragma once

#include "kernels.h"
#include "lanes.h"
#include "sizes.h"

namespace VIT_ISA {

// A micro-tile is MR rows by NR = 2 vectors: 28 accumulators of the 32 registers of AVX-512, 24 of the 32 of NEON,
// which has no multiply-add from memory and needs some for elements of a; 12 of 16 elsewhere. KC·NR floats of b stay in
// the first cache, MC·KC of a in the second.
#if defined(VIT_AVX512)
constexpr size_t MR = 14;
#elif defined(VIT_NEON)
constexpr size_t MR = 12;
#else
constexpr size_t MR = 6;
#endif
constexpr size_t NR = 2 * VL;
constexpr size_t KC = 256;
constexpr size_t MC = MR * (112 / MR);

constexpr size_t round_up(size_t n, size_t step) { return ceil_div(n, step) * step; }

// A matrix operand whose element (i, j) is data[i·row + j·col].
struct Operand {
  const float* data;
  size_t row, col;
};

// dst[(panel·k + p)·NR + j] = b(p, panel·NR + j), zero past n; panels first … last - 1. A call may cover a part of k
// rows.
void pack_b(const Operand& b, size_t k, size_t n, size_t first, size_t last, float* dst);
// dst[(tile·k + p)·MR + i] = a(tile·MR + i, p), zero past m.
void pack_a(const Operand& a, size_t m, size_t k, float* dst);
inline size_t packed_b_size(size_t k, size_t n) { return k * round_up(n, NR); }
// Packed b as code that serves both precisions sees it (the other is Packed16): sizes in floats of memory.
struct Packed32 {
  static constexpr size_t kColumns = NR;
  static size_t panels(size_t n) { return round_up(n, NR) / NR; }
  static size_t packed_elements(size_t k, size_t n) { return packed_b_size(k, n); }
  static size_t packed_size(size_t k, size_t n) { return packed_b_size(k, n); }
  static void pack(const Operand& b, size_t k, size_t n, size_t first, size_t last, float* dst) {
    pack_b(b, k, n, first, last, dst);
  }
};
inline size_t packed_a_size(size_t m, size_t k) { return k * round_up(m, MR); }

using vit::Prefetch;

enum Store { kStoreNew, kStoreAdd };
// Where a is: from pack_a; in place with its rows contiguous (a.col = 1); in place with its columns contiguous (a.row =
// 1).
enum Layout { kPacked, kRows, kColumns };
// c[m, n] (=|+=) a·packed_b (+ bias) over k rows of panels that are `depth` rows tall. Without `prefetch`,
// each panel of b is fetched while the one before it is multiplied.
void multiply(const Operand& a, Layout layout, const float* packed_b, size_t depth, size_t m, size_t n, size_t k,
              float* c, size_t ldc, const float* bias, Store store, const Prefetch& prefetch = Prefetch{});

// The same for any k, cut as gemm cuts it: a panel of b is finished before the next one begins, so that its part of c
// stays in the first caches, while the next part is fetched. In an a from pack_a, KC columns follow KC columns.
void multiply_deep(const Operand& a, Layout layout, const float* packed_b, size_t depth, size_t m, size_t n, size_t k,
                   float* c, size_t ldc, const float* bias, Store store);

// c = activation(c), in place.
void activate(vit::Activation form, float* c, size_t rows, size_t n, size_t ldc);
// gemm of a product whose precision is bf16, k > 0; see gemm_bf16.cc.
void gemm_bf16(const vit::Gemm& g);

}  // namespace VIT_ISA
