// How kernels that are compiled once cut their work, and add.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>

#include "parallel.h"
#include "sizes.h"

namespace vit {

constexpr size_t kTask = 16384;

// body(begin, end) in tasks of about 16,384 elements, for n items of `each` elements.
template <typename Body>
void ranges(size_t n, size_t each, const Body& body) {
  const size_t items = items_for(kTask, each);
  parallel(ceil_div(n, items), [&](size_t task, size_t) {
    const size_t begin = task * items;
    body(begin, std::min(n, begin + items));
  });
}

// Modulo 2^32 where they are integers.
template <typename T>
inline T add_wrapped(T a, T b) {
  return a + b;
}
template <>
inline int32_t add_wrapped(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

}  // namespace vit
