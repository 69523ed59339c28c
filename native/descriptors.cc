#include "descriptors.h"

#include <math.h>

#include <string>

namespace vit {
namespace {

[[noreturn]] void fail(const char* name, const std::string& wanted) {
  throw ArgumentError("Expected " + wanted + " for field " + name + ", received another number.");
}

int whole(double value, int low, int high, const char* name) {
  if (!(value >= low && value <= high) || value != floor(value))
    fail(name, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
  return static_cast<int>(value);
}

}  // namespace

template <>
double Fields::read<double>(const char*) {
  return *next_++;
}
template <>
size_t Fields::read<size_t>(const char* name) {
  const double value = *next_++;
  if (!(value >= 0 && value <= 1099511627776.0) || value != floor(value)) fail(name, "an integer from 0 to 2^40");
  return static_cast<size_t>(value);
}
template <>
bool Fields::read<bool>(const char* name) {
  return whole(*next_++, 0, 1, name) == 1;
}
template <>
Activation Fields::read<Activation>(const char* name) {
  return static_cast<Activation>(whole(*next_++, kNone, kActivationCount - 1, name));
}
template <>
Precision Fields::read<Precision>(const char* name) {
  return static_cast<Precision>(whole(*next_++, 0, kPrecisionCount - 1, name));
}
template <>
Border Fields::read<Border>(const char* name) {
  return static_cast<Border>(whole(*next_++, 0, kBorderCount - 1, name));
}

}  // namespace vit
