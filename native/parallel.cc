// How parallel.h works: the caller publishes a job and takes tasks from the same counter as the workers, so that a
// worker the system does not schedule costs nothing. Idle workers spin for a moment, then sleep; no lock is taken but
// to sleep and to wake.

#include "parallel.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

namespace vit {
namespace {

// How long a thread that has nothing to do looks on before it sleeps: longer than JavaScript takes from one op to the
// next, for waking it takes about as long. In time, because a pause lasts from ten to over a hundred cycles.
constexpr std::chrono::microseconds kSpin{200};
constexpr size_t kMaxThreads = 256;

inline void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Until ready() or for kSpin.
template <typename Ready>
inline void spin_until(bool spins, const Ready& ready) {
  if (ready() || !spins) return;
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      pause_cpu();
      if (ready()) return;
    }
  } while (std::chrono::steady_clock::now() < end);
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

// The rest of a job in one word, so that taking a task is one addition and cannot mix up two jobs: tasks in all,
// and the next. A thread that comes late adds to a word whose tasks are all taken, or takes a task of the next job,
// which cannot end without it.
constexpr uint64_t kNextBits = 32;
constexpr size_t kMostTasks = (size_t{1} << 31) - 1;
inline uint64_t word_of(size_t tasks) { return static_cast<uint64_t>(tasks) << kNextBits; }
inline size_t tasks_of(uint64_t word) { return static_cast<size_t>(word >> kNextBits); }
inline size_t next_of(uint64_t word) { return static_cast<size_t>(word & ((uint64_t{1} << kNextBits) - 1)); }

struct Pool {
  std::mutex mutex;
  std::condition_variable wake, done;
  std::vector<std::thread> workers;
  size_t count = 1;
  Task task = nullptr;
  void* context = nullptr;
  bool stopping = false;
  // Not where threads outnumber the processors: who looks on keeps another from its work.
  bool spins = true;
  alignas(64) std::atomic<uint64_t> left{0};
  alignas(64) std::atomic<size_t> generation{0};
  alignas(64) std::atomic<size_t> finished{0};
  // Threads that sleep, or are about to: they look at what they wait for after they have said so, the others after they
  // have changed it.
  alignas(64) std::atomic<size_t> sleepers{0};
  std::atomic<bool> caller_sleeps{false};

  void take_tasks(size_t worker) {
    for (;;) {
      const uint64_t word = left.fetch_add(1, std::memory_order_acq_rel);
      const size_t total = tasks_of(word), index = next_of(word);
      if (index >= total) return;
      task(context, index, worker);
      if (finished.fetch_add(1) + 1 == total && caller_sleeps.load()) {
        std::lock_guard<std::mutex> lock(mutex);
        done.notify_one();
      }
    }
  }

  void work(size_t worker, size_t seen) {
    for (;;) {
      spin_until(spins, [&] { return generation.load(std::memory_order_acquire) != seen; });
      if (generation.load(std::memory_order_acquire) == seen) {
        std::unique_lock<std::mutex> lock(mutex);
        sleepers.fetch_add(1);
        wake.wait(lock, [&] { return stopping || generation.load() != seen; });
        sleepers.fetch_sub(1);
        if (stopping) return;
      }
      seen = generation.load(std::memory_order_acquire);
      take_tasks(worker);
    }
  }

  void run(size_t total, Task body, void* data) {
    task = body;
    context = data;
    finished.store(0, std::memory_order_relaxed);
    left.store(word_of(total), std::memory_order_release);
    generation.fetch_add(1);
    if (sleepers.load() > 0) {
      // Whoever is between its look and its sleep holds the mutex.
      {
        std::lock_guard<std::mutex> lock(mutex);
      }
      wake.notify_all();
    }
    take_tasks(0);
    spin_until(spins, [&] { return finished.load(std::memory_order_acquire) == total; });
    if (finished.load(std::memory_order_acquire) == total) return;
    std::unique_lock<std::mutex> lock(mutex);
    caller_sleeps.store(true);
    done.wait(lock, [&] { return finished.load() == total; });
    caller_sleeps.store(false);
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
    const size_t processors = std::thread::hardware_concurrency();  // 0: not known
    spins = processors == 0 || wanted <= processors;
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
  if (tasks <= 1 || tasks > kMostTasks || pool().count == 1) {
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
