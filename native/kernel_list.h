// The kernels that exist once for each instruction set, but those on images (spatial_kernel_list.h): result, name and
// parameters of each, and its contract. The table (kernels.h, table.cc), the declarations (table.h) and the list of
// kernels that need a test (test/kernels_test.cc) are made from this list. It is included with VIT_KERNEL defined, and
// several times, hence without a guard.

// Sums in float32: each element of c from its first product to its last in blocks of 256 (bf16: at most 512), which
// are added to c one after the other; bias with the first block. Where c has few elements and long sums (k at least
// 2,048 and four times m and n, at most 262,144 elements), 16 runs of k are summed so and then joined in order, bias
// and the old c last.
VIT_KERNEL(void, gemm, (const vit::Gemm& g))

// out[i] = op(a, b) over a walk with both strides; out is contiguous in the walk's order. Mod has the sign of b;
// Prelu is a, or b·a where a < 0; EluGrad is a, or a·(b + 1) where b < 0. Pow is that of JavaScript.
VIT_KERNEL(void, binary, (vit::Binary op, const vit::Walk& walk, const float* a, const float* b, float* out))
// As `binary`, modulo 2^32: Add, Sub, Maximum, Minimum, Mod, which is 0 where b is, BitwiseAnd, and Mul and
// SquaredDifference, whose products are those of float64.
VIT_KERNEL(void, binary_int, (vit::Binary op, const vit::Walk& walk, const int32_t* a, const int32_t* b, int32_t* out))
// a to the power of b modulo 2^32, 0 where that is a fraction or infinite. False where one lies between 2^53 and
// 2^86, whose low bits are those of another rounding in each library; then out holds anything.
VIT_KERNEL(bool, power_int, (const vit::Walk& walk, const int32_t* a, const int32_t* b, int32_t* out))
// Add, Sub, Mul and SquaredDifference modulo 2^8.
VIT_KERNEL(void, binary_bytes,
           (vit::Binary op, const vit::Walk& walk, const uint8_t* a, const uint8_t* b, uint8_t* out))
// The floor of a/b, of float32 or int32 and worked out in float64, modulo 2^32; 0 where that is infinite or NaN.
VIT_KERNEL(void, floor_div, (vit::Kind kind, const vit::Walk& walk, const void* a, const void* b, int32_t* out))
// out[i] = 0 or 1; a comparison with NaN is 0, but not-equal is 1.
VIT_KERNEL(void, compare,
           (vit::Compare op, vit::Kind kind, const vit::Walk& walk, const void* a, const void* b, uint8_t* out))
// And: b where a is not 0, else 0. Or: a where that is not 0, else b.
VIT_KERNEL(void, logical, (vit::Logical op, const vit::Walk& walk, const uint8_t* a, const uint8_t* b, uint8_t* out))
VIT_KERNEL(void, logical_not, (size_t n, const uint8_t* x, uint8_t* out))
// out[i] = op(x[i]). Step gives alpha where x <= 0, LeakyRelu alpha·x where x < 0; RoundBf16 the nearest bfloat16,
// and Round the nearest integer, ties to even, NaN as it is. Sign of NaN is 0.
VIT_KERNEL(void, unary, (vit::Unary op, size_t n, const float* x, float* out, float alpha))
// Neg, Abs, Sign and Relu modulo 2^32, and Square, which is the product of float64 first.
VIT_KERNEL(void, unary_int, (vit::Unary op, size_t n, const int32_t* x, int32_t* out))
VIT_KERNEL(void, test, (vit::Test op, size_t n, const float* x, uint8_t* out))
// out[i] = min(max(x[i], low), high); NaN stays.
VIT_KERNEL(void, clip, (size_t n, const float* x, float low, float high, float* out))
// A bound that is taken loses its fraction.
VIT_KERNEL(void, clip_int, (size_t n, const int32_t* x, double low, double high, int32_t* out))
// Σ over the parts, in order.
VIT_KERNEL(void, add_n, (size_t count, const float* const* parts, size_t n, float* out))
// To int32 the fraction is cut off and the rest taken modulo 2^32, NaN and infinities are 0; to bytes, all but 0
// is 1.
VIT_KERNEL(void, cast, (vit::Kind from, vit::Kind to, size_t n, const void* x, void* out))
// out[i] = condition[i] ? a[i] : b[i], of elements of 1 or 4 bytes.
VIT_KERNEL(void, select, (size_t bytes, size_t n, const uint8_t* condition, const void* a, const void* b, void* out))
// Copies elements of `bytes` (1 or 4) from src (stride_a) to dst (stride_b): transpose, slice, concat, pad, tile.
VIT_KERNEL(void, copy, (size_t bytes, const vit::Walk& walk, const void* src, void* dst))
// Elements of 1 or 4 bytes.
VIT_KERNEL(void, fill, (size_t bytes, size_t n, const void* value, void* out))

// x [outer, n, inner] -> out [outer, inner]. Sums carry blocks of at most 4,096 float32 terms, joined in float64.
// Max and min of something with a NaN are NaN.
VIT_KERNEL(void, reduce, (vit::Reduce op, size_t outer, size_t n, size_t inner, const float* x, float* out))
// The product of the same, in float64: along a row in VL lanes, joined in a fixed tree; down columns row after row.
// Parts of 65,536 elements of a row, or of 1,024 rows, are joined in order.
VIT_KERNEL(void, prod, (size_t outer, size_t n, size_t inner, const float* x, float* out))
// Modulo 2^32; a product is one of float64, row after row.
VIT_KERNEL(void, reduce_ints, (vit::IntReduce op, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out))
// out = 0 or 1: whether all, or any, are not 0.
VIT_KERNEL(void, reduce_bools, (bool all, size_t outer, size_t n, size_t inner, const uint8_t* x, uint8_t* out))
// The first place along n of the largest (`max`) or smallest. A NaN is passed over, but for the first element: then
// it is 0.
VIT_KERNEL(void, arg_floats, (bool max, size_t outer, size_t n, size_t inner, const float* x, int32_t* out))
VIT_KERNEL(void, arg_ints, (bool max, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out))
// x [outer, n, inner] -> out of the same shape: sums or products along n, one after the other, each rounded to
// float32 or taken modulo 2^32.
VIT_KERNEL(void, scan_floats, (const vit::Scan& scan, size_t outer, size_t n, size_t inner, const float* x, float* out))
VIT_KERNEL(void, scan_ints,
           (const vit::Scan& scan, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out))
// out = x·(bias + alpha·Σ x²)^-beta, summed over the window in order; dx for y = out and the gradient dy of it.
VIT_KERNEL(void, local_response, (const vit::LocalResponse& shape, const float* x, float* out))
VIT_KERNEL(void, local_response_grad,
           (const vit::LocalResponse& shape, const float* x, const float* y, const float* dy, float* dx))
// `batch` discrete Fourier transforms of n complex numbers, re + i·im; the inverse is divided by n. See fft.cc.
VIT_KERNEL(void, fft,
           (size_t batch, size_t n, bool inverse, const float* re, const float* im, float* out_re, float* out_im))
// |re + i·im|, of root and squares in float64.
VIT_KERNEL(void, magnitude, (size_t n, const float* re, const float* im, float* out))
// Rows of softmax (or, with `logarithm`, its logarithm); the row maximum is subtracted first. The sum is one of
// float32.
VIT_KERNEL(void, softmax, (size_t rows, size_t cols, const float* x, bool logarithm, float* out))

// y = (x - mean)·rstd·gamma + beta in each row; rstd = 1/sqrt(variance + epsilon). Two passes over the row.
VIT_KERNEL(void, layer_norm,
           (size_t rows, size_t cols, const float* x, const float* gamma, const float* beta, float epsilon, float* y,
            float* mean, float* rstd))
// dx = rstd·(g - mean(g) - x̂·mean(g·x̂)), g = dout·gamma; dgamma = Σ dout·x̂, dbeta = Σ dout, in float32 over at most
// 64 runs of rows, joined in float64.
VIT_KERNEL(void, layer_norm_grad,
           (size_t rows, size_t cols, const float* dout, const float* x, const float* gamma, const float* mean,
            const float* rstd, float* dx, float* dgamma, float* dbeta))
VIT_KERNEL(void, gelu, (vit::Activation form, size_t n, const float* x, float* y))
VIT_KERNEL(void, gelu_grad, (vit::Activation form, size_t n, const float* dout, const float* x, float* dx))

// loss[i] = Σ_k t·(logSumExp(z) - z), summed in float64; dlogits = softmax(z)·Σt - t.
VIT_KERNEL(void, softmax_cross_entropy,
           (size_t rows, size_t cols, const float* logits, const float* targets, float* loss, float* dlogits))
// loss[i] = mean_k (max(z, 0) - z·t + log(1 + exp(-|z|))), summed in float64; dlogits = (σ(z) - t)/cols.
VIT_KERNEL(void, binary_cross_entropy,
           (size_t rows, size_t cols, const float* logits, const float* targets, float* loss, float* dlogits))

// out = softmax(scale·q·kᵀ)·v for each head; log_sum_exp [B, h, queries]. Works on blocks of 64 queries, so memory
// grows with the number of keys, not with its square. Denormal numbers count as zero here and in attention_grad.
VIT_KERNEL(void, attention, (const vit::Attention& shape, float* out, float* log_sum_exp))
// Recomputes p = exp(scale·q·kᵀ - log_sum_exp) block by block. dq is laid out as q, dk and dv as k and v. Blocks of
// queries are added to dk and dv one after the other.
VIT_KERNEL(void, attention_grad,
           (const vit::Attention& shape, const float* dout, const float* out, const float* log_sum_exp, float* dq,
            float* dk, float* dv))

// Whole residual branches. Rows are done a block at a time, so between the steps nothing but `saved` leaves the
// cache; `saved` is what the backward pass reads, *_saved floats of it in an order of the kernel's own, or null to
// keep nothing. Gradients of weights: sums over blocks of at most 128 rows (float32: 112) are added in order, over at
// most 16 runs of rows, whose sums are then joined in order; or, of large weights or few rows, over blocks of 1,792
// rows as gemm sums them.
VIT_KERNEL(size_t, mlp_branch_saved, (const vit::MlpBranch& b))
VIT_KERNEL(size_t, mlp_branch_packed, (const vit::MlpBranch& b))
VIT_KERNEL(void, mlp_branch, (const vit::MlpBranch& b, float* saved, float* y))
VIT_KERNEL(void, mlp_branch_grad,
           (const vit::MlpBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad))
VIT_KERNEL(size_t, attention_branch_saved, (const vit::AttentionBranch& b))
VIT_KERNEL(size_t, attention_branch_packed, (const vit::AttentionBranch& b))
VIT_KERNEL(void, attention_branch, (const vit::AttentionBranch& b, float* saved, float* y))
VIT_KERNEL(void, attention_branch_grad,
           (const vit::AttentionBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad))

// p' = p·(1 - lr·wd) - rate·m'/(√v'·inverse_root_correction2 + epsilon); see lib/core/kernels.ts. n elements of a
// tensor. An output may be its input.
VIT_KERNEL(void, adamw,
           (const vit::AdamW& c, size_t n, float decay, float rate, const float* p, const float* g, const float* m,
            const float* v, float* p_out, float* m_out, float* v_out))
// Σ p'² + m'² + v'² of the same update, which writes nothing; infinite or NaN if a square is.
VIT_KERNEL(double, adamw_squares,
           (const vit::AdamW& c, size_t n, float decay, float rate, const float* p, const float* g, const float* m,
            const float* v))
// out = decay·average + rest·value; out may be average.
VIT_KERNEL(void, ema, (size_t n, float decay, float rest, const float* average, const float* value, float* out))
// Σ x² of a part, blocks of 4,096 in float32, joined in float64.
VIT_KERNEL(double, sum_of_squares, (size_t n, const float* x))
