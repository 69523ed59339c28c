// Windows of images and volumes as arguments of a case.
#pragma once

#include "../spatial.h"
#include "case.h"

namespace vit_test {

inline void say(Case& t, const vit::Window& w) {
  t.says("batch", static_cast<double>(w.batch)), t.says("channels", static_cast<double>(w.channels));
  for (const vit::Axis* a : {&w.depth, &w.height, &w.width}) {
    t.says("in", static_cast<double>(a->in)), t.says("out", static_cast<double>(a->out));
    t.says("filter", static_cast<double>(a->filter)), t.says("stride", static_cast<double>(a->stride));
    t.says("dilation", static_cast<double>(a->dilation)), t.says("pad", static_cast<double>(a->pad));
  }
}

// Without padding and outputs, which the caller adds.
inline vit::Axis bare_axis(Case& t, size_t limit) {
  vit::Axis a{};
  a.in = t.upto(limit);
  a.filter = 1 + t.rng.below(4);
  a.stride = 1 + (t.coin() ? 0 : t.rng.below(3));
  a.dilation = t.rng.below(4) == 0 ? 2 : 1;
  return a;
}

inline size_t in_size(const vit::Window& w) { return w.batch * w.in_pixels() * w.channels; }
inline size_t out_size(const vit::Window& w) { return w.batch * w.out_pixels() * w.channels; }

}  // namespace vit_test
