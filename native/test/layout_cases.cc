// Copies between strided arrays: what a walk touches is moved to the bit, what it does not is left alone.

#include <algorithm>
#include <numeric>

#include "cases.h"

namespace vit_test {
namespace {

// Both arrays hold the same loops, in orders of their own (a transpose), with gaps (a slice or a pad); some source
// loops repeat or run backwards.
void copy(Case& t) {
  vit::Walk walk;
  walk.rank = 1 + t.rng.below(4);
  const size_t limit = t.rng.below(5) == 0 ? (walk.rank == 1 ? 40000 : walk.rank == 2 ? 180 : 24) : 9;
  for (size_t d = 0; d < walk.rank; ++d) walk.size[d] = t.upto(limit);
  size_t from_length = 1, from = 0, to_length = 1;
  const auto deal = [&](ptrdiff_t* stride, size_t* length, bool source) {
    std::vector<size_t> order(walk.rank);
    std::iota(order.begin(), order.end(), size_t{0});
    if (t.coin())
      for (size_t i = walk.rank; i > 1; --i) std::swap(order[i - 1], order[t.rng.below(i)]);
    size_t step = 1;
    for (size_t i = walk.rank; i-- > 0;) {
      const size_t d = order[i];
      stride[d] = static_cast<ptrdiff_t>(step);
      if (source && t.rng.below(6) == 0) stride[d] = 0;
      else *length += (walk.size[d] - 1) * step;
      if (source && stride[d] != 0 && t.rng.below(8) == 0) {
        from += (walk.size[d] - 1) * step;
        stride[d] = -stride[d];
      }
      step *= walk.size[d] + (t.rng.below(4) == 0 ? 1 : 0);
    }
  };
  deal(walk.stride_a, &from_length, true);
  deal(walk.stride_b, &to_length, false);
  const bool small = t.rng.below(3) == 0;
  t.says("rank", static_cast<double>(walk.rank)), t.says("bytes", small ? 1 : 4);
  size_t total = 1;
  for (size_t d = 0; d < walk.rank; ++d) total *= walk.size[d];
  const auto each = [&](const auto& body) {
    for (size_t i = 0; i < total; ++i) {
      ptrdiff_t a = 0, b = 0;
      size_t rest = i;
      for (size_t d = walk.rank; d-- > 0; rest /= walk.size[d]) {
        a += static_cast<ptrdiff_t>(rest % walk.size[d]) * walk.stride_a[d];
        b += static_cast<ptrdiff_t>(rest % walk.size[d]) * walk.stride_b[d];
      }
      body(a, b);
    }
  };
  const auto judge = [&](Output& target, const auto* source) {
    std::vector<double> wanted(to_length, 9);
    each([&](ptrdiff_t a, ptrdiff_t b) { wanted[static_cast<size_t>(b)] = static_cast<double>(source[a]); });
    for (size_t i = 0; i < to_length; ++i) target.exactly(i, wanted[i]);
  };
  if (small) {
    const uint8_t* source = t.bytes(from_length) + from;
    Output& target = t.output("target", to_length, Output::kByte);
    std::fill_n(bytes(target), to_length, uint8_t{9});
    t.kernels.copy(1, walk, source, bytes(target));
    if (t.judges()) judge(target, source);
  } else {
    const float* source = t.input(from_length, kSpecial) + from;
    Output& target = t.output("target", to_length);
    std::fill_n(floats(target), to_length, 9.0f);
    t.kernels.copy(4, walk, source, floats(target));
    if (t.judges()) judge(target, source);
  }
}

}  // namespace

const Cases layout_cases = {{"copy", copy}};

}  // namespace vit_test
