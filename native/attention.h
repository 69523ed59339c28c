// Attention of one head in the calling thread: the part that attention.cc and the residual branch share.
#pragma once

#include "kernels.h"
#include "lanes.h"
#include "sizes.h"

namespace VIT_ISA {

// q [queries, dim], k and v [keys, dim]; rows `*_row` apart.
template <typename T>
struct HeadOf {
  size_t queries, keys, dim;
  float scale;
  const T* q;
  size_t q_row;
  const T *k, *v;
  size_t kv_row;
};
typedef HeadOf<float> Head;
typedef HeadOf<vit::bf16> Head16;
// The inputs of the backward pass: the gradient of the result, the result, log_sum_exp [queries]. Without the result,
// or where it was rounded, Σ dout·out is summed over the probabilities: that costs a second look at them.
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

// Queries at a time: a block of scores against all keys is held.
constexpr size_t kQueries = 64;
// From row to row of scores: rows end with padding, so that whole vectors may be read and written.
inline size_t score_row(size_t keys) { return ceil_div(keys, VL) * VL + 16; }

// Math (branch.h) computes the products: Fp32Math, or Bf16Math, where q, k, v, probabilities and all gradients are
// rounded for their products; softmax and its sums are not.
//
// Floats of scratch that a call needs.
template <typename Math>
size_t head_scratch(const Head& h);
// Queries begin … end - 1; out and log_sum_exp are those of query 0.
template <typename Math>
void attend(const Head& h, size_t begin, size_t end, float* out, size_t out_row, float* log_sum_exp, float* scratch);
size_t head_grad_scratch(const Head& h);
void attend_grad(const Head& h, const HeadResult& result, const HeadGrad& grad, float* scratch);
// In bf16: see attention16.cc. result.out is not read.
size_t head_grad_scratch16(const Head16& h);
void attend_grad16(const Head16& h, const HeadResult& result, const HeadGrad& grad, float* scratch);
// Scores s of `count` rows become probabilities, and deltas[r] Σ of them times ds.
void probabilities(float* s, const float* ds, size_t row, size_t count, size_t keys, float scale,
                   const float* log_sum_exp, float* deltas);

}  // namespace VIT_ISA
