// gemm in bf16: as gemm.cc, with both operands rounded while they are packed. A task packs its rows of a for a part of
// k at a time and multiplies them while they are in the second cache.

#include <algorithm>

#include "bf16.h"
#include "blocked_gemm.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using vit::Gemm;

constexpr size_t kRows = 112;  // of a block of a at most, 112 KB

struct Gemm16Traits : Packed16 {
  static constexpr size_t kDepth = KC16;
  static constexpr size_t kBudget = size_t{1} << 21;  // 4 MB
  static constexpr size_t kBlock = (kRows * (KC16 + KR16) + 1) / 2;
  // Multiples of the rows that the inner routine takes.
  static size_t most_rows() { return kRows / unit() * unit(); }
  static bool in_place(const Gemm&) { return false; }
  static size_t rows_each(size_t m) {
    const size_t rows = round_up(std::max((m + 15) / 16, size_t{28}), unit());
    return std::min(rows, most_rows());
  }
  static void block(const Gemm& g, const float* packed_b, size_t depth, size_t p0, size_t i0, size_t rows, size_t j0,
                    size_t cols, float* scratch) {
    float* c = g.c + i0 * g.ldc + j0;
    bf16* a = reinterpret_cast<bf16*>(scratch);
    const bf16* b = reinterpret_cast<const bf16*>(packed_b) + j0 / NR16 * panel16_size(depth);
    for (size_t p = 0; p < depth; p += KC16) {
      const size_t kc = std::min(depth - p, KC16);
      const bool first = p0 + p == 0;
      pack_a16(Operand{g.a + i0 * g.a_row + (p0 + p) * g.a_col, g.a_row, g.a_col}, rows, kc, a);
      multiply16(a, a16_width(kc), b + p * NR16, depth, rows, cols, kc, c, g.ldc,
                 first && g.bias != nullptr ? g.bias + j0 : nullptr, first && !g.accumulate ? kStoreNew : kStoreAdd);
    }
    if (g.activation != vit::kNone && p0 + depth == g.k) activate(g.activation, c, rows, cols, g.ldc);
  }

 private:
  static size_t unit() { return vit::kernels().bf16_gemm->rows; }
};

}  // namespace

void gemm_bf16(const Gemm& g) { blocked_gemm<Gemm16Traits>(g); }

}  // namespace VIT_ISA
