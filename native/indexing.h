// Kernels that move what integer tensors point at, or make integers, compiled once: memory, not arithmetic, is what
// they wait for. Functions that say `bool` look at every index first, and where one is wrong return false and write
// nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

namespace vit {

// x [batch, outer, dim, slice], indices [batch, count] -> out [batch, outer, count, slice]. Elements are of `bytes` (1
// or 4).
struct Gather {
  size_t bytes, batch, outer, dim, slice, count;
};
bool gather(const Gather& g, const void* x, const int32_t* indices, void* out);

// Tuples of `rank` indices, each of a row of `slice` elements of an array whose leading axes have these sizes. As in
// tfjs, it is the row that must be inside, not each index.
struct Tuples {
  size_t count, rank, rows, slice;
  const size_t* sizes;
  const int32_t* indices;
};
bool gather_nd(const Tuples& t, size_t bytes, const void* x, void* out);

// out[row] = value, or += value, for each tuple in order: of equal ones the last counts, or they are summed one after
// the other, modulo 2^32 where they are integers. Work is cut by rows of out, or by columns where slices are long.
struct Scatter {
  bool sum, skip;  // skip: what is outside is left out, and no mistake
  bool repeat;     // one value for all
  bool clear;      // out is zero before
};
bool scatter(const Tuples& t, const Scatter& s, Kind kind, const void* values, void* out);

// out [n, depth] = off, and on where indices[i] is; an index outside is nowhere. The values are the bits of an element.
void one_hot(size_t bytes, size_t n, size_t depth, const int32_t* indices, uint32_t on, uint32_t off, void* out);

// How often each of 0 … size - 1 is in a row of x, or the sum of its weights [rows, cols], in order; `binary`: 1 where
// it is at all. Larger integers count nowhere, negative ones are wrong.
struct Bincount {
  size_t rows, cols, size;
  bool binary;
};
bool bincount(const Bincount& b, Kind kind, const int32_t* x, const void* weights, void* out);

// The k largest of each row, k <= cols, in order, and where they are; of equal ones the first. False where there is a
// NaN.
bool top_k(size_t rows, size_t cols, size_t k, const float* x, float* values, int32_t* places);
bool top_k(size_t rows, size_t cols, size_t k, const int32_t* x, int32_t* values, int32_t* places);

// For each row of probabilities and each random number the first event whose running sum, in float32, is above it; else
// the last.
void draw(size_t rows, size_t cols, size_t samples, const float* probabilities, const double* random, int32_t* events);

// out[i] = start + i·step, in float64 before it is stored; of integers all are whole and fit.
void ramp(size_t n, double start, double step, float* out);
void ramp(size_t n, double start, double step, int32_t* out);

}  // namespace vit
