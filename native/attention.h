// Attention of one head in the calling thread: what attention.cc and the residual branch are made of.
#pragma once

#include <stddef.h>

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

// With products as In makes them (branch.h): In32, or In16, where q, k, v, probabilities and all gradients are rounded for their products,
// softmax and its sums are not.
//
// Floats of scratch that a call needs.
template <typename In>
size_t head_scratch(const Head& h);
template <typename In>
size_t head_grad_scratch(const Head& h);
// Queries begin … end - 1; out and log_sum_exp are those of query 0.
template <typename In>
void attend(const Head& h, size_t begin, size_t end, float* out, size_t out_row, float* log_sum_exp, float* scratch);
template <typename In>
void attend_grad(const Head& h, const HeadResult& result, const HeadGrad& grad, float* scratch);

}  // namespace VIT_ISA
