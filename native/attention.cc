// Attention of one head at a time, 64 queries at a time: a block of scores against all keys is kept, softmaxed and multiplied
// while it is in the cache. The backward pass recomputes it from logSumExp, as in Dao et al. 2022, "FlashAttention", alg. 4.

#include <math.h>

#include "gemm.h"
#include "parallel.h"
#include "table.h"
#include "vector_math.h"

namespace VIT_ISA {
namespace {

using vit::Attention;

constexpr size_t kQueries = 64;

size_t score_row(size_t keys) { return round_up(keys, VL) + 16; }

size_t offset_of(const vit::AttentionSide& side, size_t b, size_t i) { return b * side.batch + i * side.head; }

void pack(const float* data, size_t row, size_t col, size_t k, size_t n, float* dst) {
  pack_b({data, row, col}, k, n, 0, round_up(n, NR) / NR, dst);
}

// c = a·packed_b with a's rows in place, k cut as gemm does.
void rows_times(const float* a, size_t a_row, const float* packed_b, size_t m, size_t n, size_t k, float* c, size_t ldc,
                Store mode) {
  for (size_t p = 0; p < k; p += KC)
    multiply({a + p, a_row, 1}, kRows, packed_b + p * NR, k, m, n, k - p < KC ? k - p : KC, c, ldc, nullptr,
             p == 0 ? mode : kStoreAdd);
}

// c (=|+=) aᵀ·packed_b with a [k, m].
void columns_times(const float* a, size_t a_row, const float* packed_b, size_t m, size_t n, size_t k, float* c, size_t ldc,
                   Store mode) {
  multiply({a, 1, a_row}, kColumns, packed_b, k, m, n, k, c, ldc, nullptr, mode);
}

template <typename F>
VIT_INLINE void each_vector(float* x, size_t n, const F& f) {
  size_t j = 0;
  for (; j + VL <= n; j += VL) store(x + j, f(load(x + j), j));
  if (j < n) store_n(x + j, f(load_n(x + j, n - j), j), n - j);
}

// Softmax of `count` rows of scores, not yet divided by its sum: inverse[r] is 1 over that. VL rows at a time, so that what is
// done once a row (joining lanes, the logarithm) is done for VL of them at once. Columns from `keys` to the next whole vector
// may hold anything.
void exponentials(float* s, size_t row, size_t count, size_t keys, float scale, float* inverse, float* log_sum_exp) {
  const size_t last = (keys - 1) / VL * VL;
  const vi inside = lanes_below(keys - last);
  const vf factor = set1(scale);
  for (size_t r0 = 0; r0 < count; r0 += VL) {
    const size_t rows = count - r0 < VL ? count - r0 : VL;
    vf joined[VL];
    for (size_t r = 0; r < VL; ++r) {
      const float* x = s + (r0 + (r < rows ? r : 0)) * row;
      vf best = inside ? load(x + last) * factor : set1(-INFINITY);
      for (size_t j = 0; j < last; j += VL) best = max_v(best, load(x + j) * factor);
      joined[r] = best;
    }
    const vf top = max_each(joined);
    float shifts[VL];
    store(shifts, top);
    for (size_t r = 0; r < VL; ++r) {
      if (r >= rows) {
        joined[r] = set1(1.0f);
        continue;
      }
      float* x = s + (r0 + r) * row;
      const vf shift = set1(shifts[r]);
      vf sum = set1(0.0f);
      for (size_t j = 0; j < last; j += VL) {
        const vf e = exp_v(load(x + j) * factor - shift);
        store(x + j, e);
        sum += e;
      }
      const vf e = exp_v(load(x + last) * factor - shift);
      store(x + last, e);
      joined[r] = sum + (inside ? e : set1(0.0f));
    }
    const vf total = sum_each(joined);
    store_n(inverse + r0, set1(1.0f) / total, rows);
    store_n(log_sum_exp + r0, top + log_v(total), rows);
  }
}

// delta[r] = Σ a·b over `dim` columns of each of `count` rows.
void row_products(const float* a, const float* b, size_t row, size_t count, size_t dim, float* delta) {
  const size_t last = (dim - 1) / VL * VL;
  for (size_t r0 = 0; r0 < count; r0 += VL) {
    const size_t rows = count - r0 < VL ? count - r0 : VL;
    vf joined[VL];
    for (size_t r = 0; r < VL; ++r) {
      const size_t at = (r0 + (r < rows ? r : 0)) * row;
      vf sum = load_n(a + at + last, dim - last) * load_n(b + at + last, dim - last);
      for (size_t j = 0; j < last; j += VL) sum += load(a + at + j) * load(b + at + j);
      joined[r] = sum;
    }
    store_n(delta + r0, sum_each(joined), rows);
  }
}

}  // namespace

void attention(const Attention& a, float* out, float* log_sum_exp) {
  if (a.batch * a.heads * a.queries == 0) return;
  const size_t row = score_row(a.keys);
  const size_t keys_size = packed_b_size(a.dim, a.keys);
  const size_t values_size = packed_b_size(a.keys, a.dim);
  vit::reserve_scratch(keys_size + values_size + kQueries * row);
  const size_t units = a.batch * a.heads;
  const size_t blocks = (a.queries + kQueries - 1) / kQueries;
  // With few heads a task is one block of queries, which costs packing the keys again, but keeps every core busy.
  const size_t parts = units >= 16 ? 1 : blocks;
  const size_t queries_each = parts == 1 ? a.queries : kQueries;
  vit::parallel(units * parts, [&](size_t task, size_t worker) {
    const size_t unit = task / parts;
    const size_t b = unit / a.heads;
    const size_t i = unit % a.heads;
    float* packed_k = vit::scratch(worker);
    float* packed_v = packed_k + keys_size;
    float* s = packed_v + values_size;
    const size_t at_kv = offset_of(a.kv_side, b, i);
    pack(a.k + at_kv, 1, a.kv_side.row, a.dim, a.keys, packed_k);
    pack(a.v + at_kv, a.kv_side.row, 1, a.keys, a.dim, packed_v);
    const size_t begin = task % parts * kQueries;
    const size_t end = begin + queries_each < a.queries ? begin + queries_each : a.queries;
    for (size_t q0 = begin; q0 < end; q0 += kQueries) {
      const size_t count = end - q0 < kQueries ? end - q0 : kQueries;
      const float* q = a.q + offset_of(a.q_side, b, i) + q0 * a.q_side.row;
      float* o = out + offset_of(a.out_side, b, i) + q0 * a.out_side.row;
      float* lse = log_sum_exp + unit * a.queries + q0;
      rows_times(q, a.q_side.row, packed_k, count, round_up(a.keys, VL), a.dim, s, row, kStoreNew);
      float inverse[kQueries];
      exponentials(s, row, count, a.keys, a.scale, inverse, lse);
      rows_times(s, row, packed_v, count, a.dim, a.keys, o, a.out_side.row, kStoreNew);
      for (size_t r = 0; r < count; ++r)
        each_vector(o + r * a.out_side.row, a.dim, [&](vf v, size_t) { return v * set1(inverse[r]); });
    }
  });
}

void attention_grad(const Attention& a, const float* dout, const float* out, const float* log_sum_exp, float* dq, float* dk,
                    float* dv) {
  if (a.batch * a.heads * a.queries * a.keys == 0) return;
  const size_t row = score_row(a.keys);
  const size_t wide = packed_b_size(a.dim, a.keys);
  const size_t tall = packed_b_size(a.keys, a.dim);
  const size_t block = packed_b_size(kQueries, a.dim);
  vit::reserve_scratch(2 * wide + tall + 2 * kQueries * row + 2 * block);
  vit::parallel(a.batch * a.heads, [&](size_t unit, size_t worker) {
    const size_t b = unit / a.heads;
    const size_t i = unit % a.heads;
    float* packed_kt = vit::scratch(worker);
    float* packed_vt = packed_kt + wide;
    float* packed_k = packed_vt + wide;
    float* p = packed_k + tall;
    float* ds = p + kQueries * row;
    float* packed_q = ds + kQueries * row;
    float* packed_dout = packed_q + block;
    const size_t at_kv = offset_of(a.kv_side, b, i);
    pack(a.k + at_kv, 1, a.kv_side.row, a.dim, a.keys, packed_kt);
    pack(a.v + at_kv, 1, a.kv_side.row, a.dim, a.keys, packed_vt);
    pack(a.k + at_kv, a.kv_side.row, 1, a.keys, a.dim, packed_k);
    for (size_t q0 = 0; q0 < a.queries; q0 += kQueries) {
      const size_t count = a.queries - q0 < kQueries ? a.queries - q0 : kQueries;
      const size_t at_q = offset_of(a.q_side, b, i) + q0 * a.q_side.row;
      const size_t at_out = offset_of(a.out_side, b, i) + q0 * a.out_side.row;
      const float* lse = log_sum_exp + unit * a.queries + q0;
      const size_t padded = round_up(a.keys, VL);
      rows_times(a.q + at_q, a.q_side.row, packed_kt, count, padded, a.dim, p, row, kStoreNew);
      rows_times(dout + at_out, a.out_side.row, packed_vt, count, padded, a.dim, ds, row, kStoreNew);
      float deltas[kQueries];
      row_products(dout + at_out, out + at_out, a.out_side.row, count, a.dim, deltas);
      for (size_t r = 0; r < count; ++r) {
        const vf delta = set1(deltas[r]);
        const vf shift = set1(lse[r]);
        const vf scale = set1(a.scale);
        float* pr = p + r * row;
        float* dr = ds + r * row;
        // Rows end with padding, so whole vectors may be read and written.
        for (size_t j = 0; j < a.keys; j += VL) {
          const vf e = exp_v(load(pr + j) * scale - shift);
          store(pr + j, e);
          store(dr + j, e * (load(dr + j) - delta) * scale);
        }
      }
      const Store mode = q0 == 0 ? kStoreNew : kStoreAdd;
      pack(a.q + at_q, a.q_side.row, 1, count, a.dim, packed_q);
      pack(dout + at_out, a.out_side.row, 1, count, a.dim, packed_dout);
      rows_times(ds, row, packed_k, count, a.dim, a.keys, dq + at_q, a.q_side.row, kStoreNew);
      columns_times(ds, row, packed_q, a.keys, a.dim, count, dk + at_kv, a.kv_side.row, mode);
      columns_times(p, row, packed_dout, a.keys, a.dim, count, dv + at_kv, a.kv_side.row, mode);
    }
  });
}

}  // namespace VIT_ISA
