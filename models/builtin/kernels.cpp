// Kernels: what Python calls: the passes over one group, and the update of a matrix, on one core with AMX tiles.
//
// In: weights as one flat array of floats, and groups. Out: gradients in a flat array of the same layout, or new weights.

#include <sys/syscall.h>
#include <unistd.h>

#include "pass.h"

extern "C" {

// Asks the system for the tiles; 0 when this machine has them.
int prepare_tiles() { return (int)syscall(SYS_arch_prctl, 0x1023, 18); }

Weights* make_weights(const Shape* shape) {
    Weights* w = new Weights();
    w->shape = *shape;
    Index d = shape->width, h = shape->hidden, V = shape->vocabulary, half = d / shape->heads / 2, at = 0;
    w->embedding = at, at += V * d;
    w->final_norm = at, at += d;
    for (Index l = 0; l < shape->layers; l++) {
        LayerOffsets o;
        o.norm1 = at, at += d;
        o.qkv = at, at += 3 * d * d;
        o.out = at, at += d * d;
        o.norm2 = at, at += d;
        o.gate_up = at, at += 2 * h * d;
        o.down = at, at += d * h;
        w->at.push_back(o);
        w->packs.push_back({room(3 * d * d), room(3 * d * d), room(d * d), room(d * d), room(2 * h * d),
                            room(2 * h * d), room(h * d), room(h * d)});
    }
    w->embedding_pack = room(V * d), w->embedding_back = room(V * d);
    w->half = room(std::max(V * d, std::max(3 * d * d, 2 * h * d)));
    w->cosine.resize(LONGEST * half), w->sine.resize(LONGEST * half);
    for (Index n = 0; n < LONGEST; n++)
        for (Index c = 0; c < half; c++) {
            double angle = n * std::pow((double)shape->rope_base, -(double)c / half);
            w->cosine[n * half + c] = std::cos(angle), w->sine[n * half + c] = std::sin(angle);
        }
    return w;
}

// Packs the weights [O, I] for x * transpose and for the gradient's way back.
static void pack(Weights* w, Index offset, Index O, Index I, bf16* to, bf16* back) {
    for (Index n = 0; n < O * I; n += 16) narrow(w->half + n, _mm512_loadu_ps(w->flat + offset + n));
    pack_right_turned(w->half, I, I, O, to, I / 32, 1);
    pack_right(w->half, I, O, I, back, O / 32, 1);
}

void set_weights(Weights* w, const float* flat) {
    w->flat = flat;
    Index d = w->shape.width, h = w->shape.hidden;
    pack(w, w->embedding, w->shape.vocabulary, d, w->embedding_pack, w->embedding_back);
    for (Index l = 0; l < w->shape.layers; l++) {
        LayerPacks& p = w->packs[l];
        pack(w, w->at[l].qkv, 3 * d, d, p.qkv, p.qkv_back);
        pack(w, w->at[l].out, d, d, p.out, p.out_back);
        pack(w, w->at[l].gate_up, 2 * h, d, p.gate_up, p.gate_up_back);
        pack(w, w->at[l].down, d, h, p.down, p.down_back);
    }
}

// Runs one group; memory: room for everything that is kept between the two passes.
void run_group(const Weights* w, const GroupIn* in, GroupOut* out, float* grads, char* memory, Index size, int train) {
    configure();
    Arena arena;
    arena.memory = memory, arena.size = size;
    Run(*w, *in, *out, grads, arena).run(train != 0);
    _tile_release();
}

// One update of a matrix [R, C] by its momentum made orthogonal: five Newton-Schulz steps (Jordan and others, 2024).
void update_matrix(float* weight, const float* gradient, float* momentum, Index R, Index C, float rate, float keep,
                   float decay, char* memory, Index size) {
    configure();
    Arena arena;
    arena.memory = memory, arena.size = size;
    bool tall = R > C;
    Index m = tall ? C : R, n = tall ? R : C;
    float* mixed = arena.take<float>(R * C);
    float sum = 0;
    for (Index i = 0; i < R * C; i++) {
        momentum[i] += (1 - keep) * (gradient[i] - momentum[i]);
        mixed[i] = gradient[i] + keep * (momentum[i] - gradient[i]);
        sum += mixed[i] * mixed[i];
    }
    float by = 1 / (std::sqrt(sum) + 1e-12f);
    bf16 *x = arena.take<bf16>(m * n), *a = arena.take<bf16>(m * m), *b = arena.take<bf16>(m * m);
    bf16* right = arena.take<bf16>(m * n);
    float* wide_x = arena.take<float>(m * n);
    for (Index r = 0; r < m; r++)
        for (Index c = 0; c < n; c++) wide_x[r * n + c] = by * (tall ? mixed[c * C + r] : mixed[r * C + c]);
    for (int turn = 0; turn < 5; turn++) {
        Run::to_half(wide_x, m * n, x);
        pack_right_turned(x, n, n, m, right, n / 32, 1);
        multiply(plain(x, n), {right, n / 32, 1}, m, m, n, ToHalf{a, m});
        pack_right(a, m, m, m, right, m / 32, 1);
        multiply(plain(a, m), {right, m / 32, 1}, m, m, m, [=](Index r, Index c, const float* out) {
            for (Index i = 0; i < 32; i += 16)
                narrow(b + r * m + c + i, _mm512_fmadd_ps(_mm512_set1_ps(-4.7750f), wide(a + r * m + c + i),
                                                          _mm512_mul_ps(_mm512_set1_ps(2.0315f), _mm512_load_ps(out + i))));
        });
        pack_right(x, n, m, n, right, m / 32, 1);
        for (Index i = 0; i < m * n; i++) wide_x[i] *= 3.4445f;
        multiply(plain(b, m), {right, m / 32, 1}, m, n, m, Add{wide_x, n});
    }
    float step = rate * std::sqrt(std::max(1.0f, (float)R / C));
    for (Index r = 0; r < R; r++)
        for (Index c = 0; c < C; c++)
            weight[r * C + c] += -rate * decay * weight[r * C + c] - step * (tall ? wide_x[c * n + r] : wide_x[r * n + c]);
    _tile_release();
}
}
