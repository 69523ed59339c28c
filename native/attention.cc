// Attention of one head at a time, 64 queries at a time: a block of scores against all keys is held, softmaxed and
// multiplied while it is in the cache. The backward pass recomputes it from logSumExp, as in Dao et al. 2022,
// "FlashAttention", alg. 4.

#include <math.h>

#include <algorithm>

#include "attention.h"
#include "branch.h"
#include "sizes.h"
#include "table.h"
#include "vector_math.h"

namespace VIT_ISA {
namespace {

using vit::Attention;

constexpr float kLog2E = 1.44269504088896341f;
constexpr float kLn2 = 0.69314718055994531f;

size_t offset_of(const vit::AttentionSide& side, size_t b, size_t i) { return b * side.batch + i * side.head; }

// delta[r] = Σ a·b over `dim` columns of each of `count` rows.
void row_products(const float* a, size_t a_row, const float* b, size_t b_row, size_t count, size_t dim, float* delta) {
  const size_t last = (dim - 1) / VL * VL;
  for (size_t r0 = 0; r0 < count; r0 += VL) {
    const size_t rows = std::min(count - r0, VL);
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

// Softmax of `count` rows of scores, not yet divided by its sum: inverse[r] is 1 over that. In powers of two, whose
// exponent costs less than that of e. VL rows at a time, so that what is done once a row (joining lanes, the logarithm)
// is done for VL of them at once.
void exponentials(float* s, size_t row, size_t count, size_t keys, float scale, float* inverse, float* log_sum_exp) {
  const size_t last = (keys - 1) / VL * VL;
  const vi inside = lanes_below(keys - last);
  const vf factor = set1(scale * kLog2E);
  for (size_t r0 = 0; r0 < count; r0 += VL) {
    const size_t rows = std::min(count - r0, VL);
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

// Scores in p become probabilities, the gradients of these in dp those of the scores. deltas: Σ dout·out of each row.
void score_grads(float* p, float* dp, size_t row, size_t count, size_t keys, float scale, const float* log_sum_exp,
                 const float* deltas) {
  const vf unit = set1(scale), factor = set1(scale * kLog2E);
  for (size_t r = 0; r < count; ++r) {
    const vf shift = set1(log_sum_exp[r] * kLog2E), delta = set1(deltas[r]);
    float* pr = p + r * row;
    float* dr = dp + r * row;
    for (size_t j = 0; j < keys; j += VL) {
      const vf e = exp2_v(load(pr + j) * factor - shift);
      store(pr + j, e);
      store(dr + j, e * (load(dr + j) - delta) * unit);
    }
  }
}
// The same where the result is not known, which takes a second pass over the probabilities.
void score_grads(float* p, float* dp, size_t row, size_t count, size_t keys, float scale, const float* log_sum_exp) {
  float deltas[kQueries];
  probabilities(p, dp, row, count, keys, scale, log_sum_exp, deltas);
  for (size_t r = 0; r < count; ++r) {
    float* dr = dp + r * row;
    for (size_t j = 0; j < keys; j += VL)
      store(dr + j, load(p + r * row + j) * (load(dr + j) - set1(deltas[r])) * set1(scale));
  }
}

template <typename Math>
Weight packed(const Operand& from, size_t k, size_t n, float* to) {
  Math::pack(from, k, n, 0, Math::panels(n), to);
  return {from, k, n, to};
}

}  // namespace

void probabilities(float* s, const float* ds, size_t row, size_t count, size_t keys, float scale,
                   const float* log_sum_exp, float* deltas) {
  const vf factor = set1(scale * kLog2E);
  const size_t last = (keys - 1) / VL * VL;
  const vi inside = lanes_below(keys - last);
  for (size_t r = 0; r < count; ++r) {
    const vf shift = set1(log_sum_exp[r] * kLog2E);
    float* x = s + r * row;
    vf sum = set1(0.0f);
    for (size_t j = 0; j <= last; j += VL) {
      const vf e = exp2_v(load(x + j) * factor - shift);
      store(x + j, e);
      const vf term = e * load(ds + r * row + j);
      sum += j < last ? term : as_float(as_int(term) & inside);
    }
    deltas[r] = sum_lanes(sum);
  }
}

template <typename Math>
size_t head_scratch(const Head& h) {
  const size_t factor = Math::packed_rows_size(kQueries, std::max(h.dim, h.keys));
  return Math::packed_size(h.dim, h.keys) + Math::packed_size(h.keys, h.dim) + kQueries * score_row(h.keys) + factor +
         64;
}

template <typename Math>
void attend(const Head& h, size_t begin, size_t end, float* out, size_t out_row, float* log_sum_exp, float* scratch) {
  const FlushDenormals flush;
  const size_t row = score_row(h.keys);
  ScratchArena own{scratch};
  const Weight kt = packed<Math>({h.k, 1, h.kv_row}, h.dim, h.keys, own.take(Math::packed_size(h.dim, h.keys)));
  const Weight v = packed<Math>({h.v, h.kv_row, 1}, h.keys, h.dim, own.take(Math::packed_size(h.keys, h.dim)));
  float* s = own.take(kQueries * row);
  float* factor = own.at;
  for (size_t q0 = begin; q0 < end; q0 += kQueries) {
    const size_t count = std::min(end - q0, kQueries);
    float* o = out + q0 * out_row;
    Math::multiply_rows(h.q + q0 * h.q_row, h.q_row, factor, kt, 0, 0, count, round_up(h.keys, VL), h.dim, s, row,
                        nullptr, kStoreNew);
    float inverse[kQueries];
    exponentials(s, row, count, h.keys, h.scale, inverse, log_sum_exp + q0);
    Math::multiply_rows(s, row, factor, v, 0, 0, count, h.dim, h.keys, o, out_row, nullptr, kStoreNew);
    for (size_t r = 0; r < count; ++r)
      each_part(h.dim, [&](size_t j, size_t n) {
        float* part = o + r * out_row + j;
        put(part, get(part, n) * set1(inverse[r]), n);
      });
  }
}

size_t head_grad_scratch(const Head& h) {
  return 2 * Fp32Math::packed_size(h.dim, h.keys) + Fp32Math::packed_size(h.keys, h.dim) +
         Fp32Math::packed_size(kQueries, h.dim) + 2 * kQueries * score_row(h.keys) + 80;
}

void attend_grad(const Head& h, const HeadResult& result, const HeadGrad& grad, float* scratch) {
  const FlushDenormals flush;
  const size_t row = score_row(h.keys), padded = round_up(h.keys, VL), wide = Fp32Math::packed_size(h.dim, h.keys);
  ScratchArena own{scratch};
  const Weight kt = packed<Fp32Math>({h.k, 1, h.kv_row}, h.dim, h.keys, own.take(wide));
  const Weight vt = packed<Fp32Math>({h.v, 1, h.kv_row}, h.dim, h.keys, own.take(wide));
  const Weight k = packed<Fp32Math>({h.k, h.kv_row, 1}, h.keys, h.dim, own.take(Fp32Math::packed_size(h.keys, h.dim)));
  float* p = own.take(kQueries * row);
  float* ds = own.take(kQueries * row);
  float* right = own.take(Fp32Math::packed_size(kQueries, h.dim));
  for (size_t q0 = 0; q0 < h.queries; q0 += kQueries) {
    const size_t count = std::min(h.queries - q0, kQueries);
    const Operand q{h.q + q0 * h.q_row, h.q_row, 1}, dout{result.dout + q0 * result.dout_row, result.dout_row, 1};
    Fp32Math::multiply_rows(q.data, q.row, nullptr, kt, 0, 0, count, padded, h.dim, p, row, nullptr, kStoreNew);
    Fp32Math::multiply_rows(dout.data, dout.row, nullptr, vt, 0, 0, count, padded, h.dim, ds, row, nullptr, kStoreNew);
    if (result.out == nullptr) {
      score_grads(p, ds, row, count, h.keys, h.scale, result.log_sum_exp + q0);
    } else {
      float deltas[kQueries];
      row_products(dout.data, dout.row, result.out + q0 * result.out_row, result.out_row, count, h.dim, deltas);
      score_grads(p, ds, row, count, h.keys, h.scale, result.log_sum_exp + q0, deltas);
    }
    const Store mode = q0 == 0 ? kStoreNew : kStoreAdd;
    Fp32Math::multiply_rows(ds, row, nullptr, k, 0, 0, count, h.dim, h.keys, grad.dq + q0 * grad.dq_row, grad.dq_row,
                            nullptr, kStoreNew);
    packed<Fp32Math>(q, count, h.dim, right);
    Fp32Math::multiply_columns(ds, row, h.keys, right, h.dim, count, grad.dk, grad.dkv_row, mode);
    packed<Fp32Math>(dout, count, h.dim, right);
    Fp32Math::multiply_columns(p, row, h.keys, right, h.dim, count, grad.dv, grad.dkv_row, mode);
  }
}

template size_t head_scratch<Bf16Math>(const Head&);
template void attend<Bf16Math>(const Head&, size_t, size_t, float*, size_t, float*, float*);
template size_t head_scratch<Fp32Math>(const Head&);
template void attend<Fp32Math>(const Head&, size_t, size_t, float*, size_t, float*, float*);

void attention(const Attention& a, float* out, float* log_sum_exp) {
  if (a.batch * a.heads * a.queries == 0) return;
  vit::reserve_scratch(head_scratch<Fp32Math>(head_of(a, 0, 0)));
  const size_t units = a.batch * a.heads;
  const size_t blocks = ceil_div(a.queries, kQueries);
  // With few heads a task is one block of queries, which costs packing the keys again, but keeps every core busy.
  const size_t parts = units >= 16 ? 1 : blocks;
  const size_t queries_each = parts == 1 ? a.queries : kQueries;
  vit::parallel(units * parts, [&](size_t task, size_t worker) {
    const size_t unit = task / parts;
    const size_t b = unit / a.heads;
    const size_t i = unit % a.heads;
    const size_t begin = task % parts * kQueries;
    const size_t end = std::min(begin + queries_each, a.queries);
    attend<Fp32Math>(head_of(a, b, i), begin, end, out + offset_of(a.out_side, b, i), a.out_side.row,
                     log_sum_exp + unit * a.queries, vit::scratch(worker));
  });
}

void attention_grad(const Attention& a, const float* dout, const float* out, const float* log_sum_exp, float* dq,
                    float* dk, float* dv) {
  if (a.batch * a.heads * a.queries * a.keys == 0) return;
  vit::reserve_scratch(head_grad_scratch(head_of(a, 0, 0)));
  vit::parallel(a.batch * a.heads, [&](size_t unit, size_t worker) {
    const size_t b = unit / a.heads;
    const size_t i = unit % a.heads;
    const size_t at_kv = offset_of(a.kv_side, b, i);
    const size_t at_out = offset_of(a.out_side, b, i);
    const HeadResult result{dout + at_out, a.out_side.row, out + at_out, a.out_side.row,
                            log_sum_exp + unit * a.queries};
    const HeadGrad grad{dq + offset_of(a.q_side, b, i), a.q_side.row, dk + at_kv, dv + at_kv, a.kv_side.row};
    attend_grad(head_of(a, b, i), result, grad, vit::scratch(worker));
  });
}

}  // namespace VIT_ISA
