// The residual branch of the MLP. A task takes a block of rows through norm, fc1, gelu and fc2; the hidden columns are
// cut in blocks too, so that a row of any width stays in the cache.

#include <string.h>

#include <algorithm>

#include "bytes.h"
#include "mlp_hidden.h"
#include "sizes.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using vit::MlpBranch;

template <int form, typename Math>
void forward(const MlpBranch& b, float* saved, float* y) {
  const size_t rows = rows_of(b), dim = b.outer.dim, hidden = b.hidden;
  const bool columns = in_columns(rows, 2 * dim * hidden);
  const size_t wide = hidden < kHidden || columns ? hidden : kHidden;
  const size_t ldx = width_of(dim), ldh = width_of(wide);
  const size_t size1 = Math::packed_size(dim, hidden), size2 = Math::packed_size(hidden, dim);
  const size_t between = columns ? rows * (ldx + ldh) : 0;
  ScratchArena arena{
      vit::outer_scratch((b.outer.packed == nullptr ? both_packed(size1, size2) : 0) + between + 2 * rows + 64)};
  ScratchArena weights_at{b.outer.packed == nullptr ? arena.take(both_packed(size1, size2)) : b.outer.packed};
  const Weight fc1{{b.fc1, 1, dim}, dim, hidden, weights_at.take(size1)};
  const Weight fc2{{b.fc2, 1, hidden}, hidden, dim, weights_at.take(size2)};
  float* moments = arena.take(2 * rows);
  const Saved state = saved == nullptr ? Saved{moments, moments + rows, nullptr, nullptr} : saved_of<Math>(b, saved);
  const Weight weights[] = {fc1, fc2};
  if (b.outer.packed == nullptr || !b.outer.ready) pack_weights<Math>(weights, 2);
  const size_t for_rows = Math::packed_rows_size(Math::kBlock, dim),
               for_hidden = Math::packed_rows_size(Math::kBlock, wide);
  const size_t each = Math::rows_each(rows);
  if (columns) {
    vit::reserve_scratch(std::max(for_rows, for_hidden));
    float* x = arena.take(rows * ldx);
    float* h = arena.take(rows * ldh);
    vit::parallel(ceil_div(rows, each), [&](size_t task, size_t) {
      const size_t r0 = task * each;
      norm_rows(b.outer, r0, std::min(rows - r0, each), false, state.mean, state.rstd, x + r0 * ldx, ldx);
    });
    gemm_columns<Math>(x, ldx, rows, fc1, h, ldh, b.bias1, [&](size_t r, size_t m, size_t j0, size_t cols) {
      for (size_t j = j0, end; j < j0 + cols; j = end) {
        end = std::min((j / kHidden + 1) * kHidden, j0 + cols);
        activate_block<form, Math>(h + r * ldh + j, ldh, m, end - j, state, place_of(b, r, j));
      }
    });
    gemm_columns<Math>(h, ldh, rows, fc2, x, ldx, b.bias2, [&](size_t r, size_t m, size_t j, size_t cols) {
      add_rows(b.outer, r, m, j, cols, x + r * ldx + j, ldx, y);
    });
    return;
  }
  vit::reserve_scratch(Math::kBlock * (2 * ldx + ldh) + for_rows + for_hidden + 80);
  vit::parallel(ceil_div(rows, each), [&](size_t task, size_t worker) {
    const size_t r0 = task * each, m = std::min(rows - r0, each);
    ScratchArena own{vit::scratch(worker)};
    float* x = own.take(Math::kBlock * ldx);
    float* z = own.take(Math::kBlock * ldx);
    float* h = own.take(Math::kBlock * ldh);
    float* from_x = own.take(for_rows);
    float* from_h = own.take(for_hidden);
    norm_rows(b.outer, r0, m, false, state.mean, state.rstd, x, ldx);
    Math::pack_rows(x, ldx, m, dim, from_x);
    for (size_t f0 = 0; f0 < hidden; f0 += kHidden) {
      const size_t cols = std::min(hidden - f0, kHidden);
      const Place place = place_of(b, r0, f0);
      Math::multiply_packed(x, ldx, from_x, fc1, 0, f0, m, cols, dim, h, ldh,
                            b.bias1 == nullptr ? nullptr : b.bias1 + f0, kStoreNew, prefetch_of(state, place, m));
      activate_factor<form, Math>(h, ldh, m, cols, state, place, from_h);
      Math::multiply_packed(h, ldh, from_h, fc2, f0, 0, m, dim, cols, z, ldx, f0 == 0 ? b.bias2 : nullptr,
                            f0 == 0 ? kStoreNew : kStoreAdd);
    }
    add_rows(b.outer, r0, m, 0, dim, z, ldx, y);
  });
}

// Where the backward pass has the rows of a block, ldx apart: the norm, the gradient of fc2's result, once as it is and
// once scaled, that of the norm's result; and the scaled one as a factor.
struct Block {
  float *norm, *dout, *scaled, *dnorm, *factor;
  size_t ldx;
};

// The gradients of m rows from r0, in one thread.
template <int form, typename Math, typename Hidden>
void backward_rows(const MlpBranch& b, const Saved& state, const Weight& fc1, const Weight& fc2, const float* dy,
                   size_t r0, size_t m, const Block& at, Hidden hidden, const RowSums& part, float* dx) {
  const size_t dim = b.outer.dim;
  norm_rows(b.outer, r0, m, true, state.mean, state.rstd, at.norm, at.ldx);
  scale_rows(b.outer, r0, m, dy, at.dout, at.scaled, at.ldx, part.out);
  Math::pack_rows(at.scaled, at.ldx, m, dim, at.factor);
  hidden.begin(at.norm, at.dout, at.ldx, m);
  for (size_t f0 = 0; f0 < b.hidden; f0 += kHidden) {
    const size_t cols = std::min(b.hidden - f0, kHidden);
    const Place place = place_of(b, r0, f0);
    const Prefetch prefetch = prefetch_of(state, place, m);
    Math::multiply_packed(at.scaled, at.ldx, at.factor, fc2, 0, f0, m, cols, dim, hidden.place(f0), hidden.ld, nullptr,
                          kStoreNew, prefetch);
    hidden.template activate<form>(state, place, m, f0, cols, part.inner + f0);
    hidden.back(fc1, m, f0, cols, at.dnorm, at.ldx);
    hidden.accumulate_weight_grads(m, f0, cols);
  }
  norm_grad_rows(b.outer, r0, m, state.mean, state.rstd, at.dnorm, at.ldx, dy, dx, part);
}

// Weights' gradients in slots: see branch.h.
template <int form, typename Math>
void backward_in_slots(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  typedef SlotHidden<Math> Hidden;
  const size_t rows = rows_of(b), dim = b.outer.dim, hidden = b.hidden;
  const Saved state = saved_of<Math>(b, const_cast<float*>(saved));
  const size_t ldx = width_of(dim), ldh = width_of(std::min(hidden, kHidden));
  // Whole blocks, whose micro-tiles and sums are the longest, unless runs would be uneven.
  const size_t unit = rows >= 2 * kSlots * Math::kBlock ? Math::kBlock : 1;
  const Cut runs{rows, unit, kSlots};
  const size_t slots = runs.count;
  const size_t slot_rows = Hidden::transposed ? dim : hidden, slot_cols = Hidden::transposed ? hidden : dim;
  const size_t sums_each = round_up(3 * dim + hidden, 16), slot_each = 2 * slot_size(slot_rows, slot_cols);
  const size_t size1 = Math::packed_size(hidden, dim), size2 = Math::packed_size(dim, hidden);
  ScratchArena arena{vit::outer_scratch(size1 + size2 + slots * (sums_each + slot_each) + dim + 128)};
  const Weight fc1{{b.fc1, dim, 1}, hidden, dim, arena.take(size1)};
  const Weight fc2{{b.fc2, hidden, 1}, dim, hidden, arena.take(size2)};
  float* sums = arena.take(slots * sums_each);
  float* grads = arena.take(slots * slot_each);
  float* out_bias = arena.take(dim);
  const Weight weights[] = {fc1, fc2};
  pack_weights<Math>(weights, 2);
  const size_t for_factor = Math::packed_rows_size(Math::kBlock, dim);
  vit::reserve_scratch(4 * Math::kBlock * ldx + for_factor + Hidden::size(dim, ldh) + 80);
  vit::parallel(slots, [&](size_t slot, size_t worker) {
    ScratchArena own{vit::scratch(worker)};
    float *norm = own.take(Math::kBlock * ldx), *dout = own.take(Math::kBlock * ldx),
          *scaled = own.take(Math::kBlock * ldx);
    const Block at{norm, dout, scaled, own.take(Math::kBlock * ldx), own.take(for_factor), ldx};
    const Slot first = {grads + slot * slot_each, slot_rows}, last = {first.data + slot_each / 2, slot_rows};
    Hidden columns(dim, ldh, first, last, own);
    float* sum = sums + slot * sums_each;
    clear_bytes(sum, sums_each * sizeof(float));
    const size_t begin = runs.begin(slot), held = runs.begin(slot + 1) - begin;
    const Cut blocks{held, unit, ceil_div(held, Math::kBlock)};
    for (size_t i = 0; i < blocks.count; ++i) {
      const size_t r0 = begin + blocks.begin(i), m = begin + blocks.begin(i + 1) - r0;
      columns.mode = i == 0 ? kStoreNew : kStoreAdd;
      backward_rows<form, Math>(b, state, fc1, fc2, dy, r0, m, at, columns, sums_at(sum, dim), grad.dx);
    }
  });
  join_slots(grads, slots, slot_each, slot_rows, slot_cols, Hidden::transposed, grad.first);
  join_slots(grads + slot_each / 2, slots, slot_each, slot_rows, slot_cols, !Hidden::transposed, grad.last);
  finish_grads(b.outer, {b.fc2, b.bias2, hidden, hidden}, sums, slots, sums_each, out_bias, grad);
}

// Weights' gradients as products over chunks of rows.
template <int form, typename Math>
void backward_in_chunks(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  const size_t rows = rows_of(b), dim = b.outer.dim, hidden = b.hidden;
  const Saved state = saved_of<Math>(b, const_cast<float*>(saved));
  const size_t ldx = width_of(dim), ldh = width_of(hidden);
  const size_t each = rows_each_task(rows), tasks = ceil_div(rows, each);
  const size_t chunk = kChunk / each * each;
  const size_t sums_each = round_up(3 * dim + hidden, 16);
  const size_t held = std::min(rows, chunk);
  const size_t size1 = Math::packed_size(hidden, dim), size2 = Math::packed_size(dim, hidden);
  ScratchArena arena{vit::outer_scratch(size1 + size2 + tasks * sums_each + 2 * held * (ldx + ldh) + dim + 128)};
  const Weight fc1{{b.fc1, dim, 1}, hidden, dim, arena.take(size1)};
  const Weight fc2{{b.fc2, hidden, 1}, dim, hidden, arena.take(size2)};
  float* sums = arena.take(tasks * sums_each);
  float* out_bias = arena.take(dim);
  float *norms = arena.take(held * ldx), *douts = arena.take(held * ldx);
  float *gelu = arena.take(held * ldh), *dhidden = arena.take(held * ldh);
  const Weight weights[] = {fc1, fc2};
  pack_weights<Math>(weights, 2);
  const size_t for_rows = Math::packed_rows_size(kRowsEach, dim),
               for_hidden = Math::packed_rows_size(kRowsEach, kHidden);
  for (size_t c0 = 0; c0 < rows; c0 += chunk) {
    // For each chunk again: weight_grad reserves what it needs itself.
    vit::reserve_scratch(2 * kRowsEach * ldx + for_rows + for_hidden + 64);
    const size_t in_chunk = std::min(rows - c0, chunk);
    vit::parallel(ceil_div(in_chunk, each), [&](size_t task, size_t worker) {
      const size_t at = task * each, r0 = c0 + at, m = std::min(in_chunk - at, each);
      ScratchArena own{vit::scratch(worker)};
      float *scaled = own.take(kRowsEach * ldx), *dnorm = own.take(kRowsEach * ldx);
      const Block block{norms + at * ldx, douts + at * ldx, scaled, dnorm, own.take(for_rows), ldx};
      const WholeHidden<Math> columns{dhidden + at * ldh, gelu + at * ldh, ldh, own.take(for_hidden)};
      float* sum = sums + r0 / each * sums_each;
      clear_bytes(sum, sums_each * sizeof(float));
      backward_rows<form, Math>(b, state, fc1, fc2, dy, r0, m, block, columns, sums_at(sum, dim), grad.dx);
    });
    const vit::Precision precision = b.outer.precision;
    weight_grad(precision, dhidden, ldh, hidden, norms, ldx, dim, in_chunk, c0 > 0, grad.first);
    weight_grad(precision, douts, ldx, dim, gelu, ldh, hidden, in_chunk, c0 > 0, grad.last);
  }
  finish_grads(b.outer, {b.fc2, b.bias2, hidden, hidden}, sums, tasks, sums_each, out_bias, grad);
}

template <int form, typename Math>
void backward(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  if (in_slots(rows_of(b), 2 * b.outer.dim * b.hidden)) return backward_in_slots<form, Math>(b, saved, dy, grad);
  backward_in_chunks<form, Math>(b, saved, dy, grad);
}

template <typename Math>
void forward_in(const MlpBranch& b, float* saved, float* y) {
  if (b.form == vit::kGeluErf) return forward<0, Math>(b, saved, y);
  if (b.form == vit::kGeluTanh) return forward<1, Math>(b, saved, y);
  forward<2, Math>(b, saved, y);
}
template <typename Math>
void backward_in(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  if (b.form == vit::kGeluErf) return backward<0, Math>(b, saved, dy, grad);
  if (b.form == vit::kGeluTanh) return backward<1, Math>(b, saved, dy, grad);
  backward<2, Math>(b, saved, dy, grad);
}

}  // namespace

size_t mlp_branch_saved(const MlpBranch& b) {
  const size_t hidden = rows_of(b) * b.hidden;
  return 2 * rows_of(b) + (b.outer.precision == vit::kBf16 ? (hidden + 1) / 2 : hidden);
}

size_t mlp_branch_packed(const MlpBranch& b) {
  const size_t dim = b.outer.dim;
  if (b.outer.precision == vit::kBf16)
    return both_packed(Bf16Math::packed_size(dim, b.hidden), Bf16Math::packed_size(b.hidden, dim));
  return both_packed(Fp32Math::packed_size(dim, b.hidden), Fp32Math::packed_size(b.hidden, dim));
}

void mlp_branch(const MlpBranch& b, float* saved, float* y) {
  if (rows_of(b) == 0) return;
  if (b.outer.precision == vit::kBf16) forward_in<Bf16Math>(b, saved, y);
  else forward_in<Fp32Math>(b, saved, y);
}

void mlp_branch_grad(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  if (rows_of(b) == 0) return;
  if (b.outer.precision == vit::kBf16) backward_in<Bf16Math>(b, saved, dy, grad);
  else backward_in<Fp32Math>(b, saved, dy, grad);
}

}  // namespace VIT_ISA
