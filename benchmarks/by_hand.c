/* What a good hand would write for one formula alone: the same arithmetic as hsig's program of it,
   of the kernel's own functions, to the same bits; the 2-3-1 network, online, with the log loss of a
   logistic output, and no look at what is solved or has diverged. `benchmarks/engines.py` compiles
   and calls it. It is not part of hsig. */

#include <float.h>
#include <stdint.h>
#include <string.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define ALL_OF(count) ((1u << (count)) - 1)
#include "../hsig/engines/_kernel_functions.h"

#define LANES VECTOR /* by the command line, with the instructions for it */
#define TARGET
#define ISA(name) name##_by_hand
#include "../hsig/engines/_kernel_functions.h"

/* The value, and the slope where it is wanted; what both take is computed once. */
INLINE lanes silu(lanes x, lanes *slope)
{
    const lanes s = logistic(x);
    *slope = s + x * (s * (1.0 - s));
    return x * s;
}

INLINE lanes mish(lanes x, lanes *slope)
{
    const lanes e = exp(-magnitude(x)), t = tanh(softplus_of(x, e));
    const lanes s = where_less(all(0.0), x, all(1.0), e) / (1.0 + e);
    *slope = t + x * ((1.0 - t * t) * s);
    return x * t;
}

enum { GROUP = 4, ROW = 16 };

/* weights: 13 rows of seeds, a multiple of LANES; rows: (samples, 2). A vector at a time goes through
   the whole step, a few of them side by side. */
#define BY_VECTORS(name, ACTIVATION)                                                              \
    void name##_by_vectors(double *weights, long seeds, const double *rows,                       \
                           const double *targets, int samples, double rate, long epochs)          \
    {                                                                                             \
        for (long from = 0; from < seeds; from += GROUP * LANES) {                                \
            lanes w[GROUP][13];                                                                   \
            const int vectors =                                                                   \
                seeds - from < GROUP * LANES ? (int)(seeds - from) / LANES : GROUP;               \
            for (int v = 0; v < vectors; v++)                                                     \
                for (int i = 0; i < 13; i++)                                                      \
                    w[v][i] = load(weights + i * seeds + from + v * LANES);                       \
            for (long epoch = 0; epoch < epochs; epoch++)                                         \
                for (int sample = 0; sample < samples; sample++)                                  \
                    for (int v = 0; v < vectors; v++) {                                           \
                        const double a = rows[2 * sample], b = rows[2 * sample + 1];              \
                        lanes h[3], d[3], x;                                                      \
                        for (int u = 0; u < 3; u++)                                               \
                            h[u] = ACTIVATION(a * w[v][u] + b * w[v][3 + u] + w[v][6 + u],        \
                                              &d[u]);                                             \
                        x = h[0] * w[v][9] + h[1] * w[v][10] + h[2] * w[v][11] + w[v][12];        \
                        const lanes delta = logistic(x) - targets[sample];                        \
                        for (int u = 0; u < 3; u++) {                                             \
                            d[u] = delta * w[v][9 + u] * d[u];                                    \
                            w[v][u] -= rate * (a * d[u]);                                         \
                            w[v][3 + u] -= rate * (b * d[u]);                                     \
                            w[v][6 + u] -= rate * d[u];                                           \
                            w[v][9 + u] -= rate * (h[u] * delta);                                 \
                        }                                                                         \
                        w[v][12] -= rate * delta;                                                 \
                    }                                                                             \
            for (int v = 0; v < vectors; v++)                                                     \
                for (int i = 0; i < 13; i++)                                                      \
                    ISA(store)(weights + i * seeds + from + v * LANES, w[v][i], LANES);           \
        }                                                                                         \
    }
BY_VECTORS(silu, silu)
BY_VECTORS(mish, mish)

/* The same, a row of vectors at a time going through each part of the step. */
#define BY_LAYERS(name, ACTIVATION)                                                               \
    void name##_by_layers(double *weights, long seeds, const double *rows, const double *targets, \
                          int samples, double rate, long epochs)                                  \
    {                                                                                             \
        for (long from = 0; from < seeds; from += ROW * LANES) {                                  \
            lanes w[ROW][13], h[3 * ROW], d[3 * ROW], delta[ROW];                                 \
            const int vectors =                                                                   \
                seeds - from < ROW * LANES ? (int)(seeds - from) / LANES : ROW;                   \
            for (int v = 0; v < vectors; v++)                                                     \
                for (int i = 0; i < 13; i++)                                                      \
                    w[v][i] = load(weights + i * seeds + from + v * LANES);                       \
            for (long epoch = 0; epoch < epochs; epoch++)                                         \
                for (int sample = 0; sample < samples; sample++) {                                \
                    const double a = rows[2 * sample], b = rows[2 * sample + 1];                  \
                    for (int v = 0; v < vectors; v++)                                             \
                        for (int u = 0; u < 3; u++)                                               \
                            h[3 * v + u] = a * w[v][u] + b * w[v][3 + u] + w[v][6 + u];           \
                    for (int i = 0; i < 3 * vectors; i++)                                         \
                        h[i] = ACTIVATION(h[i], &d[i]);                                           \
                    for (int v = 0; v < vectors; v++)                                             \
                        delta[v] = logistic(h[3 * v] * w[v][9] + h[3 * v + 1] * w[v][10] +        \
                                            h[3 * v + 2] * w[v][11] + w[v][12]) -                 \
                                   targets[sample];                                               \
                    for (int v = 0; v < vectors; v++) {                                           \
                        for (int u = 0; u < 3; u++) {                                             \
                            const lanes down = delta[v] * w[v][9 + u] * d[3 * v + u];             \
                            w[v][u] -= rate * (a * down);                                         \
                            w[v][3 + u] -= rate * (b * down);                                     \
                            w[v][6 + u] -= rate * down;                                           \
                            w[v][9 + u] -= rate * (h[3 * v + u] * delta[v]);                      \
                        }                                                                         \
                        w[v][12] -= rate * delta[v];                                              \
                    }                                                                             \
                }                                                                                 \
            for (int v = 0; v < vectors; v++)                                                     \
                for (int i = 0; i < 13; i++)                                                      \
                    ISA(store)(weights + i * seeds + from + v * LANES, w[v][i], LANES);           \
        }                                                                                         \
    }
BY_LAYERS(silu, silu)
BY_LAYERS(mish, mish)
