// Tiles: products of matrices in bfloat16 with AMX, and the small things that they need.
//
// In: row-major matrices whose sides are multiples of 32. Out: products, 32 numbers at a time, to a finish.

#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

typedef uint16_t bf16;
typedef long Index;

namespace {

const int TILE = 512;  // numbers in a packed tile: 16 rows of 32

// the compiler does not see that tile instructions read memory
inline void settle() { asm volatile("" ::: "memory"); }

void configure() {
    alignas(64) uint8_t config[64] = {1};  // palette 1; then bytes per row and rows of tiles 0 to 7
    for (int n = 0; n < 8; n++) config[16 + 2 * n] = 64, config[48 + n] = 16;
    asm volatile("ldtilecfg %0" ::"m"(config) : "memory");
}

inline __m512 wide(const bf16* from) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)from)), 16));
}
inline void narrow(bf16* to, __m512 value) {
    _mm256_storeu_si256((__m256i*)to, (__m256i)_mm512_cvtneps_pbh(value));
}
// e to the power of each number, to about four digits: results are kept in bfloat16.
inline __m512 power(__m512 v) {
    v = _mm512_mul_ps(_mm512_max_ps(v, _mm512_set1_ps(-87.0f)), _mm512_set1_ps(1.44269504f));
    __m512 n = _mm512_roundscale_ps(v, 8), f = _mm512_sub_ps(v, n);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(0.0555054f), f, _mm512_set1_ps(0.2402265f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.6931472f));
    return _mm512_scalef_ps(_mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f)), n);
}
inline Index up32(Index n) { return (n + 31) / 32 * 32; }

inline void transpose16(__m512i r[16]) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

inline __m512i pair_rows(const bf16* from, Index step) {
    __m512i even = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)from));
    __m512i odd = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)(from + step)));
    return _mm512_or_si512(even, _mm512_slli_epi32(odd, 16));
}

// A right factor whose rows run along the sum: [K, N] -> tiles at (n * over_n + k * over_k).
void pack_right(const bf16* from, Index step, Index K, Index N, bf16* to, Index over_n, Index over_k) {
    for (Index k = 0; k < K / 32; k++)
        for (Index n = 0; n < N / 16; n++) {
            bf16* tile = to + (n * over_n + k * over_k) * TILE;
            for (int r = 0; r < 16; r++)
                _mm512_storeu_si512(tile + r * 32, pair_rows(from + (k * 32 + 2 * r) * step + n * 16, step));
        }
}

// A right factor that is the transpose of [N, K].
void pack_right_turned(const bf16* from, Index step, Index K, Index N, bf16* to, Index over_n, Index over_k) {
    __m512i rows[16];
    for (Index n = 0; n < N / 16; n++)
        for (Index k = 0; k < K / 32; k++) {
            for (int r = 0; r < 16; r++) rows[r] = _mm512_loadu_si512(from + (n * 16 + r) * step + k * 32);
            transpose16(rows);
            bf16* tile = to + (n * over_n + k * over_k) * TILE;
            for (int r = 0; r < 16; r++) _mm512_storeu_si512(tile + r * 32, rows[r]);
        }
}

// A left factor that is the transpose of [K, M]: tiles at (m * K / 32 + k).
void pack_left_turned(const bf16* from, Index step, Index K, Index M, bf16* to) {
    __m512i rows[16];
    for (Index k = 0; k < K / 32; k++)
        for (Index m = 0; m < M / 16; m++) {
            for (int r = 0; r < 16; r++) rows[r] = pair_rows(from + (k * 32 + 2 * r) * step + m * 16, step);
            transpose16(rows);
            bf16* tile = to + (m * (K / 32) + k) * TILE;
            for (int r = 0; r < 16; r++) _mm512_storeu_si512(tile + r * 32, rows[r]);
        }
}

struct Left {
    const bf16* at;
    Index step;  // numbers from row to row
    Index over_m, over_k;  // numbers from one 16-row block, and one 32-column block, to the next
};
inline Left plain(const bf16* at, Index step) { return {at, step, 16 * step, 32}; }
inline Left packed(const bf16* at, Index K) { return {at, 32, K / 32 * TILE, TILE}; }
struct Right {
    const bf16* at;
    Index over_n, over_k;  // tiles
};

// One block of 32 by 32: out[32][32] = left block m * right block n.
inline void block(const Left& a, const Right& b, Index m, Index n, Index K, float* out) {
    const bf16 *a0 = a.at + m / 16 * a.over_m, *a1 = a0 + a.over_m;
    const bf16 *b0 = b.at + n / 16 * b.over_n * TILE, *b1 = b0 + b.over_n * TILE;
    settle();
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (Index k = 0; k < K / 32; k++) {
        _tile_loadd(4, a0 + k * a.over_k, a.step * 2);
        _tile_loadd(6, b0 + k * b.over_k * TILE, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b1 + k * b.over_k * TILE, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a1 + k * a.over_k, a.step * 2);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, out, 128);
    _tile_stored(1, out + 16, 128);
    _tile_stored(2, out + 16 * 32, 128);
    _tile_stored(3, out + 16 * 32 + 16, 128);
    settle();
}

template <class Finish>
void multiply(const Left& a, const Right& b, Index M, Index N, Index K, Finish finish) {
    alignas(64) float out[1024];
    for (Index m = 0; m < M; m += 32)
        for (Index n = 0; n < N; n += 32) {
            block(a, b, m, n, K, out);
            for (int r = 0; r < 32; r++) finish(m + r, n, out + r * 32);
        }
}

// Finishes: what becomes of 32 neighbouring numbers of a product.
struct ToHalf {
    bf16* to;
    Index step;
    void operator()(Index r, Index c, const float* v) const {
        narrow(to + r * step + c, _mm512_load_ps(v));
        narrow(to + r * step + c + 16, _mm512_load_ps(v + 16));
    }
};
template <bool ADDS>
struct Wide {
    float* to;
    Index step;
    void operator()(Index r, Index c, const float* v) const {
        float* at = to + r * step + c;
        for (int half = 0; half < 32; half += 16) {
            __m512 told = _mm512_load_ps(v + half);
            _mm512_storeu_ps(at + half, ADDS ? _mm512_add_ps(_mm512_loadu_ps(at + half), told) : told);
        }
    }
};
using ToFloat = Wide<false>;
using Add = Wide<true>;

struct Arena {
    char* memory = nullptr;
    size_t size = 0, used = 0;
    template <class T>
    T* take(size_t count, bool clear = false) {
        size_t bytes = (count * sizeof(T) + 4096 + 63) / 64 * 64;  // room to read beyond the end
        if (used + bytes > size) abort();
        T* at = (T*)(memory + used);
        used += bytes;
        if (clear) memset(at, 0, bytes);
        return at;
    }
};

}  // namespace
