// Kernels on images and volumes against loops over every tap: windows that reach beyond the image or lie beside it,
// strides that leave pixels out, dilations, and from one channel to several vectors of them.

#include "../spatial.h"

#include <algorithm>
#include <functional>

#include "cases.h"
#include "windows.h"

namespace vit_test {
namespace {

using namespace vit;

Axis random_axis(Case& t, size_t limit) {
  Axis a = bare_axis(t, limit);
  a.pad = static_cast<ptrdiff_t>(t.rng.below(a.filter * a.dilation + 1)) - (t.rng.below(6) == 0 ? 2 : 0);
  a.out = 1 + t.rng.below(a.in / a.stride + 2);
  return a;
}

// Mostly small; sometimes of several tasks.
Window random_window(Case& t, bool volume) {
  const bool large = t.rng.below(4) == 0;
  Window w;
  w.batch = 1 + t.rng.below(3);
  w.channels = t.rng.below(3) == 0 ? 1 + t.rng.below(4) : t.upto(70);
  w.depth = volume && t.coin() ? random_axis(t, 4) : Axis{1, 1, 1, 1, 1, 0};
  w.height = random_axis(t, large ? 24 : 7);
  w.width = random_axis(t, large ? 40 : 12);
  say(t, w);
  return w;
}

// body(output pixel of the batch, tap, pixel of the batch) for every tap that lies inside, the taps of an output in
// order.
void each_tap(const Window& w, const std::function<void(size_t, size_t, size_t)>& body) {
  const auto place = [](const Axis& a, size_t out, size_t tap) {
    return static_cast<ptrdiff_t>(out * a.stride + tap * a.dilation) - a.pad;
  };
  for (size_t o = 0; o < w.batch * w.out_pixels(); ++o)
    for (size_t tap = 0; tap < w.taps(); ++tap) {
      const size_t ow = o % w.width.out, oh = o / w.width.out % w.height.out,
                   od = o / w.width.out / w.height.out % w.depth.out;
      const ptrdiff_t d = place(w.depth, od, tap / w.width.filter / w.height.filter);
      const ptrdiff_t h = place(w.height, oh, tap / w.width.filter % w.height.filter);
      const ptrdiff_t c = place(w.width, ow, tap % w.width.filter);
      const auto within = [](ptrdiff_t at, const Axis& a) { return at >= 0 && at < static_cast<ptrdiff_t>(a.in); };
      if (!within(d, w.depth) || !within(h, w.height) || !within(c, w.width)) continue;
      const size_t line =
          (o / w.out_pixels() * w.depth.in + static_cast<size_t>(d)) * w.height.in + static_cast<size_t>(h);
      body(o, tap, line * w.width.in + static_cast<size_t>(c));
    }
}

// Sums of products and of their magnitudes.
struct Sums {
  std::vector<double> value, size;
  explicit Sums(size_t n) : value(n), size(n) {}
  void add(size_t i, double term) { value[i] += term, size[i] += fabs(term); }
  // `terms` as many of them as an element has at most.
  void judge(Output& out, size_t terms) const {
    for (size_t i = 0; i < value.size(); ++i) out.near(i, value[i], size[i] * kUlp * (2 + static_cast<double>(terms)));
  }
};

double clamped(double value, Clamp clamp) {
  return std::min(std::max(value, static_cast<double>(clamp.low)), static_cast<double>(clamp.high));
}
Clamp random_clamp(Case& t) { return t.coin() ? Clamp{-HUGE_VALF, HUGE_VALF} : Clamp{0.0f, 2.0f}; }

void pool(Case& t) {
  const Window w = random_window(t, true);
  const Pool op = static_cast<Pool>(t.rng.below(kPoolCount));
  t.says("op", op);
  const float* x = t.input(in_size(w), op == kMaxPool ? kSpecial : kNormal);
  Output& out = t.output("out", out_size(w));
  t.kernels.spatial->pool(op, w, x, floats(out));
  if (!t.judges()) return;
  Sums sums(out_size(w));
  std::vector<double> most(out_size(w), -HUGE_VAL), count(out_size(w));
  each_tap(w, [&](size_t o, size_t, size_t pixel) {
    for (size_t c = 0; c < w.channels; ++c) {
      const double value = static_cast<double>(x[pixel * w.channels + c]);
      const size_t i = o * w.channels + c;
      if (value > most[i]) most[i] = value;
      count[i] += 1;
      sums.add(i, value);
    }
  });
  for (size_t i = 0; i < out_size(w); ++i) {
    if (op == kMaxPool) out.exactly(i, most[i]);
    else if (count[i] == 0) out.exactly(i, op == kMeanPool ? NAN : 0);
    else out.near(i, sums.value[i] / count[i], sums.size[i] / count[i] * kUlp * (2 + static_cast<double>(w.taps())));
  }
}

// Many values are equal.
const float* tied(Case& t, size_t n) {
  std::vector<float> values(n);
  for (float& value : values)
    value = t.rng.below(30) == 0 ? NAN : t.rng.below(30) == 0 ? -HUGE_VALF : static_cast<float>(t.rng.below(4));
  return t.given(values);
}

std::vector<int32_t> wanted_positions(const Window& w, const float* x, Position kind, bool last) {
  std::vector<int32_t> wanted(out_size(w), -1);
  std::vector<float> best(out_size(w), -HUGE_VALF);
  each_tap(w, [&](size_t o, size_t, size_t pixel) {
    for (size_t c = 0; c < w.channels; ++c) {
      const float value = x[pixel * w.channels + c];
      const size_t i = o * w.channels + c, place = kind == kElementOfBatch ? pixel : pixel % w.in_pixels();
      if (!(last ? value >= best[i] : value > best[i])) continue;
      best[i] = value;
      wanted[i] = static_cast<int32_t>(kind == kPixel ? place : place * w.channels + c);
    }
  });
  return wanted;
}

void pool_positions(Case& t) {
  const Window w = random_window(t, true);
  const Position kind = static_cast<Position>(t.rng.below(kPositionCount));
  const bool last = t.coin();
  t.says("kind", kind), t.says("last", last);
  const float* x = tied(t, in_size(w));
  std::vector<int32_t> positions(out_size(w));
  t.kernels.spatial->pool_positions(kind, last, w, x, positions.data());
  Output& out = t.output("positions", out_size(w));
  std::copy(positions.begin(), positions.end(), floats(out));
  if (!t.judges()) return;
  const std::vector<int32_t> wanted = wanted_positions(w, x, kind, last);
  for (size_t i = 0; i < wanted.size(); ++i) out.exactly(i, wanted[i]);
}

void pool_grad(Case& t) {
  const Window w = random_window(t, true);
  const bool maxima = t.coin();
  t.says("maxima", maxima);
  const std::vector<int32_t> positions = wanted_positions(w, tied(t, in_size(w)), kPixel, false);
  const float* dy = t.input(out_size(w));
  const float factor = 0.25f;
  Output& dx = t.output("dx", in_size(w));
  t.kernels.spatial->pool_grad(w, maxima ? positions.data() : nullptr, dy, factor, floats(dx));
  if (!t.judges()) return;
  Sums sums(in_size(w));
  each_tap(w, [&](size_t o, size_t, size_t pixel) {
    for (size_t c = 0; c < w.channels; ++c) {
      const bool mine = !maxima || positions[o * w.channels + c] == static_cast<int32_t>(pixel % w.in_pixels());
      if (mine) sums.add(pixel * w.channels + c, static_cast<double>(dy[o * w.channels + c]) * 0.25);
    }
  });
  sums.judge(dx, w.taps());
}

void depthwise(Case& t) {
  const Window w = random_window(t, false);
  const float *x = t.input(in_size(w)), *filter = t.input(w.taps() * w.channels);
  const float* bias = t.coin() ? t.input(w.channels) : nullptr;
  const Clamp clamp = random_clamp(t);
  Output& out = t.output("out", out_size(w));
  t.kernels.spatial->depthwise(w, x, filter, bias, clamp, floats(out));
  if (!t.judges()) return;
  Sums sums(out_size(w));
  for (size_t i = 0; bias != nullptr && i < out_size(w); ++i) sums.add(i, static_cast<double>(bias[i % w.channels]));
  each_tap(w, [&](size_t o, size_t tap, size_t pixel) {
    for (size_t c = 0; c < w.channels; ++c)
      sums.add(o * w.channels + c,
               static_cast<double>(x[pixel * w.channels + c]) * static_cast<double>(filter[tap * w.channels + c]));
  });
  for (double& value : sums.value) value = clamped(value, clamp);
  sums.judge(out, w.taps());
}

void depthwise_input_grad(Case& t) {
  const Window w = random_window(t, false);
  const float *dy = t.input(out_size(w)), *filter = t.input(w.taps() * w.channels);
  Output& dx = t.output("dx", in_size(w));
  t.kernels.spatial->depthwise_input_grad(w, dy, filter, floats(dx));
  if (!t.judges()) return;
  Sums sums(in_size(w));
  each_tap(w, [&](size_t o, size_t tap, size_t pixel) {
    for (size_t c = 0; c < w.channels; ++c)
      sums.add(pixel * w.channels + c,
               static_cast<double>(dy[o * w.channels + c]) * static_cast<double>(filter[tap * w.channels + c]));
  });
  sums.judge(dx, w.taps());
}

void depthwise_filter_grad(Case& t) {
  const Window w = random_window(t, false);
  const float *x = t.input(in_size(w)), *dy = t.input(out_size(w));
  Output& df = t.output("dfilter", w.taps() * w.channels);
  t.kernels.spatial->depthwise_filter_grad(w, x, dy, floats(df));
  if (!t.judges()) return;
  Sums sums(w.taps() * w.channels);
  each_tap(w, [&](size_t o, size_t tap, size_t pixel) {
    for (size_t c = 0; c < w.channels; ++c)
      sums.add(tap * w.channels + c,
               static_cast<double>(x[pixel * w.channels + c]) * static_cast<double>(dy[o * w.channels + c]));
  });
  sums.judge(df, w.width.out / 4 + w.batch * w.height.out);
}

// Half of them wide enough to be read by lines, some of these long, some of a single pixel.
Window convolution_window(Case& t) {
  Window w = random_window(t, true);
  if (t.coin()) w.width.dilation = 1, w.width.out = std::max(w.width.out, 7 + t.rng.below(t.coin() ? 8 : 40));
  else if (t.coin())
    for (Axis* a : {&w.depth, &w.height, &w.width}) *a = {a->in, a->in, 1, 1, 1, 0};
  return w;
}

// Now and then so many columns, or so large a filter, that the other ways are taken.
size_t outputs_for(Case& t, Window* w) {
  if (t.rng.below(5) != 0) return t.upto(40);
  w->batch = 1;
  w->height.in = std::min(w->height.in, size_t{4}), w->width.in = std::min(w->width.in, size_t{5});
  w->height.out = std::min(w->height.out, size_t{3}), w->width.out = std::min(w->width.out, size_t{3});
  w->channels = 150 + t.rng.below(200);
  return 1 + t.rng.below(200);
}

void convolve(Case& t) {
  Window w = convolution_window(t);
  const size_t n = outputs_for(t, &w), k = w.taps() * w.channels, m = w.batch * w.out_pixels();
  t.says("n", static_cast<double>(n)), t.says("k", static_cast<double>(k)), t.says("m", static_cast<double>(m));
  const float *x = t.input(in_size(w)), *filter = t.input(k * n), *bias = t.coin() ? t.input(n) : nullptr;
  const Clamp clamp = random_clamp(t);
  Output& out = t.output("out", m * n);
  t.kernels.spatial->convolve(w, n, x, filter, bias, clamp, floats(out));
  if (!t.judges()) return;
  Sums sums(m * n);
  for (size_t i = 0; bias != nullptr && i < m * n; ++i) sums.add(i, static_cast<double>(bias[i % n]));
  each_tap(w, [&](size_t o, size_t tap, size_t pixel) {
    for (size_t c = 0; c < w.channels; ++c)
      for (size_t j = 0; j < n; ++j)
        sums.add(o * n + j, static_cast<double>(x[pixel * w.channels + c]) *
                                static_cast<double>(filter[(tap * w.channels + c) * n + j]));
  });
  for (double& value : sums.value) value = clamped(value, clamp);
  sums.judge(out, std::min(k, size_t{256}) + k / 256);
}

void convolve_filter_grad(Case& t) {
  Window w = convolution_window(t);
  const size_t n = outputs_for(t, &w), k = w.taps() * w.channels, m = w.batch * w.out_pixels();
  t.says("n", static_cast<double>(n)), t.says("k", static_cast<double>(k)), t.says("m", static_cast<double>(m));
  const float *x = t.input(in_size(w)), *dy = t.input(m * n);
  Output& df = t.output("dfilter", k * n);
  t.kernels.spatial->convolve_filter_grad(w, n, x, dy, floats(df));
  if (!t.judges()) return;
  Sums sums(k * n);
  each_tap(w, [&](size_t o, size_t tap, size_t pixel) {
    for (size_t c = 0; c < w.channels; ++c)
      for (size_t j = 0; j < n; ++j)
        sums.add((tap * w.channels + c) * n + j,
                 static_cast<double>(x[pixel * w.channels + c]) * static_cast<double>(dy[o * n + j]));
  });
  sums.judge(df, std::min(m, size_t{256}) + m / 256 + 16);
}

void sum_columns(Case& t) {
  const Window w = random_window(t, true);
  const size_t k = w.taps() * w.channels;
  const float* columns = t.input(w.batch * w.out_pixels() * k);
  Output& x = t.output("x", in_size(w));
  t.kernels.spatial->sum_columns(w, columns, floats(x));
  if (!t.judges()) return;
  Sums sums(in_size(w));
  each_tap(w, [&](size_t o, size_t tap, size_t pixel) {
    for (size_t c = 0; c < w.channels; ++c)
      sums.add(pixel * w.channels + c, static_cast<double>(columns[o * k + tap * w.channels + c]));
  });
  sums.judge(x, w.taps());
}

// Steps between places of `size`; of some nothing, where `outside`.
struct Steps {
  std::vector<int32_t> low, high;
  std::vector<float> part;
  Steps(Case& t, size_t count, size_t size, bool outside) {
    for (size_t i = 0; i < count; ++i) {
      const size_t at = t.rng.below(size);
      low.push_back(outside && t.rng.below(6) == 0 ? -1 : static_cast<int32_t>(at));
      high.push_back(static_cast<int32_t>(at + 1 < size ? at + 1 : at));
      part.push_back(static_cast<float>(t.rng.below(8)) / 8);
    }
  }
  Between between(size_t count, bool shared) const { return {count, shared, low.data(), high.data(), part.data()}; }
};

Sampling random_sampling(Case& t) {
  const bool large = t.rng.below(5) == 0;
  Sampling s;
  s.height = t.upto(large ? 60 : 9), s.width = t.upto(large ? 60 : 9);
  s.channels = t.coin() ? 1 + t.rng.below(4) : t.upto(20);
  s.boxes = 1 + t.rng.below(3);
  s.nearest = t.rng.below(3) == 0;
  s.fill = 0.5f;
  s.image = nullptr;
  s.rows.count = t.upto(large ? 90 : 9), s.columns.count = t.upto(large ? 90 : 9);
  return s;
}

void sample(Case& t) {
  Sampling s = random_sampling(t);
  const bool shared = t.coin();
  const size_t images = 1 + t.rng.below(3), lists = shared ? 1 : s.boxes, height = s.rows.count,
               width = s.columns.count;
  const Steps rows(t, height * lists, s.height, true), columns(t, width * lists, s.width, true);
  std::vector<int32_t> image(s.boxes);
  for (int32_t& one : image) one = static_cast<int32_t>(t.rng.below(images));
  s.image = image.data(), s.rows = rows.between(height, shared), s.columns = columns.between(width, shared);
  const float* x = t.input(images * s.height * s.width * s.channels);
  Output& out = t.output("out", s.boxes * height * width * s.channels);
  t.kernels.spatial->sample(s, x, floats(out));
  for (size_t i = 0; t.judges() && i < out.size(); ++i) {
    const size_t c = i % s.channels, column = i / s.channels % width, row = i / s.channels / width % height;
    const size_t box = i / s.channels / width / height, list = shared ? 0 : box;
    const size_t r = list * height + row, q = list * width + column;
    if (rows.low[r] < 0 || columns.low[q] < 0) {
      out.exactly(i, 0.5);
      continue;
    }
    const auto at = [&](int32_t h, int32_t w) {
      const size_t line = static_cast<size_t>(image[box]) * s.height + static_cast<size_t>(h);
      return static_cast<double>(x[(line * s.width + static_cast<size_t>(w)) * s.channels + c]);
    };
    const double a = at(rows.low[r], columns.low[q]), b = at(rows.low[r], columns.high[q]);
    const double d = at(rows.high[r], columns.low[q]), e = at(rows.high[r], columns.high[q]);
    const double across = static_cast<double>(columns.part[q]), down = static_cast<double>(rows.part[r]);
    const double top = a + (b - a) * across, bottom = d + (e - d) * across;
    if (s.nearest) out.exactly(i, a);
    else out.near(i, top + (bottom - top) * down, 8 * kUlp * (fabs(a) + fabs(b) + fabs(d) + fabs(e)));
  }
}

void sample_grad(Case& t) {
  Sampling s = random_sampling(t);
  const size_t height = s.rows.count, width = s.columns.count;
  const Steps rows(t, height, s.height, false), columns(t, width, s.width, false);
  s.rows = rows.between(height, true), s.columns = columns.between(width, true);
  const float* dy = t.input(s.boxes * height * width * s.channels);
  Output& dx = t.output("dx", s.boxes * s.height * s.width * s.channels);
  t.kernels.spatial->sample_grad(s, dy, floats(dx));
  if (!t.judges()) return;
  Sums sums(dx.size());
  for (size_t i = 0; i < s.boxes * height * width * s.channels; ++i) {
    const size_t c = i % s.channels, q = i / s.channels % width, r = i / s.channels / width % height;
    const size_t box = i / s.channels / width / height;
    const double down = s.nearest ? 0 : static_cast<double>(rows.part[r]),
                 across = s.nearest ? 0 : static_cast<double>(columns.part[q]);
    const auto add = [&](int32_t h, int32_t w, double share) {
      const size_t line = box * s.height + static_cast<size_t>(h);
      sums.add((line * s.width + static_cast<size_t>(w)) * s.channels + c, share * static_cast<double>(dy[i]));
    };
    add(rows.low[r], columns.low[q], (1 - down) * (1 - across)), add(rows.low[r], columns.high[q], (1 - down) * across);
    add(rows.high[r], columns.low[q], down * (1 - across)), add(rows.high[r], columns.high[q], down * across);
  }
  sums.judge(dx, 4 * height + 4 * width);
}

void gather_pixels(Case& t) {
  const size_t images = 1 + t.rng.below(3), pixels = t.upto(50), channels = t.upto(20),
               count = t.upto(t.coin() ? 4000 : 40);
  std::vector<int32_t> index(count);
  for (int32_t& one : index) one = t.rng.below(5) == 0 ? -1 : static_cast<int32_t>(t.rng.below(pixels));
  const float *fill = t.input(channels), *x = t.input(images * pixels * channels, kSpecial);
  Output& out = t.output("out", images * count * channels);
  t.kernels.spatial->gather_pixels(images, pixels, channels, count, index.data(), fill, x, floats(out));
  for (size_t i = 0; t.judges() && i < out.size(); ++i) {
    const size_t c = i % channels, p = i / channels % count, image = i / channels / count;
    const float* from = index[p] < 0 ? fill : x + (image * pixels + static_cast<size_t>(index[p])) * channels;
    out.exactly(i, static_cast<double>(from[c]));
  }
}

void normalize(Case& t) {
  const size_t rows = t.upto(400), cols = t.upto(100);
  const float *x = t.input(rows * cols), *mean = t.input(cols), *factor = t.input(cols);
  const float* offset = t.coin() ? t.input(cols) : nullptr;
  Output& out = t.output("out", rows * cols);
  t.kernels.spatial->normalize(rows, cols, x, mean, factor, offset, floats(out));
  for (size_t i = 0; t.judges() && i < rows * cols; ++i) {
    const size_t c = i % cols;
    const double scaled = (static_cast<double>(x[i]) - static_cast<double>(mean[c])) * static_cast<double>(factor[c]);
    const double last = offset == nullptr ? 0 : static_cast<double>(offset[c]);
    out.near(i, scaled + last, 3 * kUlp * (fabs(scaled) + fabs(last)));
  }
}

}  // namespace

const Cases spatial_cases = {
    {"pool", pool},
    {"pool_positions", pool_positions},
    {"pool_grad", pool_grad},
    {"depthwise", depthwise},
    {"depthwise_input_grad", depthwise_input_grad},
    {"depthwise_filter_grad", depthwise_filter_grad},
    {"convolve", convolve},
    {"convolve_filter_grad", convolve_filter_grad},
    {"sum_columns", sum_columns},
    {"sample", sample},
    {"sample_grad", sample_grad},
    {"gather_pixels", gather_pixels},
    {"normalize", normalize},
};

}  // namespace vit_test
