// The hidden columns of the MLP's branch, a block of at most kHidden of them at a time: what the forward pass keeps of
// them, gelu, and what the backward pass makes of them, which is where weights' gradients come from.
#pragma once

#include "branch.h"
#include "vector_math.h"

namespace VIT_ISA {

constexpr size_t kHidden = 256;

inline size_t rows_of(const vit::MlpBranch& b) { return b.outer.batch * b.outer.tokens; }

// What the backward pass reads of the forward pass: the value before gelu in float32, or in bf16. The hidden columns
// lie in blocks of kHidden, so that a task reads and writes one piece of memory.
struct Saved {
  float *mean, *rstd, *hidden;
  bf16* hidden16;
};
template <typename In>
Saved saved_of(const vit::MlpBranch& b, float* saved) {
  const size_t rows = rows_of(b);
  float* hidden = saved + 2 * rows;
  if (In::narrow) return {saved, saved + rows, nullptr, reinterpret_cast<bf16*>(hidden)};
  return {saved, saved + rows, hidden, nullptr};
}

// Where in it row r of the hidden columns from f is, and its rows' distance.
struct Place {
  size_t at, row;
};
inline Place place_of(const vit::MlpBranch& b, size_t r, size_t f) {
  const size_t first = f / kHidden * kHidden, row = b.hidden - first < kHidden ? b.hidden - first : kHidden;
  return {first * rows_of(b) + r * row + f - first, row};
}

// That of m rows, to be fetched before it is read or written.
inline Ahead kept_at(const Saved& kept, const Place& place, size_t m) {
  if (kept.hidden != nullptr) return {kept.hidden + place.at, m * place.row * sizeof(float)};
  if (kept.hidden16 != nullptr) return {kept.hidden16 + place.at, m * place.row * sizeof(bf16)};
  return {};
}

// Values before gelu, of columns of one block: each becomes gelu of it, and is kept where it is asked for. A pass that
// keeps nothing rounds like one that does.
template <int form, typename In>
void activate_block(float* h, size_t ldh, size_t rows, size_t cols, const Saved& kept, const Place& place) {
  if (In::narrow)
    rounding().round_rows(rows, cols, h, ldh, kept.hidden16 == nullptr ? nullptr : kept.hidden16 + place.at, place.row);
  for (size_t r = 0; r < rows; ++r) {
    float* keep = kept.hidden == nullptr ? nullptr : kept.hidden + place.at + r * place.row;
    each_part(cols, [&](size_t j, size_t n) {
      const vf v = get(h + r * ldh + j, n);
      if (keep != nullptr) put(keep + j, v, n);
      put(h + r * ldh + j, gelu_v<form>(v), n);
    });
  }
}
// The same, as a factor of the next product: see In::make_factor.
template <int form, typename In>
void activate_factor(float* h, size_t ldh, size_t rows, size_t cols, const Saved& kept, const Place& place,
                     float* factor) {
  if (!In::narrow) return activate_block<form, In>(h, ldh, rows, cols, kept, place);
  bf16* keep = kept.hidden16 == nullptr ? nullptr : kept.hidden16 + place.at;
  rounding().gelu(static_cast<vit::Activation>(form), rows, cols, h, ldh, keep, place.row,
                  reinterpret_cast<bf16*>(factor));
}

// From the gradient of gelu's result, in dh, and the value before it: gelu of it, the gradient of it, and its sum over
// rows.
template <int form>
void activate_grad_block(const Saved& kept, const Place& place, size_t rows, size_t cols, float* dh, float* g,
                         size_t ld, float* sum) {
  for (size_t r = 0; r < rows; ++r) {
    float widened[kHidden];
    const float* h = widened;
    if (kept.hidden16 != nullptr) from_bf16(cols, kept.hidden16 + place.at + r * place.row, widened);
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

// What the backward pass does with a block of rows and columns f0 …: `place` is where the product with fc2 goes, rows
// `ld` apart; then activate, back (dnorm (=|+=) the gradient · fc1) and grow are called in this order. begin comes
// before the first columns of rows.
//
// Kept whole, for products over a chunk of rows; the block is row 0 of `dh` and `gelu`.
template <typename In>
struct WholeHidden {
  float *dh, *gelu;
  size_t ld;
  float* factor;

  void begin(const float*, const float*, size_t, size_t) {}
  float* place(size_t f0) { return dh + f0; }
  template <int form>
  void activate(const Saved& kept, const Place& place, size_t m, size_t f0, size_t cols, float* sum) {
    activate_grad_block<form>(kept, place, m, cols, dh + f0, gelu + f0, ld, sum);
  }
  void back(const Weight& fc1, size_t m, size_t f0, size_t cols, float* dnorm, size_t ldx) {
    In::multiply_rows(dh + f0, ld, factor, fc1, f0, 0, m, fc1.n, cols, dnorm, ldx, nullptr,
                      f0 == 0 ? kStoreNew : kStoreAdd);
  }
  void grow(size_t, size_t, size_t) {}
};

// Weights' gradients are summed in slots at once. `turned`: a slot of the first weight is its transpose, one of the
// last is not; else the other way round. So the smaller of both factors is packed, or in bf16 the one that is turned.
template <typename In>
struct SlotHidden;

template <>
struct SlotHidden<In32> {
  static constexpr bool turned = false;
  size_t dim, ld;
  Slot first, last;
  float *dh, *gelu, *norms, *douts;
  Store mode = kStoreNew;

  static size_t size(size_t dim, size_t ld) { return 2 * kRowsEach * ld + 2 * In32::packed_size(kRowsEach, dim) + 64; }
  SlotHidden(size_t columns, size_t row, const Slot& first_grad, const Slot& last_grad, Carver& own)
      : dim(columns),
        ld(row),
        first(first_grad),
        last(last_grad),
        dh(own.take(kRowsEach * ld)),
        gelu(own.take(kRowsEach * ld)),
        norms(own.take(In32::packed_size(kRowsEach, dim))),
        douts(own.take(In32::packed_size(kRowsEach, dim))) {}

  void begin(const float* norm, const float* dout, size_t ldx, size_t m) {
    In32::pack({norm, ldx, 1}, m, dim, 0, In32::panels(dim), norms);
    In32::pack({dout, ldx, 1}, m, dim, 0, In32::panels(dim), douts);
  }
  float* place(size_t) { return dh; }
  template <int form>
  void activate(const Saved& kept, const Place& place, size_t m, size_t, size_t cols, float* sum) {
    activate_grad_block<form>(kept, place, m, cols, dh, gelu, ld, sum);
  }
  void back(const Weight& fc1, size_t m, size_t f0, size_t cols, float* dnorm, size_t ldx) {
    In32::multiply_rows(dh, ld, nullptr, fc1, f0, 0, m, dim, cols, dnorm, ldx, nullptr,
                        f0 == 0 ? kStoreNew : kStoreAdd);
  }
  void grow(size_t m, size_t f0, size_t cols) {
    In32::grow(dh, ld, cols, norms, dim, m, nullptr, Slot{first.data + f0 * kSlotWidth, first.rows}, mode);
    In32::grow(gelu, ld, cols, douts, dim, m, nullptr, Slot{last.data + f0 * kSlotWidth, last.rows}, mode);
  }
};

template <>
struct SlotHidden<In16> {
  static constexpr bool turned = true;
  size_t dim, ld;
  Slot first, last;
  float *dh, *left, *right, *gelu, *norms, *douts;
  Store mode = kStoreNew;

  static size_t size(size_t dim, size_t ld) {
    return In16::kBlock * ld + In16::factor_size(In16::kBlock, kHidden) + 2 * In16::packed_size(In16::kBlock, kHidden) +
           2 * In16::factor_size(dim, In16::kBlock) + 96;
  }
  SlotHidden(size_t columns, size_t row, const Slot& first_grad, const Slot& last_grad, Carver& own)
      : dim(columns),
        ld(row),
        first(first_grad),
        last(last_grad),
        dh(own.take(In16::kBlock * ld)),
        left(own.take(In16::factor_size(In16::kBlock, kHidden))),
        right(own.take(In16::packed_size(In16::kBlock, kHidden))),
        gelu(own.take(In16::packed_size(In16::kBlock, kHidden))),
        norms(own.take(In16::factor_size(dim, In16::kBlock))),
        douts(own.take(In16::factor_size(dim, In16::kBlock))) {}

  void begin(const float* norm, const float* dout, size_t ldx, size_t m) {
    In16::turn(norm, ldx, dim, m, norms);
    In16::turn(dout, ldx, dim, m, douts);
  }
  float* place(size_t) { return dh; }
  template <int form>
  void activate(const Saved& kept, const Place& place, size_t m, size_t, size_t cols, float* sum) {
    rounding().gelu_grad(static_cast<vit::Activation>(form), m, cols, kept.hidden16 + place.at, place.row, dh, ld, sum,
                         reinterpret_cast<bf16*>(left), reinterpret_cast<bf16*>(right), reinterpret_cast<bf16*>(gelu));
  }
  void back(const Weight& fc1, size_t m, size_t f0, size_t cols, float* dnorm, size_t ldx) {
    In16::multiply_made(nullptr, 0, left, fc1, f0, 0, m, dim, cols, dnorm, ldx, nullptr,
                        f0 == 0 ? kStoreNew : kStoreAdd);
  }
  void grow(size_t m, size_t f0, size_t cols) {
    In16::grow_made(norms, dim, right, cols, m, Slot{first.data + f0 * first.rows, first.rows}, mode);
    In16::grow_made(douts, dim, gelu, cols, m, Slot{last.data + f0 * last.rows, last.rows}, mode);
  }
};

}  // namespace VIT_ISA
