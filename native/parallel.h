// The one thread pool, and scratch memory that outlives a call. Kernels cut their work into tasks by the sizes alone;
// by the number of threads only where no sum is cut, so that no result depends on it.
#pragma once

#include <stddef.h>

namespace vit {

// Number of threads that run tasks, the caller's included; 1 runs everything in the caller.
void set_threads(size_t count);
size_t threads();

// Runs task 0 … tasks - 1, each once, in any order; returns when all are done. `worker` < threads() is the index of the
// scratch memory that the task may use. Tasks must not throw and must not start tasks.
typedef void (*Task)(void* context, size_t task, size_t worker);
void run_tasks(size_t tasks, Task task, void* context);

template <typename Body>
inline __attribute__((always_inline)) void parallel(size_t tasks, const Body& body) {
  run_tasks(
      tasks, [](void* context, size_t task, size_t worker) { (*static_cast<const Body*>(context))(task, worker); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

// Makes every worker's scratch at least `floats` long, until the next call; to be called outside tasks. Contents are
// lost. Throws std::bad_alloc.
void reserve_scratch(size_t floats);
float* scratch(size_t worker);
// The memory that all tasks of a call share. Throws std::bad_alloc. Contents are lost when it grows.
float* shared_scratch(size_t floats);
// A second one, for kernels that call kernels which use the first.
float* outer_scratch(size_t floats);

}  // namespace vit
