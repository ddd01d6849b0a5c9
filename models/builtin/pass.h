// Pass: the forward and backward pass of the network for one group.
//
// In: packed weights, and the tokens of a shared beginning with its endings.
// Out: gradients added to a flat array, the summed losses, and which answers were right.
// network.py is the same network in PyTorch and is what this is checked against.

#pragma once

#include "weights.h"

namespace {

struct LayerState {
    float *x, *x2;  // before the layer, and after attention
    float *inverse1, *inverse2;
    bf16 *a, *qkv, *mixed, *b, *gate_up, *act;
    std::vector<bf16*> looks;  // by segment and head
};

struct Segment {
    Index q0, nq, offset, own0, own, out0, ending;  // ending -1: the beginning itself
    Index before() const { return ending < 0 ? 0 : 1; }
};

struct Run {
    const Weights& w;
    const GroupIn& in;
    GroupOut& result;
    float* grads;
    Arena& arena;
    Index d, h, H, hd, T, Tp, P, Pp, R, Rp;
    std::vector<Index> answer_row;  // compact row -> row
    std::vector<int32_t> position;
    std::vector<Segment> full, last;
    std::vector<LayerState> layers;
    std::vector<std::vector<Index>> aims_of;  // by ending

    Run(const Weights& w, const GroupIn& in, GroupOut& result, float* grads, Arena& arena)
        : w(w), in(in), result(result), grads(grads), arena(arena) {
        d = w.shape.width, h = w.shape.hidden, H = w.shape.heads, hd = d / H;
        T = in.count, Tp = up32(T), P = in.beginning, Pp = up32(P);
        position.resize(Tp);
        for (Index n = 0; n < P; n++) position[n] = n;
        full.push_back({0, P, 0, 0, P, 0, -1});
        for (Index e = 0; e < in.endings; e++) {
            Index s = in.starts[e], L = in.lengths[e], first = in.asked[e] - 1;
            for (Index n = 0; n < L; n++) position[s + n] = P + n;
            full.push_back({s, L, 0, s, L, s, e});
            last.push_back({s + first, L - 1 - first, first, s, L - 1, (Index)answer_row.size(), e});
            for (Index n = first; n < L - 1; n++) answer_row.push_back(s + n);
        }
        R = answer_row.size(), Rp = up32(R);
        aims_of.resize(in.endings);
        for (Index n = 0; n < in.aims; n++) aims_of[in.aim_ending[n]].push_back(n);
    }

    void norm(const float* x, Index rows, const float* weight, float* inverse, bf16* to) const {
        for (Index r = 0; r < rows; r++) {
            const float* at = x + r * d;
            __m512 sum = _mm512_setzero_ps();
            for (Index c = 0; c < d; c += 16) {
                __m512 v = _mm512_loadu_ps(at + c);
                sum = _mm512_fmadd_ps(v, v, sum);
            }
            float inv = 1.0f / std::sqrt(_mm512_reduce_add_ps(sum) / d + w.shape.epsilon);
            inverse[r] = inv;
            for (Index c = 0; c < d; c += 16)
                narrow(to + r * d + c, _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(at + c), _mm512_set1_ps(inv)),
                                                     _mm512_loadu_ps(weight + c)));
        }
    }

    // dx += what the norm's gradient dy becomes; the weight's gradient is added too.
    void norm_back(const float* x, Index rows, const float* weight, const float* inverse, const bf16* dy, float* dx,
                   float* dweight) const {
        for (Index r = 0; r < rows; r++) {
            __m512 inv = _mm512_set1_ps(inverse[r]), dot = _mm512_setzero_ps();
            for (Index c = 0; c < d; c += 16) {
                __m512 g = wide(dy + r * d + c), hat = _mm512_mul_ps(_mm512_loadu_ps(x + r * d + c), inv);
                __m512 gh = _mm512_mul_ps(g, hat);
                _mm512_storeu_ps(dweight + c, _mm512_add_ps(_mm512_loadu_ps(dweight + c), gh));
                dot = _mm512_fmadd_ps(gh, _mm512_loadu_ps(weight + c), dot);
            }
            __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(dot) / d);
            for (Index c = 0; c < d; c += 16) {
                __m512 g = wide(dy + r * d + c), hat = _mm512_mul_ps(_mm512_loadu_ps(x + r * d + c), inv);
                __m512 v = _mm512_fnmadd_ps(hat, mean, _mm512_mul_ps(g, _mm512_loadu_ps(weight + c)));
                _mm512_storeu_ps(dx + r * d + c, _mm512_fmadd_ps(v, inv, _mm512_loadu_ps(dx + r * d + c)));
            }
        }
    }

    void rotate(bf16* rows, bool back) const {
        Index half = hd / 2;
        __m512 sign = _mm512_set1_ps(back ? -1.0f : 1.0f);
        for (Index r = 0; r < T; r++) {
            const float *cosine = &w.cosine[position[r] * half], *sine = &w.sine[position[r] * half];
            for (Index n = 0; n < 2 * H; n++) {
                bf16* at = rows + r * 3 * d + n * hd;
                for (Index c = 0; c < half; c += 16) {
                    __m512 one = wide(at + c), two = wide(at + half + c), co = _mm512_loadu_ps(cosine + c);
                    __m512 si = _mm512_mul_ps(_mm512_loadu_ps(sine + c), sign);
                    narrow(at + c, _mm512_fnmadd_ps(two, si, _mm512_mul_ps(one, co)));
                    narrow(at + half + c, _mm512_fmadd_ps(one, si, _mm512_mul_ps(two, co)));
                }
            }
        }
    }

    int sort_of(Index layer, Index head) const {
        if (head > 1) return -1;
        if (layer == w.shape.layers / 2) return head;
        if (layer == w.shape.layers - 1) return 2 + head;
        return -1;
    }

    Index column(Index seen) const { return seen < P ? seen : Pp + seen - P; }

    void attend(Index layer, LayerState& s, const std::vector<Segment>& segments) {
        const Index step = 3 * d, most = up32(Pp + 4096);
        const float scale = 1.0f / std::sqrt((float)hd);
        Arena mark = arena;
        // the looks are kept for the way back, so they are taken first
        s.looks.clear();
        for (Index head = 0; head < H; head++)
            for (const Segment& g : segments)
                s.looks.push_back(arena.take<bf16>(up32(g.nq) * (g.before() * Pp + up32(g.own))));
        Arena kept = arena;
        bf16* keys = arena.take<bf16>(most * hd);
        bf16* values = arena.take<bf16>(most * hd);
        float* scores = arena.take<float>(32 * most);
        Index n = 0;
        for (Index head = 0; head < H; head++) {
            const bf16 *q = s.qkv + head * hd, *k = q + d, *v = k + d;
            pack_right_turned(k, step, hd, Pp, keys, hd / 32, 1);
            pack_right(v, step, Pp, hd, values, 1, hd / 16);
            for (const Segment& g : segments) {
                Index B = g.before() * Pp, own = up32(g.own), S = B + own;
                bf16 *own_keys = keys + Pp * hd, *own_values = values + Pp * hd;
                if (B) {
                    pack_right_turned(k + g.own0 * step, step, hd, own, own_keys, hd / 32, 1);
                    pack_right(v + g.own0 * step, step, own, hd, own_values, 1, hd / 16);
                }
                bf16* looks = s.looks[n++];
                for (Index m = 0; m < g.nq; m += 32) {
                    Index seen = std::min(S, B + up32(g.offset + m + 32));
                    multiply(plain(q + (g.q0 + m) * step, step), {keys, hd / 32, 1}, 32, seen, hd,
                             ToFloat{scores, most});
                    for (Index r = 0; r < 32 && m + r < g.nq; r++)
                        soften(scores + r * most, B ? P : 0, B, g.offset + m + r + 1, scale, looks + (m + r) * S, S);
                    for (Index r = g.nq - m; r < 32; r++) memset(looks + (m + r) * S, 0, S * 2);
                    Index rows = std::min<Index>(32, g.nq - m);
                    bf16* to = s.mixed + (g.out0 + m) * d + head * hd;
                    multiply(plain(looks + m * S, S), {values, 1, hd / 16}, 32, hd, seen,
                             [=, this](Index r, Index c, const float* out) {
                                 if (r < rows) ToHalf{to, d}(r, c, out);
                             });
                }
                int sort = sort_of(layer, head);
                if (sort >= 0 && g.ending >= 0)
                    for (Index aim : aims_of[g.ending])
                        if (in.aim_sort[aim] == sort) {
                            Index row = in.aim_row[aim] - P - g.offset;
                            bf16 look = looks[row * S + column(in.aim_seen[aim])];
                            uint32_t bits = (uint32_t)look << 16;
                            float share;
                            memcpy(&share, &bits, 4);
                            result.missed[sort] -= in.aim_weight[aim] * std::log(std::max(share, 1e-9f));
                        }
            }
        }
        (void)mark;
        arena.used = kept.used;
    }

    // Softmax over the beginning's columns [0, P) and the own ones [B, B + own).
    void soften(float* row, Index begun, Index B, Index own, float scale, bf16* to, Index S) const {
        Index all = B + up32(own);
        for (Index c = begun; c < B; c++) row[c] = -1e30f;
        for (Index c = B + own; c < all; c++) row[c] = -1e30f;
        __m512 tops = _mm512_loadu_ps(row), sums = _mm512_setzero_ps(), by = _mm512_set1_ps(scale);
        for (Index c = 16; c < all; c += 16) tops = _mm512_max_ps(tops, _mm512_loadu_ps(row + c));
        __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(tops) * scale);
        for (Index c = 0; c < all; c += 16) {
            __m512 v = power(_mm512_fmsub_ps(_mm512_loadu_ps(row + c), by, top));
            sums = _mm512_add_ps(sums, v);
            _mm512_storeu_ps(row + c, v);
        }
        __m512 share = _mm512_set1_ps(1 / _mm512_reduce_add_ps(sums));
        for (Index c = 0; c < all; c += 16) narrow(to + c, _mm512_mul_ps(_mm512_loadu_ps(row + c), share));
        memset(to + all, 0, (S - all) * 2);
    }

    // dmixed: [rows of the segments' out0] -> dqkv
    void attend_back(Index layer, LayerState& s, const std::vector<Segment>& segments, const bf16* dmixed, bf16* dqkv) {
        const Index step = 3 * d, most = up32(Pp + 4096);
        const float scale = 1.0f / std::sqrt((float)hd);
        size_t mark = arena.used;
        Index widest = 0, tallest = 0;
        for (const Segment& g : segments)
            widest = std::max(widest, Pp + up32(g.own)), tallest = std::max(tallest, up32(g.nq));
        bf16* keys = arena.take<bf16>(widest * hd);
        bf16* values = arena.take<bf16>(widest * hd);
        bf16* turned = arena.take<bf16>(widest * tallest);
        bf16* queries = arena.take<bf16>(tallest * hd);
        bf16* dlooks = arena.take<bf16>(widest * tallest);
        float* scores = arena.take<float>(32 * most);
        float* dkeys = arena.take<float>(Pp * hd);
        float* dvalues = arena.take<float>(Pp * hd);
        Index n = 0;
        for (Index head = 0; head < H; head++) {
            const bf16 *q = s.qkv + head * hd, *k = q + d, *v = k + d;
            memset(dkeys, 0, Pp * hd * 4);
            memset(dvalues, 0, Pp * hd * 4);
            pack_right(k, step, Pp, hd, keys, 1, hd / 16);
            pack_right_turned(v, step, hd, Pp, values, hd / 32, 1);
            for (const Segment& g : segments) {
                Index B = g.before() * Pp, own = up32(g.own), S = B + own, rows = up32(g.nq);
                if (B) {
                    pack_right(k + g.own0 * step, step, own, hd, keys + Pp * hd, 1, hd / 16);
                    pack_right_turned(v + g.own0 * step, step, hd, own, values + Pp * hd, hd / 32, 1);
                }
                const bf16* looks = s.looks[n++];
                int sort = sort_of(layer, head);
                const bf16* given = dmixed + g.out0 * d + head * hd;
                for (Index m = 0; m < g.nq; m += 32) {
                    Index seen = std::min(S, B + up32(g.offset + m + 32));
                    multiply(plain(given + m * d, d), {values, hd / 32, 1}, 32, seen, hd, ToFloat{scores, most});
                    for (Index r = 0; r < 32 && m + r < g.nq; r++) harden(scores + r * most, looks + (m + r) * S, seen);
                    if (sort >= 0 && g.ending >= 0)
                        for (Index aim : aims_of[g.ending]) {
                            Index row = in.aim_row[aim] - P - g.offset - m;
                            if (in.aim_sort[aim] != sort || row < 0 || row >= 32) continue;
                            float* at = scores + row * most;
                            const bf16* look = looks + (m + row) * S;
                            __m512 weight = _mm512_set1_ps(in.aim_weight[aim]);
                            for (Index c = 0; c < seen; c += 16)
                                _mm512_storeu_ps(at + c, _mm512_fmadd_ps(weight, wide(look + c), _mm512_loadu_ps(at + c)));
                            at[column(in.aim_seen[aim])] -= in.aim_weight[aim];
                        }
                    for (Index r = 0; r < 32; r++) {
                        bf16* to = dlooks + (m + r) * S;
                        Index told = m + r < g.nq ? seen : 0;
                        for (Index c = 0; c < told; c += 16)
                            narrow(to + c, _mm512_mul_ps(_mm512_loadu_ps(scores + r * most + c), _mm512_set1_ps(scale)));
                        memset(to + told, 0, (S - told) * 2);
                    }
                    Index valid = std::min<Index>(32, g.nq - m);
                    bf16* to = dqkv + (g.q0 + m) * step + head * hd;
                    multiply(plain(dlooks + m * S, S), {keys, 1, hd / 16}, 32, hd, seen,
                             [=](Index r, Index c, const float* out) {
                                 if (r < valid) ToHalf{to, step}(r, c, out);
                             });
                }
                spread_back(g, B, own, S, rows, dlooks, q + g.q0 * step, step, turned, queries, dkeys,
                            dqkv + d + head * hd);
                spread_back(g, B, own, S, rows, looks, given, d, turned, queries, dvalues, dqkv + 2 * d + head * hd);
            }
            for (Index r = 0; r < P; r++)
                for (Index c = 0; c < hd; c += 16) {
                    narrow(dqkv + r * step + d + head * hd + c, _mm512_loadu_ps(dkeys + r * hd + c));
                    narrow(dqkv + r * step + 2 * d + head * hd + c, _mm512_loadu_ps(dvalues + r * hd + c));
                }
        }
        arena.used = mark;
    }

    // Turns the looks' gradient into scores' gradient: look * (row - sum(look * row)).
    static void harden(float* row, const bf16* look, Index seen) {
        __m512 sum = _mm512_setzero_ps();
        for (Index c = 0; c < seen; c += 16) sum = _mm512_fmadd_ps(_mm512_loadu_ps(row + c), wide(look + c), sum);
        __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum));
        for (Index c = 0; c < seen; c += 16)
            _mm512_storeu_ps(row + c, _mm512_mul_ps(wide(look + c), _mm512_sub_ps(_mm512_loadu_ps(row + c), mean)));
    }

    // to the keys' (or values') gradient: weights' transpose times what the queries hold
    void spread_back(const Segment& g, Index B, Index own, Index S, Index rows, const bf16* weights, const bf16* held,
                     Index held_step, bf16* turned, bf16* queries, float* begun, bf16* to) const {
        const Index step = 3 * d;
        pack_left_turned(weights, S, rows, S, turned);
        pack_right(held, held_step, rows, hd, queries, 1, hd / 16);
        if (B) multiply(packed(turned, rows), {queries, 1, hd / 16}, B, hd, rows, Add{begun, hd});
        Index valid = g.own;
        if (B) {
            bf16* at = to + g.own0 * step;
            multiply(packed(turned + B / 16 * (rows / 32) * TILE, rows), {queries, 1, hd / 16}, own, hd, rows,
                     [=](Index r, Index c, const float* out) {
                         if (r < valid) ToHalf{at, step}(r, c, out);
                     });
        } else {
            multiply(packed(turned, rows), {queries, 1, hd / 16}, own, hd, rows, Add{begun, hd});
        }
    }

    void weight_gradient(const bf16* dy, Index O, const bf16* x, Index I, Index rows, float* to) {
        size_t mark = arena.used;
        bf16* left = arena.take<bf16>(rows * O);
        bf16* right = arena.take<bf16>(rows * I);
        pack_left_turned(dy, O, rows, O, left);
        pack_right(x, I, rows, I, right, rows / 32, 1);
        // in parts whose left blocks stay in the nearest cache
        for (Index k = 0; k < rows; k += 384)
            multiply({left + k / 32 * TILE, 32, rows / 32 * TILE, TILE}, {right + k / 32 * TILE, rows / 32, 1}, O, I,
                     std::min<Index>(384, rows - k), Add{to, I});
        arena.used = mark;
    }

    static void to_half(const float* from, Index count, bf16* to) {
        for (Index n = 0; n < count; n += 16) narrow(to + n, _mm512_loadu_ps(from + n));
    }

    float* forward_layer(Index l, float* x) {
        layers.emplace_back();
        LayerState& s = layers.back();
        bool ends = l == w.shape.layers - 1;
        Index rows = ends ? Rp : Tp;
        const LayerOffsets& at = w.at[l];
        const LayerPacks& p = w.packs[l];
        s.x = x;
        s.inverse1 = arena.take<float>(Tp), s.inverse2 = arena.take<float>(rows);
        s.a = arena.take<bf16>(Tp * d), s.qkv = arena.take<bf16>((Tp + 64) * 3 * d);
        memset(s.qkv + Tp * 3 * d, 0, 64 * 3 * d * 2);
        s.mixed = arena.take<bf16>((rows + 32) * d);
        memset(s.mixed + (ends ? R : T) * d, 0, (rows + 32 - (ends ? R : T)) * d * 2);
        s.b = arena.take<bf16>(rows * d);
        s.gate_up = arena.take<bf16>(rows * 2 * h), s.act = arena.take<bf16>(rows * h);
        s.x2 = arena.take<float>(rows * d);
        memset(s.x2 + (ends ? R : T) * d, 0, (rows - (ends ? R : T)) * d * 4);
        float* next = arena.take<float>(rows * d);
        norm(x, Tp, w.flat + at.norm1, s.inverse1, s.a);
        multiply(plain(s.a, d), {p.qkv, d / 32, 1}, Tp, 3 * d, d, ToHalf{s.qkv, 3 * d});
        rotate(s.qkv, false);
        attend(l, s, ends ? last : full);
        if (ends)
            for (Index r = 0; r < R; r++) memcpy(s.x2 + r * d, x + answer_row[r] * d, d * 4);
        else
            memcpy(s.x2, x, T * d * 4);
        multiply(plain(s.mixed, d), {p.out, d / 32, 1}, rows, d, d, Add{s.x2, d});
        norm(s.x2, rows, w.flat + at.norm2, s.inverse2, s.b);
        multiply(plain(s.b, d), {p.gate_up, d / 32, 1}, rows, 2 * h, d, ToHalf{s.gate_up, 2 * h});
        for (Index r = 0; r < rows; r++)
            for (Index c = 0; c < h; c += 16) {
                __m512 g = wide(s.gate_up + r * 2 * h + c), u = wide(s.gate_up + r * 2 * h + h + c);
                narrow(s.act + r * h + c, _mm512_mul_ps(_mm512_mul_ps(g, sigmoid(g)), u));
            }
        memcpy(next, s.x2, rows * d * 4);
        multiply(plain(s.act, h), {p.down, h / 32, 1}, rows, d, h, Add{next, d});
        return next;
    }

    static __m512 sigmoid(__m512 v) {
        const __m512 one = _mm512_set1_ps(1.0f);
        return _mm512_rcp14_ps(_mm512_add_ps(one, power(_mm512_sub_ps(_mm512_setzero_ps(), v))));
    }

    // dx: gradient of the layer's result; returned: of its input.
    float* backward_layer(Index l, float* dx) {
        LayerState& s = layers[l];
        bool ends = l == w.shape.layers - 1;
        Index rows = ends ? Rp : Tp;
        const LayerOffsets& at = w.at[l];
        const LayerPacks& p = w.packs[l];
        size_t mark = arena.used;
        bf16* half = arena.take<bf16>(rows * d);
        bf16* dact = arena.take<bf16>(rows * h);
        bf16* dgate_up = arena.take<bf16>(rows * 2 * h);
        bf16* dnorm = arena.take<bf16>(Tp * d);
        to_half(dx, rows * d, half);
        weight_gradient(half, d, s.act, h, rows, grads + at.down);
        multiply(plain(half, d), {p.down_back, d / 32, 1}, rows, h, d, ToHalf{dact, h});
        const __m512 one = _mm512_set1_ps(1.0f);
        for (Index r = 0; r < rows; r++)
            for (Index c = 0; c < h; c += 16) {
                __m512 g = wide(s.gate_up + r * 2 * h + c), u = wide(s.gate_up + r * 2 * h + h + c);
                __m512 da = wide(dact + r * h + c), sg = sigmoid(g);
                __m512 slope = _mm512_mul_ps(sg, _mm512_fmadd_ps(g, _mm512_sub_ps(one, sg), one));
                narrow(dgate_up + r * 2 * h + c, _mm512_mul_ps(_mm512_mul_ps(da, u), slope));
                narrow(dgate_up + r * 2 * h + h + c, _mm512_mul_ps(da, _mm512_mul_ps(g, sg)));
            }
        weight_gradient(dgate_up, 2 * h, s.b, d, rows, grads + at.gate_up);
        multiply(plain(dgate_up, 2 * h), {p.gate_up_back, 2 * h / 32, 1}, rows, d, 2 * h, ToHalf{dnorm, d});
        norm_back(s.x2, rows, w.flat + at.norm2, s.inverse2, dnorm, dx, grads + at.norm2);
        to_half(dx, rows * d, half);
        weight_gradient(half, d, s.mixed, d, rows, grads + at.out);
        bf16* dmixed = arena.take<bf16>((rows + 32) * d);
        memset(dmixed + rows * d, 0, 32 * d * 2);
        multiply(plain(half, d), {p.out_back, d / 32, 1}, rows, d, d, ToHalf{dmixed, d});
        bf16* dqkv = arena.take<bf16>((Tp + 64) * 3 * d, ends);
        if (!ends) memset(dqkv + T * 3 * d, 0, (Tp + 64 - T) * 3 * d * 2);
        attend_back(l, s, ends ? last : full, dmixed, dqkv);
        rotate(dqkv, true);
        weight_gradient(dqkv, 3 * d, s.a, d, Tp, grads + at.qkv);
        multiply(plain(dqkv, 3 * d), {p.qkv_back, 3 * d / 32, 1}, Tp, d, 3 * d, ToHalf{dnorm, d});
        if (ends) {
            arena.used = mark;
            // dnorm lies above the mark, so the wide gradient goes to a place beyond it
            Arena beyond = arena;
            beyond.used = (char*)(dqkv + (Tp + 64) * 3 * d) - arena.memory + 8192;
            beyond.used = beyond.used / 64 * 64;
            float* all = beyond.take<float>(Tp * d, true);
            for (Index r = 0; r < R; r++) memcpy(all + answer_row[r] * d, dx + r * d, d * 4);
            norm_back(s.x, T, w.flat + at.norm1, s.inverse1, dnorm, all, grads + at.norm1);
            arena.used = beyond.used;
            return all;
        }
        norm_back(s.x, T, w.flat + at.norm1, s.inverse1, dnorm, dx, grads + at.norm1);
        arena.used = mark;
        return dx;
    }

    void run(bool train) {
        float* x = arena.take<float>(Tp * d, true);
        const float* embedding = w.flat + w.embedding;
        for (Index r = 0; r < T; r++) memcpy(x + r * d, embedding + in.tokens[r] * d, d * 4);
        layers.reserve(w.shape.layers);
        for (Index l = 0; l < w.shape.layers; l++) x = forward_layer(l, x);
        Index V = w.shape.vocabulary;
        float* inverse = arena.take<float>(Rp);
        bf16* f = arena.take<bf16>(Rp * d);
        float* logits = arena.take<float>(Rp * V);
        norm(x, Rp, w.flat + w.final_norm, inverse, f);
        multiply(plain(f, d), {w.embedding_pack, d / 32, 1}, Rp, V, d, ToFloat{logits, V});
        bf16* dlogits = arena.take<bf16>(Rp * V, true);
        for (Index r = 0; r < R; r++) {
            float* row = logits + r * V;
            Index target = in.tokens[answer_row[r] + 1];
            __m512 tops = _mm512_loadu_ps(row), sums = _mm512_setzero_ps();
            for (Index c = 16; c < V; c += 16) tops = _mm512_max_ps(tops, _mm512_loadu_ps(row + c));
            float top = _mm512_reduce_max_ps(tops), meant = row[target];
            result.right[r] = meant >= top;
            for (Index c = 0; c < V; c += 16) {
                __m512 v = power(_mm512_sub_ps(_mm512_loadu_ps(row + c), _mm512_set1_ps(top)));
                sums = _mm512_add_ps(sums, v);
                _mm512_storeu_ps(row + c, v);
            }
            float sum = _mm512_reduce_add_ps(sums);
            result.loss += in.row_weights[r] * (std::log(sum) + top - meant);
            float share = in.row_weights[r] / sum;
            row[target] -= sum;
            for (Index c = 0; c < V; c += 16)
                narrow(dlogits + r * V + c, _mm512_mul_ps(_mm512_loadu_ps(row + c), _mm512_set1_ps(share)));
        }
        if (!train) return;
        bf16* df = arena.take<bf16>(Rp * d);
        float* dx = arena.take<float>(Rp * d, true);
        multiply(plain(dlogits, V), {w.embedding_back, V / 32, 1}, Rp, d, V, ToHalf{df, d});
        weight_gradient(dlogits, V, f, d, Rp, grads + w.embedding);
        norm_back(x, R, w.flat + w.final_norm, inverse, df, dx, grads + w.final_norm);
        for (Index l = w.shape.layers - 1; l >= 0; l--) dx = backward_layer(l, dx);
        for (Index r = 0; r < T; r++) {
            float* to = grads + w.embedding + in.tokens[r] * d;
            for (Index c = 0; c < d; c += 16)
                _mm512_storeu_ps(to + c, _mm512_add_ps(_mm512_loadu_ps(to + c), _mm512_loadu_ps(dx + r * d + c)));
        }
    }
};

}  // namespace
