// Attention of one head in the calling thread: what attention.cc and the residual branch are made of.
#pragma once

#include <stddef.h>

#include "gemm.h"

namespace VIT_ISA {

// q [queries, dim], k and v [keys, dim]; rows `*_row` apart.
struct Head {
  size_t queries, keys, dim;
  float scale;
  const float* q;
  size_t q_row;
  const float *k, *v;
  size_t kv_row;
};
// What the backward pass reads: the gradient of the result, the result, log_sum_exp [queries]. Without the result, or where it was
// rounded, Σ dout·out is summed over the probabilities: that costs a second look at them.
struct HeadResult {
  const float* dout;
  size_t dout_row;
  const float* out;
  size_t out_row;
  const float* log_sum_exp;
};
struct HeadGrad {
  float* dq;
  size_t dq_row;
  float *dk, *dv;
  size_t dkv_row;
};

// Queries that are taken at a time, and elements from row to row of their scores against all keys: rows end with padding, so that whole
// vectors may be read and written.
constexpr size_t kQueries = 64;
inline size_t score_row(size_t keys) { return round_up(keys, VL) + 16; }
// Softmax of `count` rows of scores, not yet divided by its sum: inverse[r] is 1 over that. In powers of two, whose exponent costs less
// than that of e. VL rows at a time, so that what is done once a row (joining lanes, the logarithm) is done for VL of them at once.
void exponentials(float* s, size_t row, size_t count, size_t keys, float scale, float* inverse, float* log_sum_exp);
// Scores in p become probabilities, the gradients of these in dp those of the scores. deltas: Σ dout·out of each row, or null to sum it
// over the probabilities.
void score_grads(float* p, float* dp, size_t row, size_t count, size_t keys, float scale, const float* log_sum_exp, const float* deltas);

// Floats of scratch that a call needs.
size_t head_scratch(const Head& h);
size_t head_grad_scratch(const Head& h);
// Queries begin … end - 1; out and log_sum_exp are those of query 0.
void attend(const Head& h, size_t begin, size_t end, float* out, size_t out_row, float* log_sum_exp, float* scratch);
void attend_grad(const Head& h, const HeadResult& result, const HeadGrad& grad, float* scratch);
// The same with products of bf16 operands: q, k, v, probabilities and all gradients; softmax and its sums stay float32. result.out is
// not read.
size_t head_scratch16(const Head& h);
size_t head_grad_scratch16(const Head& h);
void attend16(const Head& h, size_t begin, size_t end, float* out, size_t out_row, float* log_sum_exp, float* scratch);
void attend_grad16(const Head& h, const HeadResult& result, const HeadGrad& grad, float* scratch);

}  // namespace VIT_ISA
