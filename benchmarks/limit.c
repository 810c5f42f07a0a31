/* How fast the loop of `hsig/engines/_kernel.c` could be if its bits did not matter: the same
   arithmetic for the 2-3-1 network, online, with -Ofast -march=native: fused multiply-adds, sums in
   any order, the C library's vector exponential, and no look at what is solved or has diverged.
   `benchmarks/engines.py` compiles and calls it. It is not part of hsig. */

#include <math.h>

enum { LANES = 32 };

#define CLIP(x) fmin(fmax(0.2 * (x) + 0.5, 0.0), 1.0)
#define CLIP_SLOPE(x, y) ((x) >= -2.5 && (x) <= 2.5 ? 0.2 : 0.0)
#define LOGISTIC(x) (1.0 / (1.0 + exp(-(x))))
#define LOGISTIC_SLOPE(x, y) ((y) * (1.0 - (y)))
#define SQUARED(p, t, slope) (2.0 * ((p) - (t)) * (slope))
#define BCE(p, t, slope)                                                                          \
    ((slope) == 0.0 ? 0.0 : ((t) > 0.0 ? -(t) / (p) : (1.0 - (t)) / (1.0 - (p))) * (slope))
#define BCE_OF_LOGIT(p, t, slope) ((p) - (t))

/* weights: 13 rows of seeds, a multiple of LANES; rows: (samples, 2) */
#define LIMIT(name, ACTIVATION, SLOPE, DELTA)                                                     \
    void name(double *restrict weights, long seeds, const double *rows, const double *targets,    \
              int samples, double rate, long epochs)                                              \
    {                                                                                             \
        for (long from = 0; from < seeds; from += LANES) {                                        \
            double w[13][LANES];                                                                  \
            for (int i = 0; i < 13; i++)                                                          \
                for (int l = 0; l < LANES; l++)                                                   \
                    w[i][l] = weights[i * seeds + from + l];                                      \
            for (long epoch = 0; epoch < epochs; epoch++)                                         \
                for (int sample = 0; sample < samples; sample++) {                                \
                    const double a = rows[2 * sample], b = rows[2 * sample + 1];                  \
                    const double target = targets[sample];                                        \
                    for (int l = 0; l < LANES; l++) {                                             \
                        const double z0 = a * w[0][l] + b * w[3][l] + w[6][l];                    \
                        const double z1 = a * w[1][l] + b * w[4][l] + w[7][l];                    \
                        const double z2 = a * w[2][l] + b * w[5][l] + w[8][l];                    \
                        const double h0 = ACTIVATION(z0), h1 = ACTIVATION(z1);                    \
                        const double h2 = ACTIVATION(z2);                                         \
                        const double x = h0 * w[9][l] + h1 * w[10][l] + h2 * w[11][l] + w[12][l]; \
                        const double p = ACTIVATION(x);                                           \
                        const double delta = rate * DELTA(p, target, SLOPE(x, p));                \
                        const double d0 = delta * w[9][l] * SLOPE(z0, h0);                        \
                        const double d1 = delta * w[10][l] * SLOPE(z1, h1);                       \
                        const double d2 = delta * w[11][l] * SLOPE(z2, h2);                       \
                        w[0][l] -= a * d0, w[1][l] -= a * d1, w[2][l] -= a * d2;                  \
                        w[3][l] -= b * d0, w[4][l] -= b * d1, w[5][l] -= b * d2;                  \
                        w[6][l] -= d0, w[7][l] -= d1, w[8][l] -= d2;                              \
                        w[9][l] -= delta * h0, w[10][l] -= delta * h1;                            \
                        w[11][l] -= delta * h2, w[12][l] -= delta;                                \
                    }                                                                             \
                }                                                                                 \
            for (int i = 0; i < 13; i++)                                                          \
                for (int l = 0; l < LANES; l++)                                                   \
                    weights[i * seeds + from + l] = w[i][l];                                      \
        }                                                                                         \
    }

LIMIT(hard_squared, CLIP, CLIP_SLOPE, SQUARED)
LIMIT(hard_bce, CLIP, CLIP_SLOPE, BCE)
LIMIT(sigmoid_squared, LOGISTIC, LOGISTIC_SLOPE, SQUARED)
LIMIT(sigmoid_bce, LOGISTIC, LOGISTIC_SLOPE, BCE_OF_LOGIT)
