// Attention of one head at a time, 64 queries at a time: a block of scores against all keys is kept, softmaxed and multiplied
// while it is in the cache. The backward pass recomputes it from logSumExp, as in Dao et al. 2022, "FlashAttention", alg. 4.

#include <math.h>

#include "attention.h"
#include "gemm.h"
#include "parallel.h"
#include "table.h"
#include "vector_math.h"

namespace VIT_ISA {
namespace {

using vit::Attention;

constexpr float kLog2E = 1.44269504088896341f;
constexpr float kLn2 = 0.69314718055994531f;

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

// delta[r] = Σ a·b over `dim` columns of each of `count` rows.
void row_products(const float* a, size_t a_row, const float* b, size_t b_row, size_t count, size_t dim, float* delta) {
  const size_t last = (dim - 1) / VL * VL;
  for (size_t r0 = 0; r0 < count; r0 += VL) {
    const size_t rows = count - r0 < VL ? count - r0 : VL;
    vf joined[VL];
    for (size_t r = 0; r < VL; ++r) {
      const size_t at = r0 + (r < rows ? r : 0);
      const float* left = a + at * a_row;
      const float* right = b + at * b_row;
      vf sum = load_n(left + last, dim - last) * load_n(right + last, dim - last);
      for (size_t j = 0; j < last; j += VL) sum += load(left + j) * load(right + j);
      joined[r] = sum;
    }
    store_n(delta + r0, sum_each(joined), rows);
  }
}

// The head (b, i) of a call.
Head head_of(const Attention& a, size_t b, size_t i) {
  const size_t at_q = offset_of(a.q_side, b, i), at_kv = offset_of(a.kv_side, b, i);
  return {a.queries, a.keys, a.dim, a.scale, a.q + at_q, a.q_side.row, a.k + at_kv, a.v + at_kv, a.kv_side.row};
}

}  // namespace

void exponentials(float* s, size_t row, size_t count, size_t keys, float scale, float* inverse, float* log_sum_exp) {
  const size_t last = (keys - 1) / VL * VL;
  const vi inside = lanes_below(keys - last);
  const vf factor = set1(scale * kLog2E);
  for (size_t r0 = 0; r0 < count; r0 += VL) {
    const size_t rows = count - r0 < VL ? count - r0 : VL;
    vf joined[VL];
    for (size_t r = 0; r < rows; ++r) {
      const float* x = s + (r0 + r) * row;
      vf best = inside ? load(x + last) * factor : set1(-INFINITY);
      for (size_t j = 0; j < last; j += VL) best = max_v(best, load(x + j) * factor);
      joined[r] = best;
    }
    for (size_t r = rows; r < VL; ++r) joined[r] = set1(0.0f);
    const vf top = max_each(joined);
    float shifts[VL];
    store(shifts, top);
    for (size_t r = 0; r < rows; ++r) {
      float* x = s + (r0 + r) * row;
      const vf shift = set1(shifts[r]);
      vf sum = set1(0.0f);
      for (size_t j = 0; j < last; j += VL) {
        const vf e = exp2_v(load(x + j) * factor - shift);
        store(x + j, e);
        sum += e;
      }
      const vf e = exp2_v(load(x + last) * factor - shift);
      store(x + last, e);
      joined[r] = sum + (inside ? e : set1(0.0f));
    }
    for (size_t r = rows; r < VL; ++r) joined[r] = set1(1.0f);
    const vf total = sum_each(joined);
    store_n(inverse + r0, set1(1.0f) / total, rows);
    store_n(log_sum_exp + r0, top * set1(kLn2) + log_v(total), rows);
  }
}

void score_grads(float* p, float* dp, size_t row, size_t count, size_t keys, float scale, const float* log_sum_exp, const float* deltas) {
  const vf unit = set1(scale), factor = set1(scale * kLog2E);
  const size_t last = (keys - 1) / VL * VL;
  const vi inside = lanes_below(keys - last);
  for (size_t r = 0; r < count; ++r) {
    const vf shift = set1(log_sum_exp[r] * kLog2E);
    float* pr = p + r * row;
    float* dr = dp + r * row;
    if (deltas != nullptr) {
      const vf delta = set1(deltas[r]);
      for (size_t j = 0; j < keys; j += VL) {
        const vf e = exp2_v(load(pr + j) * factor - shift);
        store(pr + j, e);
        store(dr + j, e * (load(dr + j) - delta) * unit);
      }
      continue;
    }
    vf sum = set1(0.0f);
    for (size_t j = 0; j <= last; j += VL) {
      const vf e = exp2_v(load(pr + j) * factor - shift);
      store(pr + j, e);
      const vf term = e * load(dr + j);
      sum += j < last ? term : as_float(as_int(term) & inside);
    }
    const vf delta = set1(sum_lanes(sum));
    for (size_t j = 0; j <= last; j += VL) store(dr + j, load(pr + j) * (load(dr + j) - delta) * unit);
  }
}

size_t head_scratch(const Head& h) {
  return packed_b_size(h.dim, h.keys) + packed_b_size(h.keys, h.dim) + kQueries * score_row(h.keys);
}

void attend(const Head& h, size_t begin, size_t end, float* out, size_t out_row, float* log_sum_exp, float* scratch) {
  const FlushDenormals flush;
  const size_t row = score_row(h.keys);
  float* packed_k = scratch;
  float* packed_v = packed_k + packed_b_size(h.dim, h.keys);
  float* s = packed_v + packed_b_size(h.keys, h.dim);
  pack(h.k, 1, h.kv_row, h.dim, h.keys, packed_k);
  pack(h.v, h.kv_row, 1, h.keys, h.dim, packed_v);
  for (size_t q0 = begin; q0 < end; q0 += kQueries) {
    const size_t count = end - q0 < kQueries ? end - q0 : kQueries;
    float* o = out + q0 * out_row;
    rows_times(h.q + q0 * h.q_row, h.q_row, packed_k, count, round_up(h.keys, VL), h.dim, s, row, kStoreNew);
    float inverse[kQueries];
    exponentials(s, row, count, h.keys, h.scale, inverse, log_sum_exp + q0);
    rows_times(s, row, packed_v, count, h.dim, h.keys, o, out_row, kStoreNew);
    for (size_t r = 0; r < count; ++r)
      each_part(h.dim, [&](size_t j, size_t n) {
        float* part = o + r * out_row + j;
        put(part, get(part, n) * set1(inverse[r]), n);
      });
  }
}

size_t head_grad_scratch(const Head& h) {
  return 2 * packed_b_size(h.dim, h.keys) + packed_b_size(h.keys, h.dim) + 2 * kQueries * score_row(h.keys) +
         2 * packed_b_size(kQueries, h.dim);
}

void attend_grad(const Head& h, const HeadResult& result, const HeadGrad& grad, float* scratch) {
  const FlushDenormals flush;
  const size_t row = score_row(h.keys);
  const size_t wide = packed_b_size(h.dim, h.keys);
  float* packed_kt = scratch;
  float* packed_vt = packed_kt + wide;
  float* packed_k = packed_vt + wide;
  float* p = packed_k + packed_b_size(h.keys, h.dim);
  float* ds = p + kQueries * row;
  float* packed_q = ds + kQueries * row;
  float* packed_dout = packed_q + packed_b_size(kQueries, h.dim);
  pack(h.k, 1, h.kv_row, h.dim, h.keys, packed_kt);
  pack(h.v, 1, h.kv_row, h.dim, h.keys, packed_vt);
  pack(h.k, h.kv_row, 1, h.keys, h.dim, packed_k);
  const size_t padded = round_up(h.keys, VL);
  for (size_t q0 = 0; q0 < h.queries; q0 += kQueries) {
    const size_t count = h.queries - q0 < kQueries ? h.queries - q0 : kQueries;
    const float* q = h.q + q0 * h.q_row;
    const float* dout = result.dout + q0 * result.dout_row;
    const float* lse = result.log_sum_exp + q0;
    rows_times(q, h.q_row, packed_kt, count, padded, h.dim, p, row, kStoreNew);
    rows_times(dout, result.dout_row, packed_vt, count, padded, h.dim, ds, row, kStoreNew);
    float deltas[kQueries];
    if (result.out != nullptr)
      row_products(dout, result.dout_row, result.out + q0 * result.out_row, result.out_row, count, h.dim, deltas);
    score_grads(p, ds, row, count, h.keys, h.scale, lse, result.out == nullptr ? nullptr : deltas);
    const Store mode = q0 == 0 ? kStoreNew : kStoreAdd;
    pack(q, h.q_row, 1, count, h.dim, packed_q);
    pack(dout, result.dout_row, 1, count, h.dim, packed_dout);
    rows_times(ds, row, packed_k, count, h.dim, h.keys, grad.dq + q0 * grad.dq_row, grad.dq_row, kStoreNew);
    columns_times(ds, row, packed_q, h.keys, h.dim, count, grad.dk, grad.dkv_row, mode);
    columns_times(p, row, packed_dout, h.keys, h.dim, count, grad.dv, grad.dkv_row, mode);
  }
}

void attention(const Attention& a, float* out, float* log_sum_exp) {
  if (a.batch * a.heads * a.queries == 0) return;
  vit::reserve_scratch(head_scratch(head_of(a, 0, 0)));
  const size_t units = a.batch * a.heads;
  const size_t blocks = (a.queries + kQueries - 1) / kQueries;
  // With few heads a task is one block of queries, which costs packing the keys again, but keeps every core busy.
  const size_t parts = units >= 16 ? 1 : blocks;
  const size_t queries_each = parts == 1 ? a.queries : kQueries;
  vit::parallel(units * parts, [&](size_t task, size_t worker) {
    const size_t unit = task / parts;
    const size_t b = unit / a.heads;
    const size_t i = unit % a.heads;
    const size_t begin = task % parts * kQueries;
    const size_t end = begin + queries_each < a.queries ? begin + queries_each : a.queries;
    attend(head_of(a, b, i), begin, end, out + offset_of(a.out_side, b, i), a.out_side.row, log_sum_exp + unit * a.queries,
           vit::scratch(worker));
  });
}

void attention_grad(const Attention& a, const float* dout, const float* out, const float* log_sum_exp, float* dq, float* dk,
                    float* dv) {
  if (a.batch * a.heads * a.queries * a.keys == 0) return;
  vit::reserve_scratch(head_grad_scratch(head_of(a, 0, 0)));
  vit::parallel(a.batch * a.heads, [&](size_t unit, size_t worker) {
    const size_t b = unit / a.heads;
    const size_t i = unit % a.heads;
    const size_t at_kv = offset_of(a.kv_side, b, i);
    const size_t at_out = offset_of(a.out_side, b, i);
    const HeadResult result{dout + at_out, a.out_side.row, out + at_out, a.out_side.row, log_sum_exp + unit * a.queries};
    const HeadGrad grad{dq + offset_of(a.q_side, b, i), a.q_side.row, dk + at_kv, dv + at_kv, a.kv_side.row};
    attend_grad(head_of(a, b, i), result, grad, vit::scratch(worker));
  });
}

}  // namespace VIT_ISA
