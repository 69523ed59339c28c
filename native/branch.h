// The parts that the two residual branches share: blocks of rows between products, the norm before and the sum after,
// the gradients of both, and sums over rows that are joined in a fixed order. Everything here runs in one thread unless
// it says otherwise.
#pragma once

#include <algorithm>

#include "bf16.h"
#include "gemm.h"
#include "parallel.h"
#include "simd.h"
#include "sizes.h"

namespace VIT_ISA {

// Rows of a task. A task's buffers stay in the second cache, and a packed weight is read once a task.
constexpr size_t kRowsEach = MC;
// Rows whose inner values are held at a time in the backward pass, between the gradients of rows and those of weights,
// where the latter are not summed in slots.
constexpr size_t kChunk = 16 * kRowsEach;
// Slots: rows are cut into this many runs, and each sums the gradients of weights over its rows in memory of its own, a
// block at a time while that is in the second cache. Where the weights have more floats than kSlotFloats or a run would
// be of less than half a block, rows are held a chunk at a time instead, and the gradients of weights are products over
// a chunk.
constexpr size_t kSlots = 16;
#if !defined(VIT_SLOT_FLOATS)  // smaller where it is tested
#define VIT_SLOT_FLOATS (size_t{1} << 19)
#endif
constexpr size_t kSlotFloats = VIT_SLOT_FLOATS;
inline bool in_slots(size_t rows, size_t weight_floats) {
  return weight_floats <= kSlotFloats && rows >= kSlots / 2 * kRowsEach;
}

// Elements from row to row of a buffer: never a multiple of 2 KB, or rows would fall into the same sets of the cache.
inline size_t width_of(size_t n) {
  const size_t even = round_up(n, 16);
  return even % 512 == 0 ? even + 16 : even;
}

// Rows of a block where `rows`, at least one, are cut into as few as possible of at most `most`, and even ones.
inline size_t even_blocks(size_t rows, size_t most = kRowsEach) {
  const size_t blocks = ceil_div(rows, most);
  return ceil_div(rows, blocks);
}

// Rows cut into at most `most` parts of whole units, even but for a unit; the last unit may be cut. Part i begins at
// begin(i) and ends where the next one begins.
struct Cut {
  size_t rows, unit, units, count;
  Cut(size_t all, size_t each, size_t most)
      : rows(all), unit(each), units(ceil_div(all, each)), count(std::min(most, units)) {}
  size_t begin(size_t i) const {
    const size_t longer = units % count, row = unit * (units / count * i + (std::min(i, longer)));
    return std::min(row, rows);
  }
};

// About `wanted` rows, even ones: at least two micro-tiles, at most `most`.
inline size_t rows_about(size_t rows, size_t wanted, size_t most) {
  return even_blocks(rows, wanted < 2 * MR ? 2 * MR : std::min(wanted, most));
}
// Rows of a task where there are `rows` in all: enough tasks to keep the cores busy.
inline size_t rows_each_task(size_t rows, size_t most = kRowsEach) {
  return rows_about(rows, round_up((rows + 31) / 32, MR), most);
}

constexpr size_t kFewRows = 512;
// The same for a forward pass, where no row depends on another: of few rows a thread takes two tasks, for each task
// reads every weight.
inline size_t rows_each_forward(size_t rows, size_t most = kRowsEach) {
  const size_t tasks = 2 * vit::threads();
  return rows > kFewRows ? rows_each_task(rows, most) : rows_about(rows, ceil_div(rows, tasks), most);
}

// A weight for gemm_rows: b(p, j), k by n, and the memory that it is packed into.
struct Weight {
  Operand from;
  size_t k, n;
  float* packed;
};

// A slot's gradient of a weight [rows, n]: strips of kSlotWidth columns one after the other, so that memory is gone
// through in the order in which a product visits it. `data` is where its first row is.
constexpr size_t kSlotWidth = 32;
struct Slot {
  float* data;
  size_t rows;
};
inline size_t slot_size(size_t rows, size_t n) { return rows * round_up(n, kSlotWidth); }

// How a branch multiplies in float32: rows are operands in place. The names are those of oneDNN's math modes.
struct Fp32Math : Packed32 {
  static constexpr bool is_bf16 = false;
  static constexpr size_t kBlock = kRowsEach;  // rows of a block, best
  static constexpr size_t kWide = kRowsEach;   // … where a weight is read once for each block
  static size_t rows_each(size_t rows) { return rows_each_forward(rows); }
  static size_t packed_rows_size(size_t, size_t) { return 0; }
  // Packs rows as the left operand of several products.
  static void pack_rows(const float*, size_t, size_t, size_t, float*) {}
  // c (=|+=) rows·b(p0 …, j0 …) (+ bias), k cut as gemm cuts it.
  static void multiply_rows(const float* rows, size_t ld, float*, const Weight& w, size_t p0, size_t j0, size_t m,
                            size_t n, size_t k, float* c, size_t ldc, const float* bias, Store mode,
                            const Prefetch& prefetch = Prefetch{}) {
    const float* packed = w.packed + j0 * w.k + p0 * NR;
    for (size_t p = 0; p < k; p += KC)
      multiply({rows + p, ld, 1}, kRows, packed + p * NR, w.k, m, n, std::min(k - p, KC), c, ldc,
               p == 0 ? bias : nullptr, p == 0 ? mode : kStoreAdd, p == 0 ? prefetch : Prefetch{});
  }
  // The same for rows that pack_rows packed.
  static void multiply_packed(const float* rows, size_t ld, const float*, const Weight& w, size_t p0, size_t j0,
                              size_t m, size_t n, size_t k, float* c, size_t ldc, const float* bias, Store mode,
                              const Prefetch& prefetch = Prefetch{}) {
    multiply_rows(rows, ld, nullptr, w, p0, j0, m, n, k, c, ldc, bias, mode, prefetch);
  }
  // c = rows·b(0, j0 …) + bias, for a weight that is read from memory rather than from a cache.
  static void multiply_streamed(const float* rows, size_t ld, float*, const Weight& w, size_t j0, size_t m, size_t n,
                                float* c, size_t ldc, const float* bias) {
    multiply_deep({rows, ld, 1}, kRows, w.packed + j0 * w.k, w.k, m, n, w.k, c, ldc, bias, kStoreNew);
  }
  // c [m, n] (=|+=) aᵀ·b over k rows, at most KC.
  static void multiply_columns(const float* a, size_t lda, size_t m, const float* packed, size_t n, size_t k, float* c,
                               size_t ldc, Store mode) {
    multiply({a, 1, lda}, Layout::kColumns, packed, k, m, n, k, c, ldc, nullptr, mode);
  }
  static size_t weight_grad_packed_size(size_t, size_t) { return 0; }
  // Adds aᵀ·b [m, n] over k rows, at most kRowsEach, to a slot; b packed. See Slot.
  static void accumulate_weight_grad(const float* a, size_t lda, size_t m, const float* packed, size_t n, size_t k,
                                     float*, const Slot& c, Store mode) {
    for (size_t j = 0; j < n; j += kSlotWidth)
      multiply_columns(a, lda, m, packed + j * k, std::min(n - j, kSlotWidth), k, c.data + j * c.rows, kSlotWidth,
                       mode);
  }
};
// How a branch multiplies in bf16: rows are rounded into `factor`, packed_rows_size floats.
struct Bf16Math : Packed16 {
  static constexpr bool is_bf16 = true;
  static constexpr size_t kBlock = 4 * KR16;
  static constexpr size_t kWide = 2 * kBlock;
  // Tiles of AMX multiply so fast that rows must share what a weight costs to read.
  static size_t rows_each(size_t rows) {
    return rows >= 8 * kBlock ? even_blocks(rows, kBlock) : rows_each_forward(rows, kBlock);
  }
  static size_t packed_rows_size(size_t m, size_t k) { return (packed_a16_size(m, k) + 1) / 2; }
  static void pack_rows(const float* rows, size_t ld, size_t m, size_t k, float* factor) {
    pack_a16(Operand{rows, ld, 1}, m, k, reinterpret_cast<bf16*>(factor));
  }
  static void multiply_packed(const float*, size_t, const float* factor, const Weight& w, size_t p0, size_t j0,
                              size_t m, size_t n, size_t k, float* c, size_t ldc, const float* bias, Store mode,
                              const Prefetch& prefetch = Prefetch{}) {
    const bf16* packed = reinterpret_cast<const bf16*>(w.packed) + j0 / NR16 * panel16_size(w.k) + p0 * NR16;
    multiply16(reinterpret_cast<const bf16*>(factor), a16_width(k), packed, w.k, m, n, k, c, ldc, bias, mode, NR16,
               prefetch);
  }
  static void multiply_rows(const float* rows, size_t ld, float* factor, const Weight& w, size_t p0, size_t j0,
                            size_t m, size_t n, size_t k, float* c, size_t ldc, const float* bias, Store mode,
                            const Prefetch& prefetch = Prefetch{}) {
    pack_rows(rows, ld, m, k, factor);
    multiply_packed(nullptr, 0, factor, w, p0, j0, m, n, k, c, ldc, bias, mode, prefetch);
  }
  static void multiply_streamed(const float* rows, size_t ld, float* factor, const Weight& w, size_t j0, size_t m,
                                size_t n, float* c, size_t ldc, const float* bias) {
    for (size_t r = 0; r < m; r += kRowsEach)
      multiply_rows(rows + r * ld, ld, factor, w, 0, j0, std::min(m - r, kRowsEach), n, w.k, c + r * ldc, ldc, bias,
                    kStoreNew);
  }
  static size_t weight_grad_packed_size(size_t m, size_t k) { return packed_rows_size(m, k); }
  static void accumulate_weight_grad(const float* a, size_t lda, size_t m, const float* packed, size_t n, size_t k,
                                     float* factor, const Slot& c, Store mode) {
    pack_transposed(a, lda, m, k, factor);
    accumulate_weight_grad_packed(factor, m, packed, n, k, c, mode);
  }
  // The same in two steps, for several b.
  static void pack_transposed(const float* a, size_t lda, size_t m, size_t k, float* factor) {
    pack_a16(Operand{a, 1, lda}, m, k, reinterpret_cast<bf16*>(factor));
  }
  static void accumulate_weight_grad_packed(const float* factor, size_t m, const float* packed, size_t n, size_t k,
                                            const Slot& c, Store mode) {
    static_assert(kSlotWidth == NR16, "a strip is of a panel");
    multiply16(reinterpret_cast<const bf16*>(factor), a16_width(k), reinterpret_cast<const bf16*>(packed), k, m, n, k,
               c.data, kSlotWidth, nullptr, mode, c.rows * kSlotWidth);
  }
};
// The whole of a weight.
template <typename Math>
inline void gemm_rows(const float* rows, size_t ld, float* factor, const Weight& w, size_t m, float* c, size_t ldc,
                      const float* bias, const Prefetch& prefetch = Prefetch{}) {
  Math::multiply_rows(rows, ld, factor, w, 0, 0, m, w.n, w.k, c, ldc, bias, kStoreNew, prefetch);
}

// Whether a forward pass has so few rows and so large weights that tasks of rows would read the weights again and again
// from far away: then a task takes columns of a product, and all of its rows.
inline bool in_columns(size_t rows, size_t weight_floats) { return rows <= kFewRows && weight_floats > kSlotFloats; }
// c = rows·w (+ bias) for such, in parallel; done(row, rows, column, columns) follows each part, in the thread that
// made it. Needs packed_rows_size(kRowsEach, w.k) floats of scratch.
template <typename Math, typename Done>
inline void gemm_columns(const float* rows, size_t ld, size_t m, const Weight& w, float* c, size_t ldc,
                         const float* bias, const Done& done) {
  const size_t panels = Math::panels(w.n), panels_each = (panels + 15) / 16;
  const size_t parts = ceil_div(panels, panels_each);
  // Few columns: the rows are cut as well.
  const size_t row_parts = (15 + parts) / parts, rows_part = ceil_div(m, row_parts);
  vit::parallel(parts * row_parts, [&](size_t task, size_t worker) {
    const size_t j = task % parts * panels_each * Math::kColumns, r0 = task / parts * rows_part;
    const size_t cols = std::min(w.n - j, panels_each * Math::kColumns);
    const size_t end = std::min(r0 + rows_part, m);
    if (r0 >= end) return;
    Math::multiply_streamed(rows + r0 * ld, ld, vit::scratch(worker), w, j, end - r0, cols, c + r0 * ldc + j, ldc,
                            bias == nullptr ? nullptr : bias + j);
    done(r0, end - r0, j, cols);
  });
}

// Packs all, in parallel.
template <typename Math>
inline void pack_weights(const Weight* weights, size_t count) {
  const auto each_of = [](const Weight& w) { return 1024 / (w.k + 1) + 1; };
  size_t tasks = 0;
  for (size_t i = 0; i < count; ++i)
    tasks += (Math::panels(weights[i].n) + each_of(weights[i]) - 1) / each_of(weights[i]);
  vit::parallel(tasks, [&](size_t task, size_t) {
    for (size_t i = 0; i < count; ++i) {
      const Weight& w = weights[i];
      const size_t panels = Math::panels(w.n), each = each_of(w), own = ceil_div(panels, each);
      if (task >= own) {
        task -= own;
        continue;
      }
      const size_t begin = task * each;
      Math::pack(w.from, w.k, w.n, begin, std::min(begin + each, panels), w.packed);
      return;
    }
  });
}

// Memory of two packed weights, one after the other.
inline size_t both_packed(size_t first, size_t second) { return round_up(first, 16) + round_up(second, 16); }

// Cuts memory into arrays, each on a cache line.
struct ScratchArena {
  float* at;
  float* take(size_t floats) {
    float* taken = at;
    at += round_up(floats, 16);
    return taken;
  }
};

// y [rows, dim] = norm(x) of the rows from r0; mean and rstd (those of row 0) are computed, or read where they are
// known.
void norm_rows(const vit::Branch& b, size_t r0, size_t rows, bool known, float* mean, float* rstd, float* y,
               size_t ldy);
// out = x + keep·scale·z for `cols` columns from j0 of the rows from r0; z is theirs.
void add_rows(const vit::Branch& b, size_t r0, size_t rows, size_t j0, size_t cols, const float* z, size_t ldz,
              float* out);

// Sums over the rows of a task: of the norm's gain and offset, of what the last layer adds to [dim each], of the first
// layer's bias.
struct RowSums {
  float *gamma, *beta, *out, *inner;
};
inline RowSums sums_at(float* sum, size_t dim) { return {sum, sum + dim, sum + 2 * dim, sum + 3 * dim}; }
// masked = keep·dy, scaled = keep·scale·dy, sums.out += masked.
void scale_rows(const vit::Branch& b, size_t r0, size_t rows, const float* dy, float* masked, float* scaled, size_t ld,
                float* sum);
// dx = dy + the gradient of the norm at g, which is that of its result; adds to the sums of gamma and beta.
void norm_grad_rows(const vit::Branch& b, size_t r0, size_t rows, const float* mean, const float* rstd, const float* g,
                    size_t ldg, const float* dy, float* dx, const RowSums& sums);

// The last layer [dim, k] and its bias, and the columns of the first.
struct LastLayer {
  const float *weight, *bias;
  size_t k, first_columns;
};
// All gradients but those of x and of the first weight, from the `tasks` RowSums that lie `stride` apart and the last
// weight's gradient for a scale of 1, which grad.last holds. out_bias: dim floats, for where the last layer has no
// bias. In parallel.
void finish_grads(const vit::Branch& b, const LastLayer& last, const float* sums, size_t tasks, size_t stride,
                  float* out_bias, const vit::BranchGrad& grad);
// dw [m, n], or with `transposed` its transpose [n, m], = Σ of `count` slots [m, n] that lie `stride` apart; in
// parallel.
void join_slots(const float* slots, size_t count, size_t stride, size_t m, size_t n, bool transposed, float* dw);
// dw [m, n] (=|+=) aᵀ·b over `rows`; in parallel.
void weight_grad(vit::Precision precision, const float* a, size_t lda, size_t m, const float* b, size_t ldb, size_t n,
                 size_t rows, bool more, float* dw);

}  // namespace VIT_ISA
