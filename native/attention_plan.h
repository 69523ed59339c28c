// The parts that the forward and the backward pass of attention's branch share: how work is cut, and the buffers
// between the steps.
#pragma once

#include <algorithm>

#include "attention.h"
#include "branch.h"
#include "sizes.h"

namespace VIT_ISA {

// How the work of a branch is cut; by its sizes alone.
struct Plan {
  size_t tokens, rows, dim, ldx, ldq;
  size_t images_each;  // of a task that takes whole images
  bool whole_images;
  explicit Plan(const vit::AttentionBranch& b)
      : tokens(b.outer.tokens),
        rows(b.outer.batch * b.outer.tokens),
        dim(b.outer.dim),
        ldx(width_of(dim)),
        ldq(width_of(3 * dim)) {
    images_each = tokens < kRowsEach ? kRowsEach / tokens : 1;
    whole_images = ceil_div(b.outer.batch, images_each) >= 8 && tokens <= 1024;
  }
};

// Between the steps, in float32; rows of qkv and out are ldq and ldx apart.
struct Between {
  float *mean, *rstd, *log_sum_exp, *qkv, *out;
};
inline size_t between_size(const vit::AttentionBranch& b, const Plan& plan, size_t rows) {
  return rows * (2 + b.heads + plan.ldq + plan.ldx);
}
inline Between between_of(const vit::AttentionBranch& b, const Plan& plan, size_t rows, float* at) {
  float* qkv = at + rows * (2 + b.heads);
  return {at, at + rows, at + 2 * rows, qkv, qkv + rows * plan.ldq};
}

// The values saved for the backward pass in bf16: as above, but with rounded rows of qkv and out, 3·dim and dim apart.
struct Saved16 {
  bf16 *qkv, *out;
};
inline Saved16 saved16_of(const vit::AttentionBranch& b, const Plan& plan, float* saved) {
  bf16* qkv = reinterpret_cast<bf16*>(saved + plan.rows * (2 + b.heads));
  return {qkv, qkv + plan.rows * 3 * plan.dim};
}
inline size_t saved_size(const vit::AttentionBranch& b, const Plan& plan) {
  if (b.outer.precision == vit::kBf16) return plan.rows * (2 + b.heads + 2 * plan.dim);
  return between_size(b, plan, plan.rows);
}

// Head `i` of the image whose rows of qkv are given.
inline Head head_of(const vit::AttentionBranch& b, const Plan& plan, const float* qkv, size_t i) {
  const size_t dim = plan.dim / b.heads;
  const float* q = qkv + i * dim;
  return {plan.tokens, plan.tokens, dim, b.factor, q, plan.ldq, q + plan.dim, q + 2 * plan.dim, plan.ldq};
}

// Whether products within heads take bf16 operands too, and not float32 ones that were rounded before: where that is
// faster, and heads are so wide that it makes up for rounding probabilities. Then heads are read as they were saved.
template <typename Math>
bool heads_in_bf16(const vit::AttentionBranch& b) {
  const vit::Bf16Gemm& gemm = *vit::kernels().bf16_gemm;
  return Math::is_bf16 && gemm.fast && b.outer.dim / b.heads >= gemm.least_head_dim;
}

// body(first row, rows) for blocks of the rows from r0.
template <typename Body>
void row_blocks(size_t r0, size_t rows, size_t each, const Body& body) {
  for (size_t r = 0; r < rows; r += each) body(r0 + r, std::min(rows - r, each));
}

}  // namespace VIT_ISA
