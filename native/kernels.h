// The contract of the native kernels: read this first. Every function below exists once for each instruction set
// (portable, AVX2 + FMA, AVX-512, NEON) from the same source; `kernels()` is the table of the one this processor runs.
// AVX-512 BF16 and AMX are AVX-512 with another inner routine for bf16 products.
//
// All arrays are float32 unless a type says otherwise, row-major and contiguous unless strides are given; outputs do
// not overlap inputs unless a comment says so. Letters: B batch, N tokens, C embedding, h heads, D head dimension, K
// classes. Results do not depend on the number of threads: work is cut by the sizes alone and partial sums are joined
// in a fixed order, said at each kernel that sums. Products are contracted to fused multiply-adds where the processor
// has them (-ffp-contract=fast), so results differ in the last bits between instruction sets and compilers, never
// between runs: no other flag of -ffast-math that changes a value is set. The files of `exact` in
// scripts/buildNative.mjs are not contracted. An output that overlaps an input gives values that are not said, but no
// step outside an array. Scratch may throw std::bad_alloc.
//
// Order of sums in float32: along a contiguous row each of VL lanes (4, 8 or 16) sums every VL-th element, in one to
// four accumulators, and the lanes are joined in a fixed tree (sum_lanes); down columns, row after row.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace vit {

// The elements of an array.
enum class Kind { kFloat32, kInt32, kUint8 };

enum Binary {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMaximum,
  kMinimum,
  kSquaredDifference,
  kMod,
  kPow,
  kAtan2,
  kPrelu,
  kEluGrad,
  kBitwiseAnd,
  kBinaryCount
};
enum Compare { kGreater, kGreaterEqual, kLess, kLessEqual, kEqual, kNotEqual, kCompareCount };
enum Unary {
  kNeg,
  kAbs,
  kSquare,
  kSqrt,
  kRsqrt,
  kReciprocal,
  kExp,
  kLog,
  kErf,
  kTanh,
  kSigmoid,
  kRelu,
  kStep,
  kCopy,
  kRoundBf16,
  kFloor,
  kCeil,
  kRound,
  kSign,
  kRelu6,
  kLeakyRelu,
  kElu,
  kSelu,
  kSoftplus,
  kLog1p,
  kExpm1,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kUnaryCount
};
enum Logical { kAnd, kOr, kLogicalCount };
enum Test { kIsNan, kIsInf, kIsFinite, kTestCount };
enum Reduce { kSum, kMean, kMax, kMin, kReduceCount };
enum IntReduce { kIntSum, kIntMax, kIntMin, kIntProduct, kIntReduceCount };
// After a product: none, or a form of gelu (see vector_math.h).
enum Activation { kNone = -1, kGeluErf = 0, kGeluTanh = 1, kGeluQuick = 2 };
// Of the factors of a product; sums are float32 in both.
enum Precision { kFp32 = 0, kBf16 = 1 };
// The upper half of a float32; storage only.
typedef uint16_t bf16;

constexpr size_t kMaxRank = 8;

// c[b] = a[b] · b[b] (+ bias), then the activation. Element (i, p) of a is a[i·a_row + p·a_col], so a transpose is a
// pair of swapped strides; c is [m, n] with rows ldc apart. A batch stride of 0 repeats a matrix.
struct Gemm {
  const float* a;
  const float* b;
  float* c;
  size_t m, n, k;
  size_t a_row, a_col, b_row, b_col, ldc;
  size_t batch, a_batch, b_batch, c_batch;
  const float* bias;            // [n] or null
  Activation activation;        // applied to c when all of k is summed
  bool accumulate = false;      // adds to what c holds
  Precision precision = kFp32;  // kBf16: a and b are rounded to bf16 (nearest, ties to even) on the way in
};

// Memory that is read after a product: while that runs, it is fetched from far away into the second cache.
struct Ahead {
  const void* data = nullptr;
  size_t bytes = 0;
};
// The inner product routine of bf16: the one part that AVX-512 BF16 and AMX have of their own. See bf16.h, multiply16.
struct Bf16Product {
  size_t rows;  // of a that it takes best: blocks of a multiple of these
  void (*multiply)(const bf16* a, size_t lda, const bf16* packed_b, size_t depth, size_t m, size_t n, size_t k,
                   float* c, size_t ldc, size_t panel, const float* bias, bool add, const Ahead& ahead);
  bool fast;         // faster than a float32 product, so that rounding operands for it pays
  size_t narrowest;  // columns of heads from which on it pays within them
};
// What rounds float32 to bf16, which AVX-512 BF16 has an instruction for: packing, and the steps between two products
// that would otherwise be followed by it. Left and right operands [m, n] as bf16.h packs them, whole.
struct Bf16Rounding {
  void (*round)(size_t n, const float* x, bf16* y);
  void (*pack_left)(const float* a, size_t row, size_t col, size_t m, size_t k, bf16* dst);
  void (*pack_right)(const float* b, size_t row, size_t col, size_t k, size_t n, size_t first, size_t last, bf16* dst);
  // Rounds x [m, n] in place, and into `kept`, which may be null.
  void (*round_rows)(size_t m, size_t n, float* x, size_t ldx, bf16* kept, size_t ldk);
  // x [m, n] as both operands; sum[j] += Σ x of column j, row after row.
  void (*round_twice)(size_t m, size_t n, const float* x, size_t ldx, float* sum, bf16* left, bf16* right);
  // Gelu of h [m, n], rounded before, into `kept`, which may be null, and after, as a left operand.
  void (*gelu)(Activation form, size_t m, size_t n, const float* h, size_t ldh, bf16* kept, size_t ldk, bf16* left);
  // From what that kept and the gradient dg of gelu's result: the gradient before gelu, as of round_twice, and gelu as
  // a right operand.
  void (*gelu_grad)(Activation form, size_t m, size_t n, const bf16* kept, size_t ldk, const float* dg, size_t ldg,
                    float* sum, bf16* left, bf16* right, bf16* gelu_right);
  // scale·p·(dp - delta) of rows of probabilities p [m, n] and their gradients as both operands, and p as a right one.
  void (*score_grads)(size_t m, size_t n, const float* p, const float* dp, size_t ld, const float* deltas, float scale,
                      bf16* left, bf16* right, bf16* p_right);
};

// A walk over `rank` nested loops; strides are in elements, 0 repeats.
struct Walk {
  size_t rank;
  size_t size[kMaxRank];
  ptrdiff_t stride_a[kMaxRank];
  ptrdiff_t stride_b[kMaxRank];
};

// q [queries, D], k and v [keys, D] of one head, rows `*_row` apart; head (b, i) starts at b·*_batch + i·*_head.
struct AttentionSide {
  size_t row, head, batch;
};
struct Attention {
  size_t batch, heads, queries, keys, dim;
  float scale;
  AttentionSide q_side, kv_side, out_side;
  const float *q, *k, *v;
};

// A residual branch with its norm: y = x + keep·scale·inner(norm(x)), x and y [batch·tokens, dim]; y may be x itself.
struct Branch {
  size_t batch, tokens, dim;
  float epsilon;
  Precision precision;  // of the products with weights, and of what is kept for the backward pass
  const float *x, *gamma, *beta;
  const float* scale;  // [dim], or null: 1
  const float* keep;   // [batch], or null: 1
  // Of a forward pass: memory for the packed weights, *_packed floats, or null for the kernel's own; `ready`: it holds
  // them from a call with the same weights, sizes and instruction set.
  float* packed;
  bool ready;
};
// inner(x) = fc2·gelu(fc1·x + bias1) + bias2; fc1 [hidden, dim], fc2 [dim, hidden], a bias may be null.
struct MlpBranch {
  Branch outer;
  size_t hidden;
  Activation form;
  const float *fc1, *bias1, *fc2, *bias2;
};
// inner(x) = proj·attention(qkv·x + qkv_bias) + proj_bias; qkv [3·dim, dim], proj [dim, dim], a bias may be null.
// In bf16 q, k, v are rounded; where the product of the table is fast, and heads are not too narrow, products within
// them round probabilities and gradients too, else they are float32.
struct AttentionBranch {
  Branch outer;
  size_t heads;
  float factor;  // on q·kᵀ
  const float *qkv, *qkv_bias, *proj, *proj_bias;
};
// Gradients in the shapes of what they belong to; null where that is null. The first layer is fc1 or qkv, the last fc2
// or proj.
struct BranchGrad {
  float *dx, *dgamma, *dbeta, *dscale;
  float *first, *first_bias, *last, *last_bias;
};

// Running products (`times`) or sums; exclusive: of what comes before an element; reverse: from the end.
struct Scan {
  bool times, exclusive, reverse;
};
// Of rows of channels; the window of a channel is those at most `radius` < cols away.
struct LocalResponse {
  size_t rows, cols, radius;
  float bias, alpha, beta;
};

struct AdamW {
  float beta1, beta2, one_minus_beta1, one_minus_beta2, epsilon, inverse_root_correction2;
};

struct SpatialKernels;

struct Kernels {
  const char* isa;

  // Sums in float32: each element of c from its first product to its last in blocks of 256 (bf16: at most 512), which
  // are added to c one after the other; bias with the first block. Of few elements with long sums (k at least 2,048 and
  // four times m and n, at most 262,144 elements), 16 runs of k are summed so and then joined in order, bias and the
  // old c last.
  void (*gemm)(const Gemm& g);

  // out[i] = op(a, b) over a walk with both strides; out is contiguous in the walk's order. Mod has the sign of b;
  // Prelu is a, or b·a where a < 0; EluGrad is a, or a·(b + 1) where b < 0. Pow is that of JavaScript.
  void (*binary)(Binary op, const Walk& walk, const float* a, const float* b, float* out);
  // As `binary`, modulo 2^32: Add, Sub, Maximum, Minimum, Mod, which is 0 where b is, BitwiseAnd, and Mul and
  // SquaredDifference, whose products are those of float64.
  void (*binary_int)(Binary op, const Walk& walk, const int32_t* a, const int32_t* b, int32_t* out);
  // a to the power of b modulo 2^32, 0 where that is a fraction or infinite. False where one lies between 2^53 and
  // 2^86, whose low bits are those of another rounding in each library; then out holds anything.
  bool (*power_int)(const Walk& walk, const int32_t* a, const int32_t* b, int32_t* out);
  // Add, Sub, Mul and SquaredDifference modulo 2^8.
  void (*binary_bytes)(Binary op, const Walk& walk, const uint8_t* a, const uint8_t* b, uint8_t* out);
  // The floor of a/b, of float32 or int32 and worked out in float64, modulo 2^32; 0 where that is infinite or NaN.
  void (*floor_div)(Kind kind, const Walk& walk, const void* a, const void* b, int32_t* out);
  // out[i] = 0 or 1; a comparison with NaN is 0, but not-equal is 1.
  void (*compare)(Compare op, Kind kind, const Walk& walk, const void* a, const void* b, uint8_t* out);
  // And: b where a is not 0, else 0. Or: a where that is not 0, else b.
  void (*logical)(Logical op, const Walk& walk, const uint8_t* a, const uint8_t* b, uint8_t* out);
  void (*logical_not)(size_t n, const uint8_t* x, uint8_t* out);
  // out[i] = op(x[i]). Step gives alpha where x <= 0, LeakyRelu alpha·x where x < 0; RoundBf16 the nearest bfloat16,
  // and Round the nearest integer, ties to even, NaN as it is. Sign of NaN is 0.
  void (*unary)(Unary op, size_t n, const float* x, float* out, float alpha);
  // Neg, Abs, Sign and Relu modulo 2^32, and Square, which is the product of float64 first.
  void (*unary_int)(Unary op, size_t n, const int32_t* x, int32_t* out);
  void (*test)(Test op, size_t n, const float* x, uint8_t* out);
  // out[i] = min(max(x[i], low), high); NaN stays.
  void (*clip)(size_t n, const float* x, float low, float high, float* out);
  // A bound that is taken loses its fraction.
  void (*clip_int)(size_t n, const int32_t* x, double low, double high, int32_t* out);
  // Σ over the parts, in order.
  void (*add_n)(size_t count, const float* const* parts, size_t n, float* out);
  // To int32 the fraction is cut off and the rest taken modulo 2^32, NaN and infinities are 0; to bytes, all but 0
  // is 1.
  void (*cast)(Kind from, Kind to, size_t n, const void* x, void* out);
  // out[i] = condition[i] ? a[i] : b[i], of elements of 1 or 4 bytes.
  void (*select)(size_t bytes, size_t n, const uint8_t* condition, const void* a, const void* b, void* out);
  // Copies elements of `bytes` (1 or 4) from src (stride_a) to dst (stride_b): transpose, slice, concat, pad, tile.
  void (*copy)(size_t bytes, const Walk& walk, const void* src, void* dst);
  // Elements of 1 or 4 bytes.
  void (*fill)(size_t bytes, size_t n, const void* value, void* out);

  // x [outer, n, inner] -> out [outer, inner]. Sums carry blocks of at most 4,096 float32 terms, joined in float64.
  // Max and min of something with a NaN are NaN.
  void (*reduce)(Reduce op, size_t outer, size_t n, size_t inner, const float* x, float* out);
  // The product of the same, in float64: along a row in VL lanes, joined in a fixed tree; down columns row after row.
  // Parts of 65,536 elements of a row, or of 1,024 rows, are joined in order.
  void (*product)(size_t outer, size_t n, size_t inner, const float* x, float* out);
  // Modulo 2^32; a product is one of float64, row after row.
  void (*reduce_ints)(IntReduce op, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out);
  // out = 0 or 1: whether all, or any, are not 0.
  void (*reduce_bools)(bool all, size_t outer, size_t n, size_t inner, const uint8_t* x, uint8_t* out);
  // The first place along n of the largest (`max`) or smallest. A NaN is passed over, but for the first element: then
  // it is 0.
  void (*arg_floats)(bool max, size_t outer, size_t n, size_t inner, const float* x, int32_t* out);
  void (*arg_ints)(bool max, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out);
  // x [outer, n, inner] -> out of the same shape: sums or products along n, one after the other, each rounded to
  // float32 or taken modulo 2^32.
  void (*scan_floats)(const Scan& scan, size_t outer, size_t n, size_t inner, const float* x, float* out);
  void (*scan_ints)(const Scan& scan, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out);
  // out = x·(bias + alpha·Σ x²)^-beta, summed over the window in order; dx for y = out and the gradient dy of it.
  void (*local_response)(const LocalResponse& shape, const float* x, float* out);
  void (*local_response_grad)(const LocalResponse& shape, const float* x, const float* y, const float* dy, float* dx);
  // `batch` discrete Fourier transforms of n complex numbers, re + i·im; the inverse is divided by n. See fft.cc.
  void (*fft)(size_t batch, size_t n, bool inverse, const float* re, const float* im, float* out_re, float* out_im);
  // |re + i·im|, of root and squares in float64.
  void (*magnitude)(size_t n, const float* re, const float* im, float* out);
  // Rows of softmax (or, with `logarithm`, its logarithm); the row maximum is subtracted first. The sum is one of
  // float32.
  void (*softmax)(size_t rows, size_t cols, const float* x, bool logarithm, float* out);

  // y = (x - mean)·rstd·gamma + beta in each row; rstd = 1/sqrt(variance + epsilon). Two passes over the row.
  void (*layer_norm)(size_t rows, size_t cols, const float* x, const float* gamma, const float* beta, float epsilon,
                     float* y, float* mean, float* rstd);
  // dx = rstd·(g - mean(g) - x̂·mean(g·x̂)), g = dout·gamma; dgamma = Σ dout·x̂, dbeta = Σ dout, in float32 over at most
  // 64 runs of rows, joined in float64.
  void (*layer_norm_grad)(size_t rows, size_t cols, const float* dout, const float* x, const float* gamma,
                          const float* mean, const float* rstd, float* dx, float* dgamma, float* dbeta);
  void (*gelu)(Activation form, size_t n, const float* x, float* y);
  void (*gelu_grad)(Activation form, size_t n, const float* dout, const float* x, float* dx);

  // loss[i] = Σ_k t·(logSumExp(z) - z), summed in float64; dlogits = softmax(z)·Σt - t.
  void (*softmax_cross_entropy)(size_t rows, size_t cols, const float* logits, const float* targets, float* loss,
                                float* dlogits);
  // loss[i] = mean_k (max(z, 0) - z·t + log(1 + exp(-|z|))), summed in float64; dlogits = (σ(z) - t)/cols.
  void (*binary_cross_entropy)(size_t rows, size_t cols, const float* logits, const float* targets, float* loss,
                               float* dlogits);

  // out = softmax(scale·q·kᵀ)·v for each head; log_sum_exp [B, h, queries]. Works on blocks of 64 queries, so memory
  // grows with the number of keys, not with its square. Denormal numbers count as zero here and in attention_grad.
  void (*attention)(const Attention& shape, float* out, float* log_sum_exp);
  // Recomputes p = exp(scale·q·kᵀ - log_sum_exp) block by block. dq is laid out as q, dk and dv as k and v. Blocks of
  // queries are added to dk and dv one after the other.
  void (*attention_grad)(const Attention& shape, const float* dout, const float* out, const float* log_sum_exp,
                         float* dq, float* dk, float* dv);

  // Whole residual branches. Rows are done a block at a time, so between the steps nothing but `saved` leaves the
  // cache; `saved` is what the backward pass reads, *_saved floats of it in an order of the kernel's own, or null to
  // keep nothing. Gradients of weights: sums over blocks of at most 128 rows (float32: 112) are added in order, over at
  // most 16 runs of rows, whose sums are then joined in order; or, of large weights or few rows, over blocks of 1,792
  // rows as gemm sums them.
  size_t (*mlp_branch_saved)(const MlpBranch& b);
  size_t (*mlp_branch_packed)(const MlpBranch& b);
  void (*mlp_branch)(const MlpBranch& b, float* saved, float* y);
  void (*mlp_branch_grad)(const MlpBranch& b, const float* saved, const float* dy, const BranchGrad& grad);
  size_t (*attention_branch_saved)(const AttentionBranch& b);
  size_t (*attention_branch_packed)(const AttentionBranch& b);
  void (*attention_branch)(const AttentionBranch& b, float* saved, float* y);
  void (*attention_branch_grad)(const AttentionBranch& b, const float* saved, const float* dy, const BranchGrad& grad);

  // p' = p·(1 - lr·wd) - rate·m'/(√v'·inverse_root_correction2 + epsilon); see lib/core/kernels.ts. n elements of a
  // tensor. An output may be its input.
  void (*adamw)(const AdamW& c, size_t n, float keep, float rate, const float* p, const float* g, const float* m,
                const float* v, float* p_out, float* m_out, float* v_out);
  // Σ p'² + m'² + v'² of the same update, which writes nothing; infinite or NaN if a square is.
  double (*adamw_squares)(const AdamW& c, size_t n, float keep, float rate, const float* p, const float* g,
                          const float* m, const float* v);
  // out = decay·average + rest·value; out may be average.
  void (*ema)(size_t n, float decay, float rest, const float* average, const float* value, float* out);
  // Σ x² of a part, blocks of 4,096 in float32, joined in float64.
  double (*sum_of_squares)(size_t n, const float* x);

  const SpatialKernels* spatial;  // on images, see spatial.h
  const Bf16Product* bf16_product;
  const Bf16Rounding* bf16_rounding;
};

extern const Kernels kernels_portable;
#if defined(__x86_64__)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#elif defined(__aarch64__)
extern const Kernels kernels_neon;
#endif

// The tables that this processor runs, from the slowest to the fastest, then null: "amx-emulated" (for tests: AMX's
// tile code in plain C++, the rest portable), "portable", then "avx2", "avx512", "avx512bf16" (before "avx512" where
// its instruction is slow) and "amx", or "neon".
const Kernels* const* all_kernels();
// The best of them, or the one forced by TFJS_VIT_ISA or by choose_kernels.
const Kernels& kernels();
// Forces one of them by name; false, and no change, if the processor, the system or the build lacks it.
bool choose_kernels(const char* isa);

}  // namespace vit
