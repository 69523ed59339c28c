// The hidden columns of the MLP's branch, a block of at most kHidden of them at a time: the values that the
// forward pass saves, gelu, and the steps of the backward pass, which give the gradients of the weights.
#pragma once

#include <algorithm>

#include "branch.h"
#include "vector_math.h"

namespace VIT_ISA {

constexpr size_t kHidden = 256;

inline size_t rows_of(const vit::MlpBranch& b) { return b.outer.batch * b.outer.tokens; }

// The values that the forward pass saves for the backward pass: the value before gelu in float32, or in bf16. The
// hidden columns lie in blocks of kHidden, so that a task reads and writes one piece of memory.
struct Saved {
  float *mean, *rstd, *hidden;
  bf16* hidden16;
};
template <typename Math>
Saved saved_of(const vit::MlpBranch& b, float* saved) {
  const size_t rows = rows_of(b);
  float* hidden = saved + 2 * rows;
  if (Math::is_bf16) return {saved, saved + rows, nullptr, reinterpret_cast<bf16*>(hidden)};
  return {saved, saved + rows, hidden, nullptr};
}

// Where in it row r of the hidden columns from f is, and its rows' distance.
struct Place {
  size_t at, row;
};
inline Place place_of(const vit::MlpBranch& b, size_t r, size_t f) {
  const size_t first = f / kHidden * kHidden, row = std::min(b.hidden - first, kHidden);
  return {first * rows_of(b) + r * row + f - first, row};
}

// The saved values of m rows, to be prefetched before they are read or written.
inline Prefetch prefetch_of(const Saved& state, const Place& place, size_t m) {
  if (state.hidden != nullptr) return {state.hidden + place.at, m * place.row * sizeof(float)};
  if (state.hidden16 != nullptr) return {state.hidden16 + place.at, m * place.row * sizeof(bf16)};
  return {};
}

// Values before gelu, of columns of one block: each becomes gelu of it, and is state where it is asked for. A pass that
// keeps nothing rounds like one that does.
template <int form, typename Math>
void activate_block(float* h, size_t ldh, size_t rows, size_t cols, const Saved& state, const Place& place) {
  if (Math::is_bf16)
    rounding().round_rows(rows, cols, h, ldh, state.hidden16 == nullptr ? nullptr : state.hidden16 + place.at,
                          place.row);
  for (size_t r = 0; r < rows; ++r) {
    float* to_save = state.hidden == nullptr ? nullptr : state.hidden + place.at + r * place.row;
    each_part(cols, [&](size_t j, size_t n) {
      const vf v = get(h + r * ldh + j, n);
      if (to_save != nullptr) put(to_save + j, v, n);
      put(h + r * ldh + j, gelu_v<form>(v), n);
    });
  }
}
// The same, packed as the left operand of the next product: see Math::pack_rows.
template <int form, typename Math>
void activate_factor(float* h, size_t ldh, size_t rows, size_t cols, const Saved& state, const Place& place,
                     float* factor) {
  if (!Math::is_bf16) return activate_block<form, Math>(h, ldh, rows, cols, state, place);
  bf16* to_save = state.hidden16 == nullptr ? nullptr : state.hidden16 + place.at;
  rounding().gelu(static_cast<vit::Activation>(form), rows, cols, h, ldh, to_save, place.row,
                  reinterpret_cast<bf16*>(factor));
}

// From the gradient of gelu's result, in dh, and the value before it: gelu of it, the gradient of it, and its sum over
// rows.
template <int form>
void activate_grad_block(const Saved& state, const Place& place, size_t rows, size_t cols, float* dh, float* g,
                         size_t ld, float* sum) {
  for (size_t r = 0; r < rows; ++r) {
    float widened[kHidden];
    const float* h = widened;
    if (state.hidden16 != nullptr) from_bf16(cols, state.hidden16 + place.at + r * place.row, widened);
    else h = state.hidden + place.at + r * place.row;
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

// The steps of the backward pass on a block of rows and columns f0 …: `place` is where the product with fc2 goes, rows
// `ld` apart; then activate, back (dnorm (=|+=) the gradient · fc1) and accumulate_weight_grads are called in this
// order. begin comes before the first columns of rows.
//
// The hidden columns are held whole, for products over a chunk of rows; the block is row 0 of `dh` and `gelu`.
template <typename Math>
struct WholeHidden {
  float *dh, *gelu;
  size_t ld;
  float* factor;

  void begin(const float*, const float*, size_t, size_t) {}
  float* place(size_t f0) { return dh + f0; }
  template <int form>
  void activate(const Saved& state, const Place& place, size_t m, size_t f0, size_t cols, float* sum) {
    activate_grad_block<form>(state, place, m, cols, dh + f0, gelu + f0, ld, sum);
  }
  void back(const Weight& fc1, size_t m, size_t f0, size_t cols, float* dnorm, size_t ldx) {
    Math::multiply_rows(dh + f0, ld, factor, fc1, f0, 0, m, fc1.n, cols, dnorm, ldx, nullptr,
                        f0 == 0 ? kStoreNew : kStoreAdd);
  }
  void accumulate_weight_grads(size_t, size_t, size_t) {}
};

// Weights' gradients are summed in slots at once. `transposed`: a slot of the first weight is its transpose, one of the
// last is not; else the other way round. So the smaller of both factors is packed, or in bf16 the one that is
// transposed.
template <typename Math>
struct SlotHidden;

template <>
struct SlotHidden<Fp32Math> {
  static constexpr bool transposed = false;
  size_t dim, ld;
  Slot first, last;
  float *dh, *gelu, *norms, *douts;
  Store mode = kStoreNew;

  static size_t size(size_t dim, size_t ld) {
    return 2 * kRowsEach * ld + 2 * Fp32Math::packed_size(kRowsEach, dim) + 64;
  }
  SlotHidden(size_t columns, size_t row, const Slot& first_grad, const Slot& last_grad, ScratchArena& own)
      : dim(columns),
        ld(row),
        first(first_grad),
        last(last_grad),
        dh(own.take(kRowsEach * ld)),
        gelu(own.take(kRowsEach * ld)),
        norms(own.take(Fp32Math::packed_size(kRowsEach, dim))),
        douts(own.take(Fp32Math::packed_size(kRowsEach, dim))) {}

  void begin(const float* norm, const float* dout, size_t ldx, size_t m) {
    Fp32Math::pack({norm, ldx, 1}, m, dim, 0, Fp32Math::panels(dim), norms);
    Fp32Math::pack({dout, ldx, 1}, m, dim, 0, Fp32Math::panels(dim), douts);
  }
  float* place(size_t) { return dh; }
  template <int form>
  void activate(const Saved& state, const Place& place, size_t m, size_t, size_t cols, float* sum) {
    activate_grad_block<form>(state, place, m, cols, dh, gelu, ld, sum);
  }
  void back(const Weight& fc1, size_t m, size_t f0, size_t cols, float* dnorm, size_t ldx) {
    Fp32Math::multiply_rows(dh, ld, nullptr, fc1, f0, 0, m, dim, cols, dnorm, ldx, nullptr,
                            f0 == 0 ? kStoreNew : kStoreAdd);
  }
  void accumulate_weight_grads(size_t m, size_t f0, size_t cols) {
    Fp32Math::accumulate_weight_grad(dh, ld, cols, norms, dim, m, nullptr,
                                     Slot{first.data + f0 * kSlotWidth, first.rows}, mode);
    Fp32Math::accumulate_weight_grad(gelu, ld, cols, douts, dim, m, nullptr,
                                     Slot{last.data + f0 * kSlotWidth, last.rows}, mode);
  }
};

template <>
struct SlotHidden<Bf16Math> {
  static constexpr bool transposed = true;
  size_t dim, ld;
  Slot first, last;
  float *dh, *left, *right, *gelu, *norms, *douts;
  Store mode = kStoreNew;

  static size_t size(size_t dim, size_t ld) {
    return Bf16Math::kBlock * ld + Bf16Math::packed_rows_size(Bf16Math::kBlock, kHidden) +
           2 * Bf16Math::packed_size(Bf16Math::kBlock, kHidden) +
           2 * Bf16Math::packed_rows_size(dim, Bf16Math::kBlock) + 96;
  }
  SlotHidden(size_t columns, size_t row, const Slot& first_grad, const Slot& last_grad, ScratchArena& own)
      : dim(columns),
        ld(row),
        first(first_grad),
        last(last_grad),
        dh(own.take(Bf16Math::kBlock * ld)),
        left(own.take(Bf16Math::packed_rows_size(Bf16Math::kBlock, kHidden))),
        right(own.take(Bf16Math::packed_size(Bf16Math::kBlock, kHidden))),
        gelu(own.take(Bf16Math::packed_size(Bf16Math::kBlock, kHidden))),
        norms(own.take(Bf16Math::packed_rows_size(dim, Bf16Math::kBlock))),
        douts(own.take(Bf16Math::packed_rows_size(dim, Bf16Math::kBlock))) {}

  void begin(const float* norm, const float* dout, size_t ldx, size_t m) {
    Bf16Math::pack_transposed(norm, ldx, dim, m, norms);
    Bf16Math::pack_transposed(dout, ldx, dim, m, douts);
  }
  float* place(size_t) { return dh; }
  template <int form>
  void activate(const Saved& state, const Place& place, size_t m, size_t, size_t cols, float* sum) {
    rounding().gelu_grad(static_cast<vit::Activation>(form), m, cols, state.hidden16 + place.at, place.row, dh, ld, sum,
                         reinterpret_cast<bf16*>(left), reinterpret_cast<bf16*>(right), reinterpret_cast<bf16*>(gelu));
  }
  void back(const Weight& fc1, size_t m, size_t f0, size_t cols, float* dnorm, size_t ldx) {
    Bf16Math::multiply_packed(nullptr, 0, left, fc1, f0, 0, m, dim, cols, dnorm, ldx, nullptr,
                              f0 == 0 ? kStoreNew : kStoreAdd);
  }
  void accumulate_weight_grads(size_t m, size_t f0, size_t cols) {
    Bf16Math::accumulate_weight_grad_packed(norms, dim, right, cols, m, Slot{first.data + f0 * first.rows, first.rows},
                                            mode);
    Bf16Math::accumulate_weight_grad_packed(douts, dim, gelu, cols, m, Slot{last.data + f0 * last.rows, last.rows},
                                            mode);
  }
};

}  // namespace VIT_ISA
