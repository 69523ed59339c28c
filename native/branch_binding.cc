// Entries of the residual branches.

#include <vector>

#include "descriptors.h"
#include "entry.h"

namespace vit {
namespace {

// The tensors of a branch, in the order of the list that JavaScript passes: gamma, beta, scale|null, keep|null, then
// weight, bias|null, weight, bias|null of the two layers; in a chain then packed|null.
enum Tensor { kGamma, kBeta, kScale, kKeep, kFirst, kFirstBias, kLast, kLastBias, kTensorCount };
constexpr size_t kPackedWeights = kTensorCount;
constexpr size_t kChainTensorCount = kTensorCount + 1;
// The gradients of the tensors and, null where the tensor is; keep has none.
enum Gradient { kDGamma, kDBeta, kDScale, kDFirst, kDFirstBias, kDLast, kDLastBias, kGradientCount };

// The elements of the list that is argument `list`, from element `first` on.
struct Tensors {
  const Arguments& args;
  size_t list, first;

  float* floats(size_t i, size_t n) const { return args.floats_in(list, first + i, n, false); }
  float* or_null(size_t i, size_t n) const { return args.floats_in(list, first + i, n, true); }
  // The gradient of a tensor that may be null.
  float* gradient(size_t i, const float* tensor, size_t n) const { return tensor == nullptr ? nullptr : floats(i, n); }
};

Tensors tensors_of(const Arguments& args, size_t index, size_t count) {
  if (args.array_length(index) != count)
    throw ArgumentError("Expected " + std::to_string(count) + " tensors of a branch, received another number.");
  return {args, index, 0};
}

// The sizes of both kinds of branches; `inner` is hidden or heads.
template <typename Call>
void check_sizes(const Call& c, size_t inner) {
  if (c.batch == 0 || c.tokens == 0 || c.dim == 0 || inner == 0)
    throw ArgumentError("Expected sizes of a branch from 1 to 2^40, received 0.");
  size_product(size_product(size_product(c.batch, c.tokens), size_product(c.dim, inner)), 64);
}

size_t elements(const Branch& b) { return b.batch * b.tokens * b.dim; }

template <typename Call>
Branch sizes_of(const Call& c) {
  Branch b{};
  b.batch = c.batch;
  b.tokens = c.tokens;
  b.dim = c.dim;
  b.precision = c.precision;
  b.epsilon = static_cast<float>(c.epsilon);
  b.ready = c.packed_ready;
  return b;
}
MlpBranch branch_of(const MlpBranchCall& c) {
  check_sizes(c, c.hidden);
  MlpBranch b{};
  b.outer = sizes_of(c);
  b.hidden = c.hidden;
  if (c.activation == kNone) throw ArgumentError("Expected a form of gelu for activation, received none.");
  b.form = c.activation;
  return b;
}
AttentionBranch branch_of(const AttentionBranchCall& c) {
  check_sizes(c, c.heads);
  if (c.dim % c.heads != 0) throw ArgumentError("Expected a dimension that the heads divide, received another.");
  AttentionBranch b{};
  b.outer = sizes_of(c);
  b.heads = c.heads;
  b.factor = static_cast<float>(c.scale);
  return b;
}

void take_outer(const Tensors& t, const float* x, Branch* b) {
  b->x = x;
  b->gamma = t.floats(kGamma, b->dim);
  b->beta = t.floats(kBeta, b->dim);
  b->scale = t.or_null(kScale, b->dim);
  b->keep = t.or_null(kKeep, b->batch);
}
void take(const Tensors& t, const float* x, MlpBranch* b) {
  const size_t dim = b->outer.dim;
  take_outer(t, x, &b->outer);
  b->fc1 = t.floats(kFirst, size_product(b->hidden, dim));
  b->bias1 = t.or_null(kFirstBias, b->hidden);
  b->fc2 = t.floats(kLast, size_product(b->hidden, dim));
  b->bias2 = t.or_null(kLastBias, dim);
}
void take(const Tensors& t, const float* x, AttentionBranch* b) {
  const size_t dim = b->outer.dim;
  take_outer(t, x, &b->outer);
  b->qkv = t.floats(kFirst, size_product(3 * dim, dim));
  b->qkv_bias = t.or_null(kFirstBias, 3 * dim);
  b->proj = t.floats(kLast, size_product(dim, dim));
  b->proj_bias = t.or_null(kLastBias, dim);
}

// A layer's weight and bias with their numbers of elements.
struct Layer {
  size_t weight_size;
  const float* bias;
  size_t bias_size;
};
Layer first_layer(const MlpBranch& b) { return {b.hidden * b.outer.dim, b.bias1, b.hidden}; }
Layer last_layer(const MlpBranch& b) { return {b.hidden * b.outer.dim, b.bias2, b.outer.dim}; }
Layer first_layer(const AttentionBranch& b) { return {3 * b.outer.dim * b.outer.dim, b.qkv_bias, 3 * b.outer.dim}; }
Layer last_layer(const AttentionBranch& b) { return {b.outer.dim * b.outer.dim, b.proj_bias, b.outer.dim}; }

size_t saved_size(const MlpBranch& b) { return kernels().mlp_branch_saved(b); }
size_t saved_size(const AttentionBranch& b) { return kernels().attention_branch_saved(b); }
size_t packed_size(const MlpBranch& b) { return kernels().mlp_branch_packed(b); }
size_t packed_size(const AttentionBranch& b) { return kernels().attention_branch_packed(b); }
void run(const MlpBranch& b, float* saved, float* y) { kernels().mlp_branch(b, saved, y); }
void run(const AttentionBranch& b, float* saved, float* y) { kernels().attention_branch(b, saved, y); }
void run_grad(const MlpBranch& b, const float* saved, const float* dy, const BranchGrad& grad) {
  kernels().mlp_branch_grad(b, saved, dy, grad);
}
void run_grad(const AttentionBranch& b, const float* saved, const float* dy, const BranchGrad& grad) {
  kernels().attention_branch_grad(b, saved, dy, grad);
}

// mlpBranch, attentionBranch(descriptor, x, tensors, packed|null, saved|null, y).
template <typename Call>
napi_value forward(const Arguments& args) {
  auto b = branch_of(Call(args, 0));
  const size_t n = elements(b.outer);
  take(tensors_of(args, 2, kTensorCount), args.floats(1, n), &b);
  b.outer.packed = args.floats_or_null(3, packed_size(b));
  float* saved = args.floats_or_null(4, saved_size(b));
  run(b, saved, args.floats(5, n));
  return nothing(args);
}

// mlpBranchGrad, attentionBranchGrad(descriptor, x, tensors, saved, dY, dX, gradients).
template <typename Call>
napi_value backward(const Arguments& args) {
  auto b = branch_of(Call(args, 0));
  const size_t n = elements(b.outer), dim = b.outer.dim;
  take(tensors_of(args, 2, kTensorCount), args.floats(1, n), &b);
  const Tensors grads = tensors_of(args, 6, kGradientCount);
  const Layer first = first_layer(b), last = last_layer(b);
  const BranchGrad grad = {args.floats(5, n),
                           grads.floats(kDGamma, dim),
                           grads.floats(kDBeta, dim),
                           grads.gradient(kDScale, b.outer.scale, dim),
                           grads.floats(kDFirst, first.weight_size),
                           grads.gradient(kDFirstBias, first.bias, first.bias_size),
                           grads.floats(kDLast, last.weight_size),
                           grads.gradient(kDLastBias, last.bias, last.bias_size)};
  run_grad(b, args.floats(3, saved_size(b)), args.floats(4, n), grad);
  return nothing(args);
}

// branchMemory(descriptor, ofMlp, ofWeights) -> floats of `packed` or of `saved`.
template <typename B>
size_t memory_of(const B& b, bool of_weights) {
  return of_weights ? packed_size(b) : saved_size(b);
}
napi_value branch_memory(const Arguments& args) {
  const bool of_mlp = args.flag(1), of_weights = args.flag(2);
  const size_t floats = of_mlp ? memory_of(branch_of(MlpBranchCall(args, 0)), of_weights)
                               : memory_of(branch_of(AttentionBranchCall(args, 0)), of_weights);
  napi_value value = nullptr;
  napi_create_double(args.env(), static_cast<double>(floats), &value);
  return value;
}

// branchChain(descriptors, tensors, x, y): for each branch 1 for an MLP, else 0, and its descriptor, and its nine
// tensors. Each branch reads the result of the one before, the first x.
constexpr size_t kLinkFields = 1 + MlpBranchCall::kFields;
static_assert(MlpBranchCall::kFields == AttentionBranchCall::kFields, "a chain has descriptors of one length");
struct Link {
  bool of_mlp;
  MlpBranch mlp;
  AttentionBranch attention;
};

template <typename B>
void take_link(const Arguments& args, size_t i, const float* x, const Branch& first, B* b) {
  const Branch& outer = b->outer;
  if (outer.batch != first.batch || outer.tokens != first.tokens || outer.dim != first.dim)
    throw ArgumentError("Expected branches of one batch, number of tokens and dimension, received another.");
  const Tensors tensors = {args, 1, i * kChainTensorCount};
  take(tensors, x, b);
  b->outer.packed = tensors.or_null(kPackedWeights, packed_size(*b));
}

napi_value branch_chain(const Arguments& args) {
  size_t all;
  args.any_doubles(0, &all);
  const size_t count = all / kLinkFields;
  if (count == 0 || all != count * kLinkFields || args.array_length(1) != count * kChainTensorCount)
    throw ArgumentError("Expected 9 numbers and 9 tensors for each of at least one branch, received another number.");
  std::vector<Link> links(count);
  for (size_t i = 0; i < count; ++i) {
    Fields fields(args, 0, all, i * kLinkFields);
    links[i].of_mlp = fields.read<bool>("of_mlp");
    if (links[i].of_mlp) links[i].mlp = branch_of(MlpBranchCall(fields));
    else links[i].attention = branch_of(AttentionBranchCall(fields));
  }
  const Branch first = links[0].of_mlp ? links[0].mlp.outer : links[0].attention.outer;
  const float* x = args.floats(2, elements(first));
  float* y = args.floats(3, elements(first));
  for (size_t i = 0; i < count; ++i) {
    if (links[i].of_mlp) take_link(args, i, i == 0 ? x : y, first, &links[i].mlp);
    else take_link(args, i, i == 0 ? x : y, first, &links[i].attention);
  }
  for (const Link& link : links) {
    if (link.of_mlp) run(link.mlp, nullptr, y);
    else run(link.attention, nullptr, y);
  }
  return nothing(args);
}

const Export kExports[] = {
    {"branchMemory", entry<3, branch_memory>},
    {"mlpBranch", entry<6, forward<MlpBranchCall>>},
    {"mlpBranchGrad", entry<7, backward<MlpBranchCall>>},
    {"attentionBranch", entry<6, forward<AttentionBranchCall>>},
    {"attentionBranchGrad", entry<7, backward<AttentionBranchCall>>},
    {"branchChain", entry<4, branch_chain>},
};

}  // namespace

const Exports branch_exports = {kExports, sizeof kExports / sizeof *kExports};

}  // namespace vit
