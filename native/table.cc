// The kernels of one instruction set as a table.

#include "table.h"

#define VIT_JOIN2(a, b) a##b
#define VIT_JOIN(a, b) VIT_JOIN2(a, b)
#define VIT_TEXT2(a) #a
#define VIT_TEXT(a) VIT_TEXT2(a)
#define VIT_KERNEL(result, name, parameters) VIT_ISA::name,

namespace vit {
namespace {

const SpatialKernels spatial_kernels = {
#include "spatial_kernel_list.h"
};

}  // namespace

extern const Kernels VIT_JOIN(kernels_, VIT_ISA);
const Kernels VIT_JOIN(kernels_, VIT_ISA) = {
    VIT_TEXT(VIT_ISA),
#include "kernel_list.h"
    &spatial_kernels,
    &VIT_ISA::bf16_gemm,
    &VIT_ISA::bf16_rounding,
};

}  // namespace vit
