// The kernels of one instruction set, before table.cc joins them. Each is described in kernel_list.h or
// spatial_kernel_list.h.
#pragma once

#include "kernels.h"
#include "spatial.h"

namespace VIT_ISA {

#define VIT_KERNEL(result, name, parameters) result name parameters;
#include "kernel_list.h"
#include "spatial_kernel_list.h"
#undef VIT_KERNEL
extern const vit::Bf16Gemm bf16_gemm;
extern const vit::Bf16Rounding bf16_rounding;

}  // namespace VIT_ISA
