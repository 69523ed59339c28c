// Integers as arguments and as results of a case.
#pragma once

#include <vector>

#include "case.h"

namespace vit_test {

// Integers of all sizes, or from -limit to limit.
inline std::vector<int32_t> integers(Case& t, size_t n, size_t limit = 0) {
  std::vector<int32_t> values(n);
  for (int32_t& value : values)
    value = limit == 0 ? static_cast<int32_t>(static_cast<uint32_t>(t.rng.bits()))
                       : static_cast<int32_t>(t.rng.below(2 * limit + 1)) - static_cast<int32_t>(limit);
  return values;
}

// The result of a kernel as an output of the case, which says what it must be.
inline Output& show(Case& t, const char* name, const std::vector<int32_t>& values) {
  Output& out = t.output(name, values.size(), Output::kDouble);
  double* to = static_cast<double*>(out.memory().data());
  for (size_t i = 0; i < values.size(); ++i) to[i] = values[i];
  return out;
}

// As JavaScript stores a number in an Int32Array.
inline int32_t stored(double value) {
  if (isnan(value) || isinf(value)) return 0;
  const double rest = fmod(trunc(value), 0x1p32);
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(rest < 0 ? rest + 0x1p32 : rest)));
}

}  // namespace vit_test
