// What the two residual branches share: blocks of rows between products, the norm before and the sum after, the gradients of
// both, and sums over rows that are joined in a fixed order. Everything here runs in one thread unless it says otherwise.
#pragma once

#include "gemm.h"
#include "parallel.h"

namespace VIT_ISA {

// Rows of a task. A task's buffers stay in the second cache, and a packed weight is read once a task.
constexpr size_t kRowsEach = MC;
// Rows whose inner values are kept at a time in the backward pass, between the gradients of rows and those of weights.
constexpr size_t kChunk = 16 * kRowsEach;

// Elements from row to row of a buffer: never a multiple of 2 KB, or rows would fall into the same sets of the cache.
inline size_t width_of(size_t n) {
  const size_t even = round_up(n, 16);
  return even % 512 == 0 ? even + 16 : even;
}

// Rows of a task where there are `rows` in all: enough tasks to keep the cores evenly busy, whole micro-tiles.
inline size_t rows_each_task(size_t rows) {
  const size_t each = round_up((rows + 31) / 32, MR);
  return each < 2 * MR ? 2 * MR : each < kRowsEach ? each : kRowsEach;
}

// f(j, n) for each vector of a row of `cols`; n = VL but at the end.
template <typename F>
VIT_INLINE void each_part(size_t cols, const F& f) {
  size_t j = 0;
  for (; j + VL <= cols; j += VL) f(j, VL);
  if (j < cols) f(j, cols - j);
}
VIT_INLINE vf get(const float* p, size_t n) { return n == VL ? load(p) : load_n(p, n); }
VIT_INLINE void put(float* p, vf v, size_t n) {
  if (n == VL) store(p, v);
  else store_n(p, v, n);
}

// c (=|+=) a·packed (+ bias) with whole rows of a, k cut as gemm cuts it.
inline void rows_product(const float* a, size_t lda, const float* packed, size_t depth, size_t m, size_t n, size_t k, float* c,
                         size_t ldc, const float* bias, Store mode) {
  for (size_t p = 0; p < k; p += KC)
    multiply({a + p, lda, 1}, kRows, packed + p * NR, depth, m, n, k - p < KC ? k - p : KC, c, ldc, p == 0 ? bias : nullptr,
             p == 0 ? mode : kStoreAdd);
}

// A weight to be packed: b(p, j) of rows_product, k by n.
struct Weight {
  Operand from;
  size_t k, n;
  float* packed;
};
// Packs all, in parallel.
void pack_weights(const Weight* weights, size_t count);

// Cuts memory into arrays, each on a cache line.
struct Carver {
  float* at;
  float* take(size_t floats) {
    float* taken = at;
    at += round_up(floats, 16);
    return taken;
  }
};

// y [rows, dim] = norm(x) of the rows from r0; mean and rstd (those of row 0) are computed, or read where they are known.
void norm_rows(const vit::Branch& b, size_t r0, size_t rows, bool known, float* mean, float* rstd, float* y, size_t ldy);
// out = x + keep·scale·z, rows from r0; z may be changed.
void add_rows(const vit::Branch& b, size_t r0, size_t rows, const float* z, size_t ldz, float* out);

// Sums over the rows of a task, one after the other in memory.
struct RowSums {
  float *gamma, *beta, *out, *inner;
};
// kept = keep·dy, scaled = keep·scale·dy, sums.out += kept.
void scale_rows(const vit::Branch& b, size_t r0, size_t rows, const float* dy, float* kept, float* scaled, size_t ld, float* sum);
// dx = dy + the gradient of the norm at g, which is that of its result; the sums of gamma and beta grow.
void norm_grad_rows(const vit::Branch& b, size_t r0, size_t rows, const float* mean, const float* rstd, const float* g, size_t ldg,
                    const float* dy, float* dx, const RowSums& sums);

// out[j] = Σ_t partial[t·stride + j] in float64, in the order of t; in parallel.
void join_sums(const float* partial, size_t count, size_t stride, size_t n, float* out);
// The gradients of the last layer [dim, k], its bias and the scale, from those for a scale of 1 that dw and db hold: dscale = Σ w·dw
// + bias·db, then dw and db times scale. In parallel.
void finish_scale(const vit::Branch& b, const float* w, const float* bias, size_t k, float* dw, float* db, float* dscale);
// dw [m, n] (=|+=) aᵀ·b over `rows`; in parallel.
void weight_grad(const float* a, size_t lda, size_t m, const float* b, size_t ldb, size_t n, size_t rows, bool more, float* dw);

}  // namespace VIT_ISA
