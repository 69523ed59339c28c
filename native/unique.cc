// Different slices of an array, by a table of hashes that is at most half full.

#include "counting.h"

#include <string.h>

#include "bytes.h"
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

// A finalizer of MurmurHash3 (Appleby 2011); no two numbers give the same.
uint32_t mixed(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

// `count` different slices so far; entries of the table have the number of one, above 0, and its hash.
struct Entry {
  uint32_t number, hash;
};

template <typename Hash, typename Equal>
size_t unique_of(size_t n, const Hash& hash_of, const Equal& equal, int32_t* firsts, int32_t* places) {
  size_t size = 2;
  while (size < 2 * n) size *= 2;
  Entry* table = reinterpret_cast<Entry*>(outer_scratch(2 * size));
  clear_bytes(table, size * sizeof *table);
  // The slices found are copied: the caller's memory may change.
  int32_t* found = reinterpret_cast<int32_t*>(shared_scratch(n + 1));
  uint32_t count = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint32_t hash = hash_of(i);
    size_t at = hash & (size - 1);
    while (table[at].number != 0 &&
           !(table[at].hash == hash && equal(static_cast<size_t>(found[table[at].number - 1]), i)))
      at = (at + 1) & (size - 1);
    if (table[at].number == 0) {
      found[count] = static_cast<int32_t>(i);
      table[at] = {++count, hash};
    }
    places[i] = static_cast<int32_t>(table[at].number - 1);
  }
  move_bytes(firsts, found, count * sizeof *firsts);
  return count;
}

template <typename T>
size_t unique_in(const Slices& s, const T* x, int32_t* firsts, int32_t* places) {
  // The hash of a single element identifies it.
  if (s.outer == 1 && s.inner == 1)
    return unique_of(
        s.n, [=](size_t i) { return mixed(bits_of(x[i])); }, [](size_t, size_t) { return true; }, firsts, places);
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
  return unique_of(s.n, hash_of, equal, firsts, places);
}

}  // namespace

size_t unique_slices(const Slices& s, Kind kind, const void* x, int32_t* firsts, int32_t* places) {
  if (kind == Kind::kFloat32) return unique_in(s, static_cast<const float*>(x), firsts, places);
  if (kind == Kind::kInt32) return unique_in(s, static_cast<const int32_t*>(x), firsts, places);
  return unique_in(s, static_cast<const uint8_t*>(x), firsts, places);
}

}  // namespace vit
