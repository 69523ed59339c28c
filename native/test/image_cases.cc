// Projections, grayscale dilation and the choice of boxes, against loops over each pixel, tap and box; magnitudes of
// complex numbers.

#include <algorithm>
#include <functional>

#include "../spatial.h"
#include "cases.h"
#include "integers.h"
#include "windows.h"

namespace vit_test {
namespace {

using namespace vit;

constexpr double kLeast = -9007199254740991.0;

void magnitude(Case& t) {
  const size_t n = t.upto(40000);
  const float *re = t.input(n, kSpecial), *im = t.input(n, kSpecial);
  Output& out = t.output("out", n);
  t.kernels.magnitude(n, re, im, floats(out));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    const double size = hypot(static_cast<double>(re[i]), static_cast<double>(im[i]));
    out.near(i, static_cast<double>(static_cast<float>(size)), kUlp * size + 0x1p-149);
  }
}

// Places are quarters of a pixel, so that nothing is rounded before it is compared with an edge.
double quarters(Case& t, size_t limit) {
  return (static_cast<double>(t.rng.below(8 * limit + 1)) - 4.0 * static_cast<double>(limit)) / 4;
}

double bounded(double v, double size) { return std::min(std::max(v, 0.0), size - 1); }
double into(Border border, double v, double size) {
  if (border == kConstant) return v;
  if (border == kReflect && (v < 0 || v > size - 1)) {
    double at = fmod(v, 2 * size);
    if (at < 0) at += 2 * size;
    v = size == 1 ? 0 : at < size ? at : 2 * size - 1 - at;
  }
  if (border == kWrap && size == 1) v = 0;
  else if (border == kWrap && v < 0) v += size * (floor(-v / (size - 1)) + 1);
  else if (border == kWrap && v > size - 1) v -= size * floor(v / (size - 1));
  return bounded(v, size);
}

void transform(Case& t) {
  Projection p;
  p.batch = t.upto(3), p.channels = t.upto(6);
  p.height = t.upto(30), p.width = t.upto(30);
  p.out_height = t.upto(60), p.out_width = t.upto(200);
  p.bilinear = t.coin(), p.shared = t.coin();
  p.border = static_cast<Border>(t.rng.below(kBorderCount));
  p.fill = t.coin() ? 0.0 : 2.5;
  std::vector<float> maps((p.shared ? 1 : p.batch) * 8);
  for (size_t i = 0; i < maps.size(); ++i)
    maps[i] = i % 8 > 5 ? (t.rng.below(4) == 0 ? -0.25f : 0.0f)
                        : static_cast<float>(quarters(t, i % 8 == 2 || i % 8 == 5 ? 20 : 1));
  p.maps = maps.data();
  t.says("height", static_cast<double>(p.height)), t.says("width", static_cast<double>(p.width)),
      t.says("border", p.border);
  t.says("bilinear", p.bilinear), t.says("channels", static_cast<double>(p.channels));
  const float* x = t.input(p.batch * p.height * p.width * p.channels);
  Output& out = t.output("out", p.batch * p.out_height * p.out_width * p.channels);
  t.kernels.spatial->transform(p, x, floats(out));
  const double height = static_cast<double>(p.height), width = static_cast<double>(p.width);
  for (size_t i = 0; t.judges() && i < out.size(); ++i) {
    const size_t c = i % p.channels, ox = i / p.channels % p.out_width,
                 oy = i / p.channels / p.out_width % p.out_height;
    const size_t b = i / p.channels / p.out_width / p.out_height;
    double m[8];
    for (size_t k = 0; k < 8; ++k) m[k] = static_cast<double>(maps[(p.shared ? 0 : 8 * b) + k]);
    const double column = static_cast<double>(ox), row = static_cast<double>(oy);
    const double scale = m[6] * column + m[7] * row + 1;
    if (scale == 0) {
      out.exactly(i, p.fill);
      continue;
    }
    const double px = into(p.border, (m[0] * column + m[1] * row + m[2]) / scale, width);
    const double py = into(p.border, (m[3] * column + m[4] * row + m[5]) / scale, height);
    const auto at = [&](double y, double z) {
      if (!(y >= 0 && y < height && z >= 0 && z < width)) return p.fill;
      return static_cast<double>(
          x[((b * p.height + static_cast<size_t>(y)) * p.width + static_cast<size_t>(z)) * p.channels + c]);
    };
    if (!p.bilinear) {
      out.exactly(i, at(floor(py + 0.5), floor(px + 0.5)));
      continue;
    }
    const double y = floor(py), z = floor(px), down = py - y, across = px - z;
    const double upper = (1 - across) * at(y, z) + across * at(y, z + 1),
                 lower = (1 - across) * at(y + 1, z) + across * at(y + 1, z + 1);
    // Beyond the image the two weights may be large: then they cancel.
    out.near(i, (1 - down) * upper + down * lower, 4 * kUlp * (1 + fabs(upper) + fabs(lower)));
  }
}

Axis random_axis(Case& t, size_t limit) {
  Axis a = bare_axis(t, limit);
  a.pad = static_cast<ptrdiff_t>(t.rng.below(a.filter * a.dilation + 1));
  // None begins behind the end.
  a.out = 1 + t.rng.below((a.in - 1 + static_cast<size_t>(a.pad)) / a.stride + 1);
  return a;
}

Window random_window(Case& t) {
  const bool large = t.rng.below(4) == 0;
  Window w = {1 + t.rng.below(3),
              t.rng.below(3) == 0 ? 1 + t.rng.below(4) : t.upto(70),
              {1, 1, 1, 1, 1, 0},
              random_axis(t, large ? 60 : 7),
              random_axis(t, large ? 40 : 12)};
  say(t, w);
  return w;
}

// For an element of the result: the largest sum, and its first place.
struct Winner {
  double sum = kLeast;
  size_t tap = 0, pixel = 0;  // of the filter, of the batch
};
template <typename T>
std::vector<Winner> winners(const Window& w, const T* x, const T* filter) {
  std::vector<Winner> all(out_size(w));
  const auto start = [](const Axis& a, size_t o) { return static_cast<ptrdiff_t>(o * a.stride) - a.pad; };
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t c = i % w.channels, ow = i / w.channels % w.width.out,
                 oh = i / w.channels / w.width.out % w.height.out;
    const size_t image = i / w.channels / w.out_pixels() * w.in_pixels();
    const ptrdiff_t top = start(w.height, oh), left = start(w.width, ow);
    all[i].pixel = image + static_cast<size_t>(std::max<ptrdiff_t>(top, 0)) * w.width.in +
                   static_cast<size_t>(std::max<ptrdiff_t>(left, 0));
    for (size_t tap = 0; tap < w.taps(); ++tap) {
      const ptrdiff_t h = top + static_cast<ptrdiff_t>(tap / w.width.filter * w.height.dilation);
      const ptrdiff_t v = left + static_cast<ptrdiff_t>(tap % w.width.filter * w.width.dilation);
      if (h < 0 || v < 0 || h >= static_cast<ptrdiff_t>(w.height.in) || v >= static_cast<ptrdiff_t>(w.width.in))
        continue;
      const size_t pixel = image + static_cast<size_t>(h) * w.width.in + static_cast<size_t>(v);
      const double sum =
          static_cast<double>(x[pixel * w.channels + c]) + static_cast<double>(filter[tap * w.channels + c]);
      if (sum > all[i].sum) all[i] = {sum, tap, pixel};
    }
  }
  return all;
}

void dilate(Case& t) {
  const Window w = random_window(t);
  const float *x = t.input(in_size(w), kSpecial), *filter = t.input(w.taps() * w.channels);
  Output& out = t.output("out", out_size(w));
  t.kernels.spatial->dilate(w, x, filter, floats(out));
  if (!t.judges()) return;
  const std::vector<Winner> wanted = winners(w, x, filter);
  for (size_t i = 0; i < wanted.size(); ++i) out.exactly(i, static_cast<double>(static_cast<float>(wanted[i].sum)));
}

void dilate_ints(Case& t) {
  const Window w = random_window(t);
  const std::vector<int32_t> x = integers(t, in_size(w)), filter = integers(t, w.taps() * w.channels);
  std::vector<int32_t> out(out_size(w), 7);
  t.kernels.spatial->dilate_ints(w, x.data(), filter.data(), out.data());
  Output& shown = show(t, "out", out);
  if (!t.judges()) return;
  const std::vector<Winner> wanted = winners(w, x.data(), filter.data());
  for (size_t i = 0; i < wanted.size(); ++i) shown.exactly(i, stored(wanted[i].sum));
}

// Many sums are equal, or differ in float64 alone.
const float* tied(Case& t, size_t n, float least) {
  std::vector<float> values(n);
  for (float& value : values) {
    const size_t kind = t.rng.below(30);
    value = kind == 0   ? NAN
            : kind == 1 ? -HUGE_VALF
            : kind < 5  ? least * static_cast<float>(t.rng.below(3))
                        : static_cast<float>(t.rng.below(3));
  }
  return t.given(values);
}

void dilate_grad(Case& t, bool of_filter) {
  const Window w = random_window(t);
  const size_t size = of_filter ? w.taps() * w.channels : in_size(w);
  const float *x = tied(t, in_size(w), 0.0f), *filter = tied(t, w.taps() * w.channels, 0x1p-40f),
              *dy = t.input(out_size(w));
  Output& out = t.output("out", size);
  (of_filter ? t.kernels.spatial->dilate_filter_grad : t.kernels.spatial->dilate_input_grad)(w, x, filter, dy,
                                                                                             floats(out));
  if (!t.judges()) return;
  const std::vector<Winner> found = winners(w, x, filter);
  std::vector<double> sums(size), sizes(size), terms(size);
  for (size_t i = 0; i < found.size(); ++i) {
    const size_t at = (of_filter ? found[i].tap : found[i].pixel) * w.channels + i % w.channels;
    sums[at] += static_cast<double>(dy[i]), sizes[at] += fabs(static_cast<double>(dy[i])), terms[at] += 1;
  }
  for (size_t i = 0; i < size; ++i) out.near(i, sums[i], sizes[i] * kUlp * (2 + terms[i]));
}
void dilate_input_grad(Case& t) { dilate_grad(t, false); }
void dilate_filter_grad(Case& t) { dilate_grad(t, true); }

double overlap(const float* a, const float* b) {
  const auto low = [](const float* box, size_t side) {
    return static_cast<double>(std::min(box[side], box[side + 2]));
  };
  const auto high = [](const float* box, size_t side) {
    return static_cast<double>(std::max(box[side], box[side + 2]));
  };
  const auto area = [&](const float* box) { return (high(box, 0) - low(box, 0)) * (high(box, 1) - low(box, 1)); };
  if (area(a) <= 0 || area(b) <= 0) return 0;
  double common = 1;
  for (size_t side = 0; side < 2; ++side)
    common *= std::max(std::min(high(a, side), high(b, side)) - std::max(low(a, side), low(b, side)), 0.0);
  return common / (area(a) + area(b) - common);
}

struct Pick {
  size_t box;
  double score;
  size_t seen;
};
// As TensorFlow.js does it: the best of the rest is weighted by each that was chosen since it was last looked at, the
// latest first.
std::vector<Pick> picked(const NonMaxSuppression& s) {
  std::vector<Pick> rest, chosen;
  for (size_t i = 0; i < s.n; ++i)
    if (static_cast<double>(s.scores[i]) > s.threshold) rest.push_back({i, static_cast<double>(s.scores[i]), 0});
  const auto worse = [](const Pick& a, const Pick& b) {
    return a.score != b.score ? a.score < b.score : a.box > b.box;
  };
  std::sort(rest.begin(), rest.end(), worse);
  while (chosen.size() < s.most && !rest.empty()) {
    Pick best = rest.back();
    rest.pop_back();
    const double before = best.score;
    bool covered = false;
    for (size_t j = chosen.size(); j-- > best.seen && !covered && best.score > s.threshold;) {
      const double share = overlap(s.boxes + 4 * best.box, s.boxes + 4 * chosen[j].box);
      covered = share >= s.overlap;
      if (!covered) best.score *= exp(s.scale * share * share);
    }
    best.seen = chosen.size();
    if (covered) continue;
    if (best.score == before) chosen.push_back(best);
    else if (best.score > s.threshold) rest.insert(std::lower_bound(rest.begin(), rest.end(), best, worse), best);
  }
  return chosen;
}

// Corners are sixteenths times a power of 2, so that areas are exact.
void non_max_suppression(Case& t) {
  NonMaxSuppression s;
  s.n = t.upto(700);
  s.most = t.rng.below(s.n + 1);
  const size_t grid = t.coin() ? 30 : 300;
  const float unit = t.rng.below(4) == 0 ? (t.coin() ? 0x1p55f : 0x1p-65f) : 0x1p-4f;
  const double limits[] = {0, 0.25, 0.5, 0.9, 1};
  s.overlap = limits[t.rng.below(5)];
  s.threshold = t.coin() ? 0.125 : -HUGE_VAL;
  s.scale = t.coin() ? 0.0 : -1.0;
  std::vector<float> boxes(4 * s.n), scores(s.n);
  for (size_t i = 0; i < 4 * s.n; ++i) {
    const float corner = static_cast<float>(t.rng.below(grid)) * unit;
    boxes[i] = grid == 30 || i % 4 < 2 ? corner : boxes[i - 2] + static_cast<float>(t.rng.below(40)) * unit;
  }
  for (float& score : scores) score = t.rng.below(50) == 0 ? NAN : static_cast<float>(t.rng.below(64)) / 64;
  s.boxes = t.given(boxes), s.scores = t.given(scores);
  t.says("n", static_cast<double>(s.n)), t.says("most", static_cast<double>(s.most)), t.says("overlap", s.overlap);
  t.says("threshold", s.threshold), t.says("scale", s.scale), t.says("unit", static_cast<double>(unit));
  std::vector<int32_t> chosen(s.most, -1);
  const bool scored = t.coin();
  Output& kept = t.output("scores", s.most);
  std::fill_n(floats(kept), s.most, -7.0f);
  chosen.push_back(
      static_cast<int32_t>(t.kernels.spatial->non_max_suppression(s, chosen.data(), scored ? floats(kept) : nullptr)));
  Output& shown = show(t, "chosen", chosen);
  if (!t.judges()) return;
  const std::vector<Pick> wanted = picked(s);
  for (size_t i = 0; i < s.most; ++i) {
    const bool there = i < wanted.size();
    shown.exactly(i, there ? static_cast<double>(wanted[i].box) : -1);
    if (there && scored) kept.near(i, wanted[i].score, kUlp);
    else kept.exactly(i, -7);
  }
  shown.exactly(s.most, static_cast<double>(wanted.size()));
}

}  // namespace

const Cases image_cases = {
    {"magnitude", magnitude},
    {"transform", transform},
    {"dilate", dilate},
    {"dilate_ints", dilate_ints},
    {"dilate_input_grad", dilate_input_grad},
    {"dilate_filter_grad", dilate_filter_grad},
    {"non_max_suppression", non_max_suppression},
};

}  // namespace vit_test
