// The residual branch of the MLP. A task takes a block of rows through norm, fc1, gelu and fc2; the hidden columns are cut in
// blocks too, so that a row of any width stays in the cache.

#include <string.h>

#include "branch.h"
#include "table.h"
#include "vector_math.h"

namespace VIT_ISA {
namespace {

using vit::MlpBranch;

constexpr size_t kHidden = 512;

size_t rows_of(const MlpBranch& b) { return b.outer.batch * b.outer.tokens; }

// What the backward pass reads of the forward pass.
struct Saved {
  float *mean, *rstd, *hidden;
};
Saved saved_of(const MlpBranch& b, float* saved) {
  const size_t rows = rows_of(b);
  return {saved, saved + rows, saved + 2 * rows};
}

// The hidden block from f0 of `cols` columns: the value before gelu becomes gelu of it, and is kept where `keep` is not null.
template <int form>
void activate_block(float* h, size_t ldh, size_t rows, size_t cols, float* keep, size_t ld_keep) {
  for (size_t r = 0; r < rows; ++r)
    each_part(cols, [&](size_t j, size_t n) {
      const vf v = get(h + r * ldh + j, n);
      if (keep != nullptr) put(keep + r * ld_keep + j, v, n);
      put(h + r * ldh + j, gelu_v<form>(v), n);
    });
}

// From the gradient of gelu's result, in dh, and the value before it: gelu of it, the gradient of it, and its sum over rows.
template <int form>
void activate_grad_block(const float* h, size_t rows, size_t cols, size_t hidden, float* dh, float* g, size_t ld, float* sum) {
  for (size_t r = 0; r < rows; ++r)
    each_part(cols, [&](size_t j, size_t n) {
      vf slope;
      const vf value = gelu_both_v<form>(get(h + r * hidden + j, n), &slope);
      const vf d = get(dh + r * ld + j, n) * slope;
      put(g + r * ld + j, value, n);
      put(dh + r * ld + j, d, n);
      put(sum + j, get(sum + j, n) + d, n);
    });
}

template <int form>
void forward(const MlpBranch& b, float* saved, float* y) {
  const size_t rows = rows_of(b), dim = b.outer.dim, hidden = b.hidden;
  const size_t ldx = width_of(dim), ldh = width_of(hidden < kHidden ? hidden : kHidden);
  float* packed1 = vit::outer_scratch(packed_b_size(dim, hidden) + packed_b_size(hidden, dim) + 2 * rows);
  float* packed2 = packed1 + packed_b_size(dim, hidden);
  float* moments = packed2 + packed_b_size(hidden, dim);
  const Saved kept = saved == nullptr ? Saved{moments, moments + rows, nullptr} : saved_of(b, saved);
  const Weight weights[] = {{{b.fc1, 1, dim}, dim, hidden, packed1}, {{b.fc2, 1, hidden}, hidden, dim, packed2}};
  pack_weights(weights, 2);
  vit::reserve_scratch(kRowsEach * (2 * ldx + ldh) + 64);
  const size_t each = rows_each_task(rows);
  vit::parallel((rows + each - 1) / each, [&](size_t task, size_t worker) {
    const size_t r0 = task * each, m = rows - r0 < each ? rows - r0 : each;
    Carver carve{vit::scratch(worker)};
    float* x = carve.take(kRowsEach * ldx);
    float* z = carve.take(kRowsEach * ldx);
    float* h = carve.take(kRowsEach * ldh);
    norm_rows(b.outer, r0, m, false, kept.mean, kept.rstd, x, ldx);
    for (size_t f0 = 0; f0 < hidden; f0 += kHidden) {
      const size_t cols = hidden - f0 < kHidden ? hidden - f0 : kHidden;
      rows_product(x, ldx, packed1 + f0 * dim, dim, m, cols, dim, h, ldh, b.bias1 == nullptr ? nullptr : b.bias1 + f0, kStoreNew);
      activate_block<form>(h, ldh, m, cols, kept.hidden == nullptr ? nullptr : kept.hidden + r0 * hidden + f0, hidden);
      rows_product(h, ldh, packed2 + f0 * NR, hidden, m, dim, cols, z, ldx, f0 == 0 ? b.bias2 : nullptr,
                   f0 == 0 ? kStoreNew : kStoreAdd);
    }
    add_rows(b.outer, r0, m, z, ldx, y);
  });
}

template <int form>
void backward(const MlpBranch& b, const float* saved, const float* dy, const vit::MlpBranchGrad& grad) {
  const size_t rows = rows_of(b), dim = b.outer.dim, hidden = b.hidden;
  const Saved kept = saved_of(b, const_cast<float*>(saved));
  const size_t ldx = width_of(dim), ldh = width_of(hidden);
  const size_t each = rows_each_task(rows), tasks = (rows + each - 1) / each;
  const size_t chunk = kChunk / each * each;
  const size_t sums_each = round_up(3 * dim + hidden, 16);
  const size_t held = rows < chunk ? rows : chunk;
  const size_t size1 = packed_b_size(hidden, dim), size2 = packed_b_size(dim, hidden);
  Carver carve{vit::outer_scratch(size1 + size2 + tasks * sums_each + 2 * held * (ldx + ldh) + dim + 128)};
  float* packed1 = carve.take(size1);
  float* packed2 = carve.take(size2);
  float* sums = carve.take(tasks * sums_each);
  float* out_bias = carve.take(dim);
  float* norms = carve.take(held * ldx);
  float* douts = carve.take(held * ldx);
  float* gelus = carve.take(held * ldh);
  float* dhiddens = carve.take(held * ldh);
  const Weight weights[] = {{{b.fc1, dim, 1}, hidden, dim, packed1}, {{b.fc2, hidden, 1}, dim, hidden, packed2}};
  pack_weights(weights, 2);
  vit::reserve_scratch(2 * kRowsEach * ldx + 64);
  for (size_t c0 = 0; c0 < rows; c0 += chunk) {
    const size_t in_chunk = rows - c0 < chunk ? rows - c0 : chunk;
    vit::parallel((in_chunk + each - 1) / each, [&](size_t task, size_t worker) {
      const size_t at = task * each, r0 = c0 + at, m = in_chunk - at < each ? in_chunk - at : each;
      Carver own{vit::scratch(worker)};
      float* scaled = own.take(kRowsEach * ldx);
      float* dnorm = own.take(kRowsEach * ldx);
      float* sum = sums + r0 / each * sums_each;
      const RowSums part{sum, sum + dim, sum + 2 * dim, sum + 3 * dim};
      memset(sum, 0, sums_each * sizeof(float));
      norm_rows(b.outer, r0, m, true, kept.mean, kept.rstd, norms + at * ldx, ldx);
      scale_rows(b.outer, r0, m, dy, douts + at * ldx, scaled, ldx, part.out);
      for (size_t f0 = 0; f0 < hidden; f0 += kHidden) {
        const size_t cols = hidden - f0 < kHidden ? hidden - f0 : kHidden;
        float* dh = dhiddens + at * ldh + f0;
        rows_product(scaled, ldx, packed2 + f0 * dim, dim, m, cols, dim, dh, ldh, nullptr, kStoreNew);
        activate_grad_block<form>(kept.hidden + r0 * hidden + f0, m, cols, hidden, dh, gelus + at * ldh + f0, ldh, part.inner + f0);
        rows_product(dh, ldh, packed1 + f0 * NR, hidden, m, dim, cols, dnorm, ldx, nullptr, f0 == 0 ? kStoreNew : kStoreAdd);
      }
      norm_grad_rows(b.outer, r0, m, kept.mean, kept.rstd, dnorm, ldx, dy, grad.outer.dx, part);
    });
    weight_grad(dhiddens, ldh, hidden, norms, ldx, dim, in_chunk, c0 > 0, grad.fc1);
    weight_grad(douts, ldx, dim, gelus, ldh, hidden, in_chunk, c0 > 0, grad.fc2);
  }
  join_sums(sums, tasks, sums_each, dim, grad.outer.dgamma);
  join_sums(sums + dim, tasks, sums_each, dim, grad.outer.dbeta);
  float* bias2 = grad.bias2 == nullptr ? out_bias : grad.bias2;
  join_sums(sums + 2 * dim, tasks, sums_each, dim, bias2);
  if (grad.bias1 != nullptr) join_sums(sums + 3 * dim, tasks, sums_each, hidden, grad.bias1);
  finish_scale(b.outer, b.fc2, b.bias2, hidden, grad.fc2, bias2, grad.outer.dscale);
}

}  // namespace

size_t mlp_branch_saved(const MlpBranch& b) { return rows_of(b) * (2 + b.hidden); }

void mlp_branch(const MlpBranch& b, float* saved, float* y) {
  if (rows_of(b) == 0) return;
  if (b.form == vit::kGeluErf) return forward<0>(b, saved, y);
  if (b.form == vit::kGeluTanh) return forward<1>(b, saved, y);
  forward<2>(b, saved, y);
}

void mlp_branch_grad(const MlpBranch& b, const float* saved, const float* dy, const vit::MlpBranchGrad& grad) {
  if (rows_of(b) == 0) return;
  if (b.form == vit::kGeluErf) return backward<0>(b, saved, dy, grad);
  if (b.form == vit::kGeluTanh) return backward<1>(b, saved, dy, grad);
  backward<2>(b, saved, dy, grad);
}

}  // namespace VIT_ISA
