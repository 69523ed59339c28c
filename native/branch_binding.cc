#include "branch_binding.h"

#include <string>
#include <vector>

#include "entry.h"

namespace vit {
namespace {

// Arguments 0 … 11 of an entry of one branch: sizes [batch, tokens, dim, hidden or heads, precision], epsilon, the form
// of gelu or the factor on q·kᵀ, x, then the arrays below.
constexpr size_t kSizes = 5;
constexpr size_t kX = 3;
constexpr size_t kArrays = 4;
// The arrays of a branch, in order: gamma, beta, scale|null, keep|null, then weight, bias|null, weight, bias|null of
// the two layers; in a chain then packed|null.
enum Array { kGamma, kBeta, kScale, kKeep, kFirst, kFirstBias, kLast, kLastBias, kPackedWeights, kArrayCount };

// Where they are: arguments from `first` on, or in a chain elements of the list that is argument `list`.
struct Arrays {
  const Arguments& args;
  size_t first;
  bool in_list = false;
  size_t list = 0;

  float* floats(Array i, size_t n) const {
    return in_list ? args.floats_in(list, first + i, n, false) : args.floats(first + i, n);
  }
  float* or_null(Array i, size_t n) const {
    return in_list ? args.floats_in(list, first + i, n, true) : args.floats_or_null(first + i, n);
  }
};

struct Sizes {
  size_t batch, tokens, dim, other, rows;
  Precision precision;
};

int choice_of(double value, int most, const char* what) {
  if (!(value >= 0 && value <= most) || value != static_cast<double>(static_cast<int>(value)))
    throw ArgumentError(std::string("Expected ") + what + " from 0 to " + std::to_string(most) +
                        " of a branch, received another.");
  return static_cast<int>(value);
}

// From element `first` on of the list that is argument 0.
Sizes sizes_at(const Arguments& args, size_t first) {
  size_t size[4];
  for (size_t i = 0; i < 4; ++i) {
    const double value = args.number_in(0, first + i);
    if (!(value >= 1 && value <= 1099511627776.0) || value != static_cast<double>(static_cast<size_t>(value)))
      throw ArgumentError("Expected sizes of a branch from 1 to 2^40, received another.");
    size[i] = static_cast<size_t>(value);
  }
  const int precision = choice_of(args.number_in(0, first + 4), kBf16, "a precision");
  product(product(product(size[0], size[1]), product(size[2], size[3])), 64);
  return {size[0], size[1], size[2], size[3], size[0] * size[1], static_cast<Precision>(precision)};
}
Sizes sizes_of(const Arguments& args) {
  if (args.array_length(0) != kSizes) throw ArgumentError("Expected 5 sizes of a branch, received another number.");
  return sizes_at(args, 0);
}

Branch branch_of(const Arrays& arrays, const Sizes& s, double epsilon, const float* x) {
  Branch b;
  b.batch = s.batch;
  b.tokens = s.tokens;
  b.dim = s.dim;
  b.precision = s.precision;
  b.epsilon = static_cast<float>(epsilon);
  b.x = x;
  b.gamma = arrays.floats(kGamma, s.dim);
  b.beta = arrays.floats(kBeta, s.dim);
  b.scale = arrays.or_null(kScale, s.dim);
  b.keep = arrays.or_null(kKeep, s.batch);
  b.packed = nullptr;
  b.ready = false;
  return b;
}

MlpBranch mlp_of(const Arrays& arrays, const Sizes& s, double epsilon, double form, const float* x) {
  MlpBranch b;
  b.outer = branch_of(arrays, s, epsilon, x);
  b.hidden = s.other;
  b.form = static_cast<Activation>(choice_of(form, kGeluQuick, "a gelu"));
  b.fc1 = arrays.floats(kFirst, product(s.other, s.dim));
  b.bias1 = arrays.or_null(kFirstBias, s.other);
  b.fc2 = arrays.floats(kLast, product(s.other, s.dim));
  b.bias2 = arrays.or_null(kLastBias, s.dim);
  return b;
}
MlpBranch mlp_of(const Arguments& args, const Sizes& s) {
  return mlp_of(Arrays{args, kArrays}, s, args.number(1), args.number(2), args.floats(kX, product(s.rows, s.dim)));
}

AttentionBranch attention_of(const Arrays& arrays, const Sizes& s, double epsilon, double factor, const float* x) {
  if (s.dim % s.other != 0) throw ArgumentError("Expected a dimension that the heads divide, received another.");
  AttentionBranch b;
  b.outer = branch_of(arrays, s, epsilon, x);
  b.heads = s.other;
  b.factor = static_cast<float>(factor);
  b.qkv = arrays.floats(kFirst, product(3 * s.dim, s.dim));
  b.qkv_bias = arrays.or_null(kFirstBias, 3 * s.dim);
  b.proj = arrays.floats(kLast, product(s.dim, s.dim));
  b.proj_bias = arrays.or_null(kLastBias, s.dim);
  return b;
}
AttentionBranch attention_of(const Arguments& args, const Sizes& s) {
  return attention_of(Arrays{args, kArrays}, s, args.number(1), args.number(2),
                      args.floats(kX, product(s.rows, s.dim)));
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
  return {args.floats(14, b.batch * b.tokens * b.dim),
          args.floats(15, b.dim),
          args.floats(16, b.dim),
          or_null(args, 17, b.scale, b.dim),
          args.floats(18, first.weight_size),
          or_null(args, 19, first.bias, first.bias_size),
          args.floats(20, last.weight_size),
          or_null(args, 21, last.bias, last.bias_size)};
}

const float* dy_of(const Arguments& args, const Branch& b) { return args.floats(13, b.batch * b.tokens * b.dim); }

// y, and where the packed weights are, of a forward pass.
float* take_forward(const Arguments& args, Branch* b, size_t packed_size) {
  b->packed = args.floats_or_null(14, packed_size);
  b->ready = args.flag(15);
  return args.floats(13, b->batch * b->tokens * b->dim);
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

// branchChain(sizes, reals, arrays, x, y): for each branch seven whole numbers [the sizes of one branch, whether it is
// an MLP's, whether packed is ready], two reals [epsilon, form or factor], nine arrays. Each reads the result of the
// one before, the first x.
napi_value branch_chain_entry(const Arguments& args) {
  struct Link {
    bool of_mlp;
    MlpBranch mlp;
    AttentionBranch attention;
  };
  constexpr size_t whole = kSizes + 2, real = 2;
  const size_t count = args.array_length(0) / whole;
  if (count == 0 || args.array_length(0) != count * whole || args.array_length(1) != count * real ||
      args.array_length(2) != count * kArrayCount)
    throw ArgumentError(
        "Expected 7 whole numbers, 2 reals and 9 arrays for each of at least one branch, received another number.");
  const Kernels& k = kernels();
  const Sizes first = sizes_at(args, 0);
  const size_t size = product(first.rows, first.dim);
  const float* x = args.floats(3, size);
  float* y = args.floats(4, size);
  std::vector<Link> links(count);
  for (size_t i = 0; i < count; ++i) {
    const Sizes s = sizes_at(args, i * whole);
    if (s.batch != first.batch || s.tokens != first.tokens || s.dim != first.dim)
      throw ArgumentError("Expected branches of one batch, number of tokens and dimension, received another.");
    const double epsilon = args.number_in(1, i * real), form = args.number_in(1, i * real + 1);
    const Arrays arrays{args, i * kArrayCount, true, 2};
    Link& link = links[i];
    link.of_mlp = choice_of(args.number_in(0, i * whole + kSizes), 1, "a kind") == 1;
    if (link.of_mlp) link.mlp = mlp_of(arrays, s, epsilon, form, i == 0 ? x : y);
    else link.attention = attention_of(arrays, s, epsilon, form, i == 0 ? x : y);
    Branch& outer = link.of_mlp ? link.mlp.outer : link.attention.outer;
    outer.packed = arrays.or_null(
        kPackedWeights, link.of_mlp ? k.mlp_branch_packed(link.mlp) : k.attention_branch_packed(link.attention));
    outer.ready = choice_of(args.number_in(0, i * whole + kSizes + 1), 1, "a flag") == 1;
  }
  for (const Link& link : links) {
    if (link.of_mlp) k.mlp_branch(link.mlp, nullptr, y);
    else k.attention_branch(link.attention, nullptr, y);
  }
  return nothing(args);
}

}  // namespace vit
