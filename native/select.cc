// Chooses the table of kernels by what the processor says, once; TFJS_VIT_ISA forces a lower one.

#include <stdlib.h>
#include <string.h>

#include "kernels.h"

namespace vit {
namespace {

const Kernels* find(const char* isa) {
  if (strcmp(isa, "portable") == 0) return &kernels_portable;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (strcmp(isa, "avx2") == 0 && avx2) return &kernels_avx2;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (strcmp(isa, "avx512") == 0 && avx512) return &kernels_avx512;
#endif
  return nullptr;
}

const Kernels* best() {
  const char* forced = getenv("TFJS_VIT_ISA");
  if (forced != nullptr && find(forced) != nullptr) return find(forced);
  if (find("avx512") != nullptr) return find("avx512");
  if (find("avx2") != nullptr) return find("avx2");
  return &kernels_portable;
}

const Kernels*& current() {
  static const Kernels* table = best();
  return table;
}

}  // namespace

const Kernels& kernels() { return *current(); }

bool choose_kernels(const char* isa) {
  const Kernels* table = find(isa);
  if (table == nullptr) return false;
  current() = table;
  return true;
}

}  // namespace vit
