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

#include "enums.h"

namespace vit {

// The elements of an array.
enum class Kind { kFloat32, kInt32, kUint8 };

// The upper half of a float32; a type for storage only.
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

// Memory that is read after a matrix product: it is prefetched into the second cache while that runs.
struct Prefetch {
  const void* data = nullptr;
  size_t bytes = 0;
};
// The inner product routine of bf16: the one part that AVX-512 BF16 and AMX have of their own. See bf16.h, multiply16.
struct Bf16Gemm {
  size_t rows;  // of a that it takes best: blocks of a multiple of these
  void (*multiply)(const bf16* a, size_t lda, const bf16* packed_b, size_t depth, size_t m, size_t n, size_t k,
                   float* c, size_t ldc, size_t panel, const float* bias, bool add, const Prefetch& prefetch);
  bool fast;              // faster than a float32 product, so that rounding operands for it pays
  size_t least_head_dim;  // columns of heads from which on it pays within them
};
// Routines that round float32 to bf16, for which AVX-512 BF16 has an instruction: packing, and the steps between two
// products that would otherwise be followed by a rounding. Left and right operands [m, n] as bf16.h packs them, whole.
struct Bf16Rounding {
  void (*round)(size_t n, const float* x, bf16* y);
  void (*pack_left)(const float* a, size_t row, size_t col, size_t m, size_t k, bf16* dst);
  void (*pack_right)(const float* b, size_t row, size_t col, size_t k, size_t n, size_t first, size_t last, bf16* dst);
  // Rounds x [m, n] in place, and into `saved`, which may be null.
  void (*round_rows)(size_t m, size_t n, float* x, size_t ldx, bf16* saved, size_t lds);
  // x [m, n] as both operands; sum[j] += Σ x of column j, row after row.
  void (*round_twice)(size_t m, size_t n, const float* x, size_t ldx, float* sum, bf16* left, bf16* right);
  // Gelu of h [m, n], rounded before, into `saved`, which may be null, and after, as a left operand.
  void (*gelu)(Activation form, size_t m, size_t n, const float* h, size_t ldh, bf16* saved, size_t lds, bf16* left);
  // From `saved` of that call and the gradient dg of gelu's result: the gradient before gelu, as of round_twice, and
  // gelu as a right operand.
  void (*gelu_grad)(Activation form, size_t m, size_t n, const bf16* saved, size_t lds, const float* dg, size_t ldg,
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
  Precision precision;  // of the products with weights, and of what is saved for the backward pass
  const float *x, *gamma, *beta;
  const float* scale;  // [dim], or null: 1
  const float* keep;   // [batch], or null: 1
  // For a forward pass: memory for the packed weights, *_packed floats, or null for the kernel's own; `ready`: it holds
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
// Local response normalization of rows of channels; the window of a channel reaches `radius` < cols channels to each
// side.
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

#define VIT_KERNEL(result, name, parameters) result(*name) parameters;
#include "kernel_list.h"
#undef VIT_KERNEL

  const SpatialKernels* spatial;  // on images, see spatial.h
  const Bf16Gemm* bf16_gemm;
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
