// One run of a kernel on random arguments, and what is expected of it. A case draws its sizes and inputs from `rng`,
// calls `kernels`, and says of every element of every output what it must be. It is run again with other numbers of
// threads and on the portable kernels, with the same seed: then the outputs are compared and the expectations are not
// worked out again.
#pragma once

#include <float.h>
#include <math.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "../kernels.h"
#include "guarded.h"
#include "random.h"

namespace vit_test {

constexpr double kUlp = 0x1p-23;  // of 1, in float32

// An output and how far each element may be off.
class Output {
 public:
  enum Kind { kFloat, kByte, kInt, kDouble };

  Output(const char* name, Kind kind, size_t n);

  const char* name() const { return name_; }
  size_t size() const { return allowed_.size(); }
  const Guarded& memory() const { return memory_; }
  double at(size_t i) const;
  // Element i is `value`, give or take `allowed`; NaN and infinity are themselves. A 0 has no sign here.
  void near(size_t i, double value, double allowed);
  void exactly(size_t i, double value) { near(i, value, 0); }
  // All elements at once: ‖out - value‖ is at most `relative` of ‖size‖, and of no element more than its share by far.
  void like(const std::vector<double>& value, const std::vector<double>& size, double relative);
  // Each element is just that of another output, of which more has been said.
  void same_as(const Output& other);
  void fails(const char* what);
  // The first thing that is wrong, or nothing.
  const std::string& wrong() const { return wrong_; }
  void check();
  // Against the output of a run that may differ in the last bits.
  std::string difference(const Output& other) const;
  bool same_bytes(const Output& other) const;

 private:
  const char* name_;
  Kind kind_;
  Guarded memory_;
  std::vector<double> allowed_;
  std::string wrong_;
};

// The values of inputs.
enum Values {
  kNormal,   // mean 0, variance 1
  kWide,     // of all sizes, from denormal to overflow
  kSpecial,  // as kWide, with NaN and infinity among them
};

class Case {
 public:
  Case(const vit::Kernels& table, uint64_t seed, bool judges) : kernels(table), rng(seed), judges_(judges) {}

  const vit::Kernels& kernels;
  Rng rng;

  // 1 … limit, and often small.
  size_t upto(size_t limit) { return 1 + rng.below(rng.below(3) == 0 ? (std::min(limit, size_t{20})) : limit); }
  bool coin() { return rng.below(2) == 0; }

  const float* input(size_t n, Values values = kNormal);
  const uint8_t* bytes(size_t n);
  // Small, of all sizes, and the ends of the range.
  const int32_t* ints(size_t n);
  // Numbers that are known; the array is the kernel's to read only.
  const float* given(const std::vector<float>& values);
  Output& output(const char* name, size_t n, Output::Kind kind = Output::kFloat);
  // Whether this run is to say what it expects.
  bool judges() const { return judges_; }
  // The arguments, for the message of a failure.
  void says(const char* name, double value);

  const std::string& arguments() const { return arguments_; }
  const std::vector<std::unique_ptr<Output>>& outputs() const { return outputs_; }
  // The first thing that is wrong, or nothing; to be asked once.
  std::string wrong();

 private:
  bool judges_;
  std::string arguments_;
  std::vector<std::unique_ptr<Guarded>> inputs_;
  std::vector<std::unique_ptr<Output>> outputs_;
};

inline float* floats(const Output& output) { return static_cast<float*>(output.memory().data()); }
inline int32_t* ints(const Output& output) { return static_cast<int32_t*>(output.memory().data()); }
inline uint8_t* bytes(const Output& output) { return static_cast<uint8_t*>(output.memory().data()); }

}  // namespace vit_test
