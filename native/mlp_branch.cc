// The residual branch of the MLP. A task takes a block of rows through norm, fc1, gelu and fc2; the hidden columns are cut in
// blocks too, so that a row of any width stays in the cache.

#include <string.h>

#include "branch.h"
#include "table.h"
#include "vector_math.h"

namespace VIT_ISA {
namespace {

using vit::MlpBranch;

constexpr size_t kHidden = 256;

size_t rows_of(const MlpBranch& b) { return b.outer.batch * b.outer.tokens; }

// What the backward pass reads of the forward pass: the value before gelu in float32, or in bf16. The hidden columns lie in blocks of
// kHidden, so that a task reads and writes one piece of memory.
struct Saved {
  float *mean, *rstd, *hidden;
  bf16* hidden16;
};
template <typename In>
Saved saved_of(const MlpBranch& b, float* saved) {
  const size_t rows = rows_of(b);
  float* hidden = saved + 2 * rows;
  if (In::narrow) return {saved, saved + rows, nullptr, reinterpret_cast<bf16*>(hidden)};
  return {saved, saved + rows, hidden, nullptr};
}

// Where in it row r of the hidden columns from f is, and its rows' distance.
struct Place {
  size_t at, row;
};
Place place_of(const MlpBranch& b, size_t r, size_t f) {
  const size_t first = f / kHidden * kHidden, row = b.hidden - first < kHidden ? b.hidden - first : kHidden;
  return {first * rows_of(b) + r * row + f - first, row};
}

// Values before gelu, of columns of one block: each becomes gelu of it, and is kept where it is asked for. A pass that keeps nothing
// rounds like one that does.
template <int form, typename In>
void activate_block(float* h, size_t ldh, size_t rows, size_t cols, const Saved& kept, const Place& place) {
  for (size_t r = 0; r < rows; ++r) {
    bf16 rounded[kHidden];
    if (In::narrow) keep_row(cols, h + r * ldh, kept.hidden16 == nullptr ? rounded : kept.hidden16 + place.at + r * place.row);
    float* keep = kept.hidden == nullptr ? nullptr : kept.hidden + place.at + r * place.row;
    each_part(cols, [&](size_t j, size_t n) {
      const vf v = get(h + r * ldh + j, n);
      if (keep != nullptr) put(keep + j, v, n);
      put(h + r * ldh + j, gelu_v<form>(v), n);
    });
  }
}

// From the gradient of gelu's result, in dh, and the value before it: gelu of it, the gradient of it, and its sum over rows.
template <int form>
void activate_grad_block(const Saved& kept, const Place& place, size_t rows, size_t cols, float* dh, float* g, size_t ld,
                         float* sum) {
  for (size_t r = 0; r < rows; ++r) {
    float wide[kHidden];
    const float* h = wide;
    if (kept.hidden16 != nullptr) from_bf16(cols, kept.hidden16 + place.at + r * place.row, wide);
    else h = kept.hidden + place.at + r * place.row;
    each_part(cols, [&](size_t j, size_t n) {
      vf slope;
      const vf value = gelu_both_v<form>(get(h + j, n), &slope);
      const vf d = get(dh + r * ld + j, n) * slope;
      put(g + r * ld + j, value, n);
      put(dh + r * ld + j, d, n);
      put(sum + j, get(sum + j, n) + d, n);
    });
  }
}

template <int form, typename In>
void forward(const MlpBranch& b, float* saved, float* y) {
  const size_t rows = rows_of(b), dim = b.outer.dim, hidden = b.hidden;
  const bool columns = in_columns(rows, 2 * dim * hidden);
  const size_t wide = hidden < kHidden || columns ? hidden : kHidden;
  const size_t ldx = width_of(dim), ldh = width_of(wide);
  const size_t size1 = In::packed_size(dim, hidden), size2 = In::packed_size(hidden, dim);
  const size_t between = columns ? rows * (ldx + ldh) : 0;
  Carver carve{vit::outer_scratch((b.outer.packed == nullptr ? both_packed(size1, size2) : 0) + between + 2 * rows + 64)};
  Carver weights_at{b.outer.packed == nullptr ? carve.take(both_packed(size1, size2)) : b.outer.packed};
  const Weight fc1{{b.fc1, 1, dim}, dim, hidden, weights_at.take(size1)};
  const Weight fc2{{b.fc2, 1, hidden}, hidden, dim, weights_at.take(size2)};
  float* moments = carve.take(2 * rows);
  const Saved kept = saved == nullptr ? Saved{moments, moments + rows, nullptr, nullptr} : saved_of<In>(b, saved);
  const Weight weights[] = {fc1, fc2};
  if (b.outer.packed == nullptr || !b.outer.ready) pack_weights<In>(weights, 2);
  const size_t for_factor = In::factor_size(kRowsEach, dim > wide ? dim : wide);
  const size_t each = rows_each_task(rows);
  if (columns) {
    vit::reserve_scratch(for_factor);
    float* x = carve.take(rows * ldx);
    float* h = carve.take(rows * ldh);
    vit::parallel((rows + each - 1) / each, [&](size_t task, size_t) {
      const size_t r0 = task * each;
      norm_rows(b.outer, r0, rows - r0 < each ? rows - r0 : each, false, kept.mean, kept.rstd, x + r0 * ldx, ldx);
    });
    columns_product<In>(x, ldx, rows, fc1, h, ldh, b.bias1, [&](size_t r, size_t m, size_t j0, size_t cols) {
      for (size_t j = j0, end; j < j0 + cols; j = end) {
        end = (j / kHidden + 1) * kHidden < j0 + cols ? (j / kHidden + 1) * kHidden : j0 + cols;
        activate_block<form, In>(h + r * ldh + j, ldh, m, end - j, kept, place_of(b, r, j));
      }
    });
    columns_product<In>(h, ldh, rows, fc2, x, ldx, b.bias2, [&](size_t r, size_t m, size_t j, size_t cols) {
      add_rows(b.outer, r, m, j, cols, x + r * ldx + j, ldx, y);
    });
    return;
  }
  vit::reserve_scratch(kRowsEach * (2 * ldx + ldh) + for_factor + 64);
  vit::parallel((rows + each - 1) / each, [&](size_t task, size_t worker) {
    const size_t r0 = task * each, m = rows - r0 < each ? rows - r0 : each;
    Carver own{vit::scratch(worker)};
    float* x = own.take(kRowsEach * ldx);
    float* z = own.take(kRowsEach * ldx);
    float* h = own.take(kRowsEach * ldh);
    float* factor = own.take(for_factor);
    norm_rows(b.outer, r0, m, false, kept.mean, kept.rstd, x, ldx);
    for (size_t f0 = 0; f0 < hidden; f0 += kHidden) {
      const size_t cols = hidden - f0 < kHidden ? hidden - f0 : kHidden;
      const Place place = place_of(b, r0, f0);
      In::multiply_rows(x, ldx, factor, fc1, 0, f0, m, cols, dim, h, ldh, b.bias1 == nullptr ? nullptr : b.bias1 + f0, kStoreNew,
                        kept.hidden == nullptr ? Ahead{} : Ahead{kept.hidden + place.at, m * place.row});
      activate_block<form, In>(h, ldh, m, cols, kept, place);
      In::multiply_rows(h, ldh, factor, fc2, f0, 0, m, dim, cols, z, ldx, f0 == 0 ? b.bias2 : nullptr,
                        f0 == 0 ? kStoreNew : kStoreAdd);
    }
    add_rows(b.outer, r0, m, 0, dim, z, ldx, y);
  });
}

// Where the backward pass puts the rows of a block: the norm, the gradient of fc2's result (once as it is, once scaled), gelu, and the
// gradient before it; hidden columns f0 … lie at f0·step.
struct Block {
  float *norm, *dout, *gelu, *dhidden;
  size_t ldx, ldh, step;
};

// The gradients of rows, for a block of them in one thread; grown(f0, cols) is called when gelu and dhidden of those columns stand.
template <int form, typename In, typename Grown>
void backward_rows(const MlpBranch& b, const Saved& kept, const Weight& fc1, const Weight& fc2, const float* dy, size_t r0, size_t m,
                   const Block& at, float* scaled, float* dnorm, float* factor, const RowSums& part, float* dx, const Grown& grown) {
  const size_t dim = b.outer.dim, hidden = b.hidden;
  norm_rows(b.outer, r0, m, true, kept.mean, kept.rstd, at.norm, at.ldx);
  scale_rows(b.outer, r0, m, dy, at.dout, scaled, at.ldx, part.out);
  for (size_t f0 = 0; f0 < hidden; f0 += kHidden) {
    const size_t cols = hidden - f0 < kHidden ? hidden - f0 : kHidden;
    float* dh = at.dhidden + f0 * at.step;
    const Place place = place_of(b, r0, f0);
    const Ahead ahead = kept.hidden == nullptr ? Ahead{} : Ahead{kept.hidden + place.at, m * place.row};
    In::multiply_rows(scaled, at.ldx, factor, fc2, 0, f0, m, cols, dim, dh, at.ldh, nullptr, kStoreNew, ahead);
    activate_grad_block<form>(kept, place, m, cols, dh, at.gelu + f0 * at.step, at.ldh, part.inner + f0);
    In::multiply_rows(dh, at.ldh, factor, fc1, f0, 0, m, dim, cols, dnorm, at.ldx, nullptr, f0 == 0 ? kStoreNew : kStoreAdd);
    grown(f0, cols);
  }
  norm_grad_rows(b.outer, r0, m, kept.mean, kept.rstd, dnorm, at.ldx, dy, dx, part);
}

// Weights' gradients in slots: see branch.h.
template <int form, typename In>
void backward_in_slots(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  const size_t rows = rows_of(b), dim = b.outer.dim, hidden = b.hidden;
  const Saved kept = saved_of<In>(b, const_cast<float*>(saved));
  const size_t wide = hidden < kHidden ? hidden : kHidden;
  const size_t ldx = width_of(dim), ldh = width_of(wide);
  // Whole blocks, whose micro-tiles and sums are the longest, unless runs would be uneven.
  const size_t unit = rows >= 2 * kSlots * kRowsEach ? kRowsEach : 1;
  const Cut runs{rows, unit, kSlots};
  const size_t slots = runs.count;
  const size_t sums_each = round_up(3 * dim + hidden, 16), slot_each = 2 * slot_size(hidden, dim);
  const size_t size1 = In::packed_size(hidden, dim), size2 = In::packed_size(dim, hidden);
  Carver carve{vit::outer_scratch(size1 + size2 + slots * (sums_each + slot_each) + dim + 128)};
  const Weight fc1{{b.fc1, dim, 1}, hidden, dim, carve.take(size1)};
  const Weight fc2{{b.fc2, hidden, 1}, dim, hidden, carve.take(size2)};
  float* sums = carve.take(slots * sums_each);
  float* grads = carve.take(slots * slot_each);
  float* out_bias = carve.take(dim);
  const Weight weights[] = {fc1, fc2};
  pack_weights<In>(weights, 2);
  const size_t rows_factor = In::factor_size(kRowsEach, dim > wide ? dim : wide);
  const size_t for_factor = rows_factor > In::grow_size() ? rows_factor : In::grow_size();
  const size_t packed_rows = In::packed_size(kRowsEach, dim);
  vit::reserve_scratch(kRowsEach * (4 * ldx + 2 * ldh) + for_factor + 2 * packed_rows + 128);
  vit::parallel(slots, [&](size_t slot, size_t worker) {
    Carver own{vit::scratch(worker)};
    float* scaled = own.take(kRowsEach * ldx);
    float* dnorm = own.take(kRowsEach * ldx);
    float* factor = own.take(for_factor);
    float* norms = own.take(packed_rows);
    float* douts = own.take(packed_rows);
    const Block at{own.take(kRowsEach * ldx), own.take(kRowsEach * ldx), own.take(kRowsEach * ldh), own.take(kRowsEach * ldh), ldx, ldh, 0};
    const Slot first = {grads + slot * slot_each, hidden}, last = {first.data + slot_each / 2, hidden};
    float* sum = sums + slot * sums_each;
    memset(sum, 0, sums_each * sizeof(float));
    const size_t begin = runs.begin(slot), held = runs.begin(slot + 1) - begin;
    const Cut blocks{held, unit, (held + kRowsEach - 1) / kRowsEach};
    for (size_t i = 0; i < blocks.count; ++i) {
      const size_t r0 = begin + blocks.begin(i), m = begin + blocks.begin(i + 1) - r0;
      const Store mode = r0 == begin ? kStoreNew : kStoreAdd;
      backward_rows<form, In>(b, kept, fc1, fc2, dy, r0, m, at, scaled, dnorm, factor, sums_at(sum, dim), grad.dx,
                              [&](size_t f0, size_t cols) {
        if (f0 == 0) {
          In::pack({at.norm, ldx, 1}, m, dim, 0, In::panels(dim), norms);
          In::pack({at.dout, ldx, 1}, m, dim, 0, In::panels(dim), douts);
        }
        In::grow(at.dhidden, ldh, cols, norms, dim, m, factor, Slot{first.data + f0 * kSlotWidth, hidden}, mode);
        In::grow(at.gelu, ldh, cols, douts, dim, m, factor, Slot{last.data + f0 * kSlotWidth, hidden}, mode);
      });
    }
  });
  join_slots(grads, slots, slot_each, hidden, dim, false, grad.first);
  join_slots(grads + slot_each / 2, slots, slot_each, hidden, dim, true, grad.last);
  finish_grads(b.outer, {b.fc2, b.bias2, hidden, hidden}, sums, slots, sums_each, out_bias, grad);
}

// … and of chunks of rows.
template <int form, typename In>
void backward_in_chunks(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  const size_t rows = rows_of(b), dim = b.outer.dim, hidden = b.hidden;
  const Saved kept = saved_of<In>(b, const_cast<float*>(saved));
  const size_t ldx = width_of(dim), ldh = width_of(hidden);
  const size_t each = rows_each_task(rows), tasks = (rows + each - 1) / each;
  const size_t chunk = kChunk / each * each;
  const size_t sums_each = round_up(3 * dim + hidden, 16);
  const size_t held = rows < chunk ? rows : chunk;
  const size_t size1 = In::packed_size(hidden, dim), size2 = In::packed_size(dim, hidden);
  Carver carve{vit::outer_scratch(size1 + size2 + tasks * sums_each + 2 * held * (ldx + ldh) + dim + 128)};
  const Weight fc1{{b.fc1, dim, 1}, hidden, dim, carve.take(size1)};
  const Weight fc2{{b.fc2, hidden, 1}, dim, hidden, carve.take(size2)};
  float* sums = carve.take(tasks * sums_each);
  float* out_bias = carve.take(dim);
  const Block all{carve.take(held * ldx), carve.take(held * ldx), carve.take(held * ldh), carve.take(held * ldh), ldx, ldh, 1};
  const Weight weights[] = {fc1, fc2};
  pack_weights<In>(weights, 2);
  const size_t for_factor = In::factor_size(kRowsEach, dim > kHidden ? dim : kHidden);
  for (size_t c0 = 0; c0 < rows; c0 += chunk) {
    // For each chunk again: weight_grad reserves what it needs itself.
    vit::reserve_scratch(2 * kRowsEach * ldx + for_factor + 64);
    const size_t in_chunk = rows - c0 < chunk ? rows - c0 : chunk;
    vit::parallel((in_chunk + each - 1) / each, [&](size_t task, size_t worker) {
      const size_t at = task * each, r0 = c0 + at, m = in_chunk - at < each ? in_chunk - at : each;
      Carver own{vit::scratch(worker)};
      float* scaled = own.take(kRowsEach * ldx);
      float* dnorm = own.take(kRowsEach * ldx);
      float* factor = own.take(for_factor);
      float* sum = sums + r0 / each * sums_each;
      memset(sum, 0, sums_each * sizeof(float));
      const Block block{all.norm + at * ldx, all.dout + at * ldx, all.gelu + at * ldh, all.dhidden + at * ldh, ldx, ldh, 1};
      backward_rows<form, In>(b, kept, fc1, fc2, dy, r0, m, block, scaled, dnorm, factor, sums_at(sum, dim), grad.dx,
                              [](size_t, size_t) {});
    });
    const vit::Precision precision = b.outer.precision;
    weight_grad(precision, all.dhidden, ldh, hidden, all.norm, ldx, dim, in_chunk, c0 > 0, grad.first);
    weight_grad(precision, all.dout, ldx, dim, all.gelu, ldh, hidden, in_chunk, c0 > 0, grad.last);
  }
  finish_grads(b.outer, {b.fc2, b.bias2, hidden, hidden}, sums, tasks, sums_each, out_bias, grad);
}

template <int form, typename In>
void backward(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  if (in_slots(rows_of(b), 2 * b.outer.dim * b.hidden)) return backward_in_slots<form, In>(b, saved, dy, grad);
  backward_in_chunks<form, In>(b, saved, dy, grad);
}

template <typename In>
void forward_in(const MlpBranch& b, float* saved, float* y) {
  if (b.form == vit::kGeluErf) return forward<0, In>(b, saved, y);
  if (b.form == vit::kGeluTanh) return forward<1, In>(b, saved, y);
  forward<2, In>(b, saved, y);
}
template <typename In>
void backward_in(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  if (b.form == vit::kGeluErf) return backward<0, In>(b, saved, dy, grad);
  if (b.form == vit::kGeluTanh) return backward<1, In>(b, saved, dy, grad);
  backward<2, In>(b, saved, dy, grad);
}

}  // namespace

size_t mlp_branch_saved(const MlpBranch& b) {
  const size_t hidden = rows_of(b) * b.hidden;
  return 2 * rows_of(b) + (b.outer.precision == vit::kBf16 ? (hidden + 1) / 2 : hidden);
}

size_t mlp_branch_packed(const MlpBranch& b) {
  const size_t dim = b.outer.dim;
  if (b.outer.precision == vit::kBf16)
    return both_packed(In16::packed_size(dim, b.hidden), In16::packed_size(b.hidden, dim));
  return both_packed(In32::packed_size(dim, b.hidden), In32::packed_size(b.hidden, dim));
}

void mlp_branch(const MlpBranch& b, float* saved, float* y) {
  if (rows_of(b) == 0) return;
  if (b.outer.precision == vit::kBf16) forward_in<In16>(b, saved, y);
  else forward_in<In32>(b, saved, y);
}

void mlp_branch_grad(const MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  if (rows_of(b) == 0) return;
  if (b.outer.precision == vit::kBf16) backward_in<In16>(b, saved, dy, grad);
  else backward_in<In32>(b, saved, dy, grad);
}

}  // namespace VIT_ISA
