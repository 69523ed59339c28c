// The lists of cases, a file for each source of kernels. A new kernel is one function and one line in its list.
#pragma once

#include <vector>

#include "case.h"

namespace vit_test {

// `name` is the kernel's in kernels.h; "gemm/batch" is another case of gemm, and "gemm/bf16" and the like multiply in
// bf16.
struct Entry {
  const char* name;
  void (*body)(Case& t);
};

extern const std::vector<Entry> gemm_cases, elementwise_cases, integers_cases, layout_cases, rows_cases, norm_cases,
    attention_cases, mlp_branch_cases, attention_branch_cases, optimizer_cases, spatial_cases, axis_cases,
    indexing_cases, bf16_cases, image_cases, counting_cases;

}  // namespace vit_test
