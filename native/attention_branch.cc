// The residual branch of attention. With many images a task takes one, or a few small ones, through norm, qkv, attention and
// proj, so that nothing leaves the cache but what the backward pass reads; with few, the cores share the rows, then the heads,
// then the rows again.

#include <math.h>
#include <string.h>

#include "attention.h"
#include "branch.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using vit::AttentionBranch;

#if !defined(VIT_LONG_ROWS)  // smaller where it is tested
#define VIT_LONG_ROWS 16384
#endif
constexpr size_t kLongRows = VIT_LONG_ROWS;

// How the work of a branch is cut; by its sizes alone.
struct Plan {
  size_t tokens, rows, dim, ldx, ldq;
  size_t images_each;  // of a task that takes whole images
  bool whole_images;
  explicit Plan(const AttentionBranch& b)
      : tokens(b.outer.tokens), rows(b.outer.batch * b.outer.tokens), dim(b.outer.dim), ldx(width_of(dim)), ldq(width_of(3 * dim)) {
    images_each = tokens < kRowsEach ? kRowsEach / tokens : 1;
    whole_images = (b.outer.batch + images_each - 1) / images_each >= 8 && tokens <= 1024;
  }
};

// Between the steps, in float32; rows of qkv and out are ldq and ldx apart.
struct Between {
  float *mean, *rstd, *log_sum_exp, *qkv, *out;
};
size_t between_size(const AttentionBranch& b, const Plan& plan, size_t rows) {
  return rows * (2 + b.heads + plan.ldq + plan.ldx);
}
Between between_of(const AttentionBranch& b, const Plan& plan, size_t rows, float* at) {
  float* qkv = at + rows * (2 + b.heads);
  return {at, at + rows, at + 2 * rows, qkv, qkv + rows * plan.ldq};
}

// What the backward pass reads: the above, or in bf16 the same with rounded rows of qkv and out, 3·dim and dim apart.
struct Kept16 {
  bf16 *qkv, *out;
};
Kept16 kept16_of(const AttentionBranch& b, const Plan& plan, float* saved) {
  bf16* qkv = reinterpret_cast<bf16*>(saved + plan.rows * (2 + b.heads));
  return {qkv, qkv + plan.rows * 3 * plan.dim};
}
size_t saved_size(const AttentionBranch& b, const Plan& plan) {
  if (b.outer.precision == vit::kBf16) return plan.rows * (2 + b.heads + 2 * plan.dim);
  return between_size(b, plan, plan.rows);
}

// Head `i` of the image whose rows of qkv are given.
Head head_of(const AttentionBranch& b, const Plan& plan, const float* qkv, size_t i) {
  const size_t dim = plan.dim / b.heads;
  const float* q = qkv + i * dim;
  return {plan.tokens, plan.tokens, dim, b.factor, q, plan.ldq, q + plan.dim, q + 2 * plan.dim, plan.ldq};
}

// Whether products within heads take bf16 operands too, and not float32 ones that were rounded before: where that is faster, and heads are
// so wide that it makes up for rounding probabilities. Then heads are read as they were kept.
template <typename In>
bool narrow_heads(const AttentionBranch& b) {
  const vit::Bf16Product& product = *vit::kernels().bf16_product;
  return In::narrow && product.fast && b.outer.dim / b.heads >= product.narrowest;
}
template <typename In>
size_t head_grad_floats(const AttentionBranch& b, const Plan& plan) {
  const size_t dim = plan.dim / b.heads;
  return narrow_heads<In>(b) ? head_grad_scratch16({plan.tokens, plan.tokens, dim, 1, nullptr, 0, nullptr, nullptr, 0})
                             : head_grad_scratch({plan.tokens, plan.tokens, dim, 1, nullptr, 0, nullptr, nullptr, 0});
}

// body(first row, rows) for blocks of the rows from r0.
template <typename Body>
void row_blocks(size_t r0, size_t rows, size_t each, const Body& body) {
  for (size_t r = 0; r < rows; r += each) body(r0 + r, rows - r < each ? rows - r : each);
}

template <typename In>
void forward(const AttentionBranch& b, float* saved, float* y) {
  const Plan plan(b);
  const size_t rows = plan.rows, dim = plan.dim, tokens = plan.tokens;
  const size_t size_qkv = In::packed_size(dim, 3 * dim), size_proj = In::packed_size(dim, dim);
  // Where the backward pass does not read what is between the steps, a task of whole images has it in memory of its own.
  const bool apart = saved == nullptr || In::narrow;
  const bool local = apart && plan.whole_images;
  const size_t task_rows = plan.images_each * tokens;
  const size_t local_size = local ? between_size(b, plan, task_rows) : 0;
  const size_t shared_size = apart && !local ? between_size(b, plan, rows) : 0;
  const bool columns = !plan.whole_images && in_columns(rows, 4 * dim * dim);
  const size_t inner_size = columns ? rows * plan.ldx : 0;
  Carver carve{vit::outer_scratch((b.outer.packed == nullptr ? both_packed(size_qkv, size_proj) : 0) + shared_size + inner_size + 80)};
  Carver weights_at{b.outer.packed == nullptr ? carve.take(both_packed(size_qkv, size_proj)) : b.outer.packed};
  const Weight qkv{{b.qkv, 1, dim}, dim, 3 * dim, weights_at.take(size_qkv)};
  const Weight proj{{b.proj, 1, dim}, dim, dim, weights_at.take(size_proj)};
  float* inner = carve.take(inner_size);
  const Weight weights[] = {qkv, proj};
  if (b.outer.packed == nullptr || !b.outer.ready) pack_weights<In>(weights, 2);
  const size_t for_head = (narrow_heads<In>(b) ? head_scratch<In16> : head_scratch<In32>)(head_of(b, plan, nullptr, 0)), for_factor = In::factor_size(kRowsEach, dim);
  vit::reserve_scratch(kRowsEach * plan.ldx + for_head + for_factor + local_size + 128);
  const bool narrow_kept = saved != nullptr && In::narrow;
  const Kept16 kept = narrow_kept ? kept16_of(b, plan, saved) : Kept16{};
  // Heads in float32 take what was rounded for them; those in bf16 round for themselves.
  const auto round_qkv = [&](float* row, size_t m, size_t n, bf16* to) {
    if (!narrow_heads<In>(b)) return rounding().round_rows(m, n, row, plan.ldq, to, 3 * dim);
    for (size_t r = 0; to != nullptr && r < m; ++r) to_bf16(n, row + r * plan.ldq, to + r * 3 * dim);
  };

  // `first` is the row of the whole that is row 0 of `at`.
  const auto qkv_rows = [&](const Between& at, size_t first, size_t r0, size_t m, float* x, float* factor) {
    norm_rows(b.outer, r0, m, false, at.mean - first, at.rstd - first, x, plan.ldx);
    float* to = at.qkv + (r0 - first) * plan.ldq;
    rows_product<In>(x, plan.ldx, factor, qkv, m, to, plan.ldq, b.qkv_bias);
    if (In::narrow) round_qkv(to, m, 3 * dim, narrow_kept ? kept.qkv + r0 * 3 * dim : nullptr);
  };
  const auto attend_queries = [&](const Between& at, size_t first, size_t image, size_t i, size_t begin, size_t end, float* scratch) {
    const size_t r0 = image * tokens - first;
    const auto run = narrow_heads<In>(b) ? attend<In16> : attend<In32>;
    run(head_of(b, plan, at.qkv + r0 * plan.ldq, i), begin, end, at.out + r0 * plan.ldx + i * (dim / b.heads), plan.ldx,
           at.log_sum_exp + r0 * b.heads + i * tokens, scratch);
  };
  const auto proj_rows = [&](const Between& at, size_t first, size_t r0, size_t m, float* z, float* factor) {
    const float* from = at.out + (r0 - first) * plan.ldx;
    rows_product<In>(from, plan.ldx, factor, proj, m, z, plan.ldx, b.proj_bias);
    // What was multiplied is kept.
    const bf16* rounded = reinterpret_cast<const bf16*>(factor);
    for (size_t r = 0; narrow_kept && r < m; ++r) memcpy(kept.out + (r0 + r) * dim, rounded + r * a16_width(dim), dim * sizeof(bf16));
    add_rows(b.outer, r0, m, 0, dim, z, plan.ldx, y);
  };
  // The moments and logSumExp of rows that a task had for itself.
  const auto keep_moments = [&](const Between& at, size_t first, size_t m) {
    const Between to = between_of(b, plan, rows, saved);
    memcpy(to.mean + first, at.mean, m * sizeof(float));
    memcpy(to.rstd + first, at.rstd, m * sizeof(float));
    memcpy(to.log_sum_exp + first * b.heads, at.log_sum_exp, m * b.heads * sizeof(float));
  };

  if (plan.whole_images) {
    vit::parallel((b.outer.batch + plan.images_each - 1) / plan.images_each, [&](size_t task, size_t worker) {
      const size_t image = task * plan.images_each;
      const size_t last = image + plan.images_each < b.outer.batch ? image + plan.images_each : b.outer.batch;
      const size_t r0 = image * tokens, m = (last - image) * tokens;
      Carver own{vit::scratch(worker)};
      float* x = own.take(kRowsEach * plan.ldx);
      float* scratch = own.take(for_head);
      float* factor = own.take(for_factor);
      const Between at = local ? between_of(b, plan, task_rows, own.at) : between_of(b, plan, rows, saved);
      const size_t first = local ? r0 : 0;
      row_blocks(r0, m, kRowsEach, [&](size_t r, size_t n) { qkv_rows(at, first, r, n, x, factor); });
      for (size_t k = image; k < last; ++k)
        for (size_t i = 0; i < b.heads; ++i) attend_queries(at, first, k, i, 0, tokens, scratch);
      row_blocks(r0, m, kRowsEach, [&](size_t r, size_t n) { proj_rows(at, first, r, n, x, factor); });
      if (narrow_kept) keep_moments(at, r0, m);
    });
    return;
  }
  const Between at = between_of(b, plan, rows, apart ? carve.at : saved);
  const size_t each = rows_each_task(rows), row_tasks = (rows + each - 1) / each;
  const auto rows_of_task = [&](size_t task) { return rows - task * each < each ? rows - task * each : each; };
  if (columns) {
    // The rows before qkv, and later the result of proj.
    vit::parallel(row_tasks, [&](size_t task, size_t) {
      norm_rows(b.outer, task * each, rows_of_task(task), false, at.mean, at.rstd, inner + task * each * plan.ldx, plan.ldx);
    });
    columns_product<In>(inner, plan.ldx, rows, qkv, at.qkv, plan.ldq, b.qkv_bias, [&](size_t r, size_t m, size_t j, size_t cols) {
      if (In::narrow) round_qkv(at.qkv + r * plan.ldq + j, m, cols, narrow_kept ? kept.qkv + r * 3 * dim + j : nullptr);
    });
  } else {
    vit::parallel(row_tasks, [&](size_t task, size_t worker) {
      float* x = vit::scratch(worker);
      qkv_rows(at, 0, task * each, rows_of_task(task), x, x + kRowsEach * plan.ldx);
    });
  }
  const size_t units = b.outer.batch * b.heads;
  // A few heads: more tasks by cutting the queries, each of which packs the keys again.
  const size_t least = units < 12 ? 128 : 256, most_parts = units < 16 ? 24 / units : 1;
  const size_t even = even_blocks(tokens, least), share = (tokens + most_parts - 1) / most_parts;
  const size_t queries = even > share ? even : share, parts = (tokens + queries - 1) / queries;
  vit::parallel(units * parts, [&](size_t task, size_t worker) {
    const size_t unit = task / parts, begin = task % parts * queries;
    attend_queries(at, 0, unit / b.heads, unit % b.heads, begin, begin + queries < tokens ? begin + queries : tokens,
                   vit::scratch(worker));
  });
  if (columns) {
    if (narrow_kept)
      vit::parallel(row_tasks, [&](size_t task, size_t) {
        for (size_t r = task * each, end = r + rows_of_task(task); r < end; ++r) to_bf16(dim, at.out + r * plan.ldx, kept.out + r * dim);
      });
    columns_product<In>(at.out, plan.ldx, rows, proj, inner, plan.ldx, b.proj_bias, [&](size_t r, size_t m, size_t j, size_t cols) {
      add_rows(b.outer, r, m, j, cols, inner + r * plan.ldx + j, plan.ldx, y);
    });
  } else {
    vit::parallel(row_tasks, [&](size_t task, size_t worker) {
      float* z = vit::scratch(worker);
      proj_rows(at, 0, task * each, rows_of_task(task), z, z + kRowsEach * plan.ldx);
    });
  }
  if (narrow_kept) keep_moments(at, 0, rows);
}

// The gradients of some rows, those from `first` on: between the steps, and qkv and attention's result, which in bf16 are widened into
// `wide_*` where that is not null.
struct Grads {
  size_t first;
  float *dattended, *dqkv;
  const float *qkv, *out;
  float *wide_qkv, *wide_out;
};

// The three steps of the backward pass, each for rows or a head in one thread.
template <typename In>
struct Steps {
  const AttentionBranch& b;
  const Plan& plan;
  Between at;
  Kept16 kept;
  Weight qkv, proj;
  const float* dy;
  float* dx;

  Grads grads(size_t first, float* dattended, float* dqkv, float* wide_qkv, float* wide_out) const {
    if (In::narrow) return {first, dattended, dqkv, wide_qkv, wide_out, wide_qkv, wide_out};
    return {first, dattended, dqkv, at.qkv + first * plan.ldq, at.out + first * plan.ldx, nullptr, nullptr};
  }
  // Through proj, for m rows from r; dout is theirs, and so is `scaled`.
  void before_heads(const Grads& g, size_t r, size_t m, float* dout, float* scaled, float* factor, const RowSums& part) const {
    const size_t dim = plan.dim, ldx = plan.ldx, ldq = plan.ldq, in = r - g.first;
    for (size_t i = 0; In::narrow && i < m; ++i) {
      if (g.wide_qkv != nullptr) from_bf16(3 * dim, kept.qkv + (r + i) * 3 * dim, g.wide_qkv + (in + i) * ldq);
      if (g.wide_out != nullptr) from_bf16(dim, kept.out + (r + i) * dim, g.wide_out + (in + i) * ldx);
    }
    scale_rows(b.outer, r, m, dy, dout, scaled, ldx, part.out);
    rows_product<In>(scaled, ldx, factor, proj, m, g.dattended + in * ldx, ldx, nullptr,
                     In::narrow ? Ahead{} : Ahead{g.qkv + in * ldq, m * ldq});
  }
  void head(const Grads& g, size_t image, size_t i, float* scratch) const {
    const size_t dim = plan.dim, ldx = plan.ldx, ldq = plan.ldq, tokens = plan.tokens;
    const size_t in = image * tokens - g.first, column = i * (dim / b.heads);
    // A rounded result would make the error of every score's gradient one of the same sign.
    const float* out = In::narrow ? nullptr : g.out + in * ldx + column;
    const HeadResult result{g.dattended + in * ldx + column, ldx, out, ldx, at.log_sum_exp + image * tokens * b.heads + i * tokens};
    float* dq = g.dqkv + in * ldq + column;
    const HeadGrad to{dq, ldq, dq + dim, dq + 2 * dim, ldq};
    if (!narrow_heads<In>(b)) return attend_grad(head_of(b, plan, g.qkv + in * ldq, i), result, to, scratch);
    const bf16* q = kept.qkv + image * tokens * 3 * dim + column;
    attend_grad16({tokens, tokens, dim / b.heads, b.factor, q, 3 * dim, q + dim, q + 2 * dim, 3 * dim}, result, to, scratch);
  }
  // Attention's result of m rows from r as a packed operand.
  void pack_out(const Grads& g, size_t r, size_t m, float* packed) const {
    const size_t dim = plan.dim, panels = In::panels(dim);
    if (In::narrow) return pack_b16(Operand16{kept.out + r * dim, dim, 1}, m, dim, 0, panels, reinterpret_cast<bf16*>(packed));
    In::pack({g.out + (r - g.first) * plan.ldx, plan.ldx, 1}, m, dim, 0, panels, packed);
  }
  // Through qkv and the norm, for m rows from r; norms become the rows before qkv, and dnorm is theirs. In bf16, `packed` becomes the
  // gradient of qkv as an operand unless it is null.
  void after_heads(const Grads& g, size_t r, size_t m, float* norms, float* dnorm, float* factor, float* packed, const RowSums& part) const {
    const size_t ldx = plan.ldx, ldq = plan.ldq, dim3 = 3 * plan.dim;
    const float* d = g.dqkv + (r - g.first) * ldq;
    if (In::narrow && packed != nullptr) {
      rounding().round_twice(m, dim3, d, ldq, part.inner, reinterpret_cast<bf16*>(factor), reinterpret_cast<bf16*>(packed));
    } else {
      for (size_t i = 0; i < m; ++i)
        each_part(dim3, [&](size_t j, size_t n) { put(part.inner + j, get(part.inner + j, n) + get(d + i * ldq + j, n), n); });
      In::make_factor(d, ldq, m, dim3, factor);
    }
    In::multiply_made(d, ldq, factor, qkv, 0, 0, m, plan.dim, dim3, dnorm, ldx, nullptr, kStoreNew);
    norm_rows(b.outer, r, m, true, at.mean, at.rstd, norms, ldx);
    norm_grad_rows(b.outer, r, m, at.mean, at.rstd, dnorm, ldx, dy, dx, part);
  }
};

template <typename In>
Steps<In> steps_of(const AttentionBranch& b, const Plan& plan, const float* saved, const float* dy, float* dx, Carver& carve) {
  const size_t dim = plan.dim;
  float* own = const_cast<float*>(saved);
  const Weight qkv{{b.qkv, dim, 1}, 3 * dim, dim, carve.take(In::packed_size(3 * dim, dim))};
  const Weight proj{{b.proj, dim, 1}, dim, dim, carve.take(In::packed_size(dim, dim))};
  const Weight weights[] = {qkv, proj};
  pack_weights<In>(weights, 2);
  return {b, plan, between_of(b, plan, plan.rows, own), kept16_of(b, plan, own), qkv, proj, dy, dx};
}
template <typename In>
size_t steps_size(const Plan& plan) {
  return both_packed(In::packed_size(3 * plan.dim, plan.dim), In::packed_size(plan.dim, plan.dim));
}

// Weights' gradients in slots (see branch.h): a slot is a run of images, a task's worth of them at a time.
template <typename In>
void backward_in_slots(const AttentionBranch& b, const Plan& plan, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  const size_t dim = plan.dim, tokens = plan.tokens, ldx = plan.ldx, ldq = plan.ldq;
  const size_t tasks = (b.outer.batch + plan.images_each - 1) / plan.images_each;
  const size_t run = (tasks + kSlots - 1) / kSlots * plan.images_each;  // images of a slot
  const size_t slots = (b.outer.batch + run - 1) / run;
  const size_t held = plan.images_each * tokens;
  // Of the first weight's gradient; in bf16 its transpose, for what is turned should be the smaller factor.
  const size_t first_rows = In::narrow ? dim : 3 * dim, first_cols = In::narrow ? 3 * dim : dim;
  const size_t first_size = slot_size(first_rows, first_cols), slot_each = first_size + slot_size(dim, dim);
  const size_t sums_each = round_up(6 * dim, 16);
  Carver carve{vit::outer_scratch(steps_size<In>(plan) + slots * (sums_each + slot_each) + dim + 128)};
  const Steps<In> steps = steps_of<In>(b, plan, saved, dy, grad.dx, carve);
  float* sums = carve.take(slots * sums_each);
  float* slot_grads = carve.take(slots * slot_each);
  float* out_bias = carve.take(dim);
  const size_t for_head = head_grad_floats<In>(b, plan), rows_factor = In::factor_size(kRowsEach, 3 * dim);
  const size_t grow_factor = In::grow_size(dim, kRowsEach), for_factor = rows_factor > grow_factor ? rows_factor : grow_factor;
  const size_t packed_rows = In::packed_size(kRowsEach, In::narrow ? 3 * dim : dim), widened = In::narrow && !narrow_heads<In>(b) ? held * ldq : 0;
  vit::reserve_scratch(held * (ldx + ldq) + widened + 2 * kRowsEach * ldx + packed_rows + for_head + for_factor + 192);
  vit::parallel(slots, [&](size_t slot, size_t worker) {
    Carver own{vit::scratch(worker)};
    float* dattended = own.take(held * ldx);
    float* dqkv = own.take(held * ldq);
    float* wide_qkv = widened > 0 ? own.take(widened) : nullptr;
    float* rows_a = own.take(kRowsEach * ldx);
    float* rows_b = own.take(kRowsEach * ldx);
    float* packed = own.take(packed_rows);
    float* factor = own.take(for_factor);
    const Slot first = {slot_grads + slot * slot_each, first_rows}, last = {first.data + first_size, dim};
    const RowSums part = sums_at(sums + slot * sums_each, dim);
    memset(sums + slot * sums_each, 0, sums_each * sizeof(float));
    const size_t begin = slot * run, end = b.outer.batch - begin < run ? b.outer.batch : begin + run;
    for (size_t image = begin; image < end; image += plan.images_each) {
      const size_t images = end - image < plan.images_each ? end - image : plan.images_each;
      const size_t r0 = image * tokens, rows = images * tokens;
      const Grads g = steps.grads(r0, dattended, dqkv, wide_qkv, nullptr);
      const auto mode_at = [&](size_t r) { return r == begin * tokens ? kStoreNew : kStoreAdd; };
      row_blocks(r0, rows, even_blocks(rows), [&](size_t r, size_t m) {
        steps.before_heads(g, r, m, rows_a, rows_b, factor, part);
        steps.pack_out(g, r, m, packed);
        In::grow(rows_a, ldx, dim, packed, dim, m, factor, last, mode_at(r));
      });
      for (size_t k = image; k < image + images; ++k)
        for (size_t i = 0; i < b.heads; ++i) steps.head(g, k, i, own.at);
      row_blocks(r0, rows, even_blocks(rows), [&](size_t r, size_t m) {
        steps.after_heads(g, r, m, rows_a, rows_b, factor, packed, part);
        if (In::narrow) return In::grow(rows_a, ldx, dim, packed, 3 * dim, m, factor, first, mode_at(r));
        In::pack({rows_a, ldx, 1}, m, dim, 0, In::panels(dim), packed);
        In::grow(dqkv + (r - r0) * ldq, ldq, 3 * dim, packed, dim, m, factor, first, mode_at(r));
      });
    }
  });
  join_slots(slot_grads, slots, slot_each, first_rows, first_cols, In::narrow, grad.first);
  join_slots(slot_grads + first_size, slots, slot_each, dim, dim, false, grad.last);
  finish_grads(b.outer, {b.proj, b.proj_bias, dim, 3 * dim}, sums, slots, sums_each, out_bias, grad);
}

// … and of chunks of images.
template <typename In>
void backward_in_chunks(const AttentionBranch& b, const Plan& plan, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  const size_t dim = plan.dim, tokens = plan.tokens, ldx = plan.ldx, ldq = plan.ldq;
  // A chunk is whole images, and whole tasks of them.
  const size_t images = kChunk / tokens < plan.images_each ? plan.images_each : kChunk / tokens / plan.images_each * plan.images_each;
  const size_t most = images < b.outer.batch ? images : b.outer.batch;
  const size_t held = most * tokens;
  const size_t each = plan.whole_images ? plan.images_each * tokens : rows_each_task(held);
  const size_t tasks_each = (held + each - 1) / each;
  const size_t tasks = ((b.outer.batch + most - 1) / most) * tasks_each;
  const size_t sums_each = round_up(6 * dim, 16);
  const size_t widened = In::narrow ? held * ldx + (narrow_heads<In>(b) ? 0 : held * ldq) : 0;
  Carver carve{vit::outer_scratch(steps_size<In>(plan) + tasks * sums_each + held * (3 * ldx + ldq) + widened + dim + 192)};
  const Steps<In> steps = steps_of<In>(b, plan, saved, dy, grad.dx, carve);
  float* sums = carve.take(tasks * sums_each);
  float* out_bias = carve.take(dim);
  float* norms = carve.take(held * ldx);
  float* douts = carve.take(held * ldx);
  float* dattended = carve.take(held * ldx);
  float* dqkv = carve.take(held * ldq);
  float* wide_qkv = In::narrow && !narrow_heads<In>(b) ? carve.take(held * ldq) : nullptr;
  float* wide_out = carve.take(In::narrow ? held * ldx : 0);
  const size_t for_head = head_grad_floats<In>(b, plan), for_factor = In::factor_size(kRowsEach, 3 * dim);
  memset(sums, 0, tasks * sums_each * sizeof(float));

  size_t first_task = 0;
  for (size_t k0 = 0; k0 < b.outer.batch; k0 += most) {
    // For each chunk again: weight_grad reserves what it needs itself.
    vit::reserve_scratch(kRowsEach * ldx + for_head + for_factor + 64);
    const size_t count = b.outer.batch - k0 < most ? b.outer.batch - k0 : most;
    const size_t c0 = k0 * tokens, rows = count * tokens;
    const Grads g = steps.grads(c0, dattended, dqkv, wide_qkv, wide_out);
    const auto sums_of = [&](size_t task) { return sums_at(sums + (first_task + task) * sums_each, dim); };
    const auto before = [&](size_t task, size_t r, size_t m, float* buffer, float* factor) {
      steps.before_heads(g, r, m, douts + (r - c0) * ldx, buffer, factor, sums_of(task));
    };
    const auto after = [&](size_t task, size_t r, size_t m, float* buffer, float* factor) {
      steps.after_heads(g, r, m, norms + (r - c0) * ldx, buffer, factor, nullptr, sums_of(task));
    };
    const size_t own_tasks = (rows + each - 1) / each;
    const auto rows_of_task = [&](size_t task) { return rows - task * each < each ? rows - task * each : each; };
    if (plan.whole_images) {
      vit::parallel(own_tasks, [&](size_t task, size_t worker) {
        const size_t image = k0 + task * plan.images_each;
        const size_t last = image + plan.images_each < k0 + count ? image + plan.images_each : k0 + count;
        const size_t r0 = image * tokens, m = (last - image) * tokens;
        Carver own{vit::scratch(worker)};
        float* buffer = own.take(kRowsEach * ldx);
        float* factor = own.take(for_factor);
        row_blocks(r0, m, kRowsEach, [&](size_t r, size_t n) { before(task, r, n, buffer, factor); });
        for (size_t k = image; k < last; ++k)
          for (size_t i = 0; i < b.heads; ++i) steps.head(g, k, i, own.at);
        row_blocks(r0, m, kRowsEach, [&](size_t r, size_t n) { after(task, r, n, buffer, factor); });
      });
    } else {
      vit::parallel(own_tasks, [&](size_t task, size_t worker) {
        float* buffer = vit::scratch(worker);
        before(task, c0 + task * each, rows_of_task(task), buffer, buffer + kRowsEach * ldx);
      });
      vit::parallel(count * b.heads, [&](size_t unit, size_t worker) {
        steps.head(g, k0 + unit / b.heads, unit % b.heads, vit::scratch(worker));
      });
      vit::parallel(own_tasks, [&](size_t task, size_t worker) {
        float* buffer = vit::scratch(worker);
        after(task, c0 + task * each, rows_of_task(task), buffer, buffer + kRowsEach * ldx);
      });
    }
    first_task += own_tasks;
    weight_grad(b.outer.precision, dqkv, ldq, 3 * dim, norms, ldx, dim, rows, k0 > 0, grad.first);
    weight_grad(b.outer.precision, douts, ldx, dim, g.out, ldx, dim, rows, k0 > 0, grad.last);
  }
  finish_grads(b.outer, {b.proj, b.proj_bias, dim, 3 * dim}, sums, tasks, sums_each, out_bias, grad);
}

template <typename In>
void backward(const AttentionBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  const Plan plan(b);
  if (plan.whole_images && in_slots(plan.rows, 4 * plan.dim * plan.dim)) return backward_in_slots<In>(b, plan, saved, dy, grad);
  backward_in_chunks<In>(b, plan, saved, dy, grad);
}

}  // namespace

size_t attention_branch_saved(const AttentionBranch& b) { return saved_size(b, Plan(b)); }

size_t attention_branch_packed(const AttentionBranch& b) {
  const size_t dim = b.outer.dim;
  if (b.outer.precision == vit::kBf16) return both_packed(In16::packed_size(dim, 3 * dim), In16::packed_size(dim, dim));
  return both_packed(In32::packed_size(dim, 3 * dim), In32::packed_size(dim, dim));
}

void attention_branch(const AttentionBranch& b, float* saved, float* y) {
  const size_t tokens = b.outer.tokens;
  if (b.outer.batch * tokens == 0) return;
  // Long images of which nothing is kept come a few at a time: what is between the steps is the size of those.
  const size_t images = tokens > kLongRows ? 1 : kLongRows / tokens;
  if (saved == nullptr && !Plan(b).whole_images && b.outer.batch > images) {
    for (size_t k = 0; k < b.outer.batch; k += images) {
      AttentionBranch part = b;
      part.outer.batch = b.outer.batch - k < images ? b.outer.batch - k : images;
      part.outer.x += k * tokens * b.outer.dim;
      if (part.outer.keep != nullptr) part.outer.keep += k;
      attention_branch(part, nullptr, y + k * tokens * b.outer.dim);
    }
    return;
  }
  if (b.outer.precision == vit::kBf16) forward<In16>(b, saved, y);
  else forward<In32>(b, saved, y);
}

void attention_branch_grad(const AttentionBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  if (b.outer.batch * b.outer.tokens == 0) return;
  if (b.outer.precision == vit::kBf16) backward<In16>(b, saved, dy, grad);
  else backward<In32>(b, saved, dy, grad);
}

}  // namespace VIT_ISA
