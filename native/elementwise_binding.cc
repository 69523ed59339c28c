// Entries of the kernels that treat each element alone.

#include "entry.h"

namespace vit {
namespace {

// binary(op, walk, a, b, out), compare(op, walk, a, b, out).
napi_value binary(const Arguments& args) {
  const Walk walk = walk_of(args, 1);
  const size_t total = walk_size(walk);
  size_t a_length, b_length;
  const float* a = args.any_floats(2, &a_length);
  const float* b = args.any_floats(3, &b_length);
  float* out = args.floats(4, total);
  const Binary op = static_cast<Binary>(args.integer(0, 0, kBinaryCount - 1));
  if (total == 0) return nothing(args);
  check_range(walk, walk.stride_a, 0, a_length, "a");
  check_range(walk, walk.stride_b, 0, b_length, "b");
  kernels().binary(op, walk, a, b, out);
  return nothing(args);
}
napi_value compare(const Arguments& args) {
  const Walk walk = walk_of(args, 1);
  const size_t total = walk_size(walk);
  size_t a_length, b_length;
  const float* a = args.any_floats(2, &a_length);
  const float* b = args.any_floats(3, &b_length);
  uint8_t* out = args.bytes(4, total);
  const Compare op = static_cast<Compare>(args.integer(0, 0, kCompareCount - 1));
  if (total == 0) return nothing(args);
  check_range(walk, walk.stride_a, 0, a_length, "a");
  check_range(walk, walk.stride_b, 0, b_length, "b");
  kernels().compare(op, walk, a, b, out);
  return nothing(args);
}

// unary(op, x, out, alpha).
napi_value unary(const Arguments& args) {
  size_t n;
  const float* x = args.any_floats(1, &n);
  float* out = args.floats(2, n);
  kernels().unary(static_cast<Unary>(args.integer(0, 0, kUnaryCount - 1)), n, x, out, static_cast<float>(args.number(3)));
  return nothing(args);
}

// clip(x, low, high, out).
napi_value clip(const Arguments& args) {
  size_t n;
  const float* x = args.any_floats(0, &n);
  kernels().clip(n, x, static_cast<float>(args.number(1)), static_cast<float>(args.number(2)), args.floats(3, n));
  return nothing(args);
}

// select(condition, a, b, out).
napi_value select(const Arguments& args) {
  size_t n;
  const float* a = args.any_floats(1, &n);
  kernels().select(n, args.bytes(0, n), a, args.floats(2, n), args.floats(3, n));
  return nothing(args);
}

// fill(value, out).
napi_value fill(const Arguments& args) {
  size_t n;
  float* out = args.any_floats(1, &n);
  kernels().fill(n, static_cast<float>(args.number(0)), out);
  return nothing(args);
}

// gelu(form, x, y), geluGrad(form, dOut, x, dX).
napi_value gelu(const Arguments& args) {
  size_t n;
  const float* x = args.any_floats(1, &n);
  kernels().gelu(static_cast<Activation>(args.integer(0, 0, 2)), n, x, args.floats(2, n));
  return nothing(args);
}
napi_value gelu_grad(const Arguments& args) {
  size_t n;
  const float* dout = args.any_floats(1, &n);
  kernels().gelu_grad(static_cast<Activation>(args.integer(0, 0, 2)), n, dout, args.floats(2, n), args.floats(3, n));
  return nothing(args);
}

const Export kExports[] = {
    {"binary", entry<5, binary>},
    {"compare", entry<5, compare>},
    {"unary", entry<4, unary>},
    {"clip", entry<4, clip>},
    {"select", entry<4, select>},
    {"fill", entry<2, fill>},
    {"gelu", entry<3, gelu>},
    {"geluGrad", entry<4, gelu_grad>},
};

}  // namespace

const Exports elementwise_exports = {kExports, sizeof kExports / sizeof *kExports};

}  // namespace vit
