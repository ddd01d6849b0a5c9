// Weights: what Python hands over and gets back, and the weights packed for the tiles.
//
// In: nothing. Out: the structures that the passes share. Never: computes.

#pragma once

#include <vector>

#include "tiles.h"

extern "C" {

struct Shape {
    Index vocabulary, width, layers, heads, hidden;
    float rope_base, epsilon;
};

struct GroupIn {
    Index count, beginning, endings;  // tokens in all, in the beginning, and how many endings
    const int32_t *tokens, *starts, *lengths, *asked;  // starts: first token of each ending
    Index aims;
    const int32_t *aim_sort, *aim_ending, *aim_row, *aim_seen;
    const float* aim_weight;  // with the sort's scale
    const float* row_weights;  // of each answer token in the loss
};

struct GroupOut {
    double loss;  // summed, weighted
    double missed[4];
    int32_t* right;  // by answer token
};
}

struct LayerOffsets {
    Index norm1, qkv, out, norm2, gate_up, down;
};
struct LayerPacks {
    bf16 *qkv, *qkv_back, *out, *out_back, *gate_up, *gate_up_back, *down, *down_back;
};

struct Weights {
    Shape shape;
    const float* flat = nullptr;
    Index embedding = 0, final_norm = 0;
    std::vector<LayerOffsets> at;
    std::vector<LayerPacks> packs;
    bf16 *embedding_pack, *embedding_back, *half;
    std::vector<float> cosine, sine;
};

namespace {

const Index LONGEST = 4096;

bf16* room(Index count) { return (bf16*)aligned_alloc(64, (count * 2 + 63) / 64 * 64); }

}  // namespace
