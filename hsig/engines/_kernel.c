/* Gradient descent on many small networks at once: `hsig.engines.compiled` in C.

   Seeds are vector lanes: every operation below is done for 8, 4 or 2 seeds at a time, each in its
   own lane, in the order of `hsig.engines.reference`. There are no fused multiply-adds and no
   reordered sums (-ffp-contract=off, no fast-math), so a seed has the same bits in any lane, beside
   any others, and with any instruction set.

   The second half of this file, the kernel, is compiled once for each instruction set: the first
   half includes it with LANES, TARGET and ISA(name) defined, and chooses at run time. */

#ifndef LANES

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <fenv.h>
#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

#if !defined __GNUC__
#error "needs the vector types of GCC or Clang; without this module the reference engine serves"
#endif
#if FLT_EVAL_METHOD != 0
#error "needs arithmetic in double precision, no more; without this module the reference serves"
#endif

/* What the kernel has: the classes of activations, the slopes in training (`backward`), the functions
   of losses and the rules of updates, each by its name in hsig. The code of a name is its place. */
#define ACTIVATIONS(EACH)                                                                          \
    EACH(LOGISTIC, "Sigmoid") EACH(CLIP, "PiecewiseLinear") EACH(TANH, "Tanh")                     \
    EACH(ULTRA_FAST, "UltraFast") EACH(ELU, "Elu") EACH(SOFTPLUS, "Softplus") EACH(SILU, "Silu")   \
    EACH(HARD_SILU, "HardSilu") EACH(GELU_TANH, "GeluTanh")
#define BACKWARDS(EACH)                                                                            \
    EACH(OWN, "own") EACH(FROM_LOGISTIC, "logistic") EACH(FROM_OUTPUT, "output")                   \
    EACH(CONSTANT, "straight_through")
#define LOSSES(EACH)                                                                               \
    EACH(SQUARED, "squared") EACH(BCE, "bce") EACH(BCE_OF_LOGIT, "bce_of_logit")                   \
    EACH(BCE_NAIVE, "bce_naive")
#define UPDATES(EACH) EACH(ONLINE, "online") EACH(BATCH, "batch")

#define CODE(code, name) code,
#define NAME(code, name) name,
enum { ACTIVATIONS(CODE) LEAKY }; /* LEAKY is a CLIP whose leak is not 0 */
enum { BACKWARDS(CODE) SLOPES };
enum { LOSSES(CODE) NO_LOSS };
enum { UPDATES(CODE) NO_UPDATE };

typedef struct {
    int kind, backward;
    double constant;                      /* the slope of CONSTANT */
    double slope, shift, low, high, leak; /* of CLIP and LEAKY: see `PiecewiseLinear` */
    double start, stop, inside, outside;  /* their slope: `inside` from start to stop, both closed */
    double alpha;                         /* of ELU */
} activation;

typedef struct {
    activation hidden_activation, output_activation;
    int inputs, hidden, samples, update;
    int loss;    /* whose slope is descended */
    int printed; /* whose value is printed; of a logistic output it may be BCE_OF_LOGIT alone */
    double rate, solved_within;
    const double *rows, *targets; /* (samples, inputs), (samples,) */
} problem;

/* Arrays with seeds last; those of `Progress`. */
typedef struct {
    Py_ssize_t seeds;
    long long epoch, epochs;
    double *hidden, *output;
    int64_t *solved_at, *lost_at, *diverged_at;
    double *predictions, *losses; /* (samples, seeds), of the first epoch */
} state;

enum { GROUP = 4, ALIGNMENT = 64, NEAREST_CACHE = 24 * 1024 };

static size_t weights_of(const problem *p)
{
    return (size_t)(p->inputs + 1) * p->hidden + p->hidden + 1;
}

/* The numbers of one weight, one for each seed. */
static double *weight(const problem *p, const state *s, size_t number)
{
    const size_t in_hidden = (size_t)(p->inputs + 1) * p->hidden;
    return number < in_hidden ? s->hidden + number * s->seeds
                              : s->output + (number - in_hidden) * s->seeds;
}

#define INLINE static inline __attribute__((always_inline))

#if defined __x86_64__
#define LANES 8
#define TARGET __attribute__((target("avx512f")))
#define ISA(name) name##_avx512
#include "_kernel.c"
#undef LANES
#undef TARGET
#undef ISA
#define LANES 4
#define TARGET __attribute__((target("avx2")))
#define ISA(name) name##_avx2
#include "_kernel.c"
#undef LANES
#undef TARGET
#undef ISA
#endif
#define LANES 2 /* SSE2 or NEON where every processor has it; else plain C */
#define TARGET
#define ISA(name) name##_baseline
#include "_kernel.c"
#undef LANES

typedef struct {
    const char *name;
    int lanes;
    int (*train)(const problem *, const state *, Py_ssize_t first, Py_ssize_t last);
} path;

/* The paths that this processor can take, the fastest first, and how many they are. */
static int find_paths(path *found)
{
    int count = 0;
#if defined __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        found[count++] = (path){"avx512", 8, train_avx512};
    if (__builtin_cpu_supports("avx2"))
        found[count++] = (path){"avx2", 4, train_avx2};
#endif
    found[count++] = (path){"baseline", 2, train_baseline};
    return count;
}

/* --- the module ---------------------------------------------------------------------------- */

static PyObject *paths(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    path found[3];
    int count = find_paths(found);
    PyObject *names = PyTuple_New(count);
    for (int i = 0; names != NULL && i < count; i++)
        PyTuple_SetItem(names, i, Py_BuildValue("(si)", found[i].name, found[i].lanes));
    return names;
}

enum { HIDDEN, OUTPUT, SOLVED_AT, LOST_AT, DIVERGED_AT, PREDICTIONS, PRINTED, ROWS, TARGETS,
       HIDDEN_ACTIVATION, OUTPUT_ACTIVATION, BUFFERS };

static activation activation_of(const double *x)
{
    const int kind = x[0] == CLIP && x[7] != 0.0 ? LEAKY : (int)x[0];
    return (activation){kind, (int)x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10],
                        x[11], x[12]};
}

static int is_known(const activation *a)
{
    return a->kind >= 0 && a->kind <= LEAKY && a->backward >= 0 && a->backward < SLOPES;
}

/* Whether every buffer has the size that the others say it must have: nothing is read beyond. */
static int fits(const problem *p, const state *s, const Py_buffer *b)
{
    if (p->inputs < 1 || p->hidden < 1 || p->samples < 1 || s->seeds < 1 || s->epochs < 1)
        return 0;
    /* as doubles, which do not overflow, and are exact as far as memory goes */
    const double inputs = p->inputs, hidden = p->hidden, samples = p->samples;
    const double seeds = (double)s->seeds;
    const double numbers[BUFFERS] = {
        [HIDDEN] = (inputs + 1) * hidden * seeds,
        [OUTPUT] = (hidden + 1) * seeds,
        [SOLVED_AT] = seeds, [LOST_AT] = seeds, [DIVERGED_AT] = seeds,
        [PREDICTIONS] = samples * seeds, [PRINTED] = samples * seeds,
        [ROWS] = samples * inputs, [TARGETS] = samples,
        [HIDDEN_ACTIVATION] = 13, [OUTPUT_ACTIVATION] = 13,
    };
    for (int i = 0; i < BUFFERS; i++)
        if ((double)b[i].len != numbers[i] * 8)
            return 0;
    return 1;
}

static PyObject *advance(PyObject *self, PyObject *arguments)
{
    (void)self;
    const char *name;
    Py_buffer b[BUFFERS];
    problem p;
    state s;
    Py_ssize_t first, last;
    if (!PyArg_ParseTuple(
            arguments, "sw*w*w*w*w*w*w*y*y*y*y*iiiiiiddnLLnn", &name, &b[HIDDEN], &b[OUTPUT],
            &b[SOLVED_AT], &b[LOST_AT], &b[DIVERGED_AT], &b[PREDICTIONS], &b[PRINTED], &b[ROWS],
            &b[TARGETS], &b[HIDDEN_ACTIVATION], &b[OUTPUT_ACTIVATION], &p.inputs, &p.hidden,
            &p.samples, &p.update, &p.loss, &p.printed, &p.rate, &p.solved_within, &s.seeds,
            &s.epoch, &s.epochs, &first, &last))
        return NULL;
    path found[3], *chosen = NULL;
    for (int i = find_paths(found) - 1; i >= 0; i--)
        if (strcmp(found[i].name, name) == 0)
            chosen = &found[i];
    int done = -1;
    if (chosen == NULL)
        PyErr_Format(PyExc_ValueError, "this processor has no path '%s'", name);
    else if (!fits(&p, &s, b) || first < 0 || first > last || last > s.seeds)
        PyErr_SetString(PyExc_ValueError, "the sizes of the arrays do not go together");
    else {
        p.hidden_activation = activation_of(b[HIDDEN_ACTIVATION].buf);
        p.output_activation = activation_of(b[OUTPUT_ACTIVATION].buf);
        p.rows = b[ROWS].buf, p.targets = b[TARGETS].buf;
        s.hidden = b[HIDDEN].buf, s.output = b[OUTPUT].buf;
        s.solved_at = b[SOLVED_AT].buf, s.lost_at = b[LOST_AT].buf;
        s.diverged_at = b[DIVERGED_AT].buf;
        s.predictions = b[PREDICTIONS].buf, s.losses = b[PRINTED].buf;
        if (!is_known(&p.hidden_activation) || !is_known(&p.output_activation) || p.loss < 0 ||
            p.loss >= NO_LOSS || p.printed < 0 || p.printed >= NO_LOSS || p.update < 0 ||
            p.update >= NO_UPDATE)
            PyErr_SetString(PyExc_ValueError, "an unknown activation, slope, loss or update");
        else {
            fenv_t before; /* another library may have chosen to round or to flush differently */
            Py_BEGIN_ALLOW_THREADS
            fegetenv(&before);
            fesetenv(FE_DFL_ENV);
            done = chosen->train(&p, &s, first, last);
            fesetenv(&before);
            Py_END_ALLOW_THREADS
            if (done < 0)
                PyErr_NoMemory();
        }
    }
    for (int i = 0; i < BUFFERS; i++)
        PyBuffer_Release(&b[i]);
    return done < 0 ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"advance", advance, METH_VARARGS, "Train some of the seeds, in place."},
    {"paths", paths, METH_NOARGS, "The instruction sets that can be used here, and their lanes."},
    {NULL, NULL, 0, NULL},
};

static int add_names(PyObject *self, const char *table, const char *const *names, Py_ssize_t count)
{
    PyObject *all = PyTuple_New(count);
    for (Py_ssize_t i = 0; all != NULL && i < count; i++)
        PyTuple_SetItem(all, i, PyUnicode_FromString(names[i]));
    const int done = PyModule_AddObjectRef(self, table, all);
    Py_XDECREF(all);
    return done;
}

/* What it has, and of which numerics it is (see `hsig.engines.NUMERICS`). */
static int tell(PyObject *self)
{
#define ADD_NAMES(table, LIST)                                                                     \
    add_names(self, table, (const char *const[]){LIST(NAME)},                                      \
              sizeof (const char *const[]){LIST(NAME)} / sizeof(char *))
    return PyModule_AddIntConstant(self, "numerics", NUMERICS) < 0 ||
                   ADD_NAMES("activations", ACTIVATIONS) < 0 ||
                   ADD_NAMES("backwards", BACKWARDS) < 0 || ADD_NAMES("losses", LOSSES) < 0 ||
                   ADD_NAMES("updates", UPDATES) < 0
               ? -1
               : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, tell},
#if defined Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_kernel", NULL, 0, functions, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }

/* --- the kernel: from here on once for each instruction set -------------------------------- */

#else

#define lanes ISA(lanes)
#define bits ISA(bits)
typedef double lanes __attribute__((vector_size(8 * LANES)));
typedef uint64_t bits __attribute__((vector_size(8 * LANES)));

#define FUNCTION INLINE TARGET

FUNCTION lanes ISA(load)(const double *from)
{
    lanes x;
    memcpy(&x, from, sizeof x);
    return x;
}
#define load ISA(load)

FUNCTION void ISA(store)(double *to, lanes x, const int count)
{
    memcpy(to, &x, (size_t)count * sizeof *to);
}

FUNCTION lanes ISA(all)(double x) { return x - (lanes){0}; }
#define all ISA(all)

/* In each lane: yes where a < b, no where it is not or where either is nan. */
FUNCTION lanes ISA(where_less)(lanes a, lanes b, lanes yes, lanes no)
{
#if LANES == 8
    return (lanes)_mm512_mask_blend_pd(_mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ),
                                       (__m512d)no, (__m512d)yes);
#elif LANES == 4
    return (lanes)_mm256_blendv_pd((__m256d)no, (__m256d)yes, (__m256d)(a < b));
#else
    const bits chosen = (bits)(a < b);
    return (lanes)((chosen & (bits)yes) | (~chosen & (bits)no));
#endif
}
#define where_less ISA(where_less)

/* The smaller and the larger; b where either is nan. */
FUNCTION lanes ISA(lesser)(lanes a, lanes b)
{
#if LANES == 8
    return (lanes)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif LANES == 4
    return (lanes)_mm256_min_pd((__m256d)a, (__m256d)b);
#elif defined __x86_64__
    return (lanes)_mm_min_pd((__m128d)a, (__m128d)b);
#else
    return where_less(a, b, a, b);
#endif
}
#define lesser ISA(lesser)

FUNCTION lanes ISA(greater)(lanes a, lanes b)
{
#if LANES == 8
    return (lanes)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif LANES == 4
    return (lanes)_mm256_max_pd((__m256d)a, (__m256d)b);
#elif defined __x86_64__
    return (lanes)_mm_max_pd((__m128d)a, (__m128d)b);
#else
    return where_less(b, a, a, b);
#endif
}
#define greater ISA(greater)

/* A bit for each lane in which a < b. */
FUNCTION unsigned ISA(which_less)(lanes a, lanes b)
{
#if LANES == 8
    return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ);
#elif LANES == 4
    return (unsigned)_mm256_movemask_pd((__m256d)(a < b));
#else
    const bits less = (bits)(a < b);
    return (unsigned)(less[0] & 1) | (unsigned)(less[1] & 2);
#endif
}
#define which_less ISA(which_less)

#define SIGN ((bits){0} + ((uint64_t)1 << 63))
#define magnitude(x) ((lanes)((bits)(x) & ~SIGN))
#define with_sign_of(x, other) ((lanes)(((bits)(x) & ~SIGN) | ((bits)(other) & SIGN)))

/* --- exponential and logarithm --- */

#define ROUND 0x1.8p52 /* added and taken away, it leaves a whole number */
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define LEAST_EXPONENT -708.0 /* exp(x) is a normal number down to it */

/* exp(x) = (1 + tail) * power for x from -708 to 0. nan gives a tail that is nan.

   r = x - k log 2 lies within log(2)/2 of 0; log 2 is taken in two parts, of which the first times
   k is exact. The polynomial is (exp(r) - 1 - r) / r**2 through Chebyshev's points, off by at most
   1.3e-17 of exp(r). */
FUNCTION lanes ISA(split_exp)(lanes x, lanes *power)
{
    const lanes rounded = x * 0x1.71547652b82fep0 + ROUND, k = rounded - ROUND;
    const lanes r = (x - k * LN2_HIGH) - k * LN2_LOW, square = r * r;
    lanes q = 0x1.289185613a3d6p-22 + 0x1.af38a9b0ec855p-26 * r;
    q = (0x1.a019b90d2ae7ap-16 + 0x1.71de0dae63bb3p-19 * r) + square * q;
    q = (0x1.6c16c1788bd90p-10 + 0x1.a01a01a7c41d5p-13 * r) + square * q;
    q = (0x1.5555555553d63p-5 + 0x1.11111111109b3p-7 * r) + square * q;
    q = (0x1.0000000000001p-1 + 0x1.5555555555556p-3 * r) + square * q;
    *power = (lanes)((bits)(rounded + 1023.0) << 52); /* 2**k, by its exponent */
    return r + square * q;
}
#define split_exp ISA(split_exp)

/* exp(x) for x <= 0. Its error is below 1 ulp; 0 below x = -708. (tests/test_kernel.py) */
FUNCTION lanes ISA(exp)(lanes x)
{
    lanes power;
    const lanes tail = split_exp(x, &power);
    return where_less(x, all(LEAST_EXPONENT), all(0.0), (1.0 + tail) * power);
}
#define exp ISA(exp)

/* exp(x) - 1 for x <= 0, as exact as exp where x is small too. */
FUNCTION lanes ISA(expm1)(lanes x)
{
    lanes power;
    const lanes tail = split_exp(greater(all(LEAST_EXPONENT), x), &power);
    return (power - 1.0) + power * tail;
}
#define expm1 ISA(expm1)

/* log(x), by the method and with the numbers of fdlibm's e_log.c (Sun Microsystems 1993), whose
   error is below 1 ulp: x = 2**k (1 + f) with 1 + f from sqrt(1/2) to sqrt(2). */
FUNCTION lanes ISA(log)(lanes x)
{
    const lanes tiny = all(DBL_MIN), none = all(0.0);
    const lanes scaled = where_less(x, tiny, x * 0x1p54, x);
    /* the exponent, counted from sqrt(1/2) on, as a double by way of the bits of 2**52 */
    const bits from_root = (bits)scaled - (bits)all(0x1.6a09e667f3bcdp-1);
    const bits shift = (from_root + ((uint64_t)1023 << 52)) & ((uint64_t)0xfff << 52);
    lanes k = (lanes)((shift >> 52) | (bits)all(0x1p52)) - (0x1p52 + 1023.0);
    const lanes f = (lanes)((bits)scaled - (shift - ((uint64_t)1023 << 52))) - 1.0;
    k = where_less(x, tiny, k - 54.0, k);
    const lanes s = f / (2.0 + f), z = s * s, w = z * z, half = 0.5 * f * f;
    const lanes odd = z * (0x1.5555555555593p-1 + w * (0x1.2492494229359p-2 +
                           w * (0x1.7466496cb03dep-3 + w * 0x1.2f112df3e5244p-3)));
    const lanes even = w * (0x1.999999997fa04p-2 + w * (0x1.c71c51d8e78afp-3 +
                            w * 0x1.39a09d078c69fp-3));
    lanes y = k * LN2_HIGH - ((half - (s * (half + (odd + even)) + k * LN2_LOW)) - f);
    y = where_less(all(DBL_MAX), x, x, y); /* inf */
    const lanes below = where_less(x, none, none / none, -1.0 / (x * x)); /* -inf at 0, else nan */
    return where_less(none, x, y, below);
}
#define log ISA(log)

/* log(1 + x) for x >= -1: what 1 + x loses by rounding is given back to first order. */
FUNCTION lanes ISA(log1p)(lanes x)
{
    const lanes u = 1.0 + x, y = log(u);
    return where_less(all(0.0), u, y + (x - (u - 1.0)) / u, y);
}
#define log1p ISA(log1p)

/* --- activations: `hsig.networks.activations`, operation by operation --- */

FUNCTION lanes ISA(logistic)(lanes x)
{
    const lanes e = exp(-magnitude(x));
    return where_less(all(0.0), x, all(1.0), e) / (1.0 + e);
}
#define logistic ISA(logistic)

FUNCTION lanes ISA(softplus)(lanes x)
{
    return greater(all(0.0), x) + log1p(exp(-magnitude(x)));
}
#define softplus ISA(softplus)

FUNCTION lanes ISA(bounded)(lanes x, double low, double high)
{
    return lesser(all(high), greater(all(low), x));
}
#define bounded ISA(bounded)

FUNCTION lanes ISA(gelu_argument)(lanes x)
{
    const lanes b = bounded(x, -40.0, 40.0);
    return 0x1.9884533d43651p0 * (b + 0.044715 * (b * b * b));
}
#define gelu_argument ISA(gelu_argument)

FUNCTION lanes ISA(value)(const int kind, const activation *a, lanes x)
{
    switch (kind) {
    case LOGISTIC:
        return logistic(x);
    case CLIP:
        return bounded(a->slope * x + a->shift, a->low, a->high);
    case LEAKY: {
        const lanes line = a->slope * x + a->shift;
        const lanes above = a->high + a->leak * (line - a->high);
        const lanes below = a->low + a->leak * (line - a->low);
        return where_less(line, all(a->low), below, where_less(all(a->high), line, above, line));
    }
    case TANH: {
        const lanes e = expm1(-2.0 * magnitude(x));
        return with_sign_of(e / (2.0 + e), x);
    }
    case ULTRA_FAST: {
        const lanes h = 0.5 * x, size = lesser(all(3.0), magnitude(h));
        const lanes curve = 1.5 * size / (1.0 + size);
        const lanes line = 0.935409070603099 + 0.0458812946797165 * (size - 1.7);
        const lanes outer = where_less(size, all(3.0), line, all(0.99505475368673));
        const lanes y = 0.5 * (with_sign_of(where_less(size, all(1.7), curve, outer), h) + 1.0);
        return y + 0.0 * bounded(x, -1.0, 1.0); /* nan stays nan */
    }
    case ELU:
        return where_less(all(0.0), x, x, a->alpha * expm1(lesser(all(0.0), x)));
    case SOFTPLUS:
        return softplus(x);
    case SILU:
        return greater(all(-DBL_MAX), x) * logistic(x);
    case HARD_SILU:
        return greater(all(-DBL_MAX), x) * bounded(x / 6.0 + 0.5, 0.0, 1.0);
    default: /* GELU_TANH */
        return greater(all(-DBL_MAX), x) * logistic(gelu_argument(x));
    }
}
#define value ISA(value)

/* The slope at x, where the value is y: `Activation.derivative`. Where x is nan it may be any
   number: the value is nan there, and so is all that the slope is multiplied by. */
FUNCTION lanes ISA(derivative)(const int kind, const activation *a, lanes x, lanes y)
{
    switch (kind) {
    case LOGISTIC:
        return y * (1.0 - y);
    case CLIP:
    case LEAKY: {
        const lanes inside = all(a->inside), outside = all(a->outside);
        return where_less(x, all(a->start), outside,
                          where_less(all(a->stop), x, outside, inside));
    }
    case TANH:
        return 1.0 - y * y;
    case ULTRA_FAST: {
        const lanes size = lesser(all(3.0), 0.5 * magnitude(x)), wide = 1.0 + size;
        const lanes line = all(0.25 * 0.0458812946797165);
        const lanes outer = where_less(size, all(3.0), line, all(0.0));
        return where_less(size, all(1.7), 0.375 / (wide * wide), outer);
    }
    case ELU:
        return where_less(all(0.0), x, all(1.0), a->alpha * exp(lesser(all(0.0), x)));
    case SOFTPLUS:
        return logistic(x);
    case SILU: {
        const lanes s = logistic(x);
        return s + bounded(x, -DBL_MAX, DBL_MAX) * (s * (1.0 - s));
    }
    case HARD_SILU: {
        const lanes middle = where_less(x, all(3.0), x / 3.0 + 0.5, all(1.0));
        return where_less(all(-3.0), x, middle, all(0.0));
    }
    default: { /* GELU_TANH */
        const lanes s = logistic(gelu_argument(x)), b = bounded(x, -40.0, 40.0);
        const lanes inner = 0x1.9884533d43651p0 * (1.0 + 3.0 * 0.044715 * (b * b));
        return s + b * (s * (1.0 - s)) * inner;
    }
    }
}
#define derivative ISA(derivative)

/* The slope that training uses: `Activation.training_slope`. */
FUNCTION lanes ISA(training_slope)(const int kind, const int backward, const activation *a,
                                   lanes x, lanes y)
{
    switch (backward) {
    case OWN:
        return derivative(kind, a, x, y);
    case FROM_LOGISTIC:
        return derivative(LOGISTIC, a, x, logistic(x));
    case FROM_OUTPUT:
        return derivative(LOGISTIC, a, x, y);
    default: /* CONSTANT */
        return all(a->constant);
    }
}
#define training_slope ISA(training_slope)

/* --- losses: `hsig.networks.losses` --- */

/* The slope of a sample's loss in the output's pre-activation x, where the prediction is y. */
FUNCTION lanes ISA(output_delta)(const int loss, const int kind, const int backward,
                                 const activation *a, lanes x, lanes y, const double target)
{
    if (loss == BCE_OF_LOGIT)
        return y - target;
    const lanes slope = training_slope(kind, backward, a, x, y);
    if (loss == SQUARED)
        return 2.0 * (y - target) * slope;
    if (loss == BCE_NAIVE)
        return (-target / y + (1.0 - target) / (1.0 - y)) * slope;
    const lanes none = all(0.0);
    const lanes one = target > 0.0 ? -target / y : none;
    const lanes zero = target < 1.0 ? (1.0 - target) / (1.0 - y) : none;
    /* a slope of 0 teaches nothing; one that is nan stays */
    return where_less(none, magnitude(slope), (one + zero) * slope, slope);
}
#define output_delta ISA(output_delta)

/* What a sample's loss is, for the epoch that is printed. */
static TARGET __attribute__((noinline)) void ISA(print_loss)(
    const int loss, const double *pre_activation, const double *prediction, const double target,
    double *printed, const int count)
{
    const lanes x = load(pre_activation), y = load(prediction), none = all(0.0);
    lanes found;
    switch (loss) {
    case SQUARED:
        found = (y - target) * (y - target);
        break;
    case BCE:
        found = (target > 0.0 ? -target * log(y) : none) +
                (target < 1.0 ? -(1.0 - target) * log1p(-y) : none);
        break;
    case BCE_OF_LOGIT:
        found = target * softplus(-x) + (1.0 - target) * softplus(x);
        break;
    default: /* BCE_NAIVE */
        found = -(target * log(y) + (1.0 - target) * log(1.0 - y));
    }
    ISA(store)(printed, found, count);
}

/* --- the network and its training --- */

/* The output's pre-activation; what the hidden layer makes of a row is left in z and h.
   Weights: (inputs + 1) rows of hidden units, then hidden + 1 for the output; biases last. */
FUNCTION lanes ISA(forward)(const problem *p, const int inputs, const int hidden, const int kind,
                            const double *row, const lanes *weights, lanes *z, lanes *h)
{
    const lanes *output = weights + (inputs + 1) * hidden;
    for (int u = 0; u < hidden; u++) {
        lanes sum = row[0] * weights[u];
        for (int k = 1; k < inputs; k++)
            sum += row[k] * weights[k * hidden + u];
        z[u] = sum + weights[inputs * hidden + u];
        h[u] = value(kind, &p->hidden_activation, z[u]);
    }
    lanes sum = h[0] * output[0];
    for (int u = 1; u < hidden; u++)
        sum += h[u] * output[u];
    return sum + output[hidden];
}
#define forward ISA(forward)

/* Some seeds, a few vectors of them, held close while they are trained. */
typedef struct {
    lanes *weights[GROUP], *gradient[GROUP];
    int vectors;
    Py_ssize_t at[GROUP];   /* the first seed of each vector */
    int count[GROUP];       /* how many seeds it has */
    unsigned solved[GROUP], lost[GROUP], diverged[GROUP]; /* a bit for each lane */
    int last_wrong[GROUP];  /* a sample, not the first, that was wrong when it was looked at */
} ISA(block);
#define block ISA(block)

#define ALL_OF(count) ((1u << (count)) - 1)

/* Write the epoch down for some lanes. */
static void ISA(mark)(int64_t *epochs, unsigned which, long long epoch)
{
    for (int lane = 0; which >> lane; lane++)
        if (which >> lane & 1)
            epochs[lane] = epoch;
}

/* Which of the seeds that matter are right on all samples with the weights of the block, of which
   the first sample has been looked at. Once no seed is right, nothing more need be looked at. */
FUNCTION unsigned ISA(right_on_all)(const problem *p, const state *s, block *b, const int v,
                                    unsigned right, const int printing, lanes *z, lanes *h,
                                    const int inputs, const int hidden, const int kind,
                                    const int output_kind)
{
    int sample = b->last_wrong[v];
    for (int looked = 1; looked < p->samples && (right || printing); looked++) {
        const lanes x = forward(p, inputs, hidden, kind, p->rows + (size_t)sample * inputs,
                                b->weights[v], z, h);
        const lanes y = value(output_kind, &p->output_activation, x);
        right &= which_less(magnitude(y - p->targets[sample]), all(p->solved_within));
        if (printing)
            ISA(store)(s->predictions + sample * s->seeds + b->at[v], y, b->count[v]);
        if (!right)
            b->last_wrong[v] = sample;
        sample = sample + 1 < p->samples ? sample + 1 : 1;
    }
    return right;
}
#define right_on_all ISA(right_on_all)

/* The seeds whose being right can still change `solved_at` or `lost_at`. */
FUNCTION unsigned ISA(watched)(const block *b, const int v)
{
    return ALL_OF(b->count[v]) & ~b->diverged[v] & ~(b->solved[v] & b->lost[v]);
}
#define watched ISA(watched)

/* Write down which seeds are solved with the weights that an epoch began with, or are no more. */
FUNCTION void ISA(write_down)(const state *s, block *b, const int v, const unsigned right,
                              const long long epoch)
{
    const unsigned newly_lost = b->solved[v] & ~right & ~b->lost[v];
    const unsigned newly_solved = right & ~b->solved[v];
    if (newly_lost | newly_solved) {
        ISA(mark)(s->lost_at + b->at[v], newly_lost, epoch);
        ISA(mark)(s->solved_at + b->at[v], newly_solved, epoch);
        b->lost[v] |= newly_lost, b->solved[v] |= newly_solved;
    }
}
#define write_down ISA(write_down)

/* What differs between the networks for which the code below is compiled. */
#define SHAPE                                                                                     \
    const int inputs, const int hidden, const int kind, const int backward,                       \
        const int output_kind, const int output_backward, const int loss

/* Train a block for all epochs. Called with constants, it is compiled for just these. */
FUNCTION void ISA(train_block)(const problem *of, const state *s, block *b, lanes *z, lanes *h,
                               lanes *other_z, lanes *other_h, SHAPE)
{
    const problem here = *of, *p = &here; /* where no store can change it */
    const int size = (inputs + 1) * hidden + hidden + 1, batch = p->update == BATCH;
    for (long long epoch = s->epoch; epoch < s->epoch + s->epochs; epoch++) {
        const int printing = epoch == s->epoch;
        unsigned right[GROUP] = {0};
        for (int sample = 0; sample < p->samples; sample++)
            for (int v = 0; v < b->vectors; v++) {
                const double *row = p->rows + (size_t)sample * inputs, target = p->targets[sample];
                lanes *weights = b->weights[v], *output = weights + (inputs + 1) * hidden;

                const lanes x = forward(p, inputs, hidden, kind, row, weights, z, h);
                const lanes y = value(output_kind, &p->output_activation, x);
                if (sample == 0 || batch) { /* the weights are still those of the beginning */
                    right[v] = (sample == 0 ? watched(b, v) : right[v]) &
                               which_less(magnitude(y - target), all(p->solved_within));
                    if (printing)
                        ISA(store)(s->predictions + sample * s->seeds + b->at[v], y, b->count[v]);
                    if (!batch)
                        right[v] = right_on_all(p, s, b, v, right[v], printing, other_z, other_h,
                                                inputs, hidden, kind, output_kind);
                    if (!batch || sample + 1 == p->samples)
                        write_down(s, b, v, right[v], epoch);
                }
                if (printing)
                    ISA(print_loss)(p->printed, (double *)&x, (double *)&y, target,
                                    s->losses + sample * s->seeds + b->at[v], b->count[v]);

                const lanes delta = output_delta(loss, output_kind, output_backward,
                                                 &p->output_activation, x, y, target);
                for (int u = 0; u < hidden; u++) /* z becomes the slope of the loss in it */
                    z[u] = delta * output[u] *
                           training_slope(kind, backward, &p->hidden_activation, z[u], h[u]);

                if (!batch) {
                    for (int u = 0; u < hidden; u++) {
                        for (int k = 0; k < inputs; k++)
                            weights[k * hidden + u] -= p->rate * (row[k] * z[u]);
                        weights[inputs * hidden + u] -= p->rate * z[u];
                        output[u] -= p->rate * (h[u] * delta);
                    }
                    output[hidden] -= p->rate * delta;
                    continue;
                }
                lanes *sum = b->gradient[v], *of_output = sum + (inputs + 1) * hidden;
#define ADD(total, term) total = sample == 0 ? (term) : total + (term)
                for (int u = 0; u < hidden; u++) {
                    for (int k = 0; k < inputs; k++)
                        ADD(sum[k * hidden + u], row[k] * z[u]);
                    ADD(sum[inputs * hidden + u], z[u]);
                    ADD(of_output[u], h[u] * delta);
                }
                ADD(of_output[hidden], delta);
#undef ADD
                if (sample + 1 == p->samples)
                    for (int i = 0; i < size; i++)
                        weights[i] -= p->rate * (sum[i] / (double)p->samples);
            }

        for (int v = 0; v < b->vectors; v++) {
            lanes check = all(0.0); /* 0 times what is not finite is nan */
            for (int i = 0; i < size; i++)
                check += 0.0 * b->weights[v][i];
            const unsigned broken = ALL_OF(b->count[v]) & ~which_less(check, all(1.0));
            if (broken & ~b->diverged[v]) {
                ISA(mark)(s->diverged_at + b->at[v], broken & ~b->diverged[v], epoch);
                b->diverged[v] |= broken;
            }
        }
    }
}
#define train_block ISA(train_block)

/* The question's network, 2-3-1, with what is most used in it: all in registers. */
#define SPECIAL(name, kind, output_kind, loss)                                                    \
    static TARGET __attribute__((noinline)) void ISA(name)(const problem *p, const state *s,      \
                                                           block *b)                              \
    {                                                                                             \
        lanes z[3], h[3], other_z[3], other_h[3];                                                 \
        train_block(p, s, b, z, h, other_z, other_h, 2, 3, kind, OWN, output_kind, OWN, loss);                      \
    }
SPECIAL(clip_squared, CLIP, CLIP, SQUARED)
SPECIAL(clip_bce, CLIP, CLIP, BCE)
SPECIAL(logistic_squared, LOGISTIC, LOGISTIC, SQUARED)
SPECIAL(logistic_bce, LOGISTIC, LOGISTIC, BCE_OF_LOGIT)
SPECIAL(relu_bce, CLIP, LOGISTIC, BCE_OF_LOGIT)

static TARGET __attribute__((noinline)) void ISA(any)(const problem *p, const state *s, block *b,
                                                      lanes *z, lanes *h)
{
    lanes *other_z = h + p->hidden, *other_h = other_z + p->hidden;
    train_block(p, s, b, z, h, other_z, other_h, p->inputs, p->hidden, p->hidden_activation.kind,
                p->hidden_activation.backward, p->output_activation.kind,
                p->output_activation.backward, p->loss);
}

static TARGET void ISA(choose)(const problem *p, const state *s, block *b, lanes *z, lanes *h)
{
    const activation *in = &p->hidden_activation, *out = &p->output_activation;
    const int question = p->inputs == 2 && p->hidden == 3 && in->backward == OWN &&
                         out->backward == OWN;
    if (question && in->kind == CLIP && out->kind == CLIP && p->loss == SQUARED)
        ISA(clip_squared)(p, s, b);
    else if (question && in->kind == CLIP && out->kind == CLIP && p->loss == BCE)
        ISA(clip_bce)(p, s, b);
    else if (question && in->kind == LOGISTIC && out->kind == LOGISTIC && p->loss == SQUARED)
        ISA(logistic_squared)(p, s, b);
    else if (question && in->kind == LOGISTIC && p->loss == BCE_OF_LOGIT)
        ISA(logistic_bce)(p, s, b);
    else if (question && in->kind == CLIP && p->loss == BCE_OF_LOGIT)
        ISA(relu_bce)(p, s, b);
    else
        ISA(any)(p, s, b, z, h);
}

/* Train the seeds from first to last, block by block. -1 if there is no memory. */
static TARGET int ISA(train)(const problem *p, const state *s, Py_ssize_t first, Py_ssize_t last)
{
    const size_t size = weights_of(p);
    const int most = size * GROUP * sizeof(lanes) <= NEAREST_CACHE ? GROUP : 1;
    const size_t needed = (2 * most * size + 4 * (size_t)p->hidden) * sizeof(lanes);
    char *memory = malloc(needed + ALIGNMENT);
    if (memory == NULL)
        return -1;
    lanes *next = (lanes *)(memory + ALIGNMENT - (uintptr_t)memory % ALIGNMENT);
    block b;
    for (int v = 0; v < most; v++, next += 2 * size)
        b.weights[v] = next, b.gradient[v] = next + size;
    lanes *z = next, *h = z + p->hidden;

    while (first < last) {
        for (b.vectors = 0; b.vectors < most && first < last; b.vectors++) {
            const int v = b.vectors, count = last - first < LANES ? (int)(last - first) : LANES;
            b.at[v] = first, b.count[v] = count, b.last_wrong[v] = p->samples > 1;
            b.solved[v] = b.lost[v] = b.diverged[v] = 0;
            for (int lane = 0; lane < count; lane++) {
                b.solved[v] |= (unsigned)(s->solved_at[first + lane] >= 0) << lane;
                b.lost[v] |= (unsigned)(s->lost_at[first + lane] >= 0) << lane;
                b.diverged[v] |= (unsigned)(s->diverged_at[first + lane] >= 0) << lane;
            }
            first += count;
        }
        for (int v = 0; v < b.vectors; v++)
            for (size_t i = 0; i < size; i++)
                memcpy(memset(&b.weights[v][i], 0, sizeof(lanes)), weight(p, s, i) + b.at[v],
                       (size_t)b.count[v] * sizeof(double));
        ISA(choose)(p, s, &b, z, h);
        for (int v = 0; v < b.vectors; v++)
            for (size_t i = 0; i < size; i++)
                memcpy(weight(p, s, i) + b.at[v], &b.weights[v][i],
                       (size_t)b.count[v] * sizeof(double));
    }
    free(memory);
    return 0;
}
#endif
