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

// What the backward pass reads of the forward pass; all rows of out and qkv are ldx and ldq apart.
struct Saved {
  float *mean, *rstd, *qkv, *out, *log_sum_exp;
};
Saved saved_of(const AttentionBranch& b, const Plan& plan, float* saved) {
  const size_t rows = plan.rows;
  float* qkv = saved + 2 * rows;
  float* out = qkv + rows * plan.ldq;
  (void)b;
  return {saved, saved + rows, qkv, out, out + rows * plan.ldx};
}
size_t saved_size(const AttentionBranch& b, const Plan& plan) { return plan.rows * (2 + plan.ldq + plan.ldx + b.heads); }

// Head `i` of the image whose rows of qkv are given.
Head head_of(const AttentionBranch& b, const Plan& plan, const float* qkv, size_t i) {
  const size_t dim = plan.dim / b.heads;
  const float* q = qkv + i * dim;
  return {plan.tokens, plan.tokens, dim, b.factor, q, plan.ldq, q + plan.dim, q + 2 * plan.dim, plan.ldq};
}

// body(first row, rows) for blocks of the rows from r0.
template <typename Body>
void row_blocks(size_t r0, size_t rows, size_t each, const Body& body) {
  for (size_t r = 0; r < rows; r += each) body(r0 + r, rows - r < each ? rows - r : each);
}

}  // namespace

size_t attention_branch_saved(const AttentionBranch& b) { return saved_size(b, Plan(b)); }

void attention_branch(const AttentionBranch& b, float* saved, float* y) {
  const Plan plan(b);
  if (plan.rows == 0) return;
  const size_t rows = plan.rows, dim = plan.dim, tokens = plan.tokens;
  const size_t size_qkv = packed_b_size(dim, 3 * dim), size_proj = packed_b_size(dim, dim);
  // Without a backward pass whole images keep what is between the steps in the task's memory.
  const bool local = saved == nullptr && plan.whole_images;
  const size_t task_rows = plan.images_each * tokens;
  const size_t local_size = local ? task_rows * (plan.ldq + plan.ldx + b.heads + 2) + 64 : 0;
  const size_t shared_size = saved == nullptr && !local ? saved_size(b, plan) : 0;
  Carver carve{vit::outer_scratch(size_qkv + size_proj + shared_size + 64)};
  float* packed_qkv = carve.take(size_qkv);
  float* packed_proj = carve.take(size_proj);
  const Weight weights[] = {{{b.qkv, 1, dim}, dim, 3 * dim, packed_qkv}, {{b.proj, 1, dim}, dim, dim, packed_proj}};
  pack_weights(weights, 2);
  const size_t for_head = head_scratch(head_of(b, plan, nullptr, 0));
  vit::reserve_scratch(kRowsEach * plan.ldx + for_head + local_size + 128);

  // Row `first` of the arrays of `at` is row 0 or, where they are a task's own, its first row.
  const auto qkv_rows = [&](const Saved& at, size_t first, size_t r0, size_t m, float* x) {
    // The moments are indexed by the row of the whole.
    norm_rows(b.outer, r0, m, false, at.mean - first, at.rstd - first, x, plan.ldx);
    rows_product(x, plan.ldx, packed_qkv, dim, m, 3 * dim, dim, at.qkv + (r0 - first) * plan.ldq, plan.ldq, b.qkv_bias, kStoreNew);
  };
  const auto attend_queries = [&](const Saved& at, size_t first, size_t image, size_t i, size_t begin, size_t end, float* scratch) {
    const size_t r0 = image * tokens - first;
    attend(head_of(b, plan, at.qkv + r0 * plan.ldq, i), begin, end, at.out + r0 * plan.ldx + i * (dim / b.heads), plan.ldx,
           at.log_sum_exp + r0 * b.heads + i * tokens, scratch);
  };
  const auto proj_rows = [&](const Saved& at, size_t first, size_t r0, size_t m, float* z) {
    rows_product(at.out + (r0 - first) * plan.ldx, plan.ldx, packed_proj, dim, m, dim, dim, z, plan.ldx, b.proj_bias, kStoreNew);
    add_rows(b.outer, r0, m, z, plan.ldx, y);
  };

  if (plan.whole_images) {
    vit::parallel((b.outer.batch + plan.images_each - 1) / plan.images_each, [&](size_t task, size_t worker) {
      const size_t image = task * plan.images_each;
      const size_t last = image + plan.images_each < b.outer.batch ? image + plan.images_each : b.outer.batch;
      const size_t r0 = image * tokens, m = (last - image) * tokens;
      Carver own{vit::scratch(worker)};
      float* x = own.take(kRowsEach * plan.ldx);
      float* scratch = own.take(for_head);
      Saved at;
      if (local) {
        at.mean = own.take(task_rows);
        at.rstd = own.take(task_rows);
        at.qkv = own.take(task_rows * plan.ldq);
        at.out = own.take(task_rows * plan.ldx);
        at.log_sum_exp = own.at;
      } else {
        at = saved_of(b, plan, saved);
      }
      const size_t first = local ? r0 : 0;
      row_blocks(r0, m, kRowsEach, [&](size_t r, size_t n) { qkv_rows(at, first, r, n, x); });
      for (size_t k = image; k < last; ++k)
        for (size_t i = 0; i < b.heads; ++i) attend_queries(at, first, k, i, 0, tokens, scratch);
      row_blocks(r0, m, kRowsEach, [&](size_t r, size_t n) { proj_rows(at, first, r, n, x); });
    });
    return;
  }
  const Saved at = saved_of(b, plan, saved == nullptr ? carve.take(shared_size) : saved);
  const size_t each = rows_each_task(rows);
  vit::parallel((rows + each - 1) / each, [&](size_t task, size_t worker) {
    row_blocks(task * each, rows - task * each < each ? rows - task * each : each, each,
               [&](size_t r, size_t n) { qkv_rows(at, 0, r, n, vit::scratch(worker)); });
  });
  const size_t units = b.outer.batch * b.heads;
  // A few heads: more tasks by cutting the queries, which costs packing the keys again.
  const size_t queries = units >= 16 ? tokens : 256;
  const size_t parts = (tokens + queries - 1) / queries;
  vit::parallel(units * parts, [&](size_t task, size_t worker) {
    const size_t unit = task / parts, begin = task % parts * queries;
    attend_queries(at, 0, unit / b.heads, unit % b.heads, begin, begin + queries < tokens ? begin + queries : tokens,
                   vit::scratch(worker));
  });
  vit::parallel((rows + each - 1) / each, [&](size_t task, size_t worker) {
    proj_rows(at, 0, task * each, rows - task * each < each ? rows - task * each : each, vit::scratch(worker));
  });
}

void attention_branch_grad(const AttentionBranch& b, const float* saved, const float* dy, const vit::AttentionBranchGrad& grad) {
  const Plan plan(b);
  if (plan.rows == 0) return;
  const size_t dim = plan.dim, tokens = plan.tokens, ldx = plan.ldx, ldq = plan.ldq;
  const Saved at = saved_of(b, plan, const_cast<float*>(saved));
  // A chunk is whole images, and whole tasks of them.
  const size_t images = kChunk / tokens < plan.images_each ? plan.images_each : kChunk / tokens / plan.images_each * plan.images_each;
  const size_t most = images < b.outer.batch ? images : b.outer.batch;
  const size_t held = most * tokens;
  const size_t each = plan.whole_images ? plan.images_each * tokens : rows_each_task(held);
  const size_t tasks_each = (held + each - 1) / each;
  const size_t tasks = ((b.outer.batch + most - 1) / most) * tasks_each;
  const size_t sums_each = round_up(6 * dim, 16);
  const size_t size_qkv = packed_b_size(3 * dim, dim), size_proj = packed_b_size(dim, dim);
  Carver carve{vit::outer_scratch(size_qkv + size_proj + tasks * sums_each + held * (3 * ldx + ldq) + dim + 160)};
  float* packed_qkv = carve.take(size_qkv);
  float* packed_proj = carve.take(size_proj);
  float* sums = carve.take(tasks * sums_each);
  float* out_bias = carve.take(dim);
  float* norms = carve.take(held * ldx);
  float* douts = carve.take(held * ldx);
  float* dattended = carve.take(held * ldx);
  float* dqkv = carve.take(held * ldq);
  const Weight weights[] = {{{b.qkv, dim, 1}, 3 * dim, dim, packed_qkv}, {{b.proj, dim, 1}, dim, dim, packed_proj}};
  pack_weights(weights, 2);
  const size_t for_head = head_grad_scratch(head_of(b, plan, nullptr, 0));
  vit::reserve_scratch(kRowsEach * ldx + for_head + 64);
  memset(sums, 0, tasks * sums_each * sizeof(float));

  size_t first_task = 0;
  for (size_t k0 = 0; k0 < b.outer.batch; k0 += most) {
    const size_t count = b.outer.batch - k0 < most ? b.outer.batch - k0 : most;
    const size_t c0 = k0 * tokens, rows = count * tokens;
    const auto sums_of = [&](size_t task) {
      float* sum = sums + (first_task + task) * sums_each;
      return RowSums{sum, sum + dim, sum + 2 * dim, sum + 3 * dim};
    };
    // The three steps; rows are those of the whole, `- c0` those of the chunk.
    const auto before = [&](const RowSums& part, size_t r, size_t m, float* scaled) {
      norm_rows(b.outer, r, m, true, at.mean, at.rstd, norms + (r - c0) * ldx, ldx);
      scale_rows(b.outer, r, m, dy, douts + (r - c0) * ldx, scaled, ldx, part.out);
      rows_product(scaled, ldx, packed_proj, dim, m, dim, dim, dattended + (r - c0) * ldx, ldx, nullptr, kStoreNew);
    };
    const auto through_head = [&](size_t image, size_t i, float* scratch) {
      const size_t r0 = image * tokens, in = r0 - c0, column = i * (dim / b.heads);
      const HeadResult result{dattended + in * ldx + column, ldx, at.out + r0 * ldx + column, ldx,
                              at.log_sum_exp + r0 * b.heads + i * tokens};
      float* dq = dqkv + in * ldq + column;
      attend_grad(head_of(b, plan, at.qkv + r0 * ldq, i), result, {dq, ldq, dq + dim, dq + 2 * dim, ldq}, scratch);
    };
    const auto after = [&](const RowSums& part, size_t r, size_t m, float* dnorm) {
      const float* d = dqkv + (r - c0) * ldq;
      for (size_t i = 0; i < m; ++i)
        each_part(3 * dim, [&](size_t j, size_t n) { put(part.inner + j, get(part.inner + j, n) + get(d + i * ldq + j, n), n); });
      rows_product(d, ldq, packed_qkv, 3 * dim, m, dim, 3 * dim, dnorm, ldx, nullptr, kStoreNew);
      norm_grad_rows(b.outer, r, m, at.mean, at.rstd, dnorm, ldx, dy, grad.outer.dx, part);
    };
    const size_t own_tasks = (rows + each - 1) / each;
    if (plan.whole_images) {
      vit::parallel(own_tasks, [&](size_t task, size_t worker) {
        const size_t image = k0 + task * plan.images_each;
        const size_t last = image + plan.images_each < k0 + count ? image + plan.images_each : k0 + count;
        const size_t r0 = image * tokens, m = (last - image) * tokens;
        float* buffer = vit::scratch(worker);
        float* scratch = buffer + round_up(kRowsEach * ldx, 16);
        const RowSums part = sums_of(task);
        row_blocks(r0, m, kRowsEach, [&](size_t r, size_t n) { before(part, r, n, buffer); });
        for (size_t k = image; k < last; ++k)
          for (size_t i = 0; i < b.heads; ++i) through_head(k, i, scratch);
        row_blocks(r0, m, kRowsEach, [&](size_t r, size_t n) { after(part, r, n, buffer); });
      });
    } else {
      vit::parallel(own_tasks, [&](size_t task, size_t worker) {
        const size_t r0 = task * each;
        before(sums_of(task), c0 + r0, rows - r0 < each ? rows - r0 : each, vit::scratch(worker));
      });
      vit::parallel(count * b.heads,
                    [&](size_t unit, size_t worker) { through_head(k0 + unit / b.heads, unit % b.heads, vit::scratch(worker)); });
      vit::parallel(own_tasks, [&](size_t task, size_t worker) {
        const size_t r0 = task * each;
        after(sums_of(task), c0 + r0, rows - r0 < each ? rows - r0 : each, vit::scratch(worker));
      });
    }
    first_task += own_tasks;
    weight_grad(dqkv, ldq, 3 * dim, norms, ldx, dim, rows, k0 > 0, grad.qkv);
    weight_grad(douts, ldx, dim, at.out + c0 * ldx, ldx, dim, rows, k0 > 0, grad.proj);
  }
  join_sums(sums, tasks, sums_each, dim, grad.outer.dgamma);
  join_sums(sums + dim, tasks, sums_each, dim, grad.outer.dbeta);
  float* proj_bias = grad.proj_bias == nullptr ? out_bias : grad.proj_bias;
  join_sums(sums + 2 * dim, tasks, sums_each, dim, proj_bias);
  if (grad.qkv_bias != nullptr) join_sums(sums + 3 * dim, tasks, sums_each, 3 * dim, grad.qkv_bias);
  finish_scale(b.outer, b.proj, b.proj_bias, dim, grad.proj, proj_bias, grad.outer.dscale);
}

}  // namespace VIT_ISA
