// The gradient of attention of one head with bf16 products. Scores' gradients and probabilities are rounded once, into
// the operands of the products that take them; dk and dv are summed transposed, dim by keys, so that none of these
// needs turning.

#include <algorithm>

#include "attention.h"
#include "branch.h"

namespace VIT_ISA {
namespace {

size_t floats_of(size_t bf16s) { return (bf16s + 1) / 2; }
size_t transposed_row(size_t keys) { return round_up(keys, NR16) + 16; }

bf16* take16(ScratchArena& own, size_t count) { return reinterpret_cast<bf16*>(own.take(floats_of(count))); }

bf16* right_of(const Operand16& from, size_t k, size_t n, ScratchArena& own) {
  bf16* packed = take16(own, packed_b16_size(k, n));
  pack_b16(from, k, n, 0, Packed16::panels(n), packed);
  return packed;
}

// to[j·ldt + i] = from[i·ld + j] for m rows of n.
void transpose_to(const float* from, size_t ld, size_t m, size_t n, float* to, size_t ldt) {
  for (size_t i0 = 0; i0 < m; i0 += VL)
    for (size_t j0 = 0; j0 < n; j0 += VL) {
      const size_t rows = std::min(m - i0, VL), cols = std::min(n - j0, VL);
      vf block[VL];
      for (size_t i = 0; i < VL; ++i) block[i] = i < rows ? get(from + (i0 + i) * ld + j0, cols) : set1(0.0f);
      transpose_block(block);
      for (size_t j = 0; j < cols; ++j) put(to + (j0 + j) * ldt + i0, block[j], rows);
    }
}

}  // namespace

size_t head_grad_scratch16(const Head16& h) {
  return 2 * floats_of(packed_b16_size(h.dim, h.keys)) + floats_of(packed_b16_size(h.keys, h.dim)) +
         2 * kQueries * score_row(h.keys) + floats_of(packed_a16_size(kQueries, h.keys)) +
         2 * floats_of(packed_b16_size(kQueries, h.keys)) + floats_of(packed_a16_size(kQueries, h.dim)) +
         floats_of(packed_a16_size(h.dim, kQueries)) + 2 * h.dim * transposed_row(h.keys) + 192;
}

void attend_grad16(const Head16& h, const HeadResult& result, const HeadGrad& grad, float* scratch) {
  const FlushDenormals flush;
  const size_t row = score_row(h.keys), padded = round_up(h.keys, VL), ldt = transposed_row(h.keys);
  ScratchArena own{scratch};
  const bf16* kt = right_of({h.k, 1, h.kv_row}, h.dim, h.keys, own);
  const bf16* vt = right_of({h.v, 1, h.kv_row}, h.dim, h.keys, own);
  const bf16* k = right_of({h.k, h.kv_row, 1}, h.keys, h.dim, own);
  float *p = own.take(kQueries * row), *dp = own.take(kQueries * row);
  bf16 *ds_left = take16(own, packed_a16_size(kQueries, h.keys)),
       *ds_right = take16(own, packed_b16_size(kQueries, h.keys));
  bf16 *p_right = take16(own, packed_b16_size(kQueries, h.keys)), *left = take16(own, packed_a16_size(kQueries, h.dim));
  bf16* transposed = take16(own, packed_a16_size(h.dim, kQueries));
  float *dkt = own.take(h.dim * ldt), *dvt = own.take(h.dim * ldt);
  for (size_t q0 = 0; q0 < h.queries; q0 += kQueries) {
    const size_t count = std::min(h.queries - q0, kQueries);
    const bf16* q = h.q + q0 * h.q_row;
    const float* dout = result.dout + q0 * result.dout_row;
    // Rows that fill a tile of AMX are an operand as they are.
    const bool whole = h.dim % KR16 == 0;
    if (!whole) pack_a16(Operand16{q, h.q_row, 1}, count, h.dim, left);
    multiply16(whole ? q : left, whole ? h.q_row : a16_width(h.dim), kt, h.dim, count, padded, h.dim, p, row, nullptr,
               kStoreNew);
    pack_a16(Operand{dout, result.dout_row, 1}, count, h.dim, left);
    multiply16(left, a16_width(h.dim), vt, h.dim, count, padded, h.dim, dp, row, nullptr, kStoreNew);
    float deltas[kQueries];
    probabilities(p, dp, row, count, h.keys, h.scale, result.log_sum_exp + q0, deltas);
    rounding().score_grads(count, h.keys, p, dp, row, deltas, h.scale, ds_left, ds_right, p_right);
    multiply16(ds_left, a16_width(h.keys), k, h.keys, count, h.dim, h.keys, grad.dq + q0 * grad.dq_row, grad.dq_row,
               nullptr, kStoreNew);
    const Store mode = q0 == 0 ? kStoreNew : kStoreAdd;
    pack_a16(Operand16{q, 1, h.q_row}, h.dim, count, transposed);
    multiply16(transposed, a16_width(count), ds_right, count, h.dim, h.keys, count, dkt, ldt, nullptr, mode);
    pack_a16(Operand{dout, 1, result.dout_row}, h.dim, count, transposed);
    multiply16(transposed, a16_width(count), p_right, count, h.dim, h.keys, count, dvt, ldt, nullptr, mode);
  }
  transpose_to(dkt, ldt, h.dim, h.keys, grad.dk, grad.dkv_row);
  transpose_to(dvt, ldt, h.dim, h.keys, grad.dv, grad.dkv_row);
}

}  // namespace VIT_ISA
