// Chooses the table of kernels by what the processor says, once; TFJS_VIT_ISA forces a lower one.

#include <stdlib.h>
#include <string.h>

#include <utility>

#include "kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(VIT_HAS_AMX)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace avx512bf16 {
extern const vit::Bf16Gemm bf16_gemm;
extern const vit::Bf16Rounding bf16_rounding;
}  // namespace avx512bf16
namespace amx {
extern const vit::Bf16Gemm bf16_gemm;
}
namespace amx_emulated {
extern const vit::Bf16Gemm bf16_gemm;
}

namespace vit {
namespace {

Kernels with_gemm(const char* isa, const Kernels& rest, const Bf16Gemm& gemm) {
  Kernels table = rest;
  table.isa = isa;
  table.bf16_gemm = &gemm;
  return table;
}

// Rounds by AVX-512 BF16's instruction where the processor has it.
[[maybe_unused]] Kernels with_rounding(Kernels table) {
#if defined(VIT_HAS_AVX512BF16)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bf16")) table.bf16_rounding = &avx512bf16::bf16_rounding;
#endif
  return table;
}

#if defined(VIT_HAS_AVX512BF16)
// Whether vdpbf16ps beats two multiply-adds. Intel's cores since Golden Cove, those with AVX-512 FP16, start one every
// other cycle: half the rate of float32 (measured in docs/benchmarks/log.md). This is a rule and not a measurement, so
// that every run takes the same.
bool fast_dot() {
  unsigned a, b, c, d;
  const bool fp16 = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & (1u << 23)) != 0;
  return !(__builtin_cpu_is("intel") && fp16);
}
#endif

#if defined(VIT_HAS_AMX)
// Whether the processor has tiles of bf16, the system saves them (XCR0), and this process may use them: Linux wants to
// be asked before it makes room for 8 KB more of registers.
bool may_use_amx() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (1u << 22)) == 0 || (d & (1u << 24)) == 0) return false;
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  const unsigned tiles = 3u << 17;
  if ((low & tiles) != tiles) return false;
  const long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  const long tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#if defined(VIT_TRAPPED_AMX)  // a test that computes what the processor cannot: native/test/amx_trap.h
constexpr bool kTrapped = true;
#else
constexpr bool kTrapped = false;
#endif
#endif

// From the slowest to the fastest; long enough for all of an architecture and the null after them.
struct Tables {
  Kernels emulated = with_gemm("amx-emulated", kernels_portable, amx_emulated::bf16_gemm);
#if defined(VIT_HAS_AVX512BF16)
  Kernels dot = with_rounding(with_gemm("avx512bf16", kernels_avx512, avx512bf16::bf16_gemm));
#endif
#if defined(VIT_HAS_AMX)
  Kernels tiles = with_rounding(with_gemm("amx", kernels_avx512, amx::bf16_gemm));
#endif
  const Kernels* of[8] = {&emulated, &kernels_portable};
  size_t count = 2;

  Tables() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2) of[count++] = &kernels_avx2;
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#if !defined(VIT_WITHOUT_AVX512)
    if (avx512) of[count++] = &kernels_avx512;
#else
    static_cast<void>(avx512);
#endif
#if defined(VIT_HAS_AVX512BF16)
    if (avx512 && __builtin_cpu_supports("avx512bf16")) {
      of[count++] = &dot;
      if (!fast_dot()) std::swap(of[count - 2], of[count - 1]);
    }
#endif
#if defined(VIT_HAS_AMX)
    if (avx512 && (may_use_amx() || kTrapped)) of[count++] = &tiles;
#endif
#elif defined(__aarch64__)
    of[count++] = &kernels_neon;
#endif
  }
};

const Kernels* find(const char* isa) {
  for (const Kernels* const* table = all_kernels(); *table != nullptr; ++table)
    if (strcmp((*table)->isa, isa) == 0) return *table;
  return nullptr;
}

const Kernels* best() {
  const char* forced = getenv("TFJS_VIT_ISA");
  if (forced != nullptr && find(forced) != nullptr) return find(forced);
  const Kernels* last = nullptr;
  for (const Kernels* const* table = all_kernels(); *table != nullptr; ++table) last = *table;
  return last;
}

const Kernels*& current() {
  static const Kernels* table = best();
  return table;
}

}  // namespace

const Kernels* const* all_kernels() {
  static const Tables tables;
  return tables.of;
}

const Kernels& kernels() { return *current(); }

bool choose_kernels(const char* isa) {
  const Kernels* table = find(isa);
  if (table == nullptr) return false;
  current() = table;
  return true;
}

}  // namespace vit
