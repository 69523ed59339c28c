// Random numbers of the tests: the same for a seed on every machine.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

namespace vit_test {

// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  // Mean 0, variance 1, within ±6: twelve uniform numbers of 21 bits.
  float normal() {
    uint64_t sum = 0;
    for (int i = 0; i < 4; ++i) {
      const uint64_t random = bits(), lowest = (1u << 21) - 1;
      sum += (random & lowest) + (random >> 21 & lowest) + (random >> 42 & lowest);
    }
    return static_cast<float>(static_cast<double>(sum) * 0x1p-21 - 6);
  }
  // 0 … limit - 1.
  size_t below(size_t limit) { return static_cast<size_t>(bits() % limit); }

 private:
  uint64_t state_;
};

}  // namespace vit_test
