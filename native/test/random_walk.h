// Walks for the cases of kernels with two operands.
#pragma once

#include "case.h"

namespace vit_test {

// Up to four loops over a and b, each of which may be broadcast or have gaps; the lengths that they need.
inline vit::Walk random_walk(Case& t, size_t* a_length, size_t* b_length) {
  vit::Walk walk;
  walk.rank = 1 + t.rng.below(4);
  const size_t limit = t.rng.below(8) == 0 ? 40 : walk.rank == 1 ? 300 : 9;
  ptrdiff_t a_step = 1, b_step = 1;
  *a_length = *b_length = 1;
  for (size_t d = walk.rank; d-- > 0;) {
    walk.size[d] = t.upto(limit);
    const ptrdiff_t size = static_cast<ptrdiff_t>(walk.size[d]);
    walk.stride_a[d] = t.rng.below(5) == 0 ? 0 : a_step;
    walk.stride_b[d] = t.rng.below(5) == 0 ? 0 : b_step;
    *a_length += static_cast<size_t>((size - 1) * walk.stride_a[d]);
    *b_length += static_cast<size_t>((size - 1) * walk.stride_b[d]);
    const ptrdiff_t gap = t.rng.below(6) == 0 ? 2 : 1;
    a_step *= size * gap;
    b_step *= size;
  }
  return walk;
}

// Calls body(i, offset in a, offset in b) for each element in order.
template <typename Body>
inline void each(const vit::Walk& walk, size_t n, const Body& body) {
  for (size_t i = 0; i < n; ++i) {
    ptrdiff_t a = 0, b = 0;
    size_t rest = i;
    for (size_t d = walk.rank; d-- > 0; rest /= walk.size[d]) {
      a += static_cast<ptrdiff_t>(rest % walk.size[d]) * walk.stride_a[d];
      b += static_cast<ptrdiff_t>(rest % walk.size[d]) * walk.stride_b[d];
    }
    body(i, a, b);
  }
}

inline size_t total(const vit::Walk& walk) {
  size_t n = 1;
  for (size_t d = 0; d < walk.rank; ++d) n *= walk.size[d];
  return n;
}

// Mostly short; sometimes of several tasks.
inline size_t length(Case& t) { return t.rng.below(8) == 0 ? t.upto(60000) : t.upto(600); }

}  // namespace vit_test
