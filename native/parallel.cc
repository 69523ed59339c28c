// How parallel.h works: the caller publishes a job and takes tasks from the same counter as the workers, so that a worker
// the system does not schedule costs nothing. Idle workers spin for a moment, then sleep.

#include "parallel.h"

#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

namespace vit {
namespace {

constexpr int kSpins = 4000;
constexpr size_t kMaxThreads = 256;

inline void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

struct Memory {
  float* data = nullptr;
  size_t floats = 0;

  void grow(size_t wanted) {
#if !defined(VIT_EXACT_SCRATCH)
    if (wanted <= floats) return;
#endif
    free(data);
    data = nullptr;
    floats = 0;
#if defined(VIT_EXACT_SCRATCH)
    // For tests: no longer than asked for, and full of NaN.
    const size_t bytes = wanted * sizeof(float);
#else
    const size_t bytes = (wanted * sizeof(float) + 4095) / 4096 * 4096;
#endif
    void* fresh = nullptr;
    if (posix_memalign(&fresh, 4096, bytes) != 0) throw std::bad_alloc();
#if defined(VIT_EXACT_SCRATCH)
    memset(fresh, 0xff, bytes);
#endif
    data = static_cast<float*>(fresh);
    floats = bytes / sizeof(float);
  }
};

struct Pool {
  std::mutex mutex;
  std::condition_variable wake, done;
  std::vector<std::thread> workers;
  size_t count = 1;
  std::atomic<size_t> generation{0};
  std::atomic<size_t> active{0};
  std::atomic<size_t> next{0};
  bool open = false;
  bool stopping = false;
  size_t tasks = 0;
  Task task = nullptr;
  void* context = nullptr;

  void take_tasks(size_t worker) {
    for (;;) {
      const size_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= tasks) return;
      task(context, index, worker);
    }
  }

  void work(size_t worker, size_t seen) {
    for (;;) {
      for (int spin = 0; spin < kSpins && generation.load(std::memory_order_acquire) == seen; ++spin)
        pause_cpu();
      {
        std::unique_lock<std::mutex> lock(mutex);
        wake.wait(lock, [&] { return stopping || generation.load() != seen; });
        if (stopping) return;
        seen = generation.load();
        if (!open) continue;
        active.fetch_add(1);
      }
      take_tasks(worker);
      if (active.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        std::lock_guard<std::mutex> lock(mutex);
        done.notify_one();
      }
    }
  }

  void run(size_t total, Task body, void* data) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      tasks = total;
      task = body;
      context = data;
      next.store(0, std::memory_order_relaxed);
      open = true;
      generation.fetch_add(1, std::memory_order_release);
    }
    wake.notify_all();
    take_tasks(0);
    {
      std::lock_guard<std::mutex> lock(mutex);
      open = false;
    }
    for (int spin = 0; spin < kSpins && active.load(std::memory_order_acquire) != 0; ++spin) pause_cpu();
    std::unique_lock<std::mutex> lock(mutex);
    done.wait(lock, [&] { return active.load() == 0; });
  }

  void resize(size_t wanted) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
    workers.clear();
    stopping = false;
    count = 1;
    const size_t seen = generation.load();
    for (size_t i = 1; i < wanted; ++i) {
      workers.emplace_back([this, i, seen] { work(i, seen); });
      count = i + 1;
    }
  }
};

// Never destroyed: workers may still sleep in it when the process ends.
Pool& pool() {
  static Pool* instance = new Pool;
  return *instance;
}

Memory worker_memory[kMaxThreads];
Memory shared_memory, outer_memory;

}  // namespace

void set_threads(size_t count) {
  if (count < 1) count = 1;
  if (count > kMaxThreads) count = kMaxThreads;
  if (count != pool().count) pool().resize(count);
}

size_t threads() { return pool().count; }

void run_tasks(size_t tasks, Task task, void* context) {
  if (tasks <= 1 || pool().count == 1) {
    for (size_t i = 0; i < tasks; ++i) task(context, i, 0);
    return;
  }
  pool().run(tasks, task, context);
}

void reserve_scratch(size_t floats) {
  for (size_t i = 0; i < pool().count; ++i) worker_memory[i].grow(floats);
}

float* scratch(size_t worker) { return worker_memory[worker].data; }

float* shared_scratch(size_t floats) {
  shared_memory.grow(floats);
  return shared_memory.data;
}

float* outer_scratch(size_t floats) {
  outer_memory.grow(floats);
  return outer_memory.data;
}

}  // namespace vit
