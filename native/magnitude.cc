// Magnitudes of complex numbers.

#include "table.h"
#include "walks.h"

namespace VIT_ISA {

void magnitude(size_t n, const float* re, const float* im, float* out) {
  chunks(n, [=](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const double a = static_cast<double>(re[i]), b = static_cast<double>(im[i]);
      const float size = static_cast<float>(sqrt(a * a + b * b));
      // Infinite where a part is, even beside NaN.
      out[i] = fabsf(re[i]) == HUGE_VALF || fabsf(im[i]) == HUGE_VALF ? HUGE_VALF : size;
    }
  });
}

}  // namespace VIT_ISA
