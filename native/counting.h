// Kernels that count integers, search in sorted rows, and work on sparse tensors, compiled once: memory is what they
// wait for. Functions that say `bool` look at every integer first, and where one is wrong return false and write
// nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

namespace vit {

// How often each of 0 … size - 1 is in a list, or the sum of its weights. Runs of at least 65,536 elements, at most 16
// of them, are counted each alone and then joined in order; those above count nowhere, negative ones are wrong.
bool count_list(Kind kind, size_t n, size_t size, const int32_t* x, const void* weights, void* out);

// The different ones of the n < 2^31 slices along the middle axis of x [outer, n, inner], in the order in which they
// come first: `firsts` says where, `places` [n] which of them each is. 0 and -0 are equal, and so are NaN. Returns how
// many there are.
struct Slices {
  size_t outer, n, inner;
};
size_t unique_slices(const Slices& s, Kind kind, const void* x, int32_t* firsts, int32_t* places);

// For each of `count` values in a row the first place of the sorted row of `length` < 2^31 elements that is not below
// it (`right`: that is above it), found by halves as in tfjs, so that rows out of order and NaN give what they give
// there.
struct Search {
  size_t rows, length, count;
  bool right;
};
void search_sorted(const Search& s, const float* sorted, const float* values, int32_t* places);
void search_sorted(const Search& s, const int32_t* sorted, const int32_t* values, int32_t* places);

// out [segments, cols]: the sum, or mean, of the rows of x [rows, cols] that `indices` [count] name for each segment.
// `ids` [count] say which, in ascending order; a segment without a row is 0. Rows are added one after the other, each
// rounded to float32 or taken modulo 2^32; a mean of integers loses its fraction.
struct Segments {
  size_t rows, cols, count, segments;
  bool mean;
};
bool reduce_segments(const Segments& s, const int32_t* indices, const int32_t* ids, const float* x, float* out);
bool reduce_segments(const Segments& s, const int32_t* indices, const int32_t* ids, const int32_t* x, int32_t* out);

// The indices [count, rank] of elements of an array, for the same elements under another shape of as many elements, 1
// to 2^53.
struct Shape {
  size_t rank;
  size_t of[kMaxRank];
};
bool reshape_indices(size_t count, const Shape& from, const Shape& to, const int32_t* indices, int32_t* out);

// Sparse tensors whose every row is to have an element. `count_rows` finds how many the rows below `rows` have, gives
// in `next` where those of each begin if an empty row gets one, and returns how many there are then, or -1. `fill_rows`
// moves indices [count, rank] and values to places [total, rank] and `filled` [total], adds (row, 0, …) with the value
// `rest` for empty rows, and says in `reverse` where each went; next counts on. In order, so that elements of a row
// stay in theirs; false where a row does not fit what was counted.
int64_t count_rows(size_t count, size_t rank, size_t rows, const int32_t* indices, int32_t* next, uint8_t* empty);
struct Filling {
  size_t count, rank, rows, total;
  const int32_t* indices;
  const uint8_t* empty;
  int32_t *next, *places, *reverse;
};
bool fill_rows(const Filling& f, size_t bytes, const void* values, const void* rest, void* filled);

}  // namespace vit
