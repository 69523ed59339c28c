// Different slices of an array, by a table of hashes that is at most half full.

#include "counting.h"

#include <string.h>

#include "parallel.h"

namespace vit {
namespace {

// The same bits for what counts as equal: 0 has no sign, and one NaN is as another.
uint32_t bits_of(float x) {
  if (x == 0.0f) return 0;
  if (x != x) return 0x7fc00000u;
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
uint32_t bits_of(int32_t x) { return static_cast<uint32_t>(x); }
uint32_t bits_of(uint8_t x) { return x; }

// A finalizer of MurmurHash3 (Appleby 2011).
uint32_t mixed(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

template <typename T>
size_t unique_of(const Slices& s, const T* x, int32_t* firsts, int32_t* places) {
  size_t size = 2;
  while (size < 2 * s.n) size *= 2;
  // The number of a slice, above 0, or 0.
  uint32_t* table = reinterpret_cast<uint32_t*>(outer_scratch(size));
  memset(table, 0, size * sizeof *table);
  const auto at = [&](size_t outer, size_t i) { return x + (outer * s.n + i) * s.inner; };
  const auto hash_of = [&](size_t i) {
    uint32_t hash = 0;
    for (size_t o = 0; o < s.outer; ++o)
      for (size_t j = 0; j < s.inner; ++j) hash = mixed(hash * 31 + bits_of(at(o, i)[j]));
    return hash;
  };
  const auto equal = [&](size_t a, size_t b) {
    for (size_t o = 0; o < s.outer; ++o)
      for (size_t j = 0; j < s.inner; ++j)
        if (bits_of(at(o, a)[j]) != bits_of(at(o, b)[j])) return false;
    return true;
  };
  // What was found is kept apart: the caller's memory may change.
  int32_t* found = reinterpret_cast<int32_t*>(shared_scratch(s.n + 1));
  uint32_t count = 0;
  for (size_t i = 0; i < s.n; ++i) {
    size_t entry = hash_of(i) & (size - 1);
    while (table[entry] != 0 && !equal(static_cast<size_t>(found[table[entry] - 1]), i)) entry = (entry + 1) & (size - 1);
    if (table[entry] == 0) {
      found[count] = static_cast<int32_t>(i);
      table[entry] = ++count;
    }
    places[i] = static_cast<int32_t>(table[entry] - 1);
  }
  memcpy(firsts, found, count * sizeof *firsts);
  return count;
}

}  // namespace

size_t unique_slices(const Slices& s, Kind kind, const void* x, int32_t* firsts, int32_t* places) {
  if (kind == Kind::kFloat32) return unique_of(s, static_cast<const float*>(x), firsts, places);
  if (kind == Kind::kInt32) return unique_of(s, static_cast<const int32_t*>(x), firsts, places);
  return unique_of(s, static_cast<const uint8_t*>(x), firsts, places);
}

}  // namespace vit
