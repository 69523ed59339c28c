// What JavaScript can call; lib/backends/native/binding.ts is its TypeScript twin. Every entry checks its arguments and
// turns a C++ exception into a JavaScript one. Calls of several JavaScript threads run one after the other. That an
// output overlaps an input is not looked for: no kernel then leaves its arrays, but what it writes is not said.

#include <memory>

#include "branch_binding.h"
#include "entry.h"
#include "parallel.h"

namespace vit {
namespace {

// isa() -> the name of the instruction set in use.
napi_value isa(const Arguments& args) {
  napi_value value = nullptr;
  napi_create_string_utf8(args.env(), kernels().isa, NAPI_AUTO_LENGTH, &value);
  return value;
}

// isas() -> the names of all that this processor runs, the best last.
napi_value isas(const Arguments& args) {
  napi_value list = nullptr;
  napi_create_array(args.env(), &list);
  uint32_t count = 0;
  for (const Kernels* const* table = all_kernels(); *table != nullptr; ++table) {
    napi_value name = nullptr;
    napi_create_string_utf8(args.env(), (*table)->isa, NAPI_AUTO_LENGTH, &name);
    napi_set_element(args.env(), list, count++, name);
  }
  return list;
}

// setIsa(name) -> whether it is in use now.
napi_value set_isa(const Arguments& args) {
  napi_value value = nullptr;
  napi_get_boolean(args.env(), choose_kernels(args.text(0).c_str()), &value);
  return value;
}

// setThreads(count), threads() -> count.
napi_value set_threads_entry(const Arguments& args) {
  set_threads(static_cast<size_t>(args.integer(0, 1, 256)));
  return nothing(args);
}
napi_value threads_entry(const Arguments& args) {
  napi_value value = nullptr;
  napi_create_uint32(args.env(), static_cast<uint32_t>(threads()), &value);
  return value;
}

// misalignment(buffer as Uint8Array) -> elements of 1 byte to skip to reach a 64-byte boundary.
napi_value misalignment(const Arguments& args) {
  size_t length;
  Kind kind;
  const uintptr_t address = reinterpret_cast<uintptr_t>(args.any(0, &length, &kind));
  napi_value value = nullptr;
  napi_create_uint32(args.env(), static_cast<uint32_t>((64 - address % 64) % 64), &value);
  return value;
}

// gemm(a, b, c, batch, m, n, k, aBatch, bBatch, transposeA, transposeB, bias|null, activation,
// precision); aBatch, bBatch: whether a, b have one matrix for each of the batch, or one for all.
napi_value gemm(const Arguments& args) {
  Gemm g;
  g.batch = args.size(3);
  g.m = args.size(4);
  g.n = args.size(5);
  g.k = args.size(6);
  const bool a_many = args.flag(7), b_many = args.flag(8);
  const size_t a_size = product(g.m, g.k), b_size = product(g.k, g.n), c_size = product(g.m, g.n);
  g.a = args.floats(0, product(a_size, a_many ? g.batch : 1));
  g.b = args.floats(1, product(b_size, b_many ? g.batch : 1));
  g.c = args.floats(2, product(c_size, g.batch));
  g.a_batch = a_many ? a_size : 0;
  g.b_batch = b_many ? b_size : 0;
  g.c_batch = c_size;
  const bool turn_a = args.flag(9), turn_b = args.flag(10);
  g.a_row = turn_a ? 1 : g.k;
  g.a_col = turn_a ? g.m : 1;
  g.b_row = turn_b ? 1 : g.n;
  g.b_col = turn_b ? g.k : 1;
  g.ldc = g.n;
  g.bias = args.floats_or_null(11, g.n);
  g.activation = static_cast<Activation>(args.integer(12, kNone, kGeluQuick));
  g.precision = static_cast<Precision>(args.integer(13, kFp32, kBf16));
  kernels().gemm(g);
  return nothing(args);
}

// copy(walk, source, sourceOffset, target, targetOffset): elements of the same kind on both sides.
napi_value copy(const Arguments& args) {
  const Walk walk = walk_of(args, 0);
  size_t from_length, to_length;
  Kind from_kind, to_kind;
  const char* from = static_cast<const char*>(args.any(1, &from_length, &from_kind));
  char* to = static_cast<char*>(args.any(3, &to_length, &to_kind));
  const size_t width = bytes_of(from_kind);
  const size_t from_offset = args.size(2), to_offset = args.size(4);
  if (width != bytes_of(to_kind)) throw ArgumentError("Expected arrays of one element size, received two.");
  const size_t total = walk_size(walk);
  if (total == 0) return nothing(args);
  if (total > to_length) throw ArgumentError("Expected a walk that writes each element once, received a longer one.");
  check_range(walk, walk.stride_a, from_offset, from_length, "the source");
  check_range(walk, walk.stride_b, to_offset, to_length, "the target");
  kernels().copy(width, walk, from + from_offset * width, to + to_offset * width);
  return nothing(args);
}

// reduce(op, outer, n, inner, x, out), n > 0.
napi_value reduce(const Arguments& args) {
  const size_t outer = args.size(1), n = args.size(2), inner = args.size(3);
  const float* x = args.floats(4, product(product(outer, n), inner));
  float* out = args.floats(5, product(outer, inner));
  if (n == 0) throw ArgumentError("Expected at least one element to reduce, received none.");
  kernels().reduce(static_cast<Reduce>(args.integer(0, 0, kReduceCount - 1)), outer, n, inner, x, out);
  return nothing(args);
}

// softmax(rows, cols, x, logarithm, out).
napi_value softmax(const Arguments& args) {
  const size_t rows = args.size(0), cols = args.size(1), n = product(rows, cols);
  kernels().softmax(rows, cols, args.floats(2, n), args.flag(3), args.floats(4, n));
  return nothing(args);
}

// layerNorm(rows, cols, x, gamma, beta, epsilon, y, mean, rstd).
napi_value layer_norm(const Arguments& args) {
  const size_t rows = args.size(0), cols = args.size(1), n = product(rows, cols);
  kernels().layer_norm(rows, cols, args.floats(2, n), args.floats(3, cols), args.floats(4, cols),
                       static_cast<float>(args.number(5)), args.floats(6, n), args.floats(7, rows),
                       args.floats(8, rows));
  return nothing(args);
}

// layerNormGrad(rows, cols, dOut, x, gamma, mean, rstd, dX, dGamma, dBeta).
napi_value layer_norm_grad(const Arguments& args) {
  const size_t rows = args.size(0), cols = args.size(1), n = product(rows, cols);
  kernels().layer_norm_grad(rows, cols, args.floats(2, n), args.floats(3, n), args.floats(4, cols),
                            args.floats(5, rows), args.floats(6, rows), args.floats(7, n), args.floats(8, cols),
                            args.floats(9, cols));
  return nothing(args);
}

// crossEntropy(binary, rows, cols, logits, targets, loss, dLogits).
napi_value cross_entropy(const Arguments& args) {
  const size_t rows = args.size(1), cols = args.size(2), n = product(rows, cols);
  const auto kernel = args.flag(0) ? kernels().binary_cross_entropy : kernels().softmax_cross_entropy;
  kernel(rows, cols, args.floats(3, n), args.floats(4, n), args.floats(5, rows), args.floats(6, n));
  return nothing(args);
}

// B, h, N, M, D, scale at `first`; the sizes of q and of k for heads apart (packed = false) or in one qkv row.
Attention attention_shape(const Arguments& args, size_t first, bool packed, size_t* q_size, size_t* kv_size) {
  Attention a;
  a.batch = args.size(first);
  a.heads = args.size(first + 1);
  a.queries = args.size(first + 2);
  a.keys = args.size(first + 3);
  a.dim = args.size(first + 4);
  a.scale = static_cast<float>(args.number(first + 5));
  if (a.dim == 0 || a.keys == 0) throw ArgumentError("Expected at least one key and a head dimension, received 0.");
  const size_t width = product(a.heads, a.dim);
  *q_size = product(product(a.batch, a.queries), width);
  *kv_size = product(product(a.batch, a.keys), width);
  if (packed) {
    if (a.queries != a.keys) throw ArgumentError("Expected as many queries as keys, received others.");
    product(*q_size, 3);
    a.q_side = a.kv_side = {3 * width, a.dim, 3 * width * a.queries};
    a.out_side = {width, a.dim, width * a.queries};
  } else {
    a.q_side = a.out_side = {a.dim, a.dim * a.queries, width * a.queries};
    a.kv_side = {a.dim, a.dim * a.keys, width * a.keys};
  }
  return a;
}

// attention(q, k, v, B, h, N, M, D, scale, out, logSumExp).
napi_value attention(const Arguments& args) {
  size_t q_size, kv_size;
  Attention a = attention_shape(args, 3, false, &q_size, &kv_size);
  a.q = args.floats(0, q_size);
  a.k = args.floats(1, kv_size);
  a.v = args.floats(2, kv_size);
  kernels().attention(a, args.floats(9, q_size), args.floats(10, a.batch * a.heads * a.queries));
  return nothing(args);
}

// attentionGrad(q, k, v, B, h, N, M, D, scale, dOut, out, logSumExp, dQ, dK, dV).
napi_value attention_grad(const Arguments& args) {
  size_t q_size, kv_size;
  Attention a = attention_shape(args, 3, false, &q_size, &kv_size);
  a.q = args.floats(0, q_size);
  a.k = args.floats(1, kv_size);
  a.v = args.floats(2, kv_size);
  kernels().attention_grad(a, args.floats(9, q_size), args.floats(10, q_size),
                           args.floats(11, a.batch * a.heads * a.queries), args.floats(12, q_size),
                           args.floats(13, kv_size), args.floats(14, kv_size));
  return nothing(args);
}

// qkvAttention(qkv, B, h, N, N, D, scale, out, logSumExp).
napi_value qkv_attention(const Arguments& args) {
  size_t size, same;
  Attention a = attention_shape(args, 1, true, &size, &same);
  const size_t width = a.heads * a.dim;
  a.q = args.floats(0, 3 * size);
  a.k = a.q + width;
  a.v = a.q + 2 * width;
  kernels().attention(a, args.floats(7, size), args.floats(8, a.batch * a.heads * a.queries));
  return nothing(args);
}

// qkvAttentionGrad(qkv, B, h, N, N, D, scale, dOut, out, logSumExp, dQkv).
napi_value qkv_attention_grad(const Arguments& args) {
  size_t size, same;
  Attention a = attention_shape(args, 1, true, &size, &same);
  const size_t width = a.heads * a.dim;
  a.q = args.floats(0, 3 * size);
  a.k = a.q + width;
  a.v = a.q + 2 * width;
  float* dqkv = args.floats(10, 3 * size);
  kernels().attention_grad(a, args.floats(7, size), args.floats(8, size), args.floats(9, a.batch * a.heads * a.queries),
                           dqkv, dqkv + width, dqkv + 2 * width);
  return nothing(args);
}

constexpr size_t kPart = 16384;

struct Part {
  size_t tensor, begin, count;
};

// n tensors of the lists at `index` of the arguments, cut into parts of 16,384 elements; lengths must agree across the
// lists.
struct Lists {
  size_t n;
  std::unique_ptr<float*[]> data;
  std::unique_ptr<size_t[]> length;
  std::unique_ptr<Part[]> parts;
  size_t part_count = 0;
  size_t lists;

  Lists(const Arguments& args, size_t first, size_t count) : n(args.array_length(first)), lists(count) {
    data.reset(new float*[n * count]);
    length.reset(new size_t[n]);
    for (size_t list = 0; list < count; ++list) {
      if (args.array_length(first + list) != n) throw ArgumentError("Expected lists of one length, received several.");
      for (size_t i = 0; i < n; ++i) {
        size_t size;
        data[list * n + i] = args.floats_in(first + list, i, &size);
        if (list == 0) length[i] = size;
        else if (size != length[i])
          throw ArgumentError("Expected tensors of one size across the lists, received several.");
      }
    }
    for (size_t i = 0; i < n; ++i) part_count += (length[i] + kPart - 1) / kPart;
    parts.reset(new Part[part_count]);
    size_t at = 0;
    for (size_t i = 0; i < n; ++i)
      for (size_t begin = 0; begin < length[i]; begin += kPart)
        parts[at++] = {i, begin, length[i] - begin < kPart ? length[i] - begin : kPart};
  }
  float* at(size_t list, const Part& part) const { return data[list * n + part.tensor] + part.begin; }
};

// The arguments of an update from `first` on: keep[], rate[], beta1, beta2, epsilon, inverseRootCorrection2, with
// keep = 1 - lr·wd and rate = lr / (1 - beta1^step).
struct Update {
  std::unique_ptr<float[]> keep, rate;
  AdamW c;

  Update(const Arguments& args, size_t first, size_t n) : keep(new float[n]), rate(new float[n]) {
    if (args.array_length(first) != n || args.array_length(first + 1) != n)
      throw ArgumentError("Expected one rate a tensor, received another number.");
    for (size_t i = 0; i < n; ++i) {
      keep[i] = static_cast<float>(args.number_in(first, i));
      rate[i] = static_cast<float>(args.number_in(first + 1, i));
    }
    const double beta1 = args.number(first + 2), beta2 = args.number(first + 3);
    c = {static_cast<float>(beta1),
         static_cast<float>(beta2),
         static_cast<float>(1.0 - beta1),
         static_cast<float>(1.0 - beta2),
         static_cast<float>(args.number(first + 4)),
         static_cast<float>(args.number(first + 5))};
  }
};

napi_value number_of(const Arguments& args, double number) {
  napi_value value = nullptr;
  napi_create_double(args.env(), number, &value);
  return value;
}

// adamw(p[], g[], m[], v[], pOut[], mOut[], vOut[], … the update).
napi_value adamw(const Arguments& args) {
  const Lists lists(args, 0, 7);
  const Update u(args, 7, lists.n);
  const auto kernel = kernels().adamw;
  parallel(lists.part_count, [&](size_t task, size_t) {
    const Part& part = lists.parts[task];
    kernel(u.c, part.count, u.keep[part.tensor], u.rate[part.tensor], lists.at(0, part), lists.at(1, part),
           lists.at(2, part), lists.at(3, part), lists.at(4, part), lists.at(5, part), lists.at(6, part));
  });
  return nothing(args);
}

// adamwSquares(p[], g[], m[], v[], … the update) -> Σ p'² + m'² + v'².
napi_value adamw_squares(const Arguments& args) {
  const Lists lists(args, 0, 4);
  const Update u(args, 4, lists.n);
  std::unique_ptr<double[]> partial(new double[lists.part_count + 1]);
  const auto kernel = kernels().adamw_squares;
  parallel(lists.part_count, [&](size_t task, size_t) {
    const Part& part = lists.parts[task];
    partial[task] = kernel(u.c, part.count, u.keep[part.tensor], u.rate[part.tensor], lists.at(0, part),
                           lists.at(1, part), lists.at(2, part), lists.at(3, part));
  });
  double total = 0;
  for (size_t i = 0; i < lists.part_count; ++i) total += partial[i];
  return number_of(args, total);
}

// ema(averages[], values[], out[], decay).
napi_value ema(const Arguments& args) {
  const Lists lists(args, 0, 3);
  const double decay = args.number(3);
  const float keep = static_cast<float>(decay), rest = static_cast<float>(1.0 - decay);
  const auto kernel = kernels().ema;
  parallel(lists.part_count, [&](size_t task, size_t) {
    const Part& part = lists.parts[task];
    kernel(part.count, keep, rest, lists.at(0, part), lists.at(1, part), lists.at(2, part));
  });
  return nothing(args);
}

// sumOfSquares(tensors[]) -> number.
napi_value sum_of_squares(const Arguments& args) {
  const Lists lists(args, 0, 1);
  std::unique_ptr<double[]> partial(new double[lists.part_count + 1]);
  const auto kernel = kernels().sum_of_squares;
  parallel(lists.part_count, [&](size_t task, size_t) {
    partial[task] = kernel(lists.parts[task].count, lists.at(0, lists.parts[task]));
  });
  double total = 0;
  for (size_t i = 0; i < lists.part_count; ++i) total += partial[i];
  return number_of(args, total);
}

const Export kExports[] = {
    {"isa", entry<0, isa>},
    {"isas", entry<0, isas>},
    {"setIsa", entry<1, set_isa>},
    {"setThreads", entry<1, set_threads_entry>},
    {"threads", entry<0, threads_entry>},
    {"misalignment", entry<1, misalignment>},
    {"gemm", entry<14, gemm>},
    {"copy", entry<5, copy>},
    {"reduce", entry<6, reduce>},
    {"softmax", entry<5, softmax>},
    {"layerNorm", entry<9, layer_norm>},
    {"layerNormGrad", entry<10, layer_norm_grad>},
    {"crossEntropy", entry<7, cross_entropy>},
    {"attention", entry<11, attention>},
    {"attentionGrad", entry<15, attention_grad>},
    {"qkvAttention", entry<9, qkv_attention>},
    {"qkvAttentionGrad", entry<11, qkv_attention_grad>},
    {"branchMemory", entry<3, branch_memory_entry>},
    {"mlpBranch", entry<16, mlp_branch_entry>},
    {"mlpBranchGrad", entry<22, mlp_branch_grad_entry>},
    {"attentionBranch", entry<16, attention_branch_entry>},
    {"attentionBranchGrad", entry<22, attention_branch_grad_entry>},
    {"branchChain", entry<5, branch_chain_entry>},
    {"adamw", entry<13, adamw>},
    {"adamwSquares", entry<10, adamw_squares>},
    {"ema", entry<4, ema>},
    {"sumOfSquares", entry<1, sum_of_squares>},
};

bool add(napi_env env, napi_value exports, const Exports& list) {
  for (size_t i = 0; i < list.count; ++i) {
    const Export& item = list.items[i];
    napi_value function;
    if (napi_create_function(env, item.name, NAPI_AUTO_LENGTH, item.callback, nullptr, &function) != napi_ok ||
        napi_set_named_property(env, exports, item.name, function) != napi_ok)
      return false;
  }
  return true;
}

}  // namespace

}  // namespace vit

NAPI_MODULE_INIT() {
  const vit::Exports own = {vit::kExports, sizeof vit::kExports / sizeof *vit::kExports};
  const vit::Exports* const all[] = {
      &own,
      &vit::elementwise_exports,
      &vit::spatial_exports,
      &vit::axis_exports,
      &vit::indexing_exports,
      &vit::counting_exports,
  };
  for (const vit::Exports* list : all)
    if (!vit::add(env, exports, *list)) return nullptr;
  return exports;
}
