// How gemm cuts a product into tasks, for float32 and bf16: b is packed once into panels that all tasks share, a task
// is a block of rows (and columns, when there are few rows). After Goto and van de Geijn 2008, "Anatomy of
// high-performance matrix multiplication".
//
// A `Traits` is a precision's part of it: Packed32 or Packed16, and
//   kDepth       rows of b that are multiplied at a time
//   kBudget      elements of b that are packed at a time
//   kBlock       floats of scratch for a block of a
//   most_rows()  of a block of a
//   rows_each(m) rows of a task's block
//   in_place(g)  whether rows of a are read where they are
//   block(g, packed_b, depth, p0, i0, rows, j0, cols, scratch)
//                rows i0 … and columns j0 … of c over `depth` rows of packed b, which begin at row p0 of all k
#pragma once

#include <algorithm>

#include "gemm.h"
#include "parallel.h"
#include "simd.h"
#include "sizes.h"

namespace VIT_ISA {

// One product in the calling thread; scratch holds the packed b and a block of a.
template <typename Traits>
void single_gemm(const vit::Gemm& g, float* scratch) {
  float* block = scratch + Traits::packed_size(g.k, g.n);
  Traits::pack({g.b, g.b_row, g.b_col}, g.k, g.n, 0, Traits::panels(g.n), scratch);
  const size_t each = Traits::most_rows();
  for (size_t i = 0; i < g.m; i += each) Traits::block(g, scratch, g.k, 0, i, std::min(g.m - i, each), 0, g.n, block);
}

template <typename Traits>
void shared_gemm(const vit::Gemm& g) {
  constexpr size_t NC = Traits::kColumns;
  // Columns of b that are packed at a time: few where k is long, for c is read and written once for each part of k.
  const size_t width = g.k > 1024 ? 2048 : 4096;
  for (size_t jc = 0; jc < g.n; jc += width) {
    const size_t cols = std::min(g.n - jc, width);
    const size_t panels = Traits::panels(cols);
    size_t depth = Traits::kBudget / (panels * NC) / Traits::kDepth * Traits::kDepth;
    depth = std::max(depth, Traits::kDepth);
    // Sixteen tasks or more keep the cores evenly busy: smaller blocks of rows first, for each block packs its part of
    // a once; columns only where there are few rows.
    const size_t rows_each = Traits::rows_each(g.m);
    const size_t row_blocks = ceil_div(g.m, rows_each);
    size_t col_blocks = row_blocks >= 16 ? 1 : ceil_div(16, row_blocks);
    col_blocks = std::min(col_blocks, panels);
    const size_t panels_each = ceil_div(panels, col_blocks);
    for (size_t p0 = 0; p0 < g.k; p0 += depth) {
      const size_t kb = std::min(g.k - p0, depth);
      float* packed = vit::shared_scratch(Traits::packed_size(kb, cols));
      const Operand b{g.b + p0 * g.b_row + jc * g.b_col, g.b_row, g.b_col};
      const size_t pack_tasks = Traits::packed_elements(kb, cols) / 32768 + 1;
      const size_t pack_each = ceil_div(panels, pack_tasks);
      vit::parallel(ceil_div(panels, pack_each), [&](size_t task, size_t) {
        const size_t begin = task * pack_each;
        Traits::pack(b, kb, cols, begin, std::min(begin + pack_each, panels), packed);
      });
      vit::Gemm part = g;
      part.b = nullptr;
      part.c += jc;
      if (part.bias != nullptr) part.bias += jc;
      vit::parallel(row_blocks * col_blocks, [&](size_t task, size_t worker) {
        const size_t i0 = task / col_blocks * rows_each;
        const size_t j0 = task % col_blocks * panels_each * NC;
        if (i0 >= g.m || j0 >= cols) return;
        const size_t rows = std::min(g.m - i0, rows_each);
        const size_t wide = std::min(cols - j0, panels_each * NC);
        Traits::block(part, packed, kb, p0, i0, rows, j0, wide, vit::scratch(worker));
      });
    }
  }
}

// A small product whose rows of a are read in place: a task packs some columns of b for itself and takes all rows, so
// that nobody waits for the packing of the others.
template <typename Traits>
bool is_low(const vit::Gemm& g) {
  const size_t panels = Traits::panels(g.n), threads = vit::threads();
  return Traits::in_place(g) && g.m * g.k <= (size_t{1} << 17) && (panels % threads == 0 || panels >= 4 * threads);
}
template <typename Traits>
void low_gemm(const vit::Gemm& g) {
  const size_t panels = Traits::panels(g.n), tasks = std::min(panels, size_t{16}),
               each = ceil_div(panels, tasks) * Traits::kColumns;
  vit::reserve_scratch(Traits::packed_size(g.k, each) + Traits::kBlock);
  vit::parallel(ceil_div(g.n, each), [&](size_t task, size_t worker) {
    const size_t j = task * each;
    vit::Gemm own = g;
    own.b += j * g.b_col;
    own.c += j;
    own.n = std::min(g.n - j, each);
    if (own.bias != nullptr) own.bias += j;
    single_gemm<Traits>(own, vit::scratch(worker));
  });
}

// A product of few elements and long sums, such as the gradient of a weight: k is cut into this many runs, each summed
// by a task into memory of its own, so that every element of a and b is read once. The sums are joined in order.
constexpr size_t kRuns = 16;
inline bool is_long(const vit::Gemm& g) {
  return g.m * g.n <= (size_t{1} << 18) && g.k >= 2048 && g.k >= 4 * g.m && g.k >= 4 * g.n;
}

template <typename Traits>
void long_gemm(const vit::Gemm& g) {
  const size_t run = round_up(ceil_div(g.k, kRuns), Traits::kDepth), runs = ceil_div(g.k, run);
  // A part of a run, whose packed b stays in the cache.
  const size_t part = (size_t{1} << 17) / round_up(g.n, Traits::kColumns) / Traits::kDepth * Traits::kDepth;
  const size_t each = part < Traits::kDepth ? Traits::kDepth : std::min(part, run);
  vit::reserve_scratch(Traits::packed_size(each, g.n) + Traits::kBlock);
  float* sums = vit::shared_scratch(runs * g.m * g.n);
  vit::parallel(runs, [&](size_t task, size_t worker) {
    const size_t end = std::min((task + 1) * run, g.k);
    vit::Gemm own = g;
    own.c = sums + task * g.m * g.n;
    own.ldc = g.n;
    own.bias = nullptr;
    own.activation = vit::kNone;
    for (size_t p = task * run; p < end; p += each) {
      own.a = g.a + p * g.a_col;
      own.b = g.b + p * g.b_row;
      own.k = std::min(end - p, each);
      own.accumulate = p > task * run;
      single_gemm<Traits>(own, vit::scratch(worker));
    }
  });
  const size_t rows_each = 4096 / g.n + 1;
  vit::parallel(ceil_div(g.m, rows_each), [&](size_t task, size_t) {
    const size_t begin = task * rows_each, rows = std::min(g.m - begin, rows_each);
    for (size_t i = begin; i < begin + rows; ++i)
      each_part(g.n, [&](size_t j, size_t n) {
        float* c = g.c + i * g.ldc + j;
        vf sum = get(sums + i * g.n + j, n);
        for (size_t r = 1; r < runs; ++r) sum += get(sums + (r * g.m + i) * g.n + j, n);
        if (g.bias != nullptr) sum += get(g.bias + j, n);
        put(c, g.accumulate ? get(c, n) + sum : sum, n);
      });
    if (g.activation != vit::kNone) activate(g.activation, g.c + begin * g.ldc, rows, g.n, g.ldc);
  });
}

// Sizes above 0.
template <typename Traits>
void blocked_gemm(const vit::Gemm& g) {
  const auto one_of = [&](size_t index) {
    vit::Gemm one = g;
    one.a += index * g.a_batch;
    one.b += index * g.b_batch;
    one.c += index * g.c_batch;
    return one;
  };
  const double work = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  const size_t alone = Traits::packed_size(g.k, g.n) + Traits::kBlock;
  const bool small = work <= 64.0 * 64.0 * 64.0 && alone < (size_t{1} << 18);
  const bool many = g.batch >= 8 && alone < (size_t{1} << 19);
  if (small || many) {
    vit::reserve_scratch(alone);
    const size_t each = work < 32768.0 ? static_cast<size_t>(32768.0 / (work + 1.0)) + 1 : 1;
    vit::parallel(ceil_div(g.batch, each), [&](size_t task, size_t worker) {
      for (size_t b = task * each; b < g.batch && b < (task + 1) * each; ++b)
        single_gemm<Traits>(one_of(b), vit::scratch(worker));
    });
    return;
  }
  vit::reserve_scratch(Traits::kBlock);
  for (size_t b = 0; b < g.batch; ++b) {
    if (is_long(g)) long_gemm<Traits>(one_of(b));
    else if (is_low<Traits>(g)) low_gemm<Traits>(one_of(b));
    else shared_gemm<Traits>(one_of(b));
  }
}

}  // namespace VIT_ISA
