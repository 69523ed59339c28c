// The residual branch of attention, forward. With many images a task takes one, or a few small ones, through norm, qkv,
// attention and proj, so that nothing leaves the cache but what the backward pass reads; with few, the cores share the
// rows, then the heads, then the rows again.

#include <string.h>

#include <algorithm>

#include "attention_plan.h"
#include "bytes.h"
#include "sizes.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using vit::AttentionBranch;

#if !defined(VIT_LONG_ROWS)  // smaller where it is tested
#define VIT_LONG_ROWS 16384
#endif
constexpr size_t kLongRows = VIT_LONG_ROWS;

template <typename Math>
void forward(const AttentionBranch& b, float* saved, float* y) {
  const Plan plan(b);
  const size_t rows = plan.rows, dim = plan.dim, tokens = plan.tokens;
  const size_t size_qkv = Math::packed_size(dim, 3 * dim), size_proj = Math::packed_size(dim, dim);
  // Where the backward pass does not read what is between the steps, a task of whole images has it in memory of its
  // own.
  const bool apart = saved == nullptr || Math::is_bf16;
  const bool local = apart && plan.whole_images;
  const size_t task_rows = plan.images_each * tokens;
  const size_t local_size = local ? between_size(b, plan, task_rows) : 0;
  const size_t shared_size = apart && !local ? between_size(b, plan, rows) : 0;
  const bool columns = !plan.whole_images && in_columns(rows, 4 * dim * dim);
  const size_t inner_size = columns ? rows * plan.ldx : 0;
  ScratchArena arena{vit::outer_scratch((b.outer.packed == nullptr ? both_packed(size_qkv, size_proj) : 0) +
                                        shared_size + inner_size + 80)};
  ScratchArena weights_at{b.outer.packed == nullptr ? arena.take(both_packed(size_qkv, size_proj)) : b.outer.packed};
  const Weight qkv{{b.qkv, 1, dim}, dim, 3 * dim, weights_at.take(size_qkv)};
  const Weight proj{{b.proj, 1, dim}, dim, dim, weights_at.take(size_proj)};
  float* inner = arena.take(inner_size);
  const Weight weights[] = {qkv, proj};
  if (b.outer.packed == nullptr || !b.outer.ready) pack_weights<Math>(weights, 2);
  const size_t for_head = (heads_in_bf16<Math>(b) ? head_scratch<Bf16Math>
                                                  : head_scratch<Fp32Math>)(head_of(b, plan, nullptr, 0)),
               for_factor = Math::packed_rows_size(Math::kWide, dim);
  vit::reserve_scratch(Math::kWide * plan.ldx + for_head + for_factor + local_size + 128);
  const bool saves_bf16 = saved != nullptr && Math::is_bf16;
  const Saved16 saved16 = saves_bf16 ? saved16_of(b, plan, saved) : Saved16{};
  // Heads in float32 take what was rounded for them; those in bf16 round for themselves.
  const auto round_qkv = [&](float* row, size_t m, size_t n, bf16* to) {
    if (!heads_in_bf16<Math>(b)) return rounding().round_rows(m, n, row, plan.ldq, to, 3 * dim);
    for (size_t r = 0; to != nullptr && r < m; ++r) to_bf16(n, row + r * plan.ldq, to + r * 3 * dim);
  };

  // `first` is the row of the whole that is row 0 of `at`.
  const auto qkv_rows = [&](const Between& at, size_t first, size_t r0, size_t m, float* x, float* factor) {
    norm_rows(b.outer, r0, m, false, at.mean - first, at.rstd - first, x, plan.ldx);
    float* to = at.qkv + (r0 - first) * plan.ldq;
    gemm_rows<Math>(x, plan.ldx, factor, qkv, m, to, plan.ldq, b.qkv_bias);
    if (Math::is_bf16) round_qkv(to, m, 3 * dim, saves_bf16 ? saved16.qkv + r0 * 3 * dim : nullptr);
  };
  const auto attend_queries = [&](const Between& at, size_t first, size_t image, size_t i, size_t begin, size_t end,
                                  float* scratch) {
    const size_t r0 = image * tokens - first;
    const auto run = heads_in_bf16<Math>(b) ? attend<Bf16Math> : attend<Fp32Math>;
    run(head_of(b, plan, at.qkv + r0 * plan.ldq, i), begin, end, at.out + r0 * plan.ldx + i * (dim / b.heads), plan.ldx,
        at.log_sum_exp + r0 * b.heads + i * tokens, scratch);
  };
  const auto proj_rows = [&](const Between& at, size_t first, size_t r0, size_t m, float* z, float* factor) {
    const float* from = at.out + (r0 - first) * plan.ldx;
    gemm_rows<Math>(from, plan.ldx, factor, proj, m, z, plan.ldx, b.proj_bias);
    // The rounded operand is saved.
    const bf16* rounded = reinterpret_cast<const bf16*>(factor);
    for (size_t r = 0; saves_bf16 && r < m; ++r)
      move_bytes(saved16.out + (r0 + r) * dim, rounded + r * a16_width(dim), dim * sizeof(bf16));
    add_rows(b.outer, r0, m, 0, dim, z, plan.ldx, y);
  };
  // The moments and logSumExp of rows that a task had for itself.
  const auto keep_moments = [&](const Between& at, size_t first, size_t m) {
    const Between to = between_of(b, plan, rows, saved);
    move_bytes(to.mean + first, at.mean, m * sizeof(float));
    move_bytes(to.rstd + first, at.rstd, m * sizeof(float));
    move_bytes(to.log_sum_exp + first * b.heads, at.log_sum_exp, m * b.heads * sizeof(float));
  };

  if (plan.whole_images) {
    vit::parallel(ceil_div(b.outer.batch, plan.images_each), [&](size_t task, size_t worker) {
      const size_t image = task * plan.images_each;
      const size_t last = std::min(image + plan.images_each, b.outer.batch);
      const size_t r0 = image * tokens, m = (last - image) * tokens;
      ScratchArena own{vit::scratch(worker)};
      float* x = own.take(Math::kWide * plan.ldx);
      float* scratch = own.take(for_head);
      float* factor = own.take(for_factor);
      const Between at = local ? between_of(b, plan, task_rows, own.at) : between_of(b, plan, rows, saved);
      const size_t first = local ? r0 : 0;
      row_blocks(r0, m, Math::kWide, [&](size_t r, size_t n) { qkv_rows(at, first, r, n, x, factor); });
      for (size_t k = image; k < last; ++k)
        for (size_t i = 0; i < b.heads; ++i) attend_queries(at, first, k, i, 0, tokens, scratch);
      row_blocks(r0, m, Math::kWide, [&](size_t r, size_t n) { proj_rows(at, first, r, n, x, factor); });
      if (saves_bf16) keep_moments(at, r0, m);
    });
    return;
  }
  const Between at = between_of(b, plan, rows, apart ? arena.at : saved);
  const size_t each = rows_each_forward(rows), row_tasks = ceil_div(rows, each);
  const auto rows_of_task = [&](size_t task) { return std::min(rows - task * each, each); };
  if (columns) {
    // The rows before qkv, and later the result of proj.
    vit::parallel(row_tasks, [&](size_t task, size_t) {
      norm_rows(b.outer, task * each, rows_of_task(task), false, at.mean, at.rstd, inner + task * each * plan.ldx,
                plan.ldx);
    });
    gemm_columns<Math>(
        inner, plan.ldx, rows, qkv, at.qkv, plan.ldq, b.qkv_bias, [&](size_t r, size_t m, size_t j, size_t cols) {
          if (Math::is_bf16)
            round_qkv(at.qkv + r * plan.ldq + j, m, cols, saves_bf16 ? saved16.qkv + r * 3 * dim + j : nullptr);
        });
  } else {
    vit::parallel(row_tasks, [&](size_t task, size_t worker) {
      float* x = vit::scratch(worker);
      qkv_rows(at, 0, task * each, rows_of_task(task), x, x + Math::kWide * plan.ldx);
    });
  }
  const size_t units = b.outer.batch * b.heads;
  // A few heads: more tasks by cutting the queries, each of which packs the keys again.
  const size_t least = units < 12 ? 128 : 256, most_parts = units < 16 ? 24 / units : 1;
  const size_t even = even_blocks(tokens, least), share = ceil_div(tokens, most_parts);
  const size_t queries = std::max(even, share), parts = ceil_div(tokens, queries);
  vit::parallel(units * parts, [&](size_t task, size_t worker) {
    const size_t unit = task / parts, begin = task % parts * queries;
    attend_queries(at, 0, unit / b.heads, unit % b.heads, begin, std::min(begin + queries, tokens),
                   vit::scratch(worker));
  });
  if (columns) {
    if (saves_bf16)
      vit::parallel(row_tasks, [&](size_t task, size_t) {
        for (size_t r = task * each, end = r + rows_of_task(task); r < end; ++r)
          to_bf16(dim, at.out + r * plan.ldx, saved16.out + r * dim);
      });
    gemm_columns<Math>(at.out, plan.ldx, rows, proj, inner, plan.ldx, b.proj_bias,
                       [&](size_t r, size_t m, size_t j, size_t cols) {
                         add_rows(b.outer, r, m, j, cols, inner + r * plan.ldx + j, plan.ldx, y);
                       });
  } else {
    vit::parallel(row_tasks, [&](size_t task, size_t worker) {
      float* z = vit::scratch(worker);
      proj_rows(at, 0, task * each, rows_of_task(task), z, z + Math::kWide * plan.ldx);
    });
  }
  if (saves_bf16) keep_moments(at, 0, rows);
}

}  // namespace

size_t attention_branch_saved(const AttentionBranch& b) { return saved_size(b, Plan(b)); }

size_t attention_branch_packed(const AttentionBranch& b) {
  const size_t dim = b.outer.dim;
  if (b.outer.precision == vit::kBf16)
    return both_packed(Bf16Math::packed_size(dim, 3 * dim), Bf16Math::packed_size(dim, dim));
  return both_packed(Fp32Math::packed_size(dim, 3 * dim), Fp32Math::packed_size(dim, dim));
}

void attention_branch(const AttentionBranch& b, float* saved, float* y) {
  const size_t tokens = b.outer.tokens;
  if (b.outer.batch * tokens == 0) return;
  // Long images come a few at a time where nothing is saved, so that the buffers between the steps are of that size.
  const size_t images = tokens > kLongRows ? 1 : kLongRows / tokens;
  if (saved == nullptr && !Plan(b).whole_images && b.outer.batch > images) {
    for (size_t k = 0; k < b.outer.batch; k += images) {
      AttentionBranch part = b;
      part.outer.batch = std::min(b.outer.batch - k, images);
      part.outer.x += k * tokens * b.outer.dim;
      if (part.outer.keep != nullptr) part.outer.keep += k;
      attention_branch(part, nullptr, y + k * tokens * b.outer.dim);
    }
    return;
  }
  if (b.outer.precision == vit::kBf16) forward<Bf16Math>(b, saved, y);
  else forward<Fp32Math>(b, saved, y);
}

}  // namespace VIT_ISA
