// Tests of the native kernels without JavaScript: every kernel of kernels.h on random arguments, for every instruction
// set of this processor, against float64 (case.h), against the portable kernels, and against itself with 1, 2 and 5
// threads and (without a sanitizer) at a second run, which must give the same bytes. `npm run test:kernels` builds and
// runs it.
//   kernels_test [--rounds N] [--seed N] [--isa NAME] [--only CASE]
// Where the processor has AVX-512 but no AMX, its instructions are computed by the test (amx_trap.h), but for
// sanitizers. A round draws fresh arguments; round r of seed s is round 0 of seed s + r. Closes with `N passed, N
// failed`.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../parallel.h"
#include "../spatial.h"
#include "amx_trap.h"
#include "cases.h"
#include "pool.h"

namespace vit_test {

// In a function, since the objects of Cases are made before main, in any order.
std::vector<Entry>& all_cases() {
  static std::vector<Entry> all;
  return all;
}

namespace {

struct Options {
  uint64_t seed = 1;
  size_t rounds = 10;
  std::string isa, only;
};

size_t passed = 0, failed = 0;
char running[256] = "";  // for the handler of signals

uint64_t seed_of(uint64_t seed, const char* name) {
  uint64_t hash = 0xcbf29ce484222325u ^ seed;
  for (; *name != 0; ++name) hash = (hash ^ static_cast<unsigned char>(*name)) * 0x100000001b3u;
  return hash;
}

// Every kernel of the lists has a case of its name. The routines of bf16 are none of them: gemm, the branches and
// bf16_cases test those.
std::string missing_case(const std::vector<Entry>& all) {
  const char* const kernels[] = {
#define VIT_KERNEL(result, name, parameters) #name,
#include "../kernel_list.h"
#include "../spatial_kernel_list.h"
#undef VIT_KERNEL
  };
  std::string missing;
  for (const char* kernel : kernels) {
    bool found = false;
    for (const Entry& entry : all) found = found || strcmp(entry.name, kernel) == 0;
    if (!found) missing += std::string(missing.empty() ? "" : ", ") + kernel;
  }
  return missing.empty() ? "" : "Expected a case for each kernel, but these have none: " + missing;
}

#if !defined(VIT_WATCHED_ADDRESSES) && !defined(VIT_WATCHED_THREADS)
void on_fault(int) {
  char line[512];
  const int length = snprintf(line, sizeof line,
                              "FAILED %s: a step outside an array, or a write to an input\n%zu passed, %zu failed\n",
                              running, passed, failed + 1);
  if (write(STDOUT_FILENO, line, static_cast<size_t>(length)) < 0) _exit(1);
  _exit(1);
}
#endif

std::unique_ptr<Case> run(const Entry& entry, const vit::Kernels& table, uint64_t seed, size_t threads, bool judges) {
  snprintf(running, sizeof running, "%s on %s, seed %llu, %zu threads", entry.name, table.isa,
           static_cast<unsigned long long>(seed), threads);
  // bf16 products take their inner routine from the table in use.
  vit::choose_kernels(table.isa);
  std::unique_ptr<Case> one(new Case(table, seed_of(seed, entry.name), judges));
  entry.body(*one);
  return one;
}

// The cases that test a table: where it differs from another in bf16 products alone, only their cases.
std::vector<Entry> cases_of(const vit::Kernels& table, const std::vector<Entry>& cases) {
  const std::string isa = table.isa;
  if (isa != "amx-emulated" && isa != "avx512bf16" && isa != "amx") return cases;
  std::vector<Entry> found;
  for (const Entry& entry : cases)
    if (std::string(entry.name).find("/bf16") != std::string::npos) found.push_back(entry);
  return found;
}

bool same_bytes(const Case& a, const Case& b) {
  for (size_t i = 0; i < a.outputs().size(); ++i)
    if (!a.outputs()[i]->same_bytes(*b.outputs()[i])) return false;
  return true;
}

// All cases with one seed, in passes over the numbers of threads. Writes the first failure of each case into `wrong`.
void round_of(const std::vector<Entry>& cases, const vit::Kernels& table, uint64_t seed,
              std::vector<std::string>* wrong) {
  std::vector<std::unique_ptr<Case>> first(cases.size());
  const auto fail = [&](size_t i, const std::string& what) {
    if (what.empty() || !(*wrong)[i].empty()) return;
    (*wrong)[i] = what + "\n  (" + first[i]->arguments() + "); again: --seed " + std::to_string(seed) +
                  " --rounds 1 --isa " + table.isa + " --only " + cases[i].name;
  };
  vit::set_threads(1);
  for (size_t i = 0; i < cases.size(); ++i) {
    first[i] = run(cases[i], table, seed, 1, true);
    fail(i, first[i]->wrong());
  }
#if defined(VIT_WATCHED_ADDRESSES) || defined(VIT_WATCHED_THREADS)
  const size_t again[] = {2, 5};  // they look at each access, not at what comes out
#else
  const size_t again[] = {1, 2, 5, 5};
#endif
  for (size_t threads : again) {
    vit::set_threads(threads);
    for (size_t i = 0; i < cases.size(); ++i)
      if (!same_bytes(*first[i], *run(cases[i], table, seed, threads, false)))
        fail(i, "other bytes at another run, with " + std::to_string(threads) + " threads");
  }
  if (&table == &vit::kernels_portable) return;
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::unique_ptr<Case> slow = run(cases[i], vit::kernels_portable, seed, 5, false);
    for (size_t o = 0; o < slow->outputs().size(); ++o)
      fail(i, first[i]->outputs()[o]->difference(*slow->outputs()[o]));
  }
}

void count(const std::string& name, const std::string& wrong) {
  if (wrong.empty()) {
    passed += 1;
    return;
  }
  failed += 1;
  printf("FAILED %s: %s\n", name.c_str(), wrong.c_str());
}

bool number(const char* text, uint64_t low, uint64_t* value) {
  char* end = nullptr;
  errno = 0;
  *value = strtoull(text, &end, 10);
  return errno == 0 && end != text && *end == 0 && text[0] != '-' && *value >= low;
}

bool read_options(int count, char** values, Options* options) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = values[i], text = values[i + 1];
    uint64_t value = 0;
    if (name == "--isa") options->isa = text;
    else if (name == "--only") options->only = text;
    else if (name == "--seed" && number(text.c_str(), 0, &value)) options->seed = value;
    else if (name == "--rounds" && number(text.c_str(), 1, &value)) options->rounds = static_cast<size_t>(value);
    else return false;
  }
  return count % 2 == 1;
}

int usage(const std::string& what) {
  fprintf(stderr, "%s\n", what.c_str());
  return 2;
}

int tests(int count_of, char** values) {
  Options options;
  if (!read_options(count_of, values, &options))
    return usage("Expected [--rounds N] [--seed N] [--isa NAME] [--only CASE], received something else.");
  std::vector<Entry> cases;
  const std::vector<Entry>& all = all_cases();
  for (const Entry& entry : all)
    if (options.only.empty() || options.only == entry.name) cases.push_back(entry);
  if (cases.empty() && options.only != "pool")
    return usage("Expected --only with the name of a case, received " + options.only + ".");
  std::vector<const vit::Kernels*> tables;
  for (const vit::Kernels* const* table = vit::all_kernels(); *table != nullptr; ++table)
    if (options.isa.empty() || options.isa == (*table)->isa) tables.push_back(*table);
  if (tables.empty())
    return usage("Expected --isa with an instruction set of this processor, received " + options.isa + ".");
#if !defined(VIT_WATCHED_ADDRESSES) && !defined(VIT_WATCHED_THREADS)
  signal(SIGSEGV, on_fault);
  signal(SIGBUS, on_fault);
#endif
  trap_amx();
  if (options.only.empty()) count("the table of cases", missing_case(all));
  if (options.only.empty() || options.only == "pool") {
    snprintf(running, sizeof running, "the pool");
    count("the pool", pool_wrong(Rng(options.seed), 200 + 20 * options.rounds));
  }
  for (const vit::Kernels* table : tables) {
    const std::vector<Entry> own = options.isa.empty() ? cases_of(*table, cases) : cases;
    std::vector<std::string> wrong(own.size());
    const size_t trapped_before = trapped_amx();
    // Each instruction that is caught costs some 10 µs.
    size_t rounds = 0;
    for (; rounds < options.rounds && (rounds < 2 || trapped_amx() == trapped_before); ++rounds)
      round_of(own, *table, options.seed + rounds, &wrong);
    for (size_t i = 0; i < own.size(); ++i) count(std::string(own[i].name) + " on " + table->isa, wrong[i]);
    const size_t trapped = trapped_amx() - trapped_before;
    const std::string how = trapped == 0 ? "" : ", " + std::to_string(trapped) + " instructions computed by the test";
    if (!own.empty()) printf("%s: %zu cases, %zu rounds%s\n", table->isa, own.size(), rounds, how.c_str());
    fflush(stdout);
  }
  vit::set_threads(1);
  printf("%zu passed, %zu failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace vit_test

int main(int count, char** values) { return vit_test::tests(count, values); }
