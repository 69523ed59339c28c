// The residual branch of attention, backward: through proj, the heads, and qkv with the norm, cut as the forward pass
// is.

#include <string.h>

#include <algorithm>

#include "attention_plan.h"
#include "bytes.h"
#include "sizes.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using vit::AttentionBranch;

template <typename Math>
size_t head_grad_floats(const AttentionBranch& b, const Plan& plan) {
  const size_t dim = plan.dim / b.heads;
  return heads_in_bf16<Math>(b)
             ? head_grad_scratch16({plan.tokens, plan.tokens, dim, 1, nullptr, 0, nullptr, nullptr, 0})
             : head_grad_scratch({plan.tokens, plan.tokens, dim, 1, nullptr, 0, nullptr, nullptr, 0});
}

// The gradients of some rows, those from `first` on: between the steps, and qkv and attention's result, which in bf16
// are widened into `wide_*` where that is not null.
struct Grads {
  size_t first;
  float *dattended, *dqkv;
  const float *qkv, *out;
  float *wide_qkv, *wide_out;
};

// The three steps of the backward pass, each for rows or a head in one thread.
template <typename Math>
struct Steps {
  const AttentionBranch& b;
  const Plan& plan;
  Between at;
  Saved16 saved16;
  Weight qkv, proj;
  const float* dy;
  float* dx;

  Grads grads(size_t first, float* dattended, float* dqkv, float* wide_qkv, float* wide_out) const {
    if (Math::is_bf16) return {first, dattended, dqkv, wide_qkv, wide_out, wide_qkv, wide_out};
    return {first, dattended, dqkv, at.qkv + first * plan.ldq, at.out + first * plan.ldx, nullptr, nullptr};
  }
  // The memory that the heads of m rows from r read next, unless it was written just now.
  Prefetch next_of(const Grads& g, size_t r, size_t m) const {
    if (!Math::is_bf16) return {g.qkv + (r - g.first) * plan.ldq, m * plan.ldq * sizeof(float)};
    if (g.wide_qkv != nullptr) return {};
    return {saved16.qkv + r * 3 * plan.dim, m * 3 * plan.dim * sizeof(bf16)};
  }
  // Through proj, for m rows from r; dout is theirs, and so is `scaled`.
  void before_heads(const Grads& g, size_t r, size_t m, float* dout, float* scaled, float* factor,
                    const RowSums& part) const {
    const size_t dim = plan.dim, ldx = plan.ldx, ldq = plan.ldq, in = r - g.first;
    for (size_t i = 0; Math::is_bf16 && i < m; ++i) {
      if (g.wide_qkv != nullptr) from_bf16(3 * dim, saved16.qkv + (r + i) * 3 * dim, g.wide_qkv + (in + i) * ldq);
      if (g.wide_out != nullptr) from_bf16(dim, saved16.out + (r + i) * dim, g.wide_out + (in + i) * ldx);
    }
    scale_rows(b.outer, r, m, dy, dout, scaled, ldx, part.out);
    gemm_rows<Math>(scaled, ldx, factor, proj, m, g.dattended + in * ldx, ldx, nullptr, next_of(g, r, m));
  }
  void head(const Grads& g, size_t image, size_t i, float* scratch) const {
    const size_t dim = plan.dim, ldx = plan.ldx, ldq = plan.ldq, tokens = plan.tokens;
    const size_t in = image * tokens - g.first, column = i * (dim / b.heads);
    // A rounded result would make the error of every score's gradient one of the same sign.
    const float* out = Math::is_bf16 ? nullptr : g.out + in * ldx + column;
    const HeadResult result{g.dattended + in * ldx + column, ldx, out, ldx,
                            at.log_sum_exp + image * tokens * b.heads + i * tokens};
    float* dq = g.dqkv + in * ldq + column;
    const HeadGrad to{dq, ldq, dq + dim, dq + 2 * dim, ldq};
    if (!heads_in_bf16<Math>(b)) return attend_grad(head_of(b, plan, g.qkv + in * ldq, i), result, to, scratch);
    const bf16* q = saved16.qkv + image * tokens * 3 * dim + column;
    attend_grad16({tokens, tokens, dim / b.heads, b.factor, q, 3 * dim, q + dim, q + 2 * dim, 3 * dim}, result, to,
                  scratch);
  }
  // Attention's result of m rows from r as a packed operand.
  void pack_out(const Grads& g, size_t r, size_t m, float* packed) const {
    const size_t dim = plan.dim, panels = Math::panels(dim);
    if (Math::is_bf16)
      return pack_b16(Operand16{saved16.out + r * dim, dim, 1}, m, dim, 0, panels, reinterpret_cast<bf16*>(packed));
    Math::pack({g.out + (r - g.first) * plan.ldx, plan.ldx, 1}, m, dim, 0, panels, packed);
  }
  // Through qkv and the norm, for m rows from r; norms become the rows before qkv, and dnorm is theirs. In bf16,
  // `packed` becomes the gradient of qkv as an operand unless it is null.
  void after_heads(const Grads& g, size_t r, size_t m, float* norms, float* dnorm, float* factor, float* packed,
                   const RowSums& part) const {
    const size_t ldx = plan.ldx, ldq = plan.ldq, dim3 = 3 * plan.dim;
    const float* d = g.dqkv + (r - g.first) * ldq;
    if (Math::is_bf16 && packed != nullptr) {
      rounding().round_twice(m, dim3, d, ldq, part.inner, reinterpret_cast<bf16*>(factor),
                             reinterpret_cast<bf16*>(packed));
    } else {
      for (size_t i = 0; i < m; ++i)
        each_part(dim3, [&](size_t j, size_t n) {
          put(part.inner + j, get(part.inner + j, n) + get(d + i * ldq + j, n), n);
        });
      Math::pack_rows(d, ldq, m, dim3, factor);
    }
    Math::multiply_packed(d, ldq, factor, qkv, 0, 0, m, plan.dim, dim3, dnorm, ldx, nullptr, kStoreNew);
    norm_rows(b.outer, r, m, true, at.mean, at.rstd, norms, ldx);
    norm_grad_rows(b.outer, r, m, at.mean, at.rstd, dnorm, ldx, dy, dx, part);
  }
};

template <typename Math>
Steps<Math> steps_of(const AttentionBranch& b, const Plan& plan, const float* saved, const float* dy, float* dx,
                     ScratchArena& arena) {
  const size_t dim = plan.dim;
  float* own = const_cast<float*>(saved);
  const Weight qkv{{b.qkv, dim, 1}, 3 * dim, dim, arena.take(Math::packed_size(3 * dim, dim))};
  const Weight proj{{b.proj, dim, 1}, dim, dim, arena.take(Math::packed_size(dim, dim))};
  const Weight weights[] = {qkv, proj};
  pack_weights<Math>(weights, 2);
  return {b, plan, between_of(b, plan, plan.rows, own), saved16_of(b, plan, own), qkv, proj, dy, dx};
}
template <typename Math>
size_t steps_size(const Plan& plan) {
  return both_packed(Math::packed_size(3 * plan.dim, plan.dim), Math::packed_size(plan.dim, plan.dim));
}

// Weights' gradients in slots (see branch.h): a slot is a run of images, a task's worth of them at a time.
template <typename Math>
void backward_in_slots(const AttentionBranch& b, const Plan& plan, const float* saved, const float* dy,
                       const vit::BranchGrad& grad) {
  const size_t dim = plan.dim, tokens = plan.tokens, ldx = plan.ldx, ldq = plan.ldq;
  const size_t tasks = ceil_div(b.outer.batch, plan.images_each);
  const size_t run = ceil_div(tasks, kSlots) * plan.images_each;  // images of a slot
  const size_t slots = ceil_div(b.outer.batch, run);
  const size_t held = plan.images_each * tokens;
  // Sizes of the first weight's gradient; in bf16 those of its transpose, so that the smaller operand is transposed.
  const size_t first_rows = Math::is_bf16 ? dim : 3 * dim, first_cols = Math::is_bf16 ? 3 * dim : dim;
  const size_t first_size = slot_size(first_rows, first_cols), slot_each = first_size + slot_size(dim, dim);
  const size_t sums_each = round_up(6 * dim, 16);
  ScratchArena arena{vit::outer_scratch(steps_size<Math>(plan) + slots * (sums_each + slot_each) + dim + 128)};
  const Steps<Math> steps = steps_of<Math>(b, plan, saved, dy, grad.dx, arena);
  float* sums = arena.take(slots * sums_each);
  float* slot_grads = arena.take(slots * slot_each);
  float* out_bias = arena.take(dim);
  const size_t for_head = head_grad_floats<Math>(b, plan), rows_factor = Math::packed_rows_size(kRowsEach, 3 * dim);
  const size_t weight_grad_packed = Math::weight_grad_packed_size(dim, kRowsEach),
               for_factor = std::max(rows_factor, weight_grad_packed);
  const size_t packed_rows = Math::packed_size(kRowsEach, Math::is_bf16 ? 3 * dim : dim),
               widened = Math::is_bf16 && !heads_in_bf16<Math>(b) ? held * ldq : 0;
  vit::reserve_scratch(held * (ldx + ldq) + widened + 2 * kRowsEach * ldx + packed_rows + for_head + for_factor + 192);
  vit::parallel(slots, [&](size_t slot, size_t worker) {
    ScratchArena own{vit::scratch(worker)};
    float* dattended = own.take(held * ldx);
    float* dqkv = own.take(held * ldq);
    float* wide_qkv = widened > 0 ? own.take(widened) : nullptr;
    float* rows_a = own.take(kRowsEach * ldx);
    float* rows_b = own.take(kRowsEach * ldx);
    float* packed = own.take(packed_rows);
    float* factor = own.take(for_factor);
    const Slot first = {slot_grads + slot * slot_each, first_rows}, last = {first.data + first_size, dim};
    const RowSums part = sums_at(sums + slot * sums_each, dim);
    clear_bytes(sums + slot * sums_each, sums_each * sizeof(float));
    const size_t begin = slot * run, end = std::min(b.outer.batch, begin + run);
    for (size_t image = begin; image < end; image += plan.images_each) {
      const size_t images = std::min(end - image, plan.images_each);
      const size_t r0 = image * tokens, rows = images * tokens;
      const Grads g = steps.grads(r0, dattended, dqkv, wide_qkv, nullptr);
      const auto mode_at = [&](size_t r) { return r == begin * tokens ? kStoreNew : kStoreAdd; };
      row_blocks(r0, rows, even_blocks(rows), [&](size_t r, size_t m) {
        steps.before_heads(g, r, m, rows_a, rows_b, factor, part);
        steps.pack_out(g, r, m, packed);
        Math::accumulate_weight_grad(rows_a, ldx, dim, packed, dim, m, factor, last, mode_at(r));
      });
      for (size_t k = image; k < image + images; ++k)
        for (size_t i = 0; i < b.heads; ++i) steps.head(g, k, i, own.at);
      row_blocks(r0, rows, even_blocks(rows), [&](size_t r, size_t m) {
        steps.after_heads(g, r, m, rows_a, rows_b, factor, packed, part);
        if (Math::is_bf16)
          return Math::accumulate_weight_grad(rows_a, ldx, dim, packed, 3 * dim, m, factor, first, mode_at(r));
        Math::pack({rows_a, ldx, 1}, m, dim, 0, Math::panels(dim), packed);
        Math::accumulate_weight_grad(dqkv + (r - r0) * ldq, ldq, 3 * dim, packed, dim, m, factor, first, mode_at(r));
      });
    }
  });
  join_slots(slot_grads, slots, slot_each, first_rows, first_cols, Math::is_bf16, grad.first);
  join_slots(slot_grads + first_size, slots, slot_each, dim, dim, false, grad.last);
  finish_grads(b.outer, {b.proj, b.proj_bias, dim, 3 * dim}, sums, slots, sums_each, out_bias, grad);
}

// Weights' gradients as products over chunks of images.
template <typename Math>
void backward_in_chunks(const AttentionBranch& b, const Plan& plan, const float* saved, const float* dy,
                        const vit::BranchGrad& grad) {
  const size_t dim = plan.dim, tokens = plan.tokens, ldx = plan.ldx, ldq = plan.ldq;
  // A chunk is whole images, and whole tasks of them.
  const size_t images =
      kChunk / tokens < plan.images_each ? plan.images_each : kChunk / tokens / plan.images_each * plan.images_each;
  const size_t most = std::min(images, b.outer.batch);
  const size_t held = most * tokens;
  const size_t each = plan.whole_images ? plan.images_each * tokens : rows_each_task(held);
  const size_t tasks_each = ceil_div(held, each);
  const size_t tasks = (ceil_div(b.outer.batch, most)) * tasks_each;
  const size_t sums_each = round_up(6 * dim, 16);
  const size_t widened = Math::is_bf16 ? held * ldx + (heads_in_bf16<Math>(b) ? 0 : held * ldq) : 0;
  ScratchArena arena{
      vit::outer_scratch(steps_size<Math>(plan) + tasks * sums_each + held * (3 * ldx + ldq) + widened + dim + 192)};
  const Steps<Math> steps = steps_of<Math>(b, plan, saved, dy, grad.dx, arena);
  float* sums = arena.take(tasks * sums_each);
  float* out_bias = arena.take(dim);
  float* norms = arena.take(held * ldx);
  float* douts = arena.take(held * ldx);
  float* dattended = arena.take(held * ldx);
  float* dqkv = arena.take(held * ldq);
  float* wide_qkv = Math::is_bf16 && !heads_in_bf16<Math>(b) ? arena.take(held * ldq) : nullptr;
  float* wide_out = arena.take(Math::is_bf16 ? held * ldx : 0);
  const size_t for_head = head_grad_floats<Math>(b, plan), for_factor = Math::packed_rows_size(kRowsEach, 3 * dim);
  clear_bytes(sums, tasks * sums_each * sizeof(float));

  size_t first_task = 0;
  for (size_t k0 = 0; k0 < b.outer.batch; k0 += most) {
    // For each chunk again: weight_grad reserves what it needs itself.
    vit::reserve_scratch(kRowsEach * ldx + for_head + for_factor + 64);
    const size_t count = std::min(b.outer.batch - k0, most);
    const size_t c0 = k0 * tokens, rows = count * tokens;
    const Grads g = steps.grads(c0, dattended, dqkv, wide_qkv, wide_out);
    const auto sums_of = [&](size_t task) { return sums_at(sums + (first_task + task) * sums_each, dim); };
    const auto before = [&](size_t task, size_t r, size_t m, float* buffer, float* factor) {
      steps.before_heads(g, r, m, douts + (r - c0) * ldx, buffer, factor, sums_of(task));
    };
    const auto after = [&](size_t task, size_t r, size_t m, float* buffer, float* factor) {
      steps.after_heads(g, r, m, norms + (r - c0) * ldx, buffer, factor, nullptr, sums_of(task));
    };
    const size_t own_tasks = ceil_div(rows, each);
    const auto rows_of_task = [&](size_t task) { return std::min(rows - task * each, each); };
    if (plan.whole_images) {
      vit::parallel(own_tasks, [&](size_t task, size_t worker) {
        const size_t image = k0 + task * plan.images_each;
        const size_t last = std::min(image + plan.images_each, k0 + count);
        const size_t r0 = image * tokens, m = (last - image) * tokens;
        ScratchArena own{vit::scratch(worker)};
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

template <typename Math>
void backward(const AttentionBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  const Plan plan(b);
  if (plan.whole_images && in_slots(plan.rows, 4 * plan.dim * plan.dim))
    return backward_in_slots<Math>(b, plan, saved, dy, grad);
  backward_in_chunks<Math>(b, plan, saved, dy, grad);
}

}  // namespace

void attention_branch_grad(const AttentionBranch& b, const float* saved, const float* dy, const vit::BranchGrad& grad) {
  if (b.outer.batch * b.outer.tokens == 0) return;
  if (b.outer.precision == vit::kBf16) backward<Bf16Math>(b, saved, dy, grad);
  else backward<Fp32Math>(b, saved, dy, grad);
}

}  // namespace VIT_ISA
