// Entries of the kernels that go along an axis: reductions of other kinds than `reduce`, running sums, windows,
// transforms.

#include "entry.h"

namespace vit {
namespace {

constexpr size_t kMostPlaces = size_t{1} << 31;

void check_some(size_t n) {
  if (n == 0) throw ArgumentError("Expected at least one element to reduce, received none.");
}

// size_product(outer, n, inner, x, out), reduceInts(op, outer, n, inner, x, out), reduceBools(all, …); n > 0.
napi_value prod(const Arguments& args) {
  const size_t outer = args.size(0), n = args.size(1), inner = args.size(2);
  const float* x = args.floats(3, size_product(size_product(outer, n), inner));
  float* out = args.floats(4, size_product(outer, inner));
  check_some(n);
  kernels().prod(outer, n, inner, x, out);
  return nothing(args);
}
napi_value reduce_ints(const Arguments& args) {
  const IntReduce op = static_cast<IntReduce>(args.integer(0, 0, kIntReduceCount - 1));
  const size_t outer = args.size(1), n = args.size(2), inner = args.size(3);
  const int32_t* x = args.ints(4, size_product(size_product(outer, n), inner));
  int32_t* out = args.ints(5, size_product(outer, inner));
  check_some(n);
  kernels().reduce_ints(op, outer, n, inner, x, out);
  return nothing(args);
}
napi_value reduce_bools(const Arguments& args) {
  const bool all = args.flag(0);
  const size_t outer = args.size(1), n = args.size(2), inner = args.size(3);
  const uint8_t* x = args.bytes(4, size_product(size_product(outer, n), inner));
  uint8_t* out = args.bytes(5, size_product(outer, inner));
  check_some(n);
  kernels().reduce_bools(all, outer, n, inner, x, out);
  return nothing(args);
}

// argExtreme(max, outer, n, inner, x of floats or ints, out), 0 < n < 2^31.
napi_value arg_extreme(const Arguments& args) {
  const bool max = args.flag(0);
  const size_t outer = args.size(1), n = args.size(2), inner = args.size(3);
  const Kind kind = args.kind(4);
  const void* x = args.of_kind(4, size_product(size_product(outer, n), inner), kind);
  int32_t* out = args.ints(5, size_product(outer, inner));
  check_some(n);
  if (n >= kMostPlaces) throw ArgumentError("Expected less than 2^31 elements to choose from, received more.");
  if (kind == Kind::kUint8)
    throw ArgumentError("Expected a Float32Array or an Int32Array for argument 4, received something else.");
  if (kind == Kind::kFloat32) kernels().arg_floats(max, outer, n, inner, static_cast<const float*>(x), out);
  else kernels().arg_ints(max, outer, n, inner, static_cast<const int32_t*>(x), out);
  return nothing(args);
}

// scan(times, exclusive, reverse, outer, n, inner, x of floats or ints, out of the same).
napi_value scan(const Arguments& args) {
  const Scan s = {args.flag(0), args.flag(1), args.flag(2)};
  const size_t outer = args.size(3), n = args.size(4), inner = args.size(5),
               total = size_product(size_product(outer, n), inner);
  const Kind kind = args.kind(6);
  const void* x = args.of_kind(6, total, kind);
  void* out = args.of_kind(7, total, kind);
  if (kind == Kind::kUint8)
    throw ArgumentError("Expected a Float32Array or an Int32Array for argument 6, received something else.");
  if (kind == Kind::kFloat32)
    kernels().scan_floats(s, outer, n, inner, static_cast<const float*>(x), static_cast<float*>(out));
  else kernels().scan_ints(s, outer, n, inner, static_cast<const int32_t*>(x), static_cast<int32_t*>(out));
  return nothing(args);
}

LocalResponse local_response_of(const Arguments& args) {
  LocalResponse shape;
  shape.rows = args.size(0);
  shape.cols = args.size(1);
  shape.radius = args.size(2);
  if (shape.radius > 0 && shape.radius >= shape.cols)
    throw ArgumentError("Expected a radius below the number of channels, received another.");
  shape.bias = static_cast<float>(args.number(3));
  shape.alpha = static_cast<float>(args.number(4));
  shape.beta = static_cast<float>(args.number(5));
  return shape;
}
// localResponse(rows, cols, radius, bias, alpha, beta, x, out), localResponseGrad(…, x, y, dY, dX).
napi_value local_response(const Arguments& args) {
  const LocalResponse shape = local_response_of(args);
  const size_t n = size_product(shape.rows, shape.cols);
  kernels().local_response(shape, args.floats(6, n), args.floats(7, n));
  return nothing(args);
}
napi_value local_response_grad(const Arguments& args) {
  const LocalResponse shape = local_response_of(args);
  const size_t n = size_product(shape.rows, shape.cols);
  kernels().local_response_grad(shape, args.floats(6, n), args.floats(7, n), args.floats(8, n), args.floats(9, n));
  return nothing(args);
}

// fft(batch, n, inverse, re, im, outRe, outIm).
napi_value fft(const Arguments& args) {
  const size_t batch = args.size(0), n = args.size(1), total = size_product(batch, n);
  kernels().fft(batch, n, args.flag(2), args.floats(3, total), args.floats(4, total), args.floats(5, total),
                args.floats(6, total));
  return nothing(args);
}

// magnitude(re, im, out).
napi_value magnitude(const Arguments& args) {
  size_t n;
  const float* re = args.any_floats(0, &n);
  kernels().magnitude(n, re, args.floats(1, n), args.floats(2, n));
  return nothing(args);
}

const Export kExports[] = {
    {"prod", entry<5, prod>},
    {"reduceInts", entry<6, reduce_ints>},
    {"reduceBools", entry<6, reduce_bools>},
    {"argExtreme", entry<6, arg_extreme>},
    {"scan", entry<8, scan>},
    {"localResponse", entry<8, local_response>},
    {"localResponseGrad", entry<10, local_response_grad>},
    {"fft", entry<7, fft>},
    {"magnitude", entry<3, magnitude>},
};

}  // namespace

const Exports axis_exports = {kExports, sizeof kExports / sizeof *kExports};

}  // namespace vit
