// Measures the machine's limits: float32 multiply-adds in registers, and the triad of STREAM over arrays that no cache holds.
// limits THREADS → one JSON line. Compiled with -march=native, so that the compiler takes the widest vectors of this processor.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

namespace {

#if defined(__AVX512F__)
constexpr int bytes = 64;
#elif defined(__AVX__)
constexpr int bytes = 32;
#else
constexpr int bytes = 16;
#endif
using Vector = float __attribute__((vector_size(bytes)));
constexpr int lanes = bytes / sizeof(float);
// There are more sums than latency times units of a multiply-add, and fewer than registers.
constexpr int sums = 12;
// Many short runs: the best one is not disturbed by a neighbour.
constexpr long rounds = 5'000'000;
constexpr size_t length = size_t{1} << 26;  // floats an array: 256 MB

// Seconds until all threads have done their part.
double seconds(int threads, const std::function<void(int)>& part) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> pool;
  for (int i = 1; i < threads; i++) pool.emplace_back(part, i);
  part(0);
  for (std::thread& thread : pool) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

float multiply_add() {
  Vector sum[sums];
  Vector factor, term;
  for (int i = 0; i < lanes; i++) factor[i] = 0.999f, term[i] = 0.001f * static_cast<float>(i);
  for (Vector& one : sum) one = term;
  // The compiler must neither know the factors nor drop the sums.
  asm volatile("" : "+x"(factor), "+x"(term));
  for (long round = 0; round < rounds; round++)
    for (Vector& one : sum) one = one * factor + term;
  float total = 0;
  for (const Vector& one : sum)
    for (int i = 0; i < lanes; i++) total += one[i];
  return total;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1;
  std::vector<float> kept(static_cast<size_t>(threads));
  double fma = 1e30, triad = 1e30;
  for (int i = 0; i < 30; i++)
    fma = std::min(fma, seconds(threads, [&](int t) { kept[static_cast<size_t>(t)] = multiply_add(); }));
  std::vector<float> a(length), b(length, 1.0f), c(length, 2.0f);
  const auto part = [&](int t) {
    const size_t from = length / static_cast<size_t>(threads) * static_cast<size_t>(t);
    const size_t to = t + 1 == threads ? length : from + length / static_cast<size_t>(threads);
    for (size_t i = from; i < to; i++) a[i] = b[i] + 0.5f * c[i];
  };
  for (int i = 0; i < 15; i++) triad = std::min(triad, seconds(threads, part));
  const double flops = 2.0 * lanes * sums * rounds * threads;
  std::printf("{\"fmaMs\":%.6g,\"fmaFlops\":%.17g,\"triadMs\":%.6g,\"triadBytes\":%.17g,\"check\":%g}\n",
              1000 * fma, flops, 1000 * triad, 12.0 * length, static_cast<double>(kept[0] + a[length - 1]));
}
