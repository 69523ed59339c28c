// Arithmetic of sizes. The function is inlined everywhere, so that no file for one instruction set calls that of
// another.
#pragma once

#include <stddef.h>

namespace vit {

// The smallest integer that is not below n/by.
static inline __attribute__((always_inline)) constexpr size_t ceil_div(size_t n, size_t by) {
  return (n + by - 1) / by;
}

// How many items of `each` are about `work` in all; at least one.
static inline __attribute__((always_inline)) constexpr size_t items_for(size_t work, size_t each) {
  return each >= work ? 1 : work / (each == 0 ? 1 : each);
}

}  // namespace vit

#if defined(VIT_ISA)
namespace VIT_ISA {
using vit::ceil_div;
using vit::items_for;
}  // namespace VIT_ISA
#endif
