// The contender oneDNN: its matmul primitive on plain row-major matrices: float32, or bfloat16 operands and a float32 result.
// Speaks bench/contenderProcess.ts's JSON lines as far as a product needs; threads are OpenMP's (OMP_NUM_THREADS).

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

namespace {

using Tag = dnnl::memory::format_tag;

// The value of `"key":` in one of our own lines.
const char* after(const std::string& line, const std::string& key) {
  const size_t at = line.find('"' + key + "\":");
  if (at == std::string::npos) throw std::runtime_error("no " + key + " in the task");
  return line.c_str() + at + key.size() + 3;
}

std::string text_after(const std::string& line, const std::string& key) {
  const std::string rest = after(line, key);
  if (rest.empty() || rest[0] != '"') throw std::runtime_error(key + " is no text");
  return rest.substr(1, rest.find('"', 1) - 1);
}

// a and b of a safetensors file: the length of its header, the header, then the tensors in order.
void read_inputs(const std::string& path, std::vector<float>& a, std::vector<float>& b) {
  std::ifstream file(path, std::ios::binary);
  uint64_t header = 0;
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  file.seekg(static_cast<std::streamoff>(sizeof header + header));
  for (std::vector<float>* tensor : {&a, &b})
    file.read(reinterpret_cast<char*>(tensor->data()),
              static_cast<std::streamsize>(tensor->size() * sizeof(float)));
  if (!file) throw std::runtime_error("cannot read " + path);
}

long peak_rss() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return 1024 * std::stol(line.substr(6));
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1024 * usage.ru_maxrss;
}

// A prepared product c = a · b.
struct Product {
  std::vector<float> a, b, c;
  dnnl::memory first, second;
  dnnl::stream stream;
  dnnl::matmul primitive;
  std::unordered_map<int, dnnl::memory> arguments;

  void run() {
    primitive.execute(stream, arguments);
    stream.wait();
  }
};

// A matrix in the type that the product reads: in place, or converted.
dnnl::memory operand(std::vector<float>& values, const dnnl::memory::dims& shape,
                     const dnnl::memory::desc& wanted, dnnl::stream& stream) {
  const dnnl::memory::desc given(shape, dnnl::memory::data_type::f32, Tag::ab);
  dnnl::memory source(given, stream.get_engine(), values.data());
  if (wanted == given) return source;
  dnnl::memory converted(wanted, stream.get_engine());
  dnnl::reorder(source, converted).execute(stream, source, converted);
  stream.wait();
  return converted;
}

Product prepare(const dnnl::engine& engine, const std::string& task) {
  long m = 0, k = 0, n = 0;
  if (std::sscanf(after(task, "shape"), "[%ld,%ld,%ld]", &m, &k, &n) != 3)
    throw std::runtime_error("the shape is not [m,k,n]");
  Product product{std::vector<float>(m * k), std::vector<float>(k * n), std::vector<float>(m * n),
                  {}, {}, dnnl::stream(engine), {}, {}};
  read_inputs(text_after(task, "inputs"), product.a, product.b);
  const auto f32 = dnnl::memory::data_type::f32;
  const std::string precision = text_after(task, "precision");
  if (precision != "fp32" && precision != "bf16")
    throw std::runtime_error("no precision " + precision);
  const auto type = precision == "bf16" ? dnnl::memory::data_type::bf16 : f32;
  const dnnl::memory::desc a({m, k}, type, Tag::ab), b({k, n}, type, Tag::ab), c({m, n}, f32, Tag::ab);
  const dnnl::matmul::desc wanted(a, b, c);
  const dnnl::matmul::primitive_desc chosen(wanted, engine);
  product.primitive = dnnl::matmul(chosen);
  product.first = operand(product.a, {m, k}, a, product.stream);
  product.second = operand(product.b, {k, n}, b, product.stream);
  product.arguments = {{DNNL_ARG_SRC, product.first},
                       {DNNL_ARG_WEIGHTS, product.second},
                       {DNNL_ARG_DST, dnnl::memory(c, engine, product.c.data())}};
  return product;
}

double round_ms(Product& product, long repetitions) {
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < repetitions; i++) product.run();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  return took.count() / static_cast<double>(repetitions);
}

}  // namespace

int main() {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  Product product;
  long repetitions = 1;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      if (text_after(line, "ask") == "round") {
        std::printf("{\"ms\":%.9g,\"peakRssBytes\":%ld}\n", round_ms(product, repetitions), peak_rss());
      } else {
        product = prepare(engine, line);
        const double first = round_ms(product, 1);
        repetitions = std::max(1L, std::lround(100 / std::max(first, 0.01)));
        const double warm = round_ms(product, repetitions);
        repetitions = std::max(1L, std::lround(std::ceil(1000 * std::atof(after(line, "seconds")) / warm)));
        const dnnl_version_t* version = dnnl_version();
        std::printf("{\"versions\":{\"onednn\":\"%d.%d.%d\"},\"check\":[", version->major,
                    version->minor, version->patch);
        for (size_t i = 0; i < std::min<size_t>(64, product.c.size()); i++)
          std::printf("%s%.9g", i == 0 ? "" : ",", static_cast<double>(product.c[i]));
        std::printf("]}\n");
      }
    } catch (const std::exception& error) {
      std::string what = error.what();
      std::replace(what.begin(), what.end(), '"', '\'');
      std::printf("{\"error\":\"%s\"}\n", what.c_str());
    }
    std::fflush(stdout);
  }
}
