// The kernels on images of one instruction set as a table.

#include "spatial_table.h"

namespace VIT_ISA {

const vit::SpatialKernels spatial_kernels = {
    pool,
    pool_positions,
    pool_grad,
    depthwise,
    depthwise_input_grad,
    depthwise_filter_grad,
    convolve,
    convolve_filter_grad,
    sum_columns,
    sample,
    sample_grad,
    pick,
    normalize,
    transform,
    dilate,
    dilate_ints,
    dilate_input_grad,
    dilate_filter_grad,
    suppress,
};

}  // namespace VIT_ISA
