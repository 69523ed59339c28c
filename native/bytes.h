// memmove and memset of any number of bytes: C allows neither of them a null pointer, even for none. Inlined
// everywhere, so that no file for one instruction set calls that of another.
#pragma once

#include <stddef.h>
#include <string.h>

namespace vit {

static inline __attribute__((always_inline)) void move_bytes(void* to, const void* from, size_t bytes) {
  if (bytes > 0) memmove(to, from, bytes);
}
static inline __attribute__((always_inline)) void clear_bytes(void* to, size_t bytes) {
  if (bytes > 0) memset(to, 0, bytes);
}

}  // namespace vit

#if defined(VIT_ISA)
namespace VIT_ISA {
using vit::clear_bytes;
using vit::move_bytes;
}  // namespace VIT_ISA
#endif
