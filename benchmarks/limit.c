/* How fast a network could be trained on this machine if bits did not matter: fused multiply-adds,
   sums in any order, an exponential that is right to 2 units of the last place, and no look at what
   is solved or has diverged. `benchmarks/engines.py` compiles it anew for each network, with all
   sizes as constants. It is not part of hsig.

   SIZES, LAYERS, WIDEST   the units of all layers, inputs first; how many layers; the largest size
   HIDDEN, OUTPUT, LOSS    activations, and what the loss's slope is made of
   ROWS                    rows of a step: 1, or all
   ADAM                    whether steps are Adam's, or the rate times the gradient
   SEEDS, UNITS, IN_ROWS   one of these is defined: what the lanes of a vector hold. With units it is
                           plain C, for the compiler to make vectors of. */

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define LANES VECTOR

#if defined UNITS
typedef double value, weight;
enum { SUMS = 8 * VECTOR, ITEMS = 1, SIDE = 1, GROUP = 1 };
#define UNROLL
#define all(x) (x)
#define lesser fmin
#define greater fmax
#define where_less(a, b, yes, no) ((a) < (b) ? (yes) : (no))
#define root sqrt
#define exponential exp
#else
#undef LANES
#define ALL_OF(count) ((1u << (count)) - 1)
#include "../hsig/engines/_kernel_functions.h"
#define LANES VECTOR
#define TARGET
#define ISA(name) name##_limit
#include "../hsig/engines/_kernel_functions.h"
typedef lanes value;
#if defined SEEDS
typedef lanes weight;
enum { SUMS = 8, ITEMS = 1, SIDE = 1, GROUP = WIDEST > 4 ? 1 : 4 };
#define UNROLL _Pragma("GCC unroll 8")
#else
typedef double weight;
enum { SUMS = 4, ITEMS = WIDEST > 256 ? 4 : WIDEST > 64 ? 8 : 16, SIDE = 2, GROUP = 1 };
#define UNROLL
#endif
INLINE lanes exponential(lanes x)
{
    x = lesser(greater(x, all(-708.0)), all(709.0));
    const lanes shifted = x * 0x1.71547652b82fep0 + 0x1.8p52, k = shifted - 0x1.8p52;
    const lanes r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33, s = r * r;
    const lanes a = 1.0 / 39916800 * r + 1.0 / 3628800, b = 1.0 / 362880 * r + 1.0 / 40320;
    const lanes c = 1.0 / 5040 * r + 1.0 / 720, d = 1.0 / 120 * r + 1.0 / 24;
    const lanes e = 1.0 / 6 * r + 0.5, f = r + 1.0, q = s * s;
    const lanes p = ((a * s + b) * q + (c * s + d)) * q + (e * s + f);
    return p * (lanes)((bits)(shifted + 1023.0) << 52);
}
#endif

/* --- activations and losses --- */

enum { HARD, SIGMOID, RELU, TANH, IDENTITY };

INLINE value of(const int kind, value x)
{
    switch (kind) {
    case HARD:
        return lesser(greater(0.2 * x + 0.5, all(0.0)), all(1.0));
    case SIGMOID:
        return 1.0 / (1.0 + exponential(-x));
    case RELU:
        return greater(x, all(0.0));
    case TANH:
        return 1.0 - 2.0 / (1.0 + exponential(2.0 * x));
    default:
        return x;
    }
}

/* The slope, of the value. */
INLINE value slope(const int kind, value y)
{
    switch (kind) {
    case HARD:
        return where_less(all(0.0), y, where_less(y, all(1.0), all(0.2), all(0.0)), all(0.0));
    case SIGMOID:
        return y * (1.0 - y);
    case RELU:
        return where_less(all(0.0), y, all(1.0), all(0.0));
    case TANH:
        return 1.0 - y * y;
    default:
        return all(1.0);
    }
}

enum { BCE, BCE_OF_LOGIT, SQUARED };

#if defined IN_ROWS
typedef lanes target;
#define CHOOSE(t, one, zero) where_less(all(0.0), t, one, zero)
#else
typedef double target;
#define CHOOSE(t, one, zero) ((t) > 0.0 ? (one) : (zero))
#endif

INLINE value output_delta(value y, target t)
{
    const value s = slope(OUTPUT, y);
    if (LOSS == BCE_OF_LOGIT)
        return y - t;
    if (LOSS == SQUARED)
        return 2.0 * (y - t) * s;
    return where_less(all(0.0), s, CHOOSE(t, -1.0 / y, 1.0 / (1.0 - y)) * s, all(0.0));
}

/* --- the network --- */

static const int sizes[] = SIZES;
#define KIND(l) ((l) + 1 == LAYERS ? OUTPUT : HIDDEN)
#define EACH_LAYER(DO) DO(0) if (LAYERS > 1) { DO(1) } if (LAYERS > 2) { DO(2) } if (LAYERS > 3) { DO(3) }
#define EACH_LAYER_BACK(DO) if (LAYERS > 3) { DO(3) } if (LAYERS > 2) { DO(2) } if (LAYERS > 1) { DO(1) } DO(0)
_Static_assert(LAYERS <= 4, "or EACH_LAYER must say more");

INLINE int start_of(const int layer)
{
    int start = 0;
    for (int l = 0; l < layer && l < LAYERS; l++)
        start += (sizes[l] + 1) * sizes[l + 1];
    return start;
}

/* Where a weight is, the bias being the last input: by inputs, but with rows in lanes by units. */
#if defined IN_ROWS
#define AT(i, j) ((j) * (fan_in + 1) + (i))
#else
#define AT(i, j) ((i) * width + (j))
#endif

typedef struct {
    value x[LAYERS + 1][WIDEST][ITEMS], d[LAYERS + 1][WIDEST][ITEMS];
} desk;

/* to[j] = a sum over i for some j side by side, of some items. */
#define SOME_SUMS(count, terms, begin, number, to)                                                \
    {                                                                                             \
        value sum[count][SIDE];                                                                   \
        UNROLL for (int j = 0; j < count; j++)                                                    \
            for (int q = 0; q < SIDE; q++)                                                        \
                sum[j][q] = begin;                                                                \
        for (int i = 0; i < terms; i++)                                                           \
            UNROLL for (int j = 0; j < count; j++)                                                \
                for (int q = 0; q < SIDE; q++)                                                    \
                    sum[j][q] += number;                                                          \
        UNROLL for (int j = 0; j < count; j++)                                                    \
            for (int q = 0; q < SIDE; q++)                                                        \
                to;                                                                               \
    }
#define ALL_SUMS(all_of, terms, begin, number, to)                                                \
    for (int first = 0; first + SUMS <= all_of; first += SUMS)                                    \
        for (int item = 0; item < items; item += SIDE)                                            \
            SOME_SUMS(SUMS, terms, begin, number, to)                                             \
    if (all_of % SUMS > 0)                                                                        \
        for (int item = 0, first = all_of / SUMS * SUMS; item < items; item += SIDE)              \
            SOME_SUMS((all_of % SUMS > 0 ? all_of % SUMS : 1), terms, begin, number, to)

INLINE void forward(const int l, const int fan_in, const int width, const weight *w, desk *d,
                    const int items)
{
    ALL_SUMS(width, fan_in, w[AT(fan_in, first + j)] + all(0.0),
             w[AT(i, first + j)] * d->x[l][i][item + q],
             d->x[l + 1][first + j][item + q] = of(KIND(l), sum[j][q]))
}

/* The way back through a layer; with `direct` its step, else its part of the gradient. */
INLINE void back(const int l, const int fan_in, const int width, weight *w, weight *g, desk *d,
                 const int items, const int direct, const int adding, const double rate)
{
    if (l > 0) {
#if defined UNITS
        for (int i = 0; i < fan_in; i++) {
            double sum = 0.0;
            for (int j = 0; j < width; j++)
                sum += w[AT(i, j)] * d->d[l + 1][j][0];
            d->d[l][i][0] = sum * slope(HIDDEN, d->x[l][i][0]);
        }
#else
        ALL_SUMS(fan_in, width, all(0.0), w[AT(first + j, i)] * d->d[l + 1][i][item + q],
                 d->d[l][first + j][item + q] =
                     sum[j][q] * slope(HIDDEN, d->x[l][first + j][item + q]))
#endif
    }
#if defined IN_ROWS
#define INNER(lanes_of) ({ double total = 0.0; for (int k = 0; k < LANES; k++) total += (lanes_of)[k]; total; })
    for (int i = 0; i <= fan_in; i += 4)
        for (int j = 0; j < width; j += 2) {
            lanes sum[4][2] = {{all(0.0)}};
            if (i + 4 <= fan_in && j + 2 <= width)
                for (int q = 0; q < items; q++)
                    for (int r = 0; r < 4; r++)
                        for (int c = 0; c < 2; c++)
                            sum[r][c] += d->x[l][i + r][q] * d->d[l + 1][j + c][q];
            else
                for (int r = 0; r < 4 && i + r <= fan_in; r++)
                    for (int c = 0; c < 2 && j + c < width; c++)
                        for (int q = 0; q < items; q++)
                            sum[r][c] += i + r < fan_in
                                             ? d->x[l][i + r][q] * d->d[l + 1][j + c][q]
                                             : d->d[l + 1][j + c][q];
            for (int r = 0; r < 4 && i + r <= fan_in; r++)
                for (int c = 0; c < 2 && j + c < width; c++)
                    g[AT(i + r, j + c)] += INNER(sum[r][c]);
        }
#else
    if (direct)
        UNROLL for (int j = 0; j < width; j++)
            d->d[l + 1][j][0] *= rate;
    UNROLL for (int i = 0; i <= fan_in; i++)
        UNROLL for (int j = 0; j < width; j++) {
            const value term =
                i < fan_in ? d->x[l][i][0] * d->d[l + 1][j][0] : d->d[l + 1][j][0];
            if (direct)
                w[AT(i, j)] -= term;
            else
                g[AT(i, j)] = adding ? g[AT(i, j)] + term : term;
        }
#endif
}

/* Train some networks, one after the other; with seeds in lanes each is a vector of them, of which
   GROUP go side by side. Inputs and targets: (rows, inputs), (rows, outputs). */
void train(weight *all_weights, long networks, const double *inputs, const double *targets,
           int rows, double rate, long epochs)
{
    const int size = start_of(LAYERS), outputs = sizes[LAYERS], direct = ROWS == 1 && !ADAM;
    const size_t bytes = ((size_t)size * GROUP * sizeof(weight) + 63) / 64 * 64;
    weight *w = aligned_alloc(64, bytes), *g = aligned_alloc(64, bytes);
    weight *m = aligned_alloc(64, bytes), *s = aligned_alloc(64, bytes);
#if defined IN_ROWS /* inputs and targets by columns */
    static desk room, *const d = &room;
    const int vectors = rows / LANES;
    lanes *columns = aligned_alloc(64, ((size_t)rows * (sizes[0] + outputs) * 8 + 63) / 64 * 64);
    for (int row = 0; row < rows; row++) {
        for (int i = 0; i < sizes[0]; i++)
            columns[i * vectors + row / LANES][row % LANES] = inputs[row * sizes[0] + i];
        for (int o = 0; o < outputs; o++)
            columns[(sizes[0] + o) * vectors + row / LANES][row % LANES] = targets[row * outputs + o];
    }
#endif
    for (long network = 0; network < networks; network += GROUP) {
        const int group = networks - network < GROUP ? (int)(networks - network) : GROUP;
        const size_t filled = (size_t)size * group * sizeof(weight);
        memset(w, 0, bytes), memset(g, 0, bytes), memset(m, 0, bytes), memset(s, 0, bytes);
        memcpy(w, all_weights + network * size, filled);
        double first = 1.0, second = 1.0;
        for (long epoch = 0; epoch < epochs; epoch++) {
#if defined IN_ROWS
            memset(g, 0, bytes);
            for (int row = 0; row < vectors; row += ITEMS) {
                const int items = vectors - row < ITEMS ? vectors - row : ITEMS;
                for (int i = 0; i < sizes[0]; i++)
                    memcpy(d->x[0][i], columns + i * vectors + row, items * sizeof(lanes));
#define FORWARD(l) forward(l, sizes[l], sizes[l + 1], w + start_of(l), d, items);
                EACH_LAYER(FORWARD)
                for (int o = 0; o < outputs; o++)
                    for (int q = 0; q < items; q++)
                        d->d[LAYERS][o][q] = output_delta(
                            d->x[LAYERS][o][q], columns[(sizes[0] + o) * vectors + row + q]);
#define BACK(l)                                                                                   \
    back(l, sizes[l], sizes[l + 1], w + start_of(l), g + start_of(l), d, items, 0, 1, rate);
                EACH_LAYER_BACK(BACK)
            }
#else
            for (int row = 0; row < rows; row++) {
                const double *x = inputs + (size_t)row * sizes[0];
                const double *t = targets + (size_t)row * outputs;
                _Pragma("GCC unroll 4") for (int v = 0; v < group; v++)
                {
                    weight *own = w + (size_t)v * size, *its = g + (size_t)v * size;
                    desk here, *d = &here;
                    const int items = 1, adding = ROWS > 1 && row > 0;
                    UNROLL for (int i = 0; i < sizes[0]; i++)
                        d->x[0][i][0] = all(x[i]);
#define FORWARD(l) forward(l, sizes[l], sizes[l + 1], own + start_of(l), d, items);
                    EACH_LAYER(FORWARD)
                    UNROLL for (int o = 0; o < outputs; o++)
                        d->d[LAYERS][o][0] = output_delta(d->x[LAYERS][o][0], t[o]);
#define BACK(l)                                                                                   \
    back(l, sizes[l], sizes[l + 1], own + start_of(l), its + start_of(l), d, items, direct,       \
         adding, rate);
                    EACH_LAYER_BACK(BACK)
                }
                if (direct || (ROWS > 1 && row + 1 < rows))
                    continue;
#endif
                /* weights as values: with rows in lanes, numbers as vectors */
                value *to = (value *)w, *mean = (value *)m, *square = (value *)s;
                const value *from = (const value *)g;
                const double scale = ROWS > 1 ? 1.0 / rows : 1.0;
                first *= 0.9, second *= 0.999;
                const double by_mean = rate / (1.0 - first), by_square = 1.0 / (1.0 - second);
                for (size_t i = 0; i < (filled + sizeof(value) - 1) / sizeof(value); i++) {
                    const value step = from[i] * scale;
                    if (!ADAM) {
                        to[i] -= rate * step;
                        continue;
                    }
                    mean[i] += 0.1 * (step - mean[i]);
                    square[i] += 0.001 * (step * step - square[i]);
                    to[i] -= by_mean * mean[i] / (root(square[i] * by_square) + 1e-8);
                }
#if !defined IN_ROWS
            }
#endif
        }
        memcpy(all_weights + network * size, w, filled);
    }
    free(w), free(g), free(m), free(s);
#if defined IN_ROWS
    free(columns);
#endif
}
