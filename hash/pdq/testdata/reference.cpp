// What BenchmarkReference measures beside this package: a program around the
// reference implementation, for whoever has that. How the reference is built is its own
// affair; REMATCH_PDQ_REFERENCE names the finished program:
//
//   REMATCH_PDQ_REFERENCE=$PWD/reference go test ./hash/pdq -run XXX -bench Reference
//
// It reads "width height\n", the bytes of the luma row by row, and then requests of
// one byte: h for the hash, d for all eight orientations. To each it answers with a
// line: nanoseconds of processor time from floats to hash and quality, the quality,
// the hash or hashes.
#include <pdq/cpp/hashing/pdqhashing.h>

#include <cstdio>
#include <ctime>
#include <vector>

using namespace facebook::pdq::hashing;

static long long nanoseconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main() {
  int width, height;
  if (scanf("%d %d", &width, &height) != 2 || getchar() != '\n') {
    return 1;
  }
  std::vector<unsigned char> bytes((size_t)width * height);
  if (fread(bytes.data(), 1, bytes.size(), stdin) != bytes.size()) {
    return 1;
  }
  std::vector<float> luma(bytes.size()), scratch(bytes.size());
  static float samples[64][64], half[16][64], full[16][16], turned[16][16];
  for (int request; (request = getchar()) != EOF;) {
    luma.assign(bytes.begin(), bytes.end());
    Hash256 all[8];
    int quality, count = request == 'd' ? 8 : 1;
    long long start = nanoseconds();
    if (count == 1) {
      pdqHash256FromFloatLuma(luma.data(), scratch.data(), height, width, samples,
                              half, full, all[0], quality);
    } else {
      pdqDihedralHash256esFromFloatLuma(
          luma.data(), scratch.data(), height, width, samples, half, full, turned,
          &all[0], &all[1], &all[2], &all[3], &all[4], &all[5], &all[6], &all[7], quality);
    }
    printf("%lld %d", nanoseconds() - start, quality);
    for (int i = 0; i < count; i++) {
      printf(" %s", all[i].format().c_str());
    }
    printf("\n");
    fflush(stdout);
  }
}
