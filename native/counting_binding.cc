// Entries of counting.h. Entries that look at integers give true, or false where one is wrong: then nothing was
// written, and the kernel of tfjs says what is wrong.

#include "counting.h"

#include <math.h>

#include "entry.h"

namespace vit {
namespace {

[[noreturn]] void not_numbers() { throw ArgumentError("Expected float32 or int32 numbers, received a Uint8Array."); }

// countList(size, x, weights|null, out [size]).
napi_value count_list_entry(const Arguments& args) {
  const size_t size = args.size(0);
  size_t n;
  Kind kind;
  const void* x = args.any(1, &n, &kind);
  if (kind != Kind::kInt32) throw ArgumentError("Expected an Int32Array for argument 1, received something else.");
  kind = args.kind(3);
  const void* weights = args.is_null(2) ? nullptr : args.of_kind(2, n, kind);
  void* out = args.of_kind(3, size, kind);
  if (kind == Kind::kUint8) not_numbers();
  if (n >= size_t{1} << 31) throw ArgumentError("Expected fewer than 2^31 integers, received more.");
  return yes_or_no(args, count_list(kind, n, size, static_cast<const int32_t*>(x), weights, out));
}

// uniqueSlices(outer, n, inner, x [outer, n, inner], firsts [n], places [n]) -> how many are different.
napi_value unique_slices_entry(const Arguments& args) {
  const Slices s = {args.size(0), args.size(1), args.size(2)};
  const Kind kind = args.kind(3);
  const void* x = args.of_kind(3, size_product(s.outer, size_product(s.n, s.inner)), kind);
  int32_t* firsts = args.ints(4, s.n);
  int32_t* places = args.ints(5, s.n);
  if (s.n >= size_t{1} << 31) throw ArgumentError("Expected fewer than 2^31 slices, received more.");
  napi_value count = nullptr;
  napi_create_double(args.env(), static_cast<double>(unique_slices(s, kind, x, firsts, places)), &count);
  return count;
}

// searchSorted(rows, length, count, right, sorted [rows, length], values [rows, count], places [rows, count]).
napi_value search_sorted_entry(const Arguments& args) {
  const Search s = {args.size(0), args.size(1), args.size(2), args.flag(3)};
  if (s.length >= size_t{1} << 31)
    throw ArgumentError("Expected fewer than 2^31 elements to search in, received more.");
  const Kind kind = args.kind(4);
  const void* sorted = args.of_kind(4, size_product(s.rows, s.length), kind);
  const void* values = args.of_kind(5, size_product(s.rows, s.count), kind);
  int32_t* places = args.ints(6, size_product(s.rows, s.count));
  if (kind == Kind::kUint8) not_numbers();
  if (kind == Kind::kFloat32)
    search_sorted(s, static_cast<const float*>(sorted), static_cast<const float*>(values), places);
  else search_sorted(s, static_cast<const int32_t*>(sorted), static_cast<const int32_t*>(values), places);
  return nothing(args);
}

// reduceSegments(rows, cols, count, segments, mean, x, indices, ids, out).
napi_value reduce_segments_entry(const Arguments& args) {
  const Segments s = {args.size(0), args.size(1), args.size(2), args.size(3), args.flag(4)};
  const Kind kind = args.kind(5);
  const void* x = args.of_kind(5, size_product(s.rows, s.cols), kind);
  const int32_t* indices = args.ints(6, s.count);
  const int32_t* ids = args.ints(7, s.count);
  void* out = args.of_kind(8, size_product(s.segments, s.cols), kind);
  if (kind == Kind::kUint8) not_numbers();
  if (kind == Kind::kFloat32)
    return yes_or_no(args, reduce_segments(s, indices, ids, static_cast<const float*>(x), static_cast<float*>(out)));
  return yes_or_no(args, reduce_segments(s, indices, ids, static_cast<const int32_t*>(x), static_cast<int32_t*>(out)));
}

Shape shape_of(const Arguments& args, size_t index, size_t* elements) {
  Shape shape;
  shape.rank = args.array_length(index);
  if (shape.rank == 0 || shape.rank > kMaxRank) throw ArgumentError("Expected 1 to 8 sizes, received another number.");
  *elements = 1;
  for (size_t d = 0; d < shape.rank; ++d) {
    const double size = args.number_in(index, d);
    if (!(size >= 1 && size <= INT32_MAX) || size != floor(size))
      throw ArgumentError("Expected sizes that are integers from 1 to 2^31 - 1, received others.");
    shape.of[d] = static_cast<size_t>(size);
    *elements = size_product(*elements, shape.of[d]);
  }
  return shape;
}

// reshapeIndices(count, from, to, indices [count, from.length], out [count, to.length]).
napi_value reshape_indices_entry(const Arguments& args) {
  const size_t count = args.size(0);
  size_t elements, others;
  const Shape from = shape_of(args, 1, &elements), to = shape_of(args, 2, &others);
  if (elements != others || elements > size_t{1} << 53)
    throw ArgumentError("Expected two shapes of as many elements, at most 2^53, received others.");
  const int32_t* indices = args.ints(3, size_product(count, from.rank));
  int32_t* out = args.ints(4, size_product(count, to.rank));
  return yes_or_no(args, reshape_indices(count, from, to, indices, out));
}

// countRows(count, rank, rows, indices [count, rank], next [rows], empty [rows]) -> the number of elements, or -1.
napi_value count_rows_entry(const Arguments& args) {
  const size_t count = args.size(0), rank = args.size(1), rows = args.size(2);
  if (rank == 0 || count + rows >= size_t{1} << 31)
    throw ArgumentError("Expected tuples and rows that int32 can count, received others.");
  const int32_t* indices = args.ints(3, size_product(count, rank));
  int32_t* next = args.ints(4, rows);
  const int64_t total = count_rows(count, rank, rows, indices, next, args.bytes(5, rows));
  napi_value value = nullptr;
  napi_create_double(args.env(), static_cast<double>(total), &value);
  return value;
}

// fillRows(rank, indices [count, rank], values [count], rest [1], next [rows], empty [rows], places [total, rank],
// filled [total], reverse [count]).
napi_value fill_rows_entry(const Arguments& args) {
  Filling f;
  Kind kind, other;
  f.rank = args.size(0);
  const void* values = args.any(2, &f.count, &kind);
  args.any(4, &f.rows, &other);
  void* filled = args.any(7, &f.total, &other);
  if (f.rank == 0 || f.total >= size_t{1} << 31)
    throw ArgumentError("Expected tuples that int32 can count, received others.");
  f.indices = args.ints(1, size_product(f.count, f.rank));
  const void* rest = args.of_kind(3, 1, kind);
  f.next = args.ints(4, f.rows);
  f.empty = args.bytes(5, f.rows);
  f.places = args.ints(6, size_product(f.total, f.rank));
  args.of_kind(7, f.total, kind);
  f.reverse = args.ints(8, f.count);
  return yes_or_no(args, fill_rows(f, bytes_of(kind), values, rest, filled));
}

const Export kExports[] = {
    {"countList", entry<4, count_list_entry>},           {"uniqueSlices", entry<6, unique_slices_entry>},
    {"searchSorted", entry<7, search_sorted_entry>},     {"reduceSegments", entry<9, reduce_segments_entry>},
    {"countRows", entry<6, count_rows_entry>},           {"fillRows", entry<9, fill_rows_entry>},
    {"reshapeIndices", entry<5, reshape_indices_entry>},
};

}  // namespace

const Exports counting_exports = {kExports, sizeof kExports / sizeof *kExports};

}  // namespace vit
