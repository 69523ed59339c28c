// The number of float32 lanes of a vector, alone: the intrinsics that simd.h needs take the compiler half a second to
// read.
#pragma once

#include <stddef.h>

namespace VIT_ISA {

#if defined(VIT_AVX512)
constexpr size_t VL = 16;
#elif defined(VIT_AVX2)
constexpr size_t VL = 8;
#else
constexpr size_t VL = 4;
#endif

}  // namespace VIT_ISA
