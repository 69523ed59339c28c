// The entries that JavaScript calls; lib/backends/native/binding.ts is their TypeScript twin. Every entry checks its
// arguments and turns a C++ exception into a JavaScript one. Calls of several JavaScript threads run one after the
// other, but for those of free entries (entry.h). That an output overlaps an input is not looked for: no kernel then
// leaves its arrays, but what it writes is not said.

#include <algorithm>
#include <memory>

#include "descriptors.h"
#include "entry.h"
#include "parallel.h"
#include "sizes.h"

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

// interfaceNumber() -> that of descriptors.h.
napi_value interface_number(const Arguments& args) {
  napi_value value = nullptr;
  napi_create_uint32(args.env(), kInterface, &value);
  return value;
}

// gemm(descriptor, a, b, c, bias|null).
napi_value gemm(const Arguments& args) {
  const GemmCall call(args, 0);
  Gemm g;
  g.batch = call.batch;
  g.m = call.m;
  g.n = call.n;
  g.k = call.k;
  const size_t a_size = size_product(g.m, g.k), b_size = size_product(g.k, g.n), c_size = size_product(g.m, g.n);
  g.a = args.floats(1, size_product(a_size, call.a_batched ? g.batch : 1));
  g.b = args.floats(2, size_product(b_size, call.b_batched ? g.batch : 1));
  g.c = args.floats(3, size_product(c_size, g.batch));
  g.bias = args.floats_or_null(4, g.n);
  g.a_batch = call.a_batched ? a_size : 0;
  g.b_batch = call.b_batched ? b_size : 0;
  g.c_batch = c_size;
  g.a_row = call.transpose_a ? 1 : g.k;
  g.a_col = call.transpose_a ? g.m : 1;
  g.b_row = call.transpose_b ? 1 : g.n;
  g.b_col = call.transpose_b ? g.k : 1;
  g.ldc = g.n;
  g.activation = call.activation;
  g.precision = call.precision;
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
  const float* x = args.floats(4, size_product(size_product(outer, n), inner));
  float* out = args.floats(5, size_product(outer, inner));
  if (n == 0) throw ArgumentError("Expected at least one element to reduce, received none.");
  kernels().reduce(static_cast<Reduce>(args.integer(0, 0, kReduceCount - 1)), outer, n, inner, x, out);
  return nothing(args);
}

// softmax(rows, cols, x, logarithm, out).
napi_value softmax(const Arguments& args) {
  const size_t rows = args.size(0), cols = args.size(1), n = size_product(rows, cols);
  kernels().softmax(rows, cols, args.floats(2, n), args.flag(3), args.floats(4, n));
  return nothing(args);
}

// layerNorm(rows, cols, x, gamma, beta, epsilon, y, mean, rstd).
napi_value layer_norm(const Arguments& args) {
  const size_t rows = args.size(0), cols = args.size(1), n = size_product(rows, cols);
  kernels().layer_norm(rows, cols, args.floats(2, n), args.floats(3, cols), args.floats(4, cols),
                       static_cast<float>(args.number(5)), args.floats(6, n), args.floats(7, rows),
                       args.floats(8, rows));
  return nothing(args);
}

// layerNormGrad(rows, cols, dOut, x, gamma, mean, rstd, dX, dGamma, dBeta).
napi_value layer_norm_grad(const Arguments& args) {
  const size_t rows = args.size(0), cols = args.size(1), n = size_product(rows, cols);
  kernels().layer_norm_grad(rows, cols, args.floats(2, n), args.floats(3, n), args.floats(4, cols),
                            args.floats(5, rows), args.floats(6, rows), args.floats(7, n), args.floats(8, cols),
                            args.floats(9, cols));
  return nothing(args);
}

// crossEntropy(binary, rows, cols, logits, targets, loss, dLogits).
napi_value cross_entropy(const Arguments& args) {
  const size_t rows = args.size(1), cols = args.size(2), n = size_product(rows, cols);
  const auto kernel = args.flag(0) ? kernels().binary_cross_entropy : kernels().softmax_cross_entropy;
  kernel(rows, cols, args.floats(3, n), args.floats(4, n), args.floats(5, rows), args.floats(6, n));
  return nothing(args);
}

// The shape of attention; the sizes of q and of k for heads apart (packed = false) or in one qkv row.
Attention attention_shape(const Arguments& args, bool packed, size_t* q_size, size_t* kv_size) {
  const AttentionCall call(args, 0);
  Attention a;
  a.batch = call.batch;
  a.heads = call.heads;
  a.queries = call.queries;
  a.keys = call.keys;
  a.dim = call.dim;
  a.scale = static_cast<float>(call.scale);
  if (a.dim == 0 || a.keys == 0) throw ArgumentError("Expected at least one key and a head dimension, received 0.");
  const size_t width = size_product(a.heads, a.dim);
  *q_size = size_product(size_product(a.batch, a.queries), width);
  *kv_size = size_product(size_product(a.batch, a.keys), width);
  if (packed) {
    if (a.queries != a.keys) throw ArgumentError("Expected as many queries as keys, received others.");
    size_product(*q_size, 3);
    a.q_side = a.kv_side = {3 * width, a.dim, 3 * width * a.queries};
    a.out_side = {width, a.dim, width * a.queries};
  } else {
    a.q_side = a.out_side = {a.dim, a.dim * a.queries, width * a.queries};
    a.kv_side = {a.dim, a.dim * a.keys, width * a.keys};
  }
  return a;
}

// attention(descriptor, q, k, v, out, logSumExp).
napi_value attention(const Arguments& args) {
  size_t q_size, kv_size;
  Attention a = attention_shape(args, false, &q_size, &kv_size);
  a.q = args.floats(1, q_size);
  a.k = args.floats(2, kv_size);
  a.v = args.floats(3, kv_size);
  kernels().attention(a, args.floats(4, q_size), args.floats(5, a.batch * a.heads * a.queries));
  return nothing(args);
}

// attentionGrad(descriptor, q, k, v, dOut, out, logSumExp, dQ, dK, dV).
napi_value attention_grad(const Arguments& args) {
  size_t q_size, kv_size;
  Attention a = attention_shape(args, false, &q_size, &kv_size);
  a.q = args.floats(1, q_size);
  a.k = args.floats(2, kv_size);
  a.v = args.floats(3, kv_size);
  kernels().attention_grad(a, args.floats(4, q_size), args.floats(5, q_size),
                           args.floats(6, a.batch * a.heads * a.queries), args.floats(7, q_size),
                           args.floats(8, kv_size), args.floats(9, kv_size));
  return nothing(args);
}

// qkvAttention(descriptor, qkv, out, logSumExp).
napi_value qkv_attention(const Arguments& args) {
  size_t size, same;
  Attention a = attention_shape(args, true, &size, &same);
  const size_t width = a.heads * a.dim;
  a.q = args.floats(1, 3 * size);
  a.k = a.q + width;
  a.v = a.q + 2 * width;
  kernels().attention(a, args.floats(2, size), args.floats(3, a.batch * a.heads * a.queries));
  return nothing(args);
}

// qkvAttentionGrad(descriptor, qkv, dOut, out, logSumExp, dQkv).
napi_value qkv_attention_grad(const Arguments& args) {
  size_t size, same;
  Attention a = attention_shape(args, true, &size, &same);
  const size_t width = a.heads * a.dim;
  a.q = args.floats(1, 3 * size);
  a.k = a.q + width;
  a.v = a.q + 2 * width;
  float* dqkv = args.floats(5, 3 * size);
  kernels().attention_grad(a, args.floats(2, size), args.floats(3, size), args.floats(4, a.batch * a.heads * a.queries),
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
    for (size_t i = 0; i < n; ++i) part_count += ceil_div(length[i], kPart);
    parts.reset(new Part[part_count]);
    size_t at = 0;
    for (size_t i = 0; i < n; ++i)
      for (size_t begin = 0; begin < length[i]; begin += kPart)
        parts[at++] = {i, begin, std::min(length[i] - begin, kPart)};
  }
  float* at(size_t list, const Part& part) const { return data[list * n + part.tensor] + part.begin; }
};

// An update: the descriptor, then decay[] and rate[] with decay = 1 - lr·wd and rate = lr / (1 - beta1^step).
struct Update {
  std::unique_ptr<float[]> decay, rate;
  AdamW c;

  Update(const Arguments& args, size_t n) : decay(new float[n]), rate(new float[n]) {
    const AdamWCall call(args, 0);
    if (args.array_length(1) != n || args.array_length(2) != n)
      throw ArgumentError("Expected one rate a tensor, received another number.");
    for (size_t i = 0; i < n; ++i) {
      decay[i] = static_cast<float>(args.number_in(1, i));
      rate[i] = static_cast<float>(args.number_in(2, i));
    }
    c = {static_cast<float>(call.beta1),       static_cast<float>(call.beta2),
         static_cast<float>(1.0 - call.beta1), static_cast<float>(1.0 - call.beta2),
         static_cast<float>(call.epsilon),     static_cast<float>(call.inverse_root_correction2)};
  }
};

napi_value number_of(const Arguments& args, double number) {
  napi_value value = nullptr;
  napi_create_double(args.env(), number, &value);
  return value;
}

// adamw(descriptor, decay[], rate[], p[], g[], m[], v[], pOut[], mOut[], vOut[]).
napi_value adamw(const Arguments& args) {
  const Lists lists(args, 3, 7);
  const Update u(args, lists.n);
  const auto kernel = kernels().adamw;
  parallel(lists.part_count, [&](size_t task, size_t) {
    const Part& part = lists.parts[task];
    kernel(u.c, part.count, u.decay[part.tensor], u.rate[part.tensor], lists.at(0, part), lists.at(1, part),
           lists.at(2, part), lists.at(3, part), lists.at(4, part), lists.at(5, part), lists.at(6, part));
  });
  return nothing(args);
}

// adamwSquares(descriptor, decay[], rate[], p[], g[], m[], v[]) -> Σ p'² + m'² + v'².
napi_value adamw_squares(const Arguments& args) {
  const Lists lists(args, 3, 4);
  const Update u(args, lists.n);
  std::unique_ptr<double[]> partial(new double[lists.part_count + 1]);
  const auto kernel = kernels().adamw_squares;
  parallel(lists.part_count, [&](size_t task, size_t) {
    const Part& part = lists.parts[task];
    partial[task] = kernel(u.c, part.count, u.decay[part.tensor], u.rate[part.tensor], lists.at(0, part),
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
  const float share = static_cast<float>(decay), rest = static_cast<float>(1.0 - decay);
  const auto kernel = kernels().ema;
  parallel(lists.part_count, [&](size_t task, size_t) {
    const Part& part = lists.parts[task];
    kernel(part.count, share, rest, lists.at(0, part), lists.at(1, part), lists.at(2, part));
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
    {"interfaceNumber", entry<0, interface_number>},
    {"isa", entry<0, isa>},
    {"isas", entry<0, isas>},
    {"setIsa", entry<1, set_isa>},
    {"setThreads", entry<1, set_threads_entry>},
    {"threads", entry<0, threads_entry>},
    {"misalignment", entry<1, misalignment>},
    {"gemm", entry<5, gemm>},
    {"copy", entry<5, copy>},
    {"reduce", entry<6, reduce>},
    {"softmax", entry<5, softmax>},
    {"layerNorm", entry<9, layer_norm>},
    {"layerNormGrad", entry<10, layer_norm_grad>},
    {"crossEntropy", entry<7, cross_entropy>},
    {"attention", entry<6, attention>},
    {"attentionGrad", entry<10, attention_grad>},
    {"qkvAttention", entry<4, qkv_attention>},
    {"qkvAttentionGrad", entry<6, qkv_attention_grad>},
    {"adamw", entry<10, adamw>},
    {"adamwSquares", entry<7, adamw_squares>},
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
      &vit::branch_exports,
      &vit::elementwise_exports,
      &vit::spatial_exports,
      &vit::axis_exports,
      &vit::indexing_exports,
      &vit::counting_exports,
      &vit::fractal_exports,
      &vit::pixel_exports,
  };
  for (const vit::Exports* list : all)
    if (!vit::add(env, exports, *list)) return nullptr;
  return exports;
}
