// The kernels of one instruction set as a table.

#include "table.h"
#include "spatial_table.h"

#define VIT_JOIN2(a, b) a##b
#define VIT_JOIN(a, b) VIT_JOIN2(a, b)
#define VIT_TEXT2(a) #a
#define VIT_TEXT(a) VIT_TEXT2(a)

namespace vit {

extern const Kernels VIT_JOIN(kernels_, VIT_ISA);
const Kernels VIT_JOIN(kernels_, VIT_ISA) = {
    VIT_TEXT(VIT_ISA),
    VIT_ISA::gemm,
    VIT_ISA::binary,
    VIT_ISA::binary_int,
    VIT_ISA::power_int,
    VIT_ISA::binary_bytes,
    VIT_ISA::floor_div,
    VIT_ISA::compare,
    VIT_ISA::logical,
    VIT_ISA::logical_not,
    VIT_ISA::unary,
    VIT_ISA::unary_int,
    VIT_ISA::test,
    VIT_ISA::clip,
    VIT_ISA::clip_int,
    VIT_ISA::add_n,
    VIT_ISA::cast,
    VIT_ISA::select,
    VIT_ISA::copy,
    VIT_ISA::fill,
    VIT_ISA::reduce,
    VIT_ISA::product,
    VIT_ISA::reduce_ints,
    VIT_ISA::reduce_bools,
    VIT_ISA::arg_floats,
    VIT_ISA::arg_ints,
    VIT_ISA::scan_floats,
    VIT_ISA::scan_ints,
    VIT_ISA::local_response,
    VIT_ISA::local_response_grad,
    VIT_ISA::fft,
    VIT_ISA::magnitude,
    VIT_ISA::softmax,
    VIT_ISA::layer_norm,
    VIT_ISA::layer_norm_grad,
    VIT_ISA::gelu,
    VIT_ISA::gelu_grad,
    VIT_ISA::softmax_cross_entropy,
    VIT_ISA::binary_cross_entropy,
    VIT_ISA::attention,
    VIT_ISA::attention_grad,
    VIT_ISA::mlp_branch_saved,
    VIT_ISA::mlp_branch_packed,
    VIT_ISA::mlp_branch,
    VIT_ISA::mlp_branch_grad,
    VIT_ISA::attention_branch_saved,
    VIT_ISA::attention_branch_packed,
    VIT_ISA::attention_branch,
    VIT_ISA::attention_branch_grad,
    VIT_ISA::adamw,
    VIT_ISA::adamw_squares,
    VIT_ISA::ema,
    VIT_ISA::sum_of_squares,
    &VIT_ISA::spatial_kernels,
    &VIT_ISA::bf16_product,
    &VIT_ISA::bf16_rounding,
};

}  // namespace vit
