// Entries of indexing.h. Entries that look at indices give true, or false where one is wrong: then nothing was written,
// and the kernel of tfjs says what is wrong.

#include "indexing.h"

#include <math.h>
#include <string.h>

#include <vector>

#include "entry.h"

namespace vit {
namespace {

// The sizes of the leading axes.
struct Sizes {
  size_t rank;
  size_t of[kMaxRank];
  size_t rows = 1;

  Sizes(const Arguments& args, size_t index) : rank(args.array_length(index)) {
    if (rank == 0 || rank > kMaxRank) throw ArgumentError("Expected 1 to 8 sizes, received another number.");
    for (size_t d = 0; d < rank; ++d) {
      const double size = args.number_in(index, d);
      if (!(size >= 0 && size <= 1099511627776.0) || size != floor(size))
        throw ArgumentError("Expected sizes that are integers from 0 to 2^40, received others.");
      of[d] = static_cast<size_t>(size);
      rows = size_product(rows, of[d]);
    }
  }
};

// gather(batch, outer, dim, slice, count, x, indices, out).
napi_value gather_entry(const Arguments& args) {
  Gather g;
  g.batch = args.size(0);
  g.outer = args.size(1);
  g.dim = args.size(2);
  g.slice = args.size(3);
  g.count = args.size(4);
  const Kind kind = args.kind(5);
  g.bytes = bytes_of(kind);
  const size_t lines = size_product(g.batch, g.outer);
  const void* x = args.of_kind(5, size_product(size_product(lines, g.dim), g.slice), kind);
  const int32_t* indices = args.ints(6, size_product(g.batch, g.count));
  void* out = args.of_kind(7, size_product(size_product(lines, g.count), g.slice), kind);
  return yes_or_no(args, gather(g, x, indices, out));
}

// gatherNd(sizes, slice, count, x, indices [count, sizes.length], out).
napi_value gather_nd_entry(const Arguments& args) {
  const Sizes sizes(args, 0);
  const size_t slice = args.size(1), count = args.size(2);
  const Kind kind = args.kind(3);
  const void* x = args.of_kind(3, size_product(sizes.rows, slice), kind);
  const int32_t* indices = args.ints(4, size_product(count, sizes.rank));
  void* out = args.of_kind(5, size_product(count, slice), kind);
  return yes_or_no(args, gather_nd({count, sizes.rank, sizes.rows, slice, sizes.of, indices}, bytes_of(kind), x, out));
}

// scatter(sizes, slice, count, sum, skip, clear, indices, values, out); values: [count, slice], or one for all.
napi_value scatter_entry(const Arguments& args) {
  const Sizes sizes(args, 0);
  const size_t slice = args.size(1), count = args.size(2), total = size_product(count, slice);
  Scatter s;
  s.sum = args.flag(3);
  s.skip = args.flag(4);
  s.clear = args.flag(5);
  const int32_t* indices = args.ints(6, size_product(count, sizes.rank));
  const Kind kind = args.kind(8);
  size_t given;
  Kind same;
  args.any(7, &given, &same);
  s.repeat = given == 1 && total != 1;
  const void* values = args.of_kind(7, s.repeat ? 1 : total, kind);
  void* out = args.of_kind(8, size_product(sizes.rows, slice), kind);
  if (s.sum && kind == Kind::kUint8) throw ArgumentError("Expected numbers to sum, received a Uint8Array.");
  return yes_or_no(args, scatter({count, sizes.rank, sizes.rows, slice, sizes.of, indices}, s, kind, values, out));
}

// oneHot(depth, indices, on, off, out); on and off are numbers that an element of out can be.
napi_value one_hot_entry(const Arguments& args) {
  const size_t depth = args.size(0);
  size_t n;
  Kind kind;
  const void* indices = args.any(1, &n, &kind);
  if (kind != Kind::kInt32) throw ArgumentError("Expected an Int32Array for argument 1, received something else.");
  kind = args.kind(4);
  void* out = args.of_kind(4, size_product(n, depth), kind);
  uint32_t bits[2];
  for (size_t i = 0; i < 2; ++i) {
    if (kind == Kind::kFloat32) {
      const float value = static_cast<float>(args.number(2 + i));
      memcpy(&bits[i], &value, sizeof value);
    } else if (kind == Kind::kInt32) {
      bits[i] = static_cast<uint32_t>(args.integer(2 + i, INT32_MIN, INT32_MAX));
    } else {
      bits[i] = static_cast<uint32_t>(args.integer(2 + i, 0, 255));
    }
  }
  one_hot(bytes_of(kind), n, depth, static_cast<const int32_t*>(indices), bits[0], bits[1], out);
  return nothing(args);
}

// bincount(rows, cols, size, binary, x, weights [rows, cols]|null, out [rows, size]).
napi_value bincount_entry(const Arguments& args) {
  const Bincount b = {args.size(0), args.size(1), args.size(2), args.flag(3)};
  const size_t n = size_product(b.rows, b.cols);
  const int32_t* x = args.ints(4, n);
  const Kind kind = args.kind(6);
  const void* weights = args.is_null(5) ? nullptr : args.of_kind(5, n, kind);
  void* out = args.of_kind(6, size_product(b.rows, b.size), kind);
  if (kind == Kind::kUint8) throw ArgumentError("Expected numbers to count in, received a Uint8Array.");
  return yes_or_no(args, bincount(b, kind, x, weights, out));
}

// topK(rows, cols, k, x, values, places).
napi_value top_k_entry(const Arguments& args) {
  const size_t rows = args.size(0), cols = args.size(1), k = args.size(2);
  if (k > cols || cols >= size_t{1} << 31)
    throw ArgumentError("Expected k of at most so many elements, below 2^31, received more.");
  const Kind kind = args.kind(3);
  const void* x = args.of_kind(3, size_product(rows, cols), kind);
  void* values = args.of_kind(4, size_product(rows, k), kind);
  int32_t* places = args.ints(5, size_product(rows, k));
  if (kind == Kind::kUint8) throw ArgumentError("Expected numbers to compare, received a Uint8Array.");
  if (kind == Kind::kFloat32)
    return yes_or_no(args, top_k(rows, cols, k, static_cast<const float*>(x), static_cast<float*>(values), places));
  return yes_or_no(args, top_k(rows, cols, k, static_cast<const int32_t*>(x), static_cast<int32_t*>(values), places));
}

// draw(rows, cols, probabilities, random numbers as a list, events [rows, numbers]), 0 < cols < 2^31.
napi_value draw_entry(const Arguments& args) {
  const size_t rows = args.size(0), cols = args.size(1), samples = args.array_length(3);
  if (cols == 0 || cols >= size_t{1} << 31)
    throw ArgumentError("Expected 1 to 2^31 - 1 events, received another number.");
  const float* probabilities = args.floats(2, size_product(rows, cols));
  int32_t* events = args.ints(4, size_product(rows, samples));
  std::vector<double> random(samples);
  for (size_t i = 0; i < samples; ++i) random[i] = args.number_in(3, i);
  draw(rows, cols, samples, probabilities, random.data(), events);
  return nothing(args);
}

// ramp(start, step, out of floats or ints); of ints both ends are.
napi_value ramp_entry(const Arguments& args) {
  const double start = args.number(0), step = args.number(1);
  size_t n;
  Kind kind;
  void* out = args.any(2, &n, &kind);
  if (kind == Kind::kUint8)
    throw ArgumentError("Expected a Float32Array or an Int32Array for argument 2, received something else.");
  if (kind == Kind::kFloat32) {
    ramp(n, start, step, static_cast<float*>(out));
    return nothing(args);
  }
  const double last = start + static_cast<double>(n == 0 ? 0 : n - 1) * step;
  if (!(fabs(start) <= INT32_MAX && fabs(last) <= INT32_MAX))
    throw ArgumentError("Expected integers of 32 bits, received larger numbers.");
  ramp(n, start, step, static_cast<int32_t*>(out));
  return nothing(args);
}

const Export kExports[] = {
    {"gather", entry<8, gather_entry>},  {"gatherNd", entry<6, gather_nd_entry>}, {"scatter", entry<9, scatter_entry>},
    {"oneHot", entry<5, one_hot_entry>}, {"bincount", entry<7, bincount_entry>},  {"topK", entry<6, top_k_entry>},
    {"draw", entry<5, draw_entry>},      {"ramp", entry<3, ramp_entry>},
};

}  // namespace

const Exports indexing_exports = {kExports, sizeof kExports / sizeof *kExports};

}  // namespace vit
