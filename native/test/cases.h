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

#define VIT_CASES(name) extern const std::vector<Entry> name;
#include "case_lists.h"
#undef VIT_CASES

}  // namespace vit_test
