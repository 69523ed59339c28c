// Entries of the kernels that treat each element alone.

#include "entry.h"

namespace vit {
namespace {

// The arguments (…, walk, a, b, out) of a kernel with two operands of one kind of elements.
struct Operands {
  Walk walk;
  size_t total;
  Kind kind;
  const void *a, *b;

  Operands(const Arguments& args, size_t first) : walk(walk_of(args, first)), total(walk_size(walk)) {
    size_t a_length, b_length;
    Kind other;
    a = args.any(first + 1, &a_length, &kind);
    b = args.any(first + 2, &b_length, &other);
    if (kind != other) throw ArgumentError("Expected two arrays of one kind of elements, received others.");
    if (total == 0) return;
    check_range(walk, walk.stride_a, 0, a_length, "a");
    check_range(walk, walk.stride_b, 0, b_length, "b");
  }
  template <typename T>
  const T* a_as() const {
    return static_cast<const T*>(a);
  }
  template <typename T>
  const T* b_as() const {
    return static_cast<const T*>(b);
  }
};

[[noreturn]] void wrong_kind() {
  throw ArgumentError("Expected elements that the kernel computes with, received others.");
}

bool of_int(Binary op) {
  return op == kAdd || op == kSub || op == kMul || op == kMaximum || op == kMinimum || op == kSquaredDifference ||
         op == kMod || op == kBitwiseAnd;
}
bool of_bytes(Binary op) { return op == kAdd || op == kSub || op == kMul || op == kSquaredDifference; }
bool of_int(Unary op) { return op == kNeg || op == kAbs || op == kSquare || op == kSign || op == kRelu; }

// binary(op, walk, a, b, out) of float32, int32 or bytes, compare(op, walk, a, b, out) of any, floorDiv(walk, a, b,
// out).
napi_value binary(const Arguments& args) {
  const Operands in(args, 1);
  const Binary op = static_cast<Binary>(args.integer(0, 0, kBinaryCount - 1));
  void* out = args.of_kind(4, in.total, in.kind);
  const bool computes = in.kind == Kind::kFloat32 ? op != kBitwiseAnd
                        : in.kind == Kind::kInt32 ? of_int(op)
                                                  : of_bytes(op);
  if (!computes) wrong_kind();
  if (in.total == 0) return nothing(args);
  if (in.kind == Kind::kUint8)
    kernels().binary_bytes(op, in.walk, in.a_as<uint8_t>(), in.b_as<uint8_t>(), static_cast<uint8_t*>(out));
  else if (in.kind == Kind::kInt32)
    kernels().binary_int(op, in.walk, in.a_as<int32_t>(), in.b_as<int32_t>(), static_cast<int32_t*>(out));
  else kernels().binary(op, in.walk, in.a_as<float>(), in.b_as<float>(), static_cast<float*>(out));
  return nothing(args);
}
// powerInt(walk, a, b, out): false where the kernel does not know.
napi_value power_int(const Arguments& args) {
  const Operands in(args, 0);
  int32_t* out = args.ints(3, in.total);
  if (in.kind != Kind::kInt32) wrong_kind();
  const bool known = in.total == 0 || kernels().power_int(in.walk, in.a_as<int32_t>(), in.b_as<int32_t>(), out);
  napi_value value = nullptr;
  napi_get_boolean(args.env(), known, &value);
  return value;
}
napi_value compare(const Arguments& args) {
  const Operands in(args, 1);
  const Compare op = static_cast<Compare>(args.integer(0, 0, kCompareCount - 1));
  uint8_t* out = args.bytes(4, in.total);
  if (in.total > 0) kernels().compare(op, in.kind, in.walk, in.a, in.b, out);
  return nothing(args);
}
napi_value floor_div(const Arguments& args) {
  const Operands in(args, 0);
  int32_t* out = args.ints(3, in.total);
  if (in.kind == Kind::kUint8) wrong_kind();
  if (in.total > 0) kernels().floor_div(in.kind, in.walk, in.a, in.b, out);
  return nothing(args);
}

// logical(op, walk, a, b, out), logicalNot(x, out).
napi_value logical(const Arguments& args) {
  const Operands in(args, 1);
  const Logical op = static_cast<Logical>(args.integer(0, 0, kLogicalCount - 1));
  uint8_t* out = args.bytes(4, in.total);
  if (in.kind != Kind::kUint8) wrong_kind();
  if (in.total > 0) kernels().logical(op, in.walk, in.a_as<uint8_t>(), in.b_as<uint8_t>(), out);
  return nothing(args);
}
napi_value logical_not(const Arguments& args) {
  size_t n;
  Kind kind;
  const void* x = args.any(0, &n, &kind);
  if (kind != Kind::kUint8) wrong_kind();
  kernels().logical_not(n, static_cast<const uint8_t*>(x), args.bytes(1, n));
  return nothing(args);
}

// unary(op, x, out, alpha) of float32 or int32, test(op, x, out).
napi_value unary(const Arguments& args) {
  size_t n;
  Kind kind;
  const void* x = args.any(1, &n, &kind);
  const Unary op = static_cast<Unary>(args.integer(0, 0, kUnaryCount - 1));
  const float alpha = static_cast<float>(args.number(3));
  if (kind == Kind::kUint8 || (kind == Kind::kInt32 && !of_int(op))) wrong_kind();
  if (kind == Kind::kInt32) kernels().unary_int(op, n, static_cast<const int32_t*>(x), args.ints(2, n));
  else kernels().unary(op, n, static_cast<const float*>(x), args.floats(2, n), alpha);
  return nothing(args);
}
napi_value test(const Arguments& args) {
  size_t n;
  const float* x = args.any_floats(1, &n);
  kernels().test(static_cast<Test>(args.integer(0, 0, kTestCount - 1)), n, x, args.bytes(2, n));
  return nothing(args);
}

// clip(x, low, high, out) of float32 or int32.
napi_value clip(const Arguments& args) {
  size_t n;
  Kind kind;
  const void* x = args.any(0, &n, &kind);
  const double low = args.number(1), high = args.number(2);
  if (kind == Kind::kUint8) wrong_kind();
  if (kind == Kind::kInt32) kernels().clip_int(n, static_cast<const int32_t*>(x), low, high, args.ints(3, n));
  else
    kernels().clip(n, static_cast<const float*>(x), static_cast<float>(low), static_cast<float>(high),
                   args.floats(3, n));
  return nothing(args);
}

// addN(parts[], out).
napi_value add_n(const Arguments& args) {
  size_t n;
  float* out = args.any_floats(1, &n);
  const size_t count = args.array_length(0);
  if (count == 0) throw ArgumentError("Expected at least one array to add, received none.");
  std::vector<const float*> parts(count);
  for (size_t i = 0; i < count; ++i) parts[i] = args.floats_in(0, i, n, false);
  kernels().add_n(count, parts.data(), n, out);
  return nothing(args);
}

// cast(x, out).
napi_value cast(const Arguments& args) {
  size_t n, m;
  Kind from, to;
  const void* x = args.any(0, &n, &from);
  void* out = args.any(1, &m, &to);
  if (m != n) throw ArgumentError("Expected two arrays of one length, received others.");
  kernels().cast(from, to, n, x, out);
  return nothing(args);
}

// select(condition, a, b, out).
napi_value select(const Arguments& args) {
  size_t n;
  Kind kind;
  const void* a = args.any(1, &n, &kind);
  kernels().select(bytes_of(kind), n, args.bytes(0, n), a, args.of_kind(2, n, kind), args.of_kind(3, n, kind));
  return nothing(args);
}

// fill(value, out); of an array of integers, one that it holds.
napi_value fill(const Arguments& args) {
  size_t n;
  Kind kind;
  void* out = args.any(1, &n, &kind);
  const float real = static_cast<float>(args.number(0));
  if (kind == Kind::kFloat32) {
    kernels().fill(4, n, &real, out);
  } else if (kind == Kind::kInt32) {
    const int32_t whole = args.integer(0, INT32_MIN, INT32_MAX);
    kernels().fill(4, n, &whole, out);
  } else {
    const uint8_t byte = static_cast<uint8_t>(args.integer(0, 0, UINT8_MAX));
    kernels().fill(1, n, &byte, out);
  }
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
    {"binary", entry<5, binary>},      {"powerInt", entry<4, power_int>}, {"compare", entry<5, compare>},
    {"floorDiv", entry<4, floor_div>}, {"logical", entry<5, logical>},    {"logicalNot", entry<2, logical_not>},
    {"unary", entry<4, unary>},        {"test", entry<3, test>},          {"clip", entry<4, clip>},
    {"addN", entry<2, add_n>},         {"cast", entry<2, cast>},          {"select", entry<4, select>},
    {"fill", entry<2, fill>},          {"gelu", entry<3, gelu>},          {"geluGrad", entry<4, gelu_grad>},
};

}  // namespace

const Exports elementwise_exports = {kExports, sizeof kExports / sizeof *kExports};

}  // namespace vit
