#include "pool.h"

#include <vector>

#include "../parallel.h"

namespace vit_test {

std::string pool_wrong(Rng rng, size_t jobs) {
  for (size_t count : {1, 2, 5, 3, 16}) {
    vit::set_threads(count);
    if (vit::threads() != count) return "threads() is not what was set";
    for (size_t job = 0; job < jobs; ++job) {
      const size_t tasks = rng.below(rng.below(10) == 0 ? 2000 : 12);
      // Plain memory: two threads on one task would be seen by ThreadSanitizer, too.
      std::vector<unsigned> runs(tasks, 0);
      std::vector<unsigned char> strange(tasks, 0);
      const size_t floats = 1 + rng.below(64);
      vit::reserve_scratch(floats);
      float* shared = vit::shared_scratch(tasks + 1);
      vit::parallel(tasks, [&](size_t task, size_t worker) {
        runs[task] += 1;
        if (worker >= count) strange[task] = 1;
        float* own = vit::scratch(worker);
        for (size_t i = 0; i < floats; ++i) own[i] = static_cast<float>(task);
        shared[task] = static_cast<float>(task);
        for (size_t i = 0; i < floats; ++i)
          if (own[i] != static_cast<float>(task)) strange[task] = 1;
      });
      for (size_t task = 0; task < tasks; ++task) {
        if (runs[task] != 1) return "a task did not run just once";
        if (strange[task] != 0) return "a task ran as a worker that does not exist, or another wrote its scratch";
        if (shared[task] != static_cast<float>(task)) return "what a task wrote is not seen after the job";
      }
    }
  }
  return "";
}

}  // namespace vit_test
