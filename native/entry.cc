#include "entry.h"

#include <math.h>

#include <string>

namespace vit {

std::mutex& calls() {
  static std::mutex* mutex = new std::mutex;
  return *mutex;
}

Walk walk_of(const Arguments& args, size_t index) {
  Walk walk;
  const size_t rank = args.array_length(index) / 3;
  if (rank == 0 || rank > kMaxRank || rank * 3 != args.array_length(index))
    throw ArgumentError("Expected a walk of 1 to 8 loops, received another.");
  walk.rank = rank;
  for (size_t d = 0; d < rank; ++d) {
    const double size = args.number_in(index, d);
    const double a = args.number_in(index, rank + d);
    const double b = args.number_in(index, 2 * rank + d);
    const double limit = 1099511627776.0;
    if (!(size >= 0 && size <= limit && a >= -limit && a <= limit && b >= -limit && b <= limit) ||
        size != floor(size) || a != floor(a) || b != floor(b))
      throw ArgumentError("Expected sizes and strides that are integers within 2^40, received others.");
    walk.size[d] = static_cast<size_t>(size);
    walk.stride_a[d] = static_cast<ptrdiff_t>(a);
    walk.stride_b[d] = static_cast<ptrdiff_t>(b);
  }
  return walk;
}

size_t walk_size(const Walk& walk) {
  size_t total = 1;
  for (size_t d = 0; d < walk.rank; ++d) total = size_product(total, walk.size[d]);
  return total;
}

void check_range(const Walk& walk, const ptrdiff_t* stride, size_t offset, size_t length, const char* name) {
  __int128 low = static_cast<__int128>(offset);
  __int128 high = low;
  for (size_t d = 0; d < walk.rank; ++d) {
    const __int128 reach = static_cast<__int128>(walk.size[d] - 1) * stride[d];
    if (reach < 0) low += reach;
    else high += reach;
  }
  if (low < 0 || high >= static_cast<__int128>(length))
    throw ArgumentError(std::string("Expected a walk within ") + name + ", received one that leaves it.");
}

napi_value nothing(const Arguments& args) {
  napi_value value = nullptr;
  napi_get_undefined(args.env(), &value);
  return value;
}

napi_value yes_or_no(const Arguments& args, bool yes) {
  napi_value value = nullptr;
  napi_get_boolean(args.env(), yes, &value);
  return value;
}

}  // namespace vit
