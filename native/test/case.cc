#include "case.h"

#include <stdio.h>

namespace vit_test {
namespace {

size_t width(Output::Kind kind) { return kind == Output::kByte ? 1 : kind == Output::kDouble ? 8 : 4; }

std::string text(const char* format, const char* name, size_t i, double got, double wanted, double allowed) {
  char line[256];
  snprintf(line, sizeof line, format, name, i, got, wanted, allowed);
  return line;
}

bool close(double got, double wanted, double allowed) {
  if (got == wanted || (isnan(got) && isnan(wanted))) return true;
  if (!(fabs(got - wanted) <= allowed)) {
    // At the end of the range the rounded value is infinite, or just not.
    const double limit = static_cast<double>(FLT_MAX);
    return fabs(wanted) + allowed > limit && isinf(got) && (got > 0) == (wanted > 0);
  }
  return true;
}

constexpr double kUnset = -1;

}  // namespace

Output::Output(const char* name, Kind kind, size_t n)
    : name_(name), kind_(kind), memory_(n * width(kind)), allowed_(n, kUnset) {}

double Output::at(size_t i) const {
  if (kind_ == kByte) return static_cast<const uint8_t*>(memory_.data())[i];
  if (kind_ == kInt) return static_cast<const int32_t*>(memory_.data())[i];
  if (kind_ == kFloat) return static_cast<double>(static_cast<const float*>(memory_.data())[i]);
  double value;
  memcpy(&value, static_cast<const char*>(memory_.data()) + i * sizeof value, sizeof value);
  return value;
}

void Output::near(size_t i, double value, double allowed) {
  allowed_[i] = allowed;
  if (wrong_.empty() && !close(at(i), value, allowed))
    wrong_ = text("%s[%zu] is %.9g, expected %.9g within %.3g", name_, i, at(i), value, allowed);
}

void Output::like(const std::vector<double>& value, const std::vector<double>& sizes, double relative) {
  double off = 0, whole = 0;
  for (size_t i = 0; i < size(); ++i) {
    off += (at(i) - value[i]) * (at(i) - value[i]);
    whole += sizes[i] * sizes[i];
  }
  if (wrong_.empty() && !(sqrt(off) <= relative * sqrt(whole)))
    wrong_ = text("%s (%zu elements) is off by %.9g, all in all of %.9g; of which %.3g is allowed", name_, size(),
                  sqrt(off), sqrt(whole), relative);
  const double mean = sqrt(whole / static_cast<double>(size()));
  for (size_t i = 0; i < size(); ++i) near(i, value[i], 4 * relative * (mean + sizes[i]));
}

void Output::same_as(const Output& other) {
  for (size_t i = 0; i < size(); ++i) {
    exactly(i, other.at(i));
    allowed_[i] = other.allowed_[i];
  }
}

void Output::fails(const char* what) {
  if (wrong_.empty()) wrong_ = what;
}

void Output::check() {
  if (!memory_.intact()) wrong_ = std::string("what lies before ") + name_ + " was written";
  for (size_t i = 0; wrong_.empty() && i < size(); ++i)
    if (allowed_[i] == kUnset)
      wrong_ = std::string("the case expects nothing of ") + name_ + "[" + std::to_string(i) + "]";
}

std::string Output::difference(const Output& other) const {
  for (size_t i = 0; i < size(); ++i)
    if (!close(at(i), other.at(i), 2 * allowed_[i]))
      return text("%s[%zu] is %.9g, and %.9g with the portable kernels; %.3g is allowed", name_, i, at(i), other.at(i),
                  2 * allowed_[i]);
  return "";
}

bool Output::same_bytes(const Output& other) const {
  return memory_.bytes() == other.memory_.bytes() && memcmp(memory_.data(), other.memory_.data(), memory_.bytes()) == 0;
}

const float* Case::input(size_t n, Values values) {
  std::vector<float> numbers(n);
  for (float& x : numbers) {
    x = rng.normal();
    if (values == kNormal) continue;
    x *= ldexpf(1.0f, static_cast<int>(rng.below(30)) - 15);
    if (rng.below(40) == 0) x *= ldexpf(1.0f, static_cast<int>(rng.below(260)) - 130);
    if (rng.below(60) == 0) x = rng.below(2) == 0 ? 0.0f : -0.0f;
    if (values == kSpecial && rng.below(60) == 0)
      x = rng.below(2) == 0 ? NAN : rng.below(2) == 0 ? INFINITY : -INFINITY;
  }
  return given(numbers);
}

const float* Case::given(const std::vector<float>& values) {
  inputs_.emplace_back(new Guarded(values.size() * sizeof(float)));
  if (!values.empty()) memcpy(inputs_.back()->data(), values.data(), values.size() * sizeof(float));
  inputs_.back()->seal();
  return static_cast<const float*>(inputs_.back()->data());
}

const uint8_t* Case::bytes(size_t n) {
  inputs_.emplace_back(new Guarded(n));
  uint8_t* data = static_cast<uint8_t*>(inputs_.back()->data());
  for (size_t i = 0; i < n; ++i) data[i] = static_cast<uint8_t>(rng.below(3));
  inputs_.back()->seal();
  return data;
}

const int32_t* Case::ints(size_t n) {
  inputs_.emplace_back(new Guarded(n * sizeof(int32_t)));
  int32_t* data = static_cast<int32_t*>(inputs_.back()->data());
  for (size_t i = 0; i < n; ++i) {
    const uint32_t any = static_cast<uint32_t>(rng.below(size_t{1} << 32));
    const int32_t ends[] = {INT32_MIN, INT32_MAX, -1, 1, 0, 65536};
    const size_t kind = rng.below(4);
    data[i] = kind == 0   ? ends[rng.below(6)]
              : kind == 1 ? static_cast<int32_t>(any)
                          : static_cast<int32_t>(any % 19) - 9;
  }
  inputs_.back()->seal();
  return data;
}

Output& Case::output(const char* name, size_t n, Output::Kind kind) {
  outputs_.emplace_back(new Output(name, kind, n));
  return *outputs_.back();
}

void Case::says(const char* name, double value) {
  char part[64];
  snprintf(part, sizeof part, "%s%s %g", arguments_.empty() ? "" : ", ", name, value);
  arguments_ += part;
}

std::string Case::wrong() {
  for (const auto& output : outputs_) {
    output->check();
    if (!output->wrong().empty()) return output->wrong();
  }
  return "";
}

}  // namespace vit_test
