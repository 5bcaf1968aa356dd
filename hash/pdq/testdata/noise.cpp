// Writes noise.csv: the reference implementation's hashes of pictures of noise that
// noise_test.go makes again. Build it in a checkout of facebook/ThreatExchange
// (commit baefb4ed):
//
//   g++ -O3 -std=c++17 -I. -o noise noise.cpp pdq/cpp/hashing/*.cpp \
//       pdq/cpp/downscaling/downscaling.cpp pdq/cpp/common/pdqhashtypes.cpp
//   ./noise > noise.csv
//
// "hash" is of pdqHash256FromFloatLuma, the rest of
// pdqDihedralHash256esFromFloatLuma.

#include <pdq/cpp/common/pdqhashtypes.h>
#include <pdq/cpp/hashing/pdqhashing.h>

#include <cstdint>
#include <cstdio>
#include <vector>

using namespace facebook::pdq::hashing;

int main() {
  const int sizes[][2] = {
      {64, 64},   {5, 5},     {5, 700},   {700, 5},   {6, 9},      {63, 64},
      {64, 65},   {65, 64},   {127, 128}, {128, 129}, {129, 130},  {200, 333},
      {333, 200}, {511, 513}, {640, 360}, {1000, 77}, {1283, 719}, {64, 640}};
  uint64_t state = 88172645463325252ull;
  printf(
      "width,height,smooth,quality,hash,orig,rot90,rot180,rot270,flipx,flipy,flipplus1,flipminus1\n");
  for (const auto& size : sizes) {
    for (int smooth = 0; smooth < 2; smooth++) {
      const int w = size[0], h = size[1];
      std::vector<float> luma(w * h), buffer(w * h);
      float trail = 128;
      for (float& l : luma) {
        state ^= state << 13; // Marsaglia's xorshift64
        state ^= state >> 7;
        state ^= state << 17;
        l = static_cast<float>((state >> 20) & 255);
        if (smooth) { // a fraction of 1/16 moves along each row: not whole numbers
          trail = trail * 0.9375f + l * 0.0625f;
          l = trail;
        }
      }
      std::vector<float> copy = luma;
      float b64[64][64], b16x64[16][64], b16[16][16], aux[16][16];
      Hash256 hash, all[8];
      int quality, quality8;
      pdqHash256FromFloatLuma(
          luma.data(), buffer.data(), h, w, b64, b16x64, b16, hash, quality);
      pdqDihedralHash256esFromFloatLuma(
          copy.data(), buffer.data(), h, w, b64, b16x64, b16, aux,
          &all[0], &all[1], &all[2], &all[3], &all[4], &all[5], &all[6], &all[7],
          quality8);
      if (quality != quality8) {
        return 1;
      }
      printf("%d,%d,%d,%d,%s", w, h, smooth, quality, hash.format().c_str());
      for (const Hash256& one : all) {
        printf(",%s", one.format().c_str());
      }
      printf("\n");
    }
  }
}
