// The kernels of one instruction set, before table.cc joins them. Each is described in kernels.h.
#pragma once

#include "kernels.h"

namespace VIT_ISA {

void gemm(const vit::Gemm& g);
void binary(vit::Binary op, const vit::Walk& walk, const float* a, const float* b, float* out);
void binary_int(vit::Binary op, const vit::Walk& walk, const int32_t* a, const int32_t* b, int32_t* out);
bool power_int(const vit::Walk& walk, const int32_t* a, const int32_t* b, int32_t* out);
void binary_bytes(vit::Binary op, const vit::Walk& walk, const uint8_t* a, const uint8_t* b, uint8_t* out);
void floor_div(vit::Kind kind, const vit::Walk& walk, const void* a, const void* b, int32_t* out);
void compare(vit::Compare op, vit::Kind kind, const vit::Walk& walk, const void* a, const void* b, uint8_t* out);
void logical(vit::Logical op, const vit::Walk& walk, const uint8_t* a, const uint8_t* b, uint8_t* out);
void logical_not(size_t n, const uint8_t* x, uint8_t* out);
void unary(vit::Unary op, size_t n, const float* x, float* out, float alpha);
void unary_int(vit::Unary op, size_t n, const int32_t* x, int32_t* out);
void test(vit::Test op, size_t n, const float* x, uint8_t* out);
void clip(size_t n, const float* x, float low, float high, float* out);
void clip_int(size_t n, const int32_t* x, double low, double high, int32_t* out);
void add_n(size_t count, const float* const* parts, size_t n, float* out);
void cast(vit::Kind from, vit::Kind to, size_t n, const void* x, void* out);
void select(size_t bytes, size_t n, const uint8_t* condition, const void* a, const void* b, void* out);
void copy(size_t bytes, const vit::Walk& walk, const void* src, void* dst);
void fill(size_t bytes, size_t n, const void* value, void* out);
void reduce(vit::Reduce op, size_t outer, size_t n, size_t inner, const float* x, float* out);
void product(size_t outer, size_t n, size_t inner, const float* x, float* out);
void reduce_ints(vit::IntReduce op, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out);
void reduce_bools(bool all, size_t outer, size_t n, size_t inner, const uint8_t* x, uint8_t* out);
void arg_floats(bool max, size_t outer, size_t n, size_t inner, const float* x, int32_t* out);
void arg_ints(bool max, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out);
void scan_floats(const vit::Scan& scan, size_t outer, size_t n, size_t inner, const float* x, float* out);
void scan_ints(const vit::Scan& scan, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out);
void local_response(const vit::LocalResponse& shape, const float* x, float* out);
void local_response_grad(const vit::LocalResponse& shape, const float* x, const float* y, const float* dy, float* dx);
void fft(size_t batch, size_t n, bool inverse, const float* re, const float* im, float* out_re, float* out_im);
void magnitude(size_t n, const float* re, const float* im, float* out);
void softmax(size_t rows, size_t cols, const float* x, bool logarithm, float* out);
void layer_norm(size_t rows, size_t cols, const float* x, const float* gamma, const float* beta, float epsilon,
                float* y, float* mean, float* rstd);
void layer_norm_grad(size_t rows, size_t cols, const float* dout, const float* x, const float* gamma, const float* mean,
                     const float* rstd, float* dx, float* dgamma, float* dbeta);
void gelu(vit::Activation form, size_t n, const float* x, float* y);
void gelu_grad(vit::Activation form, size_t n, const float* dout, const float* x, float* dx);
void softmax_cross_entropy(size_t rows, size_t cols, const float* logits, const float* targets, float* loss,
                           float* dlogits);
void binary_cross_entropy(size_t rows, size_t cols, const float* logits, const float* targets, float* loss,
                          float* dlogits);
void attention(const vit::Attention& shape, float* out, float* log_sum_exp);
void attention_grad(const vit::Attention& shape, const float* dout, const float* out, const float* log_sum_exp,
                    float* dq, float* dk, float* dv);
size_t mlp_branch_saved(const vit::MlpBranch& b);
size_t mlp_branch_packed(const vit::MlpBranch& b);
void mlp_branch(const vit::MlpBranch& b, float* saved, float* y);
void mlp_branch_grad(const vit::MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad);
size_t attention_branch_saved(const vit::AttentionBranch& b);
size_t attention_branch_packed(const vit::AttentionBranch& b);
void attention_branch(const vit::AttentionBranch& b, float* saved, float* y);
void attention_branch_grad(const vit::AttentionBranch& b, const float* saved, const float* dy,
                           const vit::BranchGrad& grad);
void adamw(const vit::AdamW& c, size_t n, float keep, float rate, const float* p, const float* g, const float* m,
           const float* v, float* p_out, float* m_out, float* v_out);
double adamw_squares(const vit::AdamW& c, size_t n, float keep, float rate, const float* p, const float* g,
                     const float* m, const float* v);
void ema(size_t n, float decay, float rest, const float* average, const float* value, float* out);
double sum_of_squares(size_t n, const float* x);
extern const vit::Bf16Product bf16_product;
extern const vit::Bf16Rounding bf16_rounding;

}  // namespace VIT_ISA
