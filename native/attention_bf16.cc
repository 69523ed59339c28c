// Attention of one head with products of bf16 operands: as attention.cc, every operand rounded while it is packed.

#include "attention.h"
#include "bf16.h"
#include "simd.h"

namespace VIT_ISA {
namespace {

// Cuts scratch memory into arrays of bf16, each on a cache line.
struct Halves {
  float* at;
  bf16* take(size_t count) {
    bf16* taken = reinterpret_cast<bf16*>(at);
    at += floats(count);
    return taken;
  }
  static size_t floats(size_t count) { return round_up((count + 1) / 2, 16); }
};

// A left operand [m, k] and a right one [k, n], packed.
struct Left {
  bf16* data;
  size_t m, k;
  static size_t size(size_t m, size_t k) { return packed_a16_size(m, k); }
};
struct Right {
  bf16* data;
  size_t k, n;
  static size_t size(size_t k, size_t n) { return packed_b16_size(k, n); }
};
Left left(const Operand& from, size_t m, size_t k, bf16* to) {
  pack_a16(from, m, k, to);
  return {to, m, k};
}
Right right(const Operand& from, size_t k, size_t n, bf16* to) {
  pack_b16(from, k, n, 0, round_up(n, NR16) / NR16, to);
  return {to, k, n};
}
// c [m, cols] (=|+=) a·b; columns from b.n to the end of its panel are zero.
void times(const Left& a, const Right& b, size_t cols, float* c, size_t ldc, Store store) {
  multiply16(a.data, a16_width(a.k), b.data, b.k, a.m, cols, a.k, c, ldc, nullptr, store);
}

}  // namespace

size_t head_scratch16(const Head& h) {
  return kQueries * score_row(h.keys) + Halves::floats(Right::size(h.dim, h.keys)) + Halves::floats(Right::size(h.keys, h.dim)) +
         Halves::floats(Left::size(kQueries, h.dim)) + Halves::floats(Left::size(kQueries, h.keys));
}

void attend16(const Head& h, size_t begin, size_t end, float* out, size_t out_row, float* log_sum_exp, float* scratch) {
  const FlushDenormals flush;
  const size_t row = score_row(h.keys);
  float* s = scratch;
  Halves own{s + kQueries * row};
  const Right kt = right({h.k, 1, h.kv_row}, h.dim, h.keys, own.take(Right::size(h.dim, h.keys)));
  const Right v = right({h.v, h.kv_row, 1}, h.keys, h.dim, own.take(Right::size(h.keys, h.dim)));
  bf16* for_q = own.take(Left::size(kQueries, h.dim));
  bf16* for_p = own.take(Left::size(kQueries, h.keys));
  for (size_t q0 = begin; q0 < end; q0 += kQueries) {
    const size_t count = end - q0 < kQueries ? end - q0 : kQueries;
    float* o = out + q0 * out_row;
    times(left({h.q + q0 * h.q_row, h.q_row, 1}, count, h.dim, for_q), kt, round_up(h.keys, VL), s, row, kStoreNew);
    float inverse[kQueries];
    exponentials(s, row, count, h.keys, h.scale, inverse, log_sum_exp + q0);
    times(left({s, row, 1}, count, h.keys, for_p), v, h.dim, o, out_row, kStoreNew);
    for (size_t r = 0; r < count; ++r)
      each_part(h.dim, [&](size_t j, size_t n) { put(o + r * out_row + j, get(o + r * out_row + j, n) * set1(inverse[r]), n); });
  }
}

size_t head_grad_scratch16(const Head& h) {
  return 2 * kQueries * score_row(h.keys) + 2 * Halves::floats(Right::size(h.dim, h.keys)) + Halves::floats(Right::size(h.keys, h.dim)) +
         2 * Halves::floats(Right::size(kQueries, h.dim)) + Halves::floats(Left::size(kQueries, h.dim)) +
         Halves::floats(Left::size(kQueries, h.keys)) + Halves::floats(Left::size(h.keys, kQueries));
}

void attend_grad16(const Head& h, const HeadResult& result, const HeadGrad& grad, float* scratch) {
  const FlushDenormals flush;
  const size_t row = score_row(h.keys), padded = round_up(h.keys, VL), wide = Right::size(h.dim, h.keys);
  float* p = scratch;
  float* ds = p + kQueries * row;
  Halves own{ds + kQueries * row};
  const Right kt = right({h.k, 1, h.kv_row}, h.dim, h.keys, own.take(wide));
  const Right vt = right({h.v, 1, h.kv_row}, h.dim, h.keys, own.take(wide));
  const Right k = right({h.k, h.kv_row, 1}, h.keys, h.dim, own.take(Right::size(h.keys, h.dim)));
  bf16* for_q = own.take(Right::size(kQueries, h.dim));
  bf16* for_dout = own.take(Right::size(kQueries, h.dim));
  bf16* for_rows = own.take(Left::size(kQueries, h.dim));
  bf16* for_ds = own.take(Left::size(kQueries, h.keys));
  bf16* for_turned = own.take(Left::size(h.keys, kQueries));
  for (size_t q0 = 0; q0 < h.queries; q0 += kQueries) {
    const size_t count = h.queries - q0 < kQueries ? h.queries - q0 : kQueries;
    const Operand q{h.q + q0 * h.q_row, h.q_row, 1}, dout{result.dout + q0 * result.dout_row, result.dout_row, 1};
    times(left(q, count, h.dim, for_rows), kt, padded, p, row, kStoreNew);
    times(left(dout, count, h.dim, for_rows), vt, padded, ds, row, kStoreNew);
    score_grads(p, ds, row, count, h.keys, h.scale, result.log_sum_exp + q0, nullptr);
    const Store mode = q0 == 0 ? kStoreNew : kStoreAdd;
    times(left({ds, row, 1}, count, h.keys, for_ds), k, h.dim, grad.dq + q0 * grad.dq_row, grad.dq_row, kStoreNew);
    times(left({ds, 1, row}, h.keys, count, for_turned), right(q, count, h.dim, for_q), h.dim, grad.dk, grad.dkv_row, mode);
    times(left({p, 1, row}, h.keys, count, for_turned), right(dout, count, h.dim, for_dout), h.dim, grad.dv, grad.dkv_row, mode);
  }
}

}  // namespace VIT_ISA
