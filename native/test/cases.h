// The list of cases. A file of cases adds its own with an object of Cases; a new kernel is one function and one line.
#pragma once

#include <initializer_list>
#include <vector>

#include "case.h"

namespace vit_test {

// `name` is the kernel's in kernels.h; "gemm/batch" is another case of gemm, and "gemm/bf16" and the like multiply in
// bf16.
struct Entry {
  const char* name;
  void (*body)(Case& t);
};

std::vector<Entry>& all_cases();

struct Cases {
  Cases(std::initializer_list<Entry> own) { all_cases().insert(all_cases().end(), own.begin(), own.end()); }
};

}  // namespace vit_test
