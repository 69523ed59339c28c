// gemm in bf16: as gemm.cc, with both operands rounded while they are packed. A task packs its rows of a for a part of k at a
// time and multiplies them while they are in the second cache.

#include "bf16.h"
#include "parallel.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using vit::Gemm;

constexpr size_t kMaxRows = 112;  // of a block of a, 112 KB

bf16* halves(float* scratch) { return reinterpret_cast<bf16*>(scratch); }
size_t floats_of(size_t halves) { return (halves + 1) / 2; }

// A multiple of the rows that the inner routine takes, at most kMaxRows.
size_t block_rows(size_t wanted) {
  const size_t unit = vit::kernels().bf16_product->rows;
  const size_t most = kMaxRows / unit * unit;
  const size_t rows = round_up(wanted, unit);
  return rows < most ? rows : most;
}

// Rows i0 … and columns j0 … of c over `depth` rows of packed b, which begin at row p0 of all k.
void block(const Gemm& g, const bf16* packed_b, size_t depth, size_t p0, size_t i0, size_t rows, size_t j0, size_t cols,
           bf16* scratch) {
  float* c = g.c + i0 * g.ldc + j0;
  for (size_t p = 0; p < depth; p += KC16) {
    const size_t kc = depth - p < KC16 ? depth - p : KC16;
    const bool first = p0 + p == 0, fresh = first && !g.accumulate;
    pack_a16(Operand{g.a + i0 * g.a_row + (p0 + p) * g.a_col, g.a_row, g.a_col}, rows, kc, scratch);
    multiply16(scratch, a16_width(kc), packed_b + j0 / NR16 * panel16_size(depth) + p * NR16, depth, rows, cols, kc, c, g.ldc,
               first && g.bias != nullptr ? g.bias + j0 : nullptr, fresh ? kStoreNew : kStoreAdd);
  }
  if (g.activation != vit::kNone && p0 + depth == g.k) activate(g.activation, c, rows, cols, g.ldc);
}

// One product in the calling thread; scratch holds the packed b and a block of packed a.
void single(const Gemm& g, bf16* scratch) {
  bf16* packed_a = scratch + packed_b16_size(g.k, g.n);
  pack_b16(Operand{g.b, g.b_row, g.b_col}, g.k, g.n, 0, round_up(g.n, NR16) / NR16, scratch);
  const size_t each = block_rows(g.m);
  for (size_t i = 0; i < g.m; i += each) block(g, scratch, g.k, 0, i, g.m - i < each ? g.m - i : each, 0, g.n, packed_a);
}

constexpr size_t kBlockA = kMaxRows * (KC16 + KR16);

size_t single_scratch(const Gemm& g) { return floats_of(packed_b16_size(g.k, g.n) + kBlockA); }

void shared(const Gemm& g) {
  const size_t width = 4096;              // columns of b that are packed at a time
  const size_t budget = size_t{1} << 21;  // elements of packed b: 4 MB
  for (size_t jc = 0; jc < g.n; jc += width) {
    const size_t cols = g.n - jc < width ? g.n - jc : width;
    const size_t panels = round_up(cols, NR16) / NR16;
    size_t depth = budget / (panels * NR16) / KC16 * KC16;
    if (depth < KC16) depth = KC16;
    // Sixteen tasks or more keep the cores evenly busy; columns are cut only where there are few rows.
    const size_t rows_each = block_rows((g.m + 15) / 16 < 28 ? 28 : (g.m + 15) / 16);
    const size_t row_blocks = (g.m + rows_each - 1) / rows_each;
    size_t col_blocks = row_blocks >= 16 ? 1 : (16 + row_blocks - 1) / row_blocks;
    if (col_blocks > panels) col_blocks = panels;
    const size_t panels_each = (panels + col_blocks - 1) / col_blocks;
    for (size_t p0 = 0; p0 < g.k; p0 += depth) {
      const size_t kb = g.k - p0 < depth ? g.k - p0 : depth;
      const size_t all = packed_b16_size(kb, cols);
      bf16* packed = halves(vit::shared_scratch(floats_of(all)));
      const Operand b{g.b + p0 * g.b_row + jc * g.b_col, g.b_row, g.b_col};
      const size_t pack_tasks = all / 32768 + 1;
      const size_t pack_each = (panels + pack_tasks - 1) / pack_tasks;
      vit::parallel((panels + pack_each - 1) / pack_each, [&](size_t task, size_t) {
        const size_t begin = task * pack_each;
        pack_b16(b, kb, cols, begin, begin + pack_each < panels ? begin + pack_each : panels, packed);
      });
      Gemm part = g;
      part.b = nullptr;
      part.c += jc;
      if (part.bias != nullptr) part.bias += jc;
      vit::parallel(row_blocks * col_blocks, [&](size_t task, size_t worker) {
        const size_t i0 = task / col_blocks * rows_each;
        const size_t j0 = task % col_blocks * panels_each * NR16;
        if (i0 >= g.m || j0 >= cols) return;
        const size_t rows = g.m - i0 < rows_each ? g.m - i0 : rows_each;
        const size_t wide = cols - j0 < panels_each * NR16 ? cols - j0 : panels_each * NR16;
        block(part, packed, kb, p0, i0, rows, j0, wide, halves(vit::scratch(worker)));
      });
    }
  }
}

Gemm one_of(const Gemm& g, size_t index) {
  Gemm one = g;
  one.a += index * g.a_batch;
  one.b += index * g.b_batch;
  one.c += index * g.c_batch;
  return one;
}

}  // namespace

void gemm_bf16(const Gemm& g) {
  const double work = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  const bool small = work < 64.0 * 64.0 * 64.0 && single_scratch(g) < (size_t{1} << 18);
  const bool many = g.batch >= 8 && single_scratch(g) < (size_t{1} << 19);
  if (small || many) {
    vit::reserve_scratch(single_scratch(g));
    const size_t each = work < 32768.0 ? static_cast<size_t>(32768.0 / (work + 1.0)) + 1 : 1;
    vit::parallel((g.batch + each - 1) / each, [&](size_t task, size_t worker) {
      for (size_t b = task * each; b < g.batch && b < (task + 1) * each; ++b)
        single(one_of(g, b), halves(vit::scratch(worker)));
    });
    return;
  }
  vit::reserve_scratch(floats_of(kBlockA));
  for (size_t b = 0; b < g.batch; ++b) shared(one_of(g, b));
}

}  // namespace VIT_ISA
