// What BenchmarkFAISS measures beside match.MIH: a program around the binary indices of
// FAISS. With FAISS's headers and library installed (Debian has them in libfaiss-dev; one
// compiled for the processor's own popcount is faster):
//
//   g++ -O3 -std=c++20 -fopenmp -o faiss match/testdata/faiss.cpp -lfaiss -lopenblas
//   export REMATCH_FAISS=$PWD/faiss REMATCH_BENCH_N=1000000
//   go test ./match -run XXX -bench FAISS -benchtime 64x -timeout 2h
//
//   faiss CODES QUERIES NHASH B NFLIP
//
// CODES and QUERIES are files of 32 bytes a hash. NHASH slots of B bits, each also looked up
// with up to NFLIP of them flipped, are an IndexBinaryMultiHash; NHASH 0 is IndexBinaryFlat.
// The program adds the codes and writes a line: the version of FAISS, the nanoseconds that
// took, and by how many bytes the process grew (anonymous memory, as Linux counts it). Then it
// reads lines "FROM TO" and searches for these queries one by one, on one thread. It answers
// each query with a line: nanoseconds, and place and distance of each hit. All are
// nanoseconds of processor time.
#include <faiss/IndexBinaryFlat.h>
#include <faiss/IndexBinaryHash.h>
#include <faiss/impl/AuxIndexStructures.h>

#include <omp.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

static const int kBits = 256, kBytes = kBits / 8;
static const int kBelow = 32; // range_search is strict: 31 bits and fewer

static long long nanoseconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static std::vector<uint8_t> read(const char* name) {
  std::ifstream in(name, std::ios::binary | std::ios::ate);
  std::vector<uint8_t> bytes(in ? (size_t)in.tellg() : 0);
  in.seekg(0);
  if (!in.read((char*)bytes.data(), bytes.size()) || bytes.empty() || bytes.size() % kBytes) {
    fprintf(stderr, "%s: cannot be read as codes of %d bytes\n", name, kBytes);
    exit(1);
  }
  return bytes;
}

static long long grown() {
  std::ifstream in("/proc/self/status");
  std::string word;
  long long kilobytes = 0;
  while (in >> word) {
    if (word == "RssAnon:") {
      in >> kilobytes;
    }
  }
  return kilobytes * 1024;
}

int main(int argc, char** argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: faiss CODES QUERIES NHASH B NFLIP\n");
    return 1;
  }
  omp_set_num_threads(1);
  std::vector<uint8_t> codes = read(argv[1]), queries = read(argv[2]);
  int nhash = atoi(argv[3]), b = atoi(argv[4]), nflip = atoi(argv[5]);

  long long before = grown();
  long long start = nanoseconds();
  std::unique_ptr<faiss::IndexBinary> index;
  if (nhash == 0) {
    index = std::make_unique<faiss::IndexBinaryFlat>(kBits);
  } else {
    auto multi = std::make_unique<faiss::IndexBinaryMultiHash>(kBits, nhash, b);
    multi->nflip = nflip;
    index = std::move(multi);
  }
  index->add(codes.size() / kBytes, codes.data());
  long long took = nanoseconds() - start;
  printf("%d.%d.%d %lld %lld\n", FAISS_VERSION_MAJOR, FAISS_VERSION_MINOR, FAISS_VERSION_PATCH,
         took, grown() - before);
  fflush(stdout);
  std::vector<uint8_t>().swap(codes); // the index has its own

  size_t from, to;
  while (scanf("%zu %zu", &from, &to) == 2 && from <= to && to <= queries.size() / kBytes) {
    std::string answer; // written when all are done: the reader takes no time from a search
    for (size_t i = from; i < to; i++) {
      start = nanoseconds();
      faiss::RangeSearchResult found(1);
      index->range_search(1, &queries[i * kBytes], kBelow, &found);
      answer += std::to_string(nanoseconds() - start);
      for (size_t hit = 0; hit < found.lims[1]; hit++) {
        answer.append(" ").append(std::to_string(found.labels[hit]));
        answer.append(" ").append(std::to_string((int)found.distances[hit]));
      }
      answer += "\n";
    }
    fwrite(answer.data(), 1, answer.size(), stdout);
    fflush(stdout);
  }
}
