#include "branch_binding.h"

#include "kernels.h"

namespace vit {
namespace {

// Arguments 0 … 11 of every entry: sizes [batch, tokens, dim, hidden or heads, precision], epsilon, the form of gelu or the factor on q·kᵀ,
// x, gamma, beta, scale|null, keep|null, then weight, bias|null, weight, bias|null of the two layers.
constexpr size_t kFirstOfBranch = 3;
constexpr size_t kFirstOfLayers = 8;

struct Sizes {
  size_t batch, tokens, dim, other, rows;
  Precision precision;
};

Sizes sizes_of(const Arguments& args) {
  if (args.array_length(0) != 5) throw ArgumentError("Expected 5 sizes of a branch, received another number.");
  size_t size[4];
  for (size_t i = 0; i < 4; ++i) {
    const double value = args.number_in(0, i);
    if (!(value >= 1 && value <= 1099511627776.0) || value != static_cast<double>(static_cast<size_t>(value)))
      throw ArgumentError("Expected sizes of a branch from 1 to 2^40, received another.");
    size[i] = static_cast<size_t>(value);
  }
  const double precision = args.number_in(0, 4);
  if (precision != kFp32 && precision != kBf16) throw ArgumentError("Expected precision 0 or 1 of a branch, received another.");
  product(product(product(size[0], size[1]), product(size[2], size[3])), 64);
  return {size[0], size[1], size[2], size[3], size[0] * size[1], static_cast<Precision>(precision)};
}

Branch branch_of(const Arguments& args, const Sizes& s) {
  Branch b;
  b.batch = s.batch;
  b.tokens = s.tokens;
  b.dim = s.dim;
  b.precision = s.precision;
  b.epsilon = static_cast<float>(args.number(1));
  b.x = args.floats(kFirstOfBranch, product(s.rows, s.dim));
  b.gamma = args.floats(kFirstOfBranch + 1, s.dim);
  b.beta = args.floats(kFirstOfBranch + 2, s.dim);
  b.scale = args.floats_or_null(kFirstOfBranch + 3, s.dim);
  b.keep = args.floats_or_null(kFirstOfBranch + 4, s.batch);
  b.packed = nullptr;
  b.ready = false;
  return b;
}

MlpBranch mlp_of(const Arguments& args, const Sizes& s) {
  MlpBranch b;
  b.outer = branch_of(args, s);
  b.hidden = s.other;
  b.form = static_cast<Activation>(args.integer(2, kGeluErf, kGeluQuick));
  b.fc1 = args.floats(kFirstOfLayers, product(s.other, s.dim));
  b.bias1 = args.floats_or_null(kFirstOfLayers + 1, s.other);
  b.fc2 = args.floats(kFirstOfLayers + 2, product(s.other, s.dim));
  b.bias2 = args.floats_or_null(kFirstOfLayers + 3, s.dim);
  return b;
}

AttentionBranch attention_of(const Arguments& args, const Sizes& s) {
  if (s.dim % s.other != 0) throw ArgumentError("Expected a dimension that the heads divide, received another.");
  AttentionBranch b;
  b.outer = branch_of(args, s);
  b.heads = s.other;
  b.factor = static_cast<float>(args.number(2));
  b.qkv = args.floats(kFirstOfLayers, product(3 * s.dim, s.dim));
  b.qkv_bias = args.floats_or_null(kFirstOfLayers + 1, 3 * s.dim);
  b.proj = args.floats(kFirstOfLayers + 2, product(s.dim, s.dim));
  b.proj_bias = args.floats_or_null(kFirstOfLayers + 3, s.dim);
  return b;
}

float* or_null(const Arguments& args, size_t index, const float* belongs_to, size_t n) {
  return belongs_to == nullptr ? nullptr : args.floats(index, n);
}

// A layer's weight and bias with their numbers of elements.
struct Layer {
  size_t weight_size;
  const float* bias;
  size_t bias_size;
};

// dX, dGamma, dBeta, dScale|null, dFirst, dFirstBias|null, dLast, dLastBias|null from argument 14 on.
BranchGrad grad_of(const Arguments& args, const Branch& b, const Layer& first, const Layer& last) {
  return {args.floats(14, b.batch * b.tokens * b.dim),        args.floats(15, b.dim),
          args.floats(16, b.dim),                             or_null(args, 17, b.scale, b.dim),
          args.floats(18, first.weight_size),                 or_null(args, 19, first.bias, first.bias_size),
          args.floats(20, last.weight_size),                  or_null(args, 21, last.bias, last.bias_size)};
}

const float* dy_of(const Arguments& args, const Branch& b) { return args.floats(13, b.batch * b.tokens * b.dim); }

// y, and where the packed weights are, of a forward pass.
float* take_forward(const Arguments& args, Branch* b, size_t packed_size) {
  b->packed = args.floats_or_null(14, packed_size);
  b->ready = args.flag(15);
  return args.floats(13, b->batch * b->tokens * b->dim);
}

napi_value nothing(const Arguments& args) {
  napi_value value = nullptr;
  napi_get_undefined(args.env(), &value);
  return value;
}

}  // namespace

// branchMemory(sizes, ofMlp, ofWeights) -> floats of `packed` or of `saved`.
napi_value branch_memory_entry(const Arguments& args) {
  const Sizes s = sizes_of(args);
  MlpBranch mlp{};
  AttentionBranch attention{};
  mlp.outer.batch = attention.outer.batch = s.batch;
  mlp.outer.tokens = attention.outer.tokens = s.tokens;
  mlp.outer.dim = attention.outer.dim = s.dim;
  mlp.outer.precision = attention.outer.precision = s.precision;
  mlp.hidden = attention.heads = s.other;
  const Kernels& k = kernels();
  const size_t floats = args.flag(2) ? (args.flag(1) ? k.mlp_branch_packed(mlp) : k.attention_branch_packed(attention))
                                     : (args.flag(1) ? k.mlp_branch_saved(mlp) : k.attention_branch_saved(attention));
  napi_value value = nullptr;
  napi_create_double(args.env(), static_cast<double>(floats), &value);
  return value;
}

// mlpBranch(… , saved|null, y, packed|null, ready).
napi_value mlp_branch_entry(const Arguments& args) {
  MlpBranch b = mlp_of(args, sizes_of(args));
  const Kernels& k = kernels();
  float* y = take_forward(args, &b.outer, k.mlp_branch_packed(b));
  k.mlp_branch(b, args.floats_or_null(12, k.mlp_branch_saved(b)), y);
  return nothing(args);
}

// mlpBranchGrad(… , saved, dY, dX, dGamma, dBeta, dScale|null, dFc1, dBias1|null, dFc2, dBias2|null).
napi_value mlp_branch_grad_entry(const Arguments& args) {
  const MlpBranch b = mlp_of(args, sizes_of(args));
  const size_t dim = b.outer.dim, size = b.hidden * dim;
  const BranchGrad grad = grad_of(args, b.outer, {size, b.bias1, b.hidden}, {size, b.bias2, dim});
  kernels().mlp_branch_grad(b, args.floats(12, kernels().mlp_branch_saved(b)), dy_of(args, b.outer), grad);
  return nothing(args);
}

// attentionBranch(… , saved|null, y, packed|null, ready).
napi_value attention_branch_entry(const Arguments& args) {
  AttentionBranch b = attention_of(args, sizes_of(args));
  const Kernels& k = kernels();
  float* y = take_forward(args, &b.outer, k.attention_branch_packed(b));
  k.attention_branch(b, args.floats_or_null(12, k.attention_branch_saved(b)), y);
  return nothing(args);
}

// attentionBranchGrad(… , saved, dY, dX, dGamma, dBeta, dScale|null, dQkv, dQkvBias|null, dProj, dProjBias|null).
napi_value attention_branch_grad_entry(const Arguments& args) {
  const AttentionBranch b = attention_of(args, sizes_of(args));
  const size_t dim = b.outer.dim;
  const BranchGrad grad = grad_of(args, b.outer, {3 * dim * dim, b.qkv_bias, 3 * dim}, {dim * dim, b.proj_bias, dim});
  kernels().attention_branch_grad(b, args.floats(12, kernels().attention_branch_saved(b)), dy_of(args, b.outer), grad);
  return nothing(args);
}

}  // namespace vit
