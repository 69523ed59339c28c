// The parts of a table of Bf16Rounding that bf16_pack.cc makes.
#pragma once

#include "bf16.h"

namespace VIT_ISA {

void round_floats(size_t n, const float* x, bf16* y);
void pack_left(const float* a, size_t row, size_t col, size_t m, size_t k, bf16* dst);
void pack_right(const float* b, size_t row, size_t col, size_t k, size_t n, size_t first, size_t last, bf16* dst);

}  // namespace VIT_ISA
