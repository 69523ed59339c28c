#include "branch.h"

#include <algorithm>

#include "norm.h"
#include "sizes.h"
#include "table.h"

namespace VIT_ISA {

using vit::Branch;

void norm_rows(const Branch& b, size_t r0, size_t rows, bool known, float* mean, float* rstd, float* y, size_t ldy) {
  for (size_t r = 0; r < rows; ++r) {
    const size_t row = r0 + r;
    const float* x = b.x + row * b.dim;
    if (!known) row_moments(x, b.dim, b.epsilon, mean + row, rstd + row);
    norm_row(x, b.dim, mean[row], rstd[row], b.gamma, b.beta, y + r * ldy);
  }
}

void add_rows(const Branch& b, size_t r0, size_t rows, size_t j0, size_t cols, const float* z, size_t ldz, float* out) {
  for (size_t r = 0; r < rows; ++r) {
    const size_t row = r0 + r;
    const vf keep = set1(b.keep == nullptr ? 1.0f : b.keep[row / b.tokens]);
    const float* x = b.x + row * b.dim + j0;
    each_part(cols, [&](size_t j, size_t n) {
      vf v = get(z + r * ldz + j, n);
      if (b.scale != nullptr) v *= get(b.scale + j0 + j, n);
      put(out + row * b.dim + j0 + j, get(x + j, n) + keep * v, n);
    });
  }
}

void scale_rows(const Branch& b, size_t r0, size_t rows, const float* dy, float* masked, float* scaled, size_t ld,
                float* sum) {
  for (size_t r = 0; r < rows; ++r) {
    const size_t row = r0 + r;
    const vf keep = set1(b.keep == nullptr ? 1.0f : b.keep[row / b.tokens]);
    each_part(b.dim, [&](size_t j, size_t n) {
      const vf v = keep * get(dy + row * b.dim + j, n);
      put(masked + r * ld + j, v, n);
      put(scaled + r * ld + j, b.scale == nullptr ? v : v * get(b.scale + j, n), n);
      put(sum + j, get(sum + j, n) + v, n);
    });
  }
}

void norm_grad_rows(const Branch& b, size_t r0, size_t rows, const float* mean, const float* rstd, const float* g,
                    size_t ldg, const float* dy, float* dx, const RowSums& sums) {
  for (size_t r = 0; r < rows; ++r) {
    const size_t row = r0 + r, at = row * b.dim;
    norm_grad_row(g + r * ldg, b.x + at, b.dim, mean[row], rstd[row], b.gamma, dx + at, sums.gamma, sums.beta,
                  [&](size_t j, size_t n, vf value) { return get(dy + at + j, n) + value; });
  }
}

namespace {

// out[j] = Σ_t partial[t·stride + j] in float64, in the order of t; in parallel.
void join_sums(const float* partial, size_t count, size_t stride, size_t n, float* out) {
  const size_t each = 256;
  vit::parallel(ceil_div(n, each), [&](size_t task, size_t) {
    double total[each] = {};
    const size_t begin = task * each, cols = std::min(n - begin, each);
    for (size_t t = 0; t < count; ++t)
      for (size_t j = 0; j < cols; ++j) total[j] += static_cast<double>(partial[t * stride + begin + j]);
    for (size_t j = 0; j < cols; ++j) out[begin + j] = static_cast<float>(total[j]);
  });
}

// dscale = Σ w·dw + bias·db, then dw and db times scale.
void finish_scale(const Branch& b, const LastLayer& last, float* dw, float* db, float* dscale) {
  if (b.scale == nullptr) return;
  const size_t k = last.k;
  vit::parallel(b.dim, [&](size_t c, size_t) {
    const vf factor = set1(b.scale[c]);
    vf sum = set1(0.0f);
    each_part(k, [&](size_t j, size_t n) {
      const vf d = get(dw + c * k + j, n);
      sum += get(last.weight + c * k + j, n) * d;
      put(dw + c * k + j, d * factor, n);
    });
    dscale[c] = sum_lanes(sum) + (last.bias == nullptr ? 0.0f : last.bias[c] * db[c]);
    db[c] *= b.scale[c];
  });
}

}  // namespace

void finish_grads(const Branch& b, const LastLayer& last, const float* sums, size_t tasks, size_t stride,
                  float* out_bias, const vit::BranchGrad& grad) {
  const size_t dim = b.dim;
  float* last_bias = grad.last_bias == nullptr ? out_bias : grad.last_bias;
  join_sums(sums, tasks, stride, dim, grad.dgamma);
  join_sums(sums + dim, tasks, stride, dim, grad.dbeta);
  join_sums(sums + 2 * dim, tasks, stride, dim, last_bias);
  if (grad.first_bias != nullptr) join_sums(sums + 3 * dim, tasks, stride, last.first_columns, grad.first_bias);
  finish_scale(b, last, grad.last, last_bias, grad.dscale);
}

void join_slots(const float* slots, size_t count, size_t stride, size_t m, size_t n, bool transposed, float* dw) {
  const size_t each = 4 * VL;  // rows of a task
  vit::parallel(ceil_div(m, each), [&](size_t task, size_t) {
    const size_t begin = task * each, end = std::min(m, begin + each);
    const auto total = [&](size_t i, size_t j, size_t cols) {
      const float* at = slots + (j / kSlotWidth * m + i) * kSlotWidth + j % kSlotWidth;
      vf sum = get(at, cols);
      for (size_t s = 1; s < count; ++s) sum += get(at + s * stride, cols);
      return sum;
    };
    if (!transposed) {
      for (size_t i = begin; i < end; ++i)
        each_part(n, [&](size_t j, size_t cols) { put(dw + i * n + j, total(i, j, cols), cols); });
      return;
    }
    for (size_t i0 = begin; i0 < end; i0 += VL)
      each_part(n, [&](size_t j, size_t cols) {
        const size_t rows = std::min(end - i0, VL);
        vf block[VL];
        for (size_t i = 0; i < VL; ++i) block[i] = i < rows ? total(i0 + i, j, cols) : set1(0.0f);
        transpose_block(block);
        for (size_t c = 0; c < cols; ++c) put(dw + (j + c) * m + i0, block[c], rows);
      });
  });
}

void weight_grad(vit::Precision precision, const float* a, size_t lda, size_t m, const float* b, size_t ldb, size_t n,
                 size_t rows, bool more, float* dw) {
  vit::Gemm g{};
  g.a = a;
  g.b = b;
  g.c = dw;
  g.m = m;
  g.n = n;
  g.k = rows;
  g.a_row = 1;
  g.a_col = lda;
  g.b_row = ldb;
  g.b_col = 1;
  g.ldc = n;
  g.batch = 1;
  g.activation = vit::kNone;
  g.accumulate = more;
  g.precision = precision;
  gemm(g);
}

}  // namespace VIT_ISA
