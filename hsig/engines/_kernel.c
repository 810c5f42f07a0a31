/* Gradient descent on many small networks at once: `hsig.engines.compiled` in C.

   The lanes of a vector hold seeds, 8, 4 or 2 at a time, or, of few seeds with many units, the
   units of a layer; never that over which a sum runs. All is done in the order of
   `hsig.engines.reference`, without fused multiply-adds and reordered sums (-ffp-contract=off, no
   fast-math), so a seed has the same bits in either layout, in any lane, beside any others, and with
   any instruction set.

   The second half of this file, the kernel, is compiled once for each instruction set: the first
   half includes it with LANES, TARGET and ISA(name) defined, and chooses at run time. Elementary
   functions are in `_kernel_functions.h`, what runs a formula is in `_kernel_programs.h`. */

#ifndef LANES

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <fenv.h>
#include <float.h>
#include <stddef.h>
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

/* What the kernel has: the kinds of activations, the slopes in training (`backward`), the
   functions of losses and the optimizers, each by its name in hsig. The code of a name is its
   place. */
#define ACTIVATIONS(EACH)                                                                          \
    EACH(LOGISTIC, "logistic") EACH(CLIP, "clipped line") EACH(PROGRAM, "program")                 \
    EACH(SOFTMAX, "softmax")
#define BACKWARDS(EACH)                                                                            \
    EACH(OWN, "own") EACH(FROM_LOGISTIC, "logistic") EACH(FROM_OUTPUT, "output")                   \
    EACH(CONSTANT, "straight_through")
#define LOSSES(EACH)                                                                               \
    EACH(SQUARED, "squared") EACH(BCE, "bce") EACH(BCE_OF_LOGIT, "bce_of_logit")                   \
    EACH(BCE_NAIVE, "bce_naive") EACH(CROSS_ENTROPY, "cross_entropy_of_logit")
#define OPTIMIZERS(EACH)                                                                           \
    EACH(SGD, "sgd") EACH(MOMENTUM, "momentum") EACH(NESTEROV, "nesterov")                         \
    EACH(RMSPROP, "rmsprop") EACH(ADAM, "adam") EACH(ADAMW, "adamw")

#include "_kernel_functions.h"
#include "_kernel_programs.h"

#define CODE(code, name) code,
#define NAME(code, name) name,
enum { ACTIVATIONS(CODE) LEAKY }; /* LEAKY is a CLIP whose leak is not 0 */
enum { BACKWARDS(CODE) SLOPES };
enum { LOSSES(CODE) NO_LOSS };
enum { OPTIMIZERS(CODE) NO_OPTIMIZER };

enum { GROUP = 4, MOST_VECTORS = 16, MOST_LAYERS = 16, ALIGNMENT = 64, NEAREST_CACHE = 24 * 1024,
       MOST_WIDTH = 1 << 20, MOST_ROWS = 1 << 30, LOSSES_TOO = 2 };

typedef struct {
    int kind, backward;
    double constant;                      /* the slope of CONSTANT */
    double slope, shift, low, high, leak; /* of CLIP and LEAKY: see `ClippedLine` */
    double start, stop, inside, outside;  /* their slope: `inside` from start to stop, closed */
    const program *program;               /* of PROGRAM; else NULL */
} activation;

/* Weights of a layer: fan_in rows of `width`, and one more if it has a bias. */
typedef struct {
    int fan_in, width, bias;
    activation activation;
} layer;

typedef struct {
    int layers, samples, batch; /* batch: rows of a step */
    int shuffled, stop_solved, stop_by_loss, optimizer;
    int loss;    /* whose slope is descended */
    int printed; /* whose value is printed; of a logistic output it may be BCE_OF_LOGIT alone */
    double rate, solved_within, stop_loss, decay, clip, settings[3];
    const double *rows, *targets; /* (samples, inputs), (samples, outputs) */
    layer layer[MOST_LAYERS];     /* the output's last */
} problem;

/* Arrays with seeds last; those of `Progress`. */
typedef struct {
    Py_ssize_t seeds;
    long long epoch, epochs;
    double *weights, *memory; /* all layers, one after the other; all parts of the memory */
    const int64_t *numbers;   /* of the seeds */
    int64_t *solved_at, *lost_at, *diverged_at, *stopped_at;
    double *predictions, *losses; /* (samples, outputs, seeds), (samples, seeds); first epoch */
} state;

static int inputs_of(const problem *p) { return p->layer[0].fan_in; }
static const layer *output_of(const problem *p) { return &p->layer[p->layers - 1]; }

/* The weights of a seed. */
static size_t size_of(const problem *p)
{
    size_t size = 0;
    for (int l = 0; l < p->layers; l++)
        size += (size_t)(p->layer[l].fan_in + p->layer[l].bias) * (size_t)p->layer[l].width;
    return size;
}

/* How many numbers like the weights an optimizer remembers, and how many powers of a setting. */
static int means_of(int optimizer) { return optimizer >= ADAM ? 2 : optimizer != SGD; }
static int powers_of(int optimizer) { return optimizer >= ADAM ? 2 : 0; }

/* Whether a step is the rate times the gradient of one row: nothing need be added up. */
static int is_direct(const problem *p)
{
    return p->batch == 1 && p->optimizer == SGD && p->decay == 0.0 && p->clip > DBL_MAX;
}

/* The order of the rows for a seed in an epoch: `hsig.engines.order.shuffle`. */
static uint64_t mixed(uint64_t number)
{
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

static void shuffle(int64_t seed, long long epoch, int rows, int32_t *order, int by)
{
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    uint64_t key = mixed(mixed((uint64_t)seed + golden) + (uint64_t)epoch);
    for (int row = 0; row < rows; row++)
        order[(size_t)row * by] = row;
    for (int last = rows - 1; last > 0; last--) {
        key += golden;
        const size_t other = (size_t)((mixed(key) >> 32) * (uint64_t)(last + 1) >> 32) * by;
        const size_t at = (size_t)last * by;
        const int32_t row = order[at];
        order[at] = order[other], order[other] = row;
    }
}

#define ALL_OF(count) ((1u << (count)) - 1)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

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

typedef int trainer(const problem *, const state *, Py_ssize_t first, Py_ssize_t last);

typedef struct {
    const char *name;
    int lanes;
    trainer *seeds, *units; /* what trains with these in lanes */
} path;

/* The paths that this processor can take, the fastest first, and how many they are. */
static int find_paths(path *found)
{
    int count = 0;
#if defined __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        found[count++] = (path){"avx512", 8, seeds_avx512, units_avx512};
    if (__builtin_cpu_supports("avx2"))
        found[count++] = (path){"avx2", 4, seeds_avx2, units_avx2};
#endif
    found[count++] = (path){"baseline", 2, seeds_baseline, units_baseline};
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

/* States: the seeds' weights, memory and MARKS, one of them for each stride. */
enum { STATES, NUMBERS, PREDICTIONS, PRINTED, ROWS, TARGETS, SIZES, ACTIVATION_FIELDS, SETTINGS,
       BUFFERS };
enum { FIELDS = 12 /* of an activation */, LAYER_NUMBERS = 3, NUMBERS_OF_PROBLEM = 8,
       MARKS = 4 };

static activation activation_of(const double *x, const program *p)
{
    const int kind = x[0] == CLIP && x[7] != 0.0 ? LEAKY : (int)x[0];
    return (activation){kind, (int)x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10],
                        x[11], p};
}

static int is_known(const activation *a)
{
    return a->kind >= 0 && a->kind <= LEAKY && a->backward >= 0 && a->backward < SLOPES &&
           (a->kind == PROGRAM) == (a->program != NULL);
}

/* The numbers of a seed in a state. */
static size_t rows_of_state(const problem *p)
{
    return (1 + (size_t)means_of(p->optimizer)) * size_of(p) + powers_of(p->optimizer) + MARKS;
}

/* Train the seeds from first to last for some strides, each from where the one before ended. */
static int stride(trainer *train, const problem *p, state s, const Py_buffer *b, long long strides,
                  Py_ssize_t first, Py_ssize_t last)
{
    const size_t rows = rows_of_state(p), samples = (size_t)p->samples, seeds = (size_t)s.seeds;
    double *now = b[STATES].buf, *before = NULL;
    s.predictions = b[PREDICTIONS].buf, s.losses = b[PRINTED].buf;
    for (long long done = 0; done < strides; done++) {
        for (size_t row = 0; before != NULL && row < rows; row++)
            memcpy(now + row * seeds + first, before + row * seeds + first,
                   (size_t)(last - first) * sizeof(double));
        int64_t *marks = (int64_t *)(now + (rows - MARKS) * seeds);
        s.weights = now, s.memory = now + size_of(p) * seeds;
        s.solved_at = marks, s.lost_at = marks + seeds;
        s.diverged_at = marks + 2 * seeds, s.stopped_at = marks + 3 * seeds;
        if (train(p, &s, first, last) < 0)
            return -1;
        s.predictions += samples * (size_t)output_of(p)->width * seeds;
        s.losses += samples * seeds;
        s.epoch += s.epochs;
        before = now, now += rows * seeds;
    }
    return 0;
}

/* Whether every buffer has the size that the others say it must have, at an address for doubles:
   nothing is read beyond. */
static int fits(const problem *p, const state *s, long long strides, const Py_buffer *b)
{
    if (p->samples < 1 || p->samples > MOST_ROWS || p->batch < 1 || p->batch > p->samples ||
        s->seeds < 1 || s->epochs < 0 || s->epoch < 0 || strides < 1 ||
        s->epochs > (INT64_MAX - s->epoch) / strides)
        return 0;
    for (int l = 0; l < p->layers; l++) {
        const layer *here = &p->layer[l];
        if (here->fan_in < 1 || here->width < 1 || here->fan_in > MOST_WIDTH ||
            here->width > MOST_WIDTH || here->bias < 0 || here->bias > 1 ||
            (l > 0 && here->fan_in != here[-1].width))
            return 0;
    }
    /* as doubles, which do not overflow, and are exact as far as memory goes */
    const double samples = p->samples, seeds = (double)s->seeds;
    const double printed = (double)strides * samples * seeds;
    const double numbers[BUFFERS] = {
        [STATES] = (double)strides * rows_of_state(p) * seeds, [NUMBERS] = seeds,
        [PREDICTIONS] = printed * output_of(p)->width, [PRINTED] = printed,
        [ROWS] = samples * inputs_of(p), [TARGETS] = samples * output_of(p)->width,
        [SIZES] = (double)b[SIZES].len / 8, [ACTIVATION_FIELDS] = FIELDS * p->layers,
        [SETTINGS] = NUMBERS_OF_PROBLEM,
    };
    for (int i = 0; i < BUFFERS; i++)
        if ((double)b[i].len != numbers[i] * 8 || (uintptr_t)b[i].buf % sizeof(double))
            return 0;
    return 1;
}

/* Read the layers but for their activations' programs. 0 if they are none. */
static int read_layers(problem *p, const Py_buffer *sizes, const Py_buffer *fields)
{
    const Py_ssize_t each = LAYER_NUMBERS * sizeof(int64_t), layers = sizes->len / each;
    if (layers < 1 || layers > MOST_LAYERS || sizes->len % each ||
        fields->len != layers * FIELDS * (Py_ssize_t)sizeof(double))
        return 0;
    p->layers = (int)layers;
    for (int l = 0; l < p->layers; l++) {
        int64_t numbers[LAYER_NUMBERS];
        memcpy(numbers, (const char *)sizes->buf + l * each, (size_t)each);
        for (int i = 0; i < LAYER_NUMBERS; i++)
            if (numbers[i] < 0 || numbers[i] > MOST_WIDTH)
                return 0;
        double x[FIELDS];
        memcpy(x, (const double *)fields->buf + (size_t)l * FIELDS, sizeof x);
        for (int i = 0; i < 2; i++)
            if (!(x[i] >= 0.0 && x[i] < 100.0))
                return 0;
        p->layer[l] = (layer){(int)numbers[0], (int)numbers[1], (int)numbers[2],
                              activation_of(x, NULL)};
    }
    return 1;
}

/* Give the layers their programs, from a tuple with code and constants of each, which must stay.
   0 after an error, which may be Python's. */
static int read_programs(problem *p, PyObject *programs, Py_buffer (*held)[2], program **owned)
{
    if (!PyTuple_Check(programs) || PyTuple_Size(programs) != p->layers)
        return 0;
    for (int l = 0; l < p->layers; l++) {
        PyObject *both = PyTuple_GetItem(programs, l);
        if (!PyTuple_Check(both) || PyTuple_Size(both) != 2)
            return 0;
        for (int i = 0; i < 2; i++)
            if (PyObject_GetBuffer(PyTuple_GetItem(both, i), &held[l][i], PyBUF_SIMPLE) < 0)
                return 0;
        int wrong = 0;
        p->layer[l].activation.program = owned[l] = program_of(&held[l][0], &held[l][1], &wrong);
        if (wrong || PyErr_Occurred() || !is_known(&p->layer[l].activation))
            return 0;
    }
    return 1;
}

static PyObject *advance(PyObject *self, PyObject *arguments)
{
    (void)self;
    const char *name, *problem_is = NULL;
    Py_buffer b[BUFFERS], held[MOST_LAYERS][2] = {{{0}}};
    PyObject *programs;
    program *owned[MOST_LAYERS] = {NULL};
    problem p;
    state s;
    Py_ssize_t first, last;
    long long strides;
    int units;
    if (!PyArg_ParseTuple(arguments, "sw*y*w*w*y*y*y*y*y*O!iiiiiiiiinLLLnn", &name,
                          &b[STATES], &b[NUMBERS], &b[PREDICTIONS], &b[PRINTED], &b[ROWS],
                          &b[TARGETS], &b[SIZES], &b[ACTIVATION_FIELDS], &b[SETTINGS],
                          &PyTuple_Type, &programs, &units, &p.samples, &p.batch, &p.shuffled,
                          &p.stop_solved, &p.stop_by_loss, &p.optimizer, &p.loss, &p.printed,
                          &s.seeds, &s.epoch, &s.epochs, &strides, &first, &last))
        return NULL;
    path found[3], *chosen = NULL;
    for (int i = find_paths(found) - 1; i >= 0; i--)
        if (strcmp(found[i].name, name) == 0)
            chosen = &found[i];
    int done = -1;
    if (chosen == NULL)
        problem_is = "this processor has no such path";
    else if (p.loss < 0 || p.loss >= NO_LOSS || p.printed < 0 || p.printed >= NO_LOSS ||
             p.optimizer < 0 || p.optimizer >= NO_OPTIMIZER)
        problem_is = "an unknown loss or optimizer";
    else if (!read_layers(&p, &b[SIZES], &b[ACTIVATION_FIELDS]) || !fits(&p, &s, strides, b) ||
             first < 0 || first > last || last > s.seeds)
        problem_is = "the sizes of the arrays do not go together";
    else if (!read_programs(&p, programs, held, owned))
        problem_is = "an unknown activation or slope, or not a program, or one that is too large";
    else {
        const double *x = b[SETTINGS].buf;
        p.rate = x[0], p.solved_within = x[1], p.stop_loss = x[2], p.decay = x[3], p.clip = x[4];
        memcpy(p.settings, x + 5, sizeof p.settings);
        p.rows = b[ROWS].buf, p.targets = b[TARGETS].buf, s.numbers = b[NUMBERS].buf;
        fenv_t before; /* another library may have chosen to round or to flush differently */
        Py_BEGIN_ALLOW_THREADS
        fegetenv(&before);
        fesetenv(FE_DFL_ENV);
        done = stride(units ? chosen->units : chosen->seeds, &p, s, b, strides, first, last);
        fesetenv(&before);
        Py_END_ALLOW_THREADS
        if (done < 0)
            PyErr_NoMemory();
    }
    if (problem_is != NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, problem_is);
    for (int l = 0; l < MOST_LAYERS; l++) {
        PyMem_Free(owned[l]);
        for (int i = 0; i < 2; i++)
            if (held[l][i].obj != NULL)
                PyBuffer_Release(&held[l][i]);
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

/* The operations of programs, each with how many operands it takes. */
static int add_operations(PyObject *self)
{
#define OPERATION_NAME(code, name, arity) name,
    static const char *const names[] = {OPERATIONS(OPERATION_NAME)};
    PyObject *all = PyTuple_New(NO_OPERATION);
    for (Py_ssize_t i = 0; all != NULL && i < NO_OPERATION; i++)
        PyTuple_SetItem(all, i, Py_BuildValue("(si)", names[i], arities[i]));
    const int done = PyModule_AddObjectRef(self, "operations", all);
    Py_XDECREF(all);
    return done;
}

/* What it has, and of which numerics it is (see `hsig.engines.engine.NUMERICS`). */
static int tell(PyObject *self)
{
#define ADD_NAMES(table, LIST)                                                                     \
    add_names(self, table, (const char *const[]){LIST(NAME)},                                      \
              sizeof (const char *const[]){LIST(NAME)} / sizeof(char *))
    return PyModule_AddIntConstant(self, "numerics", NUMERICS) < 0 ||
                   PyModule_AddIntConstant(self, "max_layers", MOST_LAYERS) < 0 ||
                   ADD_NAMES("activations", ACTIVATIONS) < 0 ||
                   ADD_NAMES("backwards", BACKWARDS) < 0 || ADD_NAMES("losses", LOSSES) < 0 ||
                   ADD_NAMES("optimizers", OPTIMIZERS) < 0 || add_operations(self) < 0
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

#include "_kernel_functions.h"
#include "_kernel_programs.h"

/* --- activations: `hsig.activations`, operation by operation --- */

FUNCTION lanes ISA(bounded)(lanes x, double low, double high)
{
    return lesser(all(high), greater(all(low), x));
}
#define bounded ISA(bounded)

FUNCTION lanes ISA(value)(const int kind, const activation *a, lanes x)
{
    switch (kind) {
    case LOGISTIC:
        return logistic(x);
    case CLIP:
        return bounded(a->slope * x + a->shift, a->low, a->high);
    default: { /* LEAKY */
        const lanes line = a->slope * x + a->shift;
        const lanes above = a->high + a->leak * (line - a->high);
        const lanes below = a->low + a->leak * (line - a->low);
        return where_less(line, all(a->low), below, where_less(all(a->high), line, above, line));
    }
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
    default: { /* CLIP, LEAKY */
        const lanes inside = all(a->inside), outside = all(a->outside);
        return where_less(x, all(a->start), outside,
                          where_less(all(a->stop), x, outside, inside));
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

/* The slope of a loss in the output's pre-activation, where the prediction is y and the slope of
   the output's activation is as given; with BCE_OF_LOGIT and CROSS_ENTROPY it is not asked for.
   `sides`: whether some target is above 0 (1), and some below 1 (2). */
FUNCTION lanes ISA(output_delta)(const int loss, lanes slope, lanes y, lanes target,
                                 const int sides)
{
    if (loss == BCE_OF_LOGIT || loss == CROSS_ENTROPY)
        return y - target;
    if (loss == SQUARED)
        return 2.0 * (y - target) * slope;
    if (loss == BCE_NAIVE)
        return (-target / y + (1.0 - target) / (1.0 - y)) * slope;
    const lanes none = all(0.0);
    lanes one = none, zero = none;
    if (sides & 1)
        one = sides == 1 ? -target / y : where_less(none, target, -target / y, none);
    if (sides & 2)
        zero = sides == 2 ? (1.0 - target) / (1.0 - y)
                          : where_less(target, all(1.0), (1.0 - target) / (1.0 - y), none);
    /* a slope of 0 teaches nothing, unless the prediction is nan; one that is nan stays */
    return where_less(none, magnitude(slope), (one + zero) * slope, slope * y);
}
#define output_delta ISA(output_delta)

/* What a loss is, of pre-activations x and predictions y. */
static TARGET __attribute__((noinline)) void ISA(lose)(const int loss, const lanes *x,
                                                       const lanes *y, const lanes *target,
                                                       lanes *lost)
{
    const lanes none = all(0.0), one = all(1.0), t = *target;
    switch (loss) {
    case SQUARED:
        *lost = (*y - t) * (*y - t);
        break;
    case BCE:
        *lost = where_less(none, t, -t * log(*y), none) +
                where_less(t, one, -(1.0 - t) * log1p(-*y), none);
        break;
    case BCE_OF_LOGIT:
        *lost = t * softplus(-*x) + (1.0 - t) * softplus(*x);
        break;
    case CROSS_ENTROPY: /* x is the logarithm of y */
        *lost = where_less(none, t, -t * *x, none);
        break;
    default: /* BCE_NAIVE */
        *lost = -(t * log(*y) + (1.0 - t) * log(1.0 - *y));
    }
}

/* --- sums --- */

/* In what follows `wide` says what lanes hold: seeds (0), where a number of a seed is a vector and
   items are vectors of seeds, each with its own weights; or units (1), where items are rows, a
   number is a double, and the units of a layer are vectors, the last filled up with zeros. */

FUNCTION lanes ISA(element)(const int wide, const double *from, const ptrdiff_t number)
{
    return wide ? all(from[number]) : *(const lanes *)(from + number * LANES);
}
#define element ISA(element)

/* Where a sum of products takes its numbers: from one item to the next, and from one term to the
   next (or, of b, from one sum to the next). Those of a are of numbers, the others of vectors. */
typedef struct {
    ptrdiff_t a_item, a_term, b_term, b_sum, to_item;
} ISA(strides);
#define strides ISA(strides)

/* to[sum] = a[0] * b[0] + a[1] * b[1] + ..., + bias, for some items and some sums at once; if
   adding, it begins with what is there. */
FUNCTION void ISA(some_sums)(const int wide, const int items, const int sums, const strides *by,
                             const int terms, const double *a, const lanes *b, const lanes *bias,
                             const int adding, lanes *to)
{
    lanes sum[8];
    UNROLL for (int i = 0; i < items; i++)
        UNROLL for (int j = 0; j < sums; j++) {
            const lanes term = element(wide, a, i * by->a_item) * b[j * by->b_sum];
            sum[i * sums + j] = adding ? to[i * by->to_item + j] + term : term;
        }
    for (int k = 1; k < terms; k++)
        UNROLL for (int i = 0; i < items; i++) {
            const lanes number = element(wide, a, i * by->a_item + k * by->a_term);
            UNROLL for (int j = 0; j < sums; j++)
                sum[i * sums + j] += number * b[k * by->b_term + j * by->b_sum];
        }
    UNROLL for (int i = 0; i < items; i++)
        UNROLL for (int j = 0; j < sums; j++)
            to[i * by->to_item + j] =
                bias == NULL ? sum[i * sums + j] : sum[i * sums + j] + bias[j];
}
#define some_sums ISA(some_sums)

/* The same for any number of items, which share b and bias, and of sums. */
FUNCTION void ISA(all_sums)(const int wide, const int items, const int sums, const strides *by,
                            const int terms, const double *a, const lanes *b, const lanes *bias,
                            const int adding, lanes *to)
{
    int j = 0;
#define BLOCK(few, each)                                                                          \
    for (; j + each <= sums; j += each) {                                                         \
        const lanes *of_sum = b + j * by->b_sum, *its_bias = bias == NULL ? NULL : bias + j;      \
        int i = 0;                                                                                \
        for (; wide && i + few <= items; i += few)                                                \
            some_sums(wide, few, each, by, terms, a + i * by->a_item, of_sum, its_bias, adding,   \
                      to + i * by->to_item + j);                                                  \
        for (; i < items; i++)                                                                    \
            some_sums(wide, 1, each, by, terms, a + i * by->a_item, of_sum, its_bias, adding,     \
                      to + i * by->to_item + j);                                                  \
    }
    BLOCK(1, 8)
    BLOCK(2, 4)
    if (__builtin_constant_p(sums) && sums == 3) {
        BLOCK(1, 3)
    }
    BLOCK(4, 2)
    BLOCK(8, 1)
#undef BLOCK
}
#define all_sums ISA(all_sums)

/* --- the network --- */

/* What is trained together: a few vectors of seeds, or one seed; close by while it is. */
typedef struct {
    int vectors;
    lanes *weights[MOST_VECTORS], *gradient[MOST_VECTORS], *memory[MOST_VECTORS];
    lanes *turned[MOST_LAYERS];   /* with units in lanes: the layers but the first, transposed */
    lanes *valid[MOST_LAYERS];    /* with units in lanes: which lanes of a row's last vector are */
    int32_t *order[MOST_VECTORS]; /* of the rows in this epoch, lane by lane; NULL if it is fixed */
    Py_ssize_t at[MOST_VECTORS];  /* the first seed of each vector */
    int count[MOST_VECTORS];      /* how many seeds it has */
    unsigned solved[MOST_VECTORS], lost[MOST_VECTORS], diverged[MOST_VECTORS],
        stopped[MOST_VECTORS];    /* bits for lanes */
    int last_wrong[MOST_VECTORS]; /* a sample that was wrong when looked at */
} ISA(block);
#define block ISA(block)

/* For each layer what runs its activation if it is a program, and room for the numbers of some
   items: pre-activations, values, and slopes, which become those of the loss. */
typedef struct ISA(desk) {
    runner run[MOST_LAYERS];
    lanes *inputs, *targets, *losses;
    lanes *z[MOST_LAYERS], *h[MOST_LAYERS], *delta[MOST_LAYERS];
    int items; /* for so many */
    struct ISA(desk) *aside; /* where rows are looked at in between, and results are shown */
} ISA(desk);
#define desk ISA(desk)

/* What is known of a network where code is compiled for it; -1 and NULL if it is not. */
typedef struct {
    int layers, hidden_kind, output_kind, loss;
    const int *sizes; /* inputs, units, outputs; all layers have a bias, and their own slope */
    int in_order;     /* whether the rows are not shuffled */
} ISA(known);
#define known ISA(known)

/* Whether all items of a block see the rows in their own order. */
FUNCTION int ISA(in_order)(const block *b, const known k, const int v)
{
    return k.in_order || b->order[v] == NULL;
}
#define in_order ISA(in_order)

FUNCTION int ISA(layers_of)(const problem *p, const known k)
{
    return k.layers > 0 ? k.layers : p->layers;
}
#define layers_of ISA(layers_of)

FUNCTION int ISA(loss_of)(const problem *p, const known k)
{
    return k.layers > 0 ? k.loss : p->loss;
}
#define loss_of ISA(loss_of)

FUNCTION int ISA(fan_in)(const problem *p, const known k, const int l)
{
    return k.sizes != NULL ? k.sizes[l] : p->layer[l].fan_in;
}
FUNCTION int ISA(width)(const problem *p, const known k, const int l)
{
    return k.sizes != NULL ? k.sizes[l + 1] : p->layer[l].width;
}
#define fan_in_of ISA(fan_in)
#define width_of ISA(width)

/* How many vectors so many units take. */
FUNCTION int ISA(vectors_of)(const int wide, const int units)
{
    return wide ? (units + LANES - 1) / LANES : units;
}
#define vectors_of ISA(vectors_of)

/* From one item's numbers to the next's, where each has so many vectors. */
FUNCTION ptrdiff_t ISA(numbers_of)(const int wide, const int vectors)
{
    return wide ? (ptrdiff_t)vectors * LANES : vectors;
}
#define numbers_of ISA(numbers_of)

/* The first weight of a layer, in vectors. */
FUNCTION size_t ISA(start_of)(const int wide, const problem *p, const known k, const int l)
{
    size_t start = 0;
    UNROLL for (int i = 0; i < l; i++)
        start += (size_t)(fan_in_of(p, k, i) + (k.sizes != NULL ? 1 : p->layer[i].bias)) *
                 (size_t)vectors_of(wide, width_of(p, k, i));
    return start;
}
#define start_of ISA(start_of)

/* The values of a layer's activation at n vectors and, unless NULL, its slopes in training. */
FUNCTION void ISA(activate_own)(const int kind, const int backward, const activation *a,
                                const lanes *x, const int n, lanes *y, lanes *slope)
{
    for (int i = 0; i < n; i++)
        y[i] = value(kind, a, x[i]);
    for (int i = 0; slope != NULL && i < n; i++)
        slope[i] = training_slope(kind, backward, a, x[i], y[i]);
}

static TARGET __attribute__((noinline)) void ISA(activate_any)(const runner *r,
                                                               const activation *a, lanes *x,
                                                               const int n, lanes *y, lanes *slope)
{
    if (r->program != NULL)
        run_all(r, x, n, y, slope);
    else if (a->kind == LOGISTIC && a->backward == OWN)
        ISA(activate_own)(LOGISTIC, OWN, a, x, n, y, slope);
    else if (a->kind == CLIP && a->backward == OWN)
        ISA(activate_own)(CLIP, OWN, a, x, n, y, slope);
    else
        ISA(activate_own)(a->kind, a->backward, a, x, n, y, slope);
}

FUNCTION void ISA(activate)(const problem *p, const desk *d, const known k, const int l, lanes *x,
                            const int n, lanes *y, lanes *slope)
{
    const int kind = l + 1 == k.layers ? k.output_kind : k.hidden_kind;
    if (kind >= 0 && k.layers > 0)
        ISA(activate_own)(kind, OWN, &p->layer[l].activation, x, n, y, slope);
    else
        ISA(activate_any)(&d->run[l], &p->layer[l].activation, x, n, y, slope);
}
#define activate ISA(activate)

/* The softmax of n items, each of so many outputs, in place of whose pre-activations come its
   logarithms. */
static TARGET __attribute__((noinline)) void ISA(softmax)(const int wide, const int outputs,
                                                          const int n, lanes *x, lanes *y)
{
    const int each = vectors_of(wide, outputs);
    for (int i = 0; i < n; i++, x += each, y += each) {
        const double *from = (const double *)x, *to = (const double *)y;
        lanes top = element(wide, from, 0);
        for (int o = 1; o < outputs; o++)
            top = where_less(top, element(wide, from, o), element(wide, from, o), top);
        for (int v = 0; v < each; v++) {
            x[v] -= top;
            y[v] = exp(x[v]);
        }
        lanes sum = element(wide, to, 0);
        for (int o = 1; o < outputs; o++)
            sum += element(wide, to, o);
        const lanes logarithm = log(sum);
        for (int v = 0; v < each; v++) {
            x[v] -= logarithm;
            y[v] /= sum;
        }
    }
}

/* What a layer makes of n items from `first` on; slopes too if training. */
FUNCTION void ISA(forward_layer)(const int wide, const problem *p, const block *b, const desk *d,
                                 const known k, const int l, const int first, const int n,
                                 const int training)
{
    const int terms = fan_in_of(p, k, l), sums = vectors_of(wide, width_of(p, k, l));
    const int seen = vectors_of(wide, terms), bias = k.sizes != NULL || p->layer[l].bias;
    const size_t start = start_of(wide, p, k, l);
    const lanes *x = l == 0 ? d->inputs : d->h[l - 1];
    const int fixed = !wide && l == 0 && in_order(b, k, first); /* all items see the same */
    const strides by = {numbers_of(wide, seen), 1, sums, 1, sums};
    for (int i = 0; i < (wide ? 1 : n); i++) {
        const lanes *w = b->weights[wide ? 0 : first + i] + start;
        all_sums(wide, wide ? n : 1, sums, &by, terms,
                 (const double *)(x + (fixed ? 0 : (ptrdiff_t)i * seen)), w,
                 bias ? w + (ptrdiff_t)terms * sums : NULL, 0, d->z[l] + (ptrdiff_t)i * sums);
    }
    if (k.layers == 0 && p->layer[l].activation.kind == SOFTMAX) {
        ISA(softmax)(wide, p->layer[l].width, n, d->z[l], d->h[l]);
        return;
    }
    const int asked = training && !(l + 1 == layers_of(p, k) && loss_of(p, k) == BCE_OF_LOGIT);
    activate(p, d, k, l, d->z[l], n * sums, d->h[l], asked ? d->delta[l] : NULL);
}

FUNCTION void ISA(forward)(const int wide, const problem *p, const block *b, const desk *d,
                           const known k, const int first, const int n, const int training)
{
    if (k.layers == 2) {
        ISA(forward_layer)(wide, p, b, d, k, 0, first, n, training);
        ISA(forward_layer)(wide, p, b, d, k, 1, first, n, training);
    } else
        for (int l = 0; l < p->layers; l++)
            ISA(forward_layer)(wide, p, b, d, k, l, first, n, training);
}
#define forward ISA(forward)

/* From the slopes of the loss in a layer's pre-activations to those in the layer before, and the
   step that n items ask for, or their part of the gradient; `adding` if it is not the first. */
FUNCTION void ISA(backward_layer)(const int wide, const problem *p, block *b, const desk *d,
                                  const known k, const int l, const int first, const int n,
                                  const int direct, const int adding)
{
    const int terms = fan_in_of(p, k, l), sums = vectors_of(wide, width_of(p, k, l));
    const int seen = vectors_of(wide, terms), bias = k.sizes != NULL || p->layer[l].bias;
    const size_t start = start_of(wide, p, k, l);
    const int fixed = !wide && l == 0 && in_order(b, k, first);
    const lanes *x = l == 0 ? d->inputs : d->h[l - 1];
    lanes *delta = d->delta[l];
    if (l > 0) {
        const strides by = wide ? (strides){numbers_of(1, sums), 1, seen, 1, seen}
                                : (strides){sums, 1, 1, sums, seen};
        for (int i = 0; i < (wide ? 1 : n); i++)
            all_sums(wide, wide ? n : 1, seen, &by, width_of(p, k, l),
                     (const double *)(delta + (ptrdiff_t)i * sums),
                     wide ? b->turned[l] : b->weights[first + i] + start, NULL, 0,
                     d->z[l - 1] + (ptrdiff_t)i * seen);
        for (int i = 0; i < n * seen; i++)
            d->delta[l - 1][i] = d->z[l - 1][i] * d->delta[l - 1][i];
    }
    if (wide && !direct) {
        lanes *g = b->gradient[0] + start;
        const strides by = {1, numbers_of(1, seen), sums, 1, sums};
        all_sums(1, terms, sums, &by, n, (const double *)x, delta, NULL, adding, g);
        for (int i = 0; bias && i < n; i++)
            for (int j = 0; j < sums; j++) {
                lanes *to = &g[(ptrdiff_t)terms * sums + j];
                *to = adding || i > 0 ? *to + delta[i * sums + j] : delta[i * sums + j];
            }
        return;
    }
    for (int i = 0; i < n; i++, x += fixed ? 0 : seen, delta += sums) {
        lanes *w = (direct ? b->weights : b->gradient)[wide ? 0 : first + i] + start;
        for (int row = 0; row < terms; row++, w += sums) {
            const lanes number = element(wide, (const double *)x, row);
            UNROLL for (int j = 0; j < sums; j++) {
                const lanes term = number * delta[j];
                w[j] = direct ? w[j] - p->rate * term : adding ? w[j] + term : term;
            }
        }
        for (int j = 0; bias && j < sums; j++)
            w[j] = direct ? w[j] - p->rate * delta[j] : adding ? w[j] + delta[j] : delta[j];
    }
}
#define backward_layer ISA(backward_layer)

/* --- rows: what an item sees --- */

/* The row that a lane of an item sees at a place of the epoch's order. */
FUNCTION int ISA(row_at)(const block *b, const int v, const int place, const int lane)
{
    return b->order[v] == NULL ? place : b->order[v][(size_t)place * LANES + lane];
}
#define row_at ISA(row_at)

/* Put inputs and targets of n items on the desk: with seeds in lanes, those of one place for each
   vector from `first` on; with units in lanes, those of n places. If `as_filed`, places are rows.
   Gives the `sides` of the targets. */
FUNCTION int ISA(fill)(const int wide, const problem *p, const block *b, const desk *d,
                       const known k, const int place, const int first, const int n,
                       const int as_filed)
{
    const int inputs = fan_in_of(p, k, 0), outputs = width_of(p, k, layers_of(p, k) - 1);
    if (wide) {
        const ptrdiff_t seen = numbers_of(1, vectors_of(1, inputs));
        const ptrdiff_t wanted = numbers_of(1, vectors_of(1, outputs));
        for (int i = 0; i < n; i++) {
            const size_t row = as_filed ? place + i : row_at(b, 0, place + i, 0);
            memcpy((double *)d->inputs + i * seen, p->rows + row * inputs,
                   (size_t)inputs * sizeof(double));
            memcpy((double *)d->targets + i * wanted, p->targets + row * outputs,
                   (size_t)outputs * sizeof(double));
        }
        return 3;
    }
    if (as_filed || in_order(b, k, first)) {
        const double *row = p->rows + (size_t)place * inputs;
        const double *target = p->targets + (size_t)place * outputs;
        int sides = 0;
        for (int i = 0; i < inputs; i++)
            d->inputs[i] = all(row[i]);
        for (int o = 0; o < outputs; o++) {
            sides |= (target[o] > 0.0) | (target[o] < 1.0) << 1;
            for (int i = 0; i < n; i++)
                d->targets[i * outputs + o] = all(target[o]);
        }
        if (as_filed && !in_order(b, k, first)) /* each item looks at its own inputs */
            for (int i = 1; i < n; i++)
                memcpy(d->inputs + (size_t)i * inputs, d->inputs, (size_t)inputs * sizeof(lanes));
        return sides;
    }
    for (int i = 0; i < n; i++)
        for (int lane = 0; lane < LANES; lane++) {
            const size_t row = row_at(b, first + i, place, lane);
            double *to = (double *)(d->inputs + (size_t)i * inputs) + lane;
            for (int j = 0; j < inputs; j++)
                to[(size_t)j * LANES] = p->rows[row * inputs + j];
            to = (double *)(d->targets + (size_t)i * outputs) + lane;
            for (int j = 0; j < outputs; j++)
                to[(size_t)j * LANES] = p->targets[row * outputs + j];
        }
    return 3;
}
#define fill ISA(fill)

/* Put on a desk what came out on another, which may be in registers: n vectors of outputs. */
FUNCTION void ISA(show)(const problem *p, const desk *d, const lanes *x, const lanes *y,
                        const lanes *targets, const int n)
{
    for (int i = 0; i < n; i++) {
        d->z[p->layers - 1][i] = x[i], d->h[p->layers - 1][i] = y[i];
        d->targets[i] = targets[i];
    }
}

/* Store the predictions of n items, which stand at a place. */
static TARGET __attribute__((noinline)) void ISA(print_predictions)(
    const int wide, const problem *p, const state *s, const block *b, const desk *d,
    const int place, const int first, const int n, const int as_filed)
{
    const int outputs = output_of(p)->width, each = vectors_of(wide, outputs);
    for (int i = 0; i < n; i++)
        for (int o = 0; o < outputs; o++) {
            const double *from = (const double *)(d->h[p->layers - 1] + (ptrdiff_t)i * each);
            for (int lane = 0; lane < (wide ? 1 : b->count[first + i]); lane++) {
                const int v = wide ? 0 : first + i, at = wide ? place + i : place;
                const size_t row = as_filed ? at : row_at(b, v, at, lane);
                s->predictions[(row * outputs + o) * s->seeds + b->at[v] + lane] =
                    wide ? from[o] : from[o * LANES + lane];
            }
        }
}

/* Store the losses of n items in `to`, (samples, seeds), or add those of a lane to its sum. */
static TARGET __attribute__((noinline)) void ISA(print_losses)(
    const int wide, const problem *p, const state *s, const block *b, const desk *d,
    const int place, const int first, const int n, double *to, double *sums)
{
    const int outputs = output_of(p)->width, each = vectors_of(wide, outputs), l = p->layers - 1;
    for (int i = 0; i < n; i++) {
        const ptrdiff_t from = (ptrdiff_t)i * each;
        for (int o = 0; o < each; o++)
            ISA(lose)(p->printed, &d->z[l][from + o], &d->h[l][from + o], &d->targets[from + o],
                      &d->losses[o]);
        const double *lost = (const double *)d->losses;
        const int v = wide ? 0 : first + i, at = wide ? place + i : place;
        for (int lane = 0; lane < (wide ? 1 : b->count[v]); lane++) {
            double sum = lost[lane];
            for (int o = 1; o < outputs; o++)
                sum += lost[wide ? o : o * LANES + lane];
            if (to != NULL)
                to[(size_t)row_at(b, v, at, lane) * s->seeds + b->at[v] + lane] = sum;
            if (sums != NULL)
                sums[v * LANES + lane] = at == 0 ? sum : sums[v * LANES + lane] + sum;
        }
    }
}

/* --- what is noted of seeds --- */

/* Write the epoch down for some lanes. */
static void ISA(mark)(int64_t *epochs, unsigned which, long long epoch)
{
    for (int lane = 0; which >> lane; lane++)
        if (which >> lane & 1)
            epochs[lane] = epoch;
}

/* Where no bound says what is near enough (`solved_within` is nan): the lanes in which the output
   that is to be 1 is larger than all others; with units in lanes all or none. */
static TARGET __attribute__((noinline)) unsigned ISA(has_largest)(const int wide,
                                                                  const int outputs,
                                                                  const lanes *h, const lanes *t)
{
    lanes own = all(INFINITY), others = all(-INFINITY);
    for (int o = 0; o < outputs; o++) {
        const lanes y = element(wide, (const double *)h, o);
        const lanes is_own = element(wide, (const double *)t, o);
        own = where_less(all(0.5), is_own, y, own);
        others = where_less(all(0.5), is_own, others, where_less(others, y, y, others));
    }
    return which_less(others, own);
}

/* Of lanes, those of a block's vector that are right at some items on the desk. */
FUNCTION void ISA(keep_right)(const int wide, const problem *p, const desk *d, const known k,
                              const int first, const int n, unsigned *right)
{
    const int last = layers_of(p, k) - 1, outputs = width_of(p, k, last);
    const int each = vectors_of(wide, outputs);
    if (k.layers == 0 && p->solved_within != p->solved_within) {
        for (int i = 0; i < n; i++)
            right[wide ? 0 : first + i] &=
                ISA(has_largest)(wide, outputs, d->h[last] + (ptrdiff_t)i * each,
                                 d->targets + (ptrdiff_t)i * each);
        return;
    }
    for (int i = 0; i < n; i++)
        for (int o = 0; o < each; o++) {
            const ptrdiff_t at = (ptrdiff_t)i * each + o;
            const unsigned near =
                which_less(magnitude(d->h[last][at] - d->targets[at]), all(p->solved_within));
            if (!wide)
                right[first + i] &= near;
            else {
                const int left = outputs - o * LANES, lanes_left = left < LANES ? left : LANES;
                right[0] &= (near & ALL_OF(lanes_left)) == ALL_OF(lanes_left);
            }
        }
}
#define keep_right ISA(keep_right)

/* The seeds whose being right can still change a mark. */
FUNCTION unsigned ISA(watched)(const problem *p, const block *b, const int v)
{
    const unsigned done = p->stop_solved ? 0 : b->solved[v] & b->lost[v];
    return ALL_OF(b->count[v]) & ~b->diverged[v] & ~b->stopped[v] & ~done;
}
#define watched ISA(watched)

/* Look at all rows with the weights that an epoch begins with: which of the seeds that matter are
   right on all. Of the first `known_rows` it is known. Once none is right, nothing more need be
   looked at, but if predictions are stored (printing), or losses too, or these are added up. */
FUNCTION void ISA(look)(const int wide, const problem *p, const state *s, block *b, const desk *d,
                        const known k, const int first, const int n, unsigned *right,
                        const int known_rows, const int printing, double *sums)
{
    const int every = printing || sums != NULL, left = p->samples - known_rows;
    int row = every || b->last_wrong[first] < known_rows ? known_rows : b->last_wrong[first];
    for (int looked = 0; looked < left;) {
        unsigned any = 0;
        for (int v = first; v < first + (wide ? 1 : n); v++)
            any |= right[v];
        if (!any && !every)
            return;
        int items = n;
        if (wide) {
            items = every || looked > 0 ? d->items : 1;
            items = items < p->samples - row ? items : p->samples - row;
            items = items < left - looked ? items : left - looked;
        }
        fill(wide, p, b, d, k, row, first, items, 1);
        forward(wide, p, b, d, k, first, items, 0);
        if (any)
            keep_right(wide, p, d, k, first, items, right);
        if (printing)
            ISA(print_predictions)(wide, p, s, b, d, row, first, items, 1);
        if (sums != NULL || printing == LOSSES_TOO)
            ISA(print_losses)(wide, p, s, b, d, row, first, items,
                              printing == LOSSES_TOO ? s->losses : NULL, sums);
        for (int v = first; any && v < first + (wide ? 1 : n); v++)
            if (!right[v])
                b->last_wrong[v] = row;
        looked += wide ? items : 1, row += wide ? items : 1;
        if (row >= p->samples)
            row = known_rows;
    }
}
#define LOOKER                                                                                    \
    const problem *p, const state *s, block *b, const desk *d, int first, int n, unsigned *right, \
        int known_rows, int printing, double *sums
typedef void ISA(looker)(LOOKER);

/* From the numbers of a vector's seeds among others to the block, or back for some lanes. */
static TARGET __attribute__((noinline)) void ISA(move)(const int wide, const problem *p,
                                                       const state *s, const block *b, const int v,
                                                       const unsigned which, const int out)
{
    const int parts = means_of(p->optimizer), powers = powers_of(p->optimizer);
    const size_t size = size_of(p), padded = start_of(wide, p, (known){0}, p->layers);
    for (int part = 0; part <= parts; part++) {
        double *outside = part == 0 ? s->weights : s->memory + (part - 1) * size * s->seeds;
        lanes *inside = part == 0 ? b->weights[v] : b->memory[v] + (part - 1) * padded;
        for (int l = 0; l < p->layers; l++) {
            const int units = p->layer[l].width, each = vectors_of(wide, units);
            for (int row = 0; row < p->layer[l].fan_in + p->layer[l].bias; row++, inside += each)
                for (int u = 0; u < units; u++, outside += s->seeds)
                    for (int lane = 0; which >> lane; lane++)
                        if (which >> lane & 1) {
                            double *in = (double *)inside + (wide ? u : u * LANES + lane);
                            *(out ? &outside[b->at[v] + lane] : in) =
                                *(out ? in : &outside[b->at[v] + lane]);
                        }
        }
    }
    for (int i = 0; i < powers; i++)
        for (int lane = 0; which >> lane; lane++)
            if (which >> lane & 1) {
                double *in = (double *)(b->memory[v] + parts * padded + i) + lane;
                double *outside = s->memory + (parts * size + i) * s->seeds + b->at[v] + lane;
                *(out ? outside : in) = *(out ? in : outside);
            }
}

/* Write down which seeds are solved with the weights that an epoch began with, or are no more, and
   take out those that stop there. */
static TARGET __attribute__((noinline)) void ISA(note)(const int wide, const problem *p,
                                                       const state *s, block *b, const int v,
                                                       const unsigned newly_solved,
                                                       const unsigned newly_lost,
                                                       unsigned stopping, const double *sums,
                                                       const long long epoch)
{
    ISA(mark)(s->lost_at + b->at[v], newly_lost, epoch);
    ISA(mark)(s->solved_at + b->at[v], newly_solved, epoch);
    b->lost[v] |= newly_lost, b->solved[v] |= newly_solved;
    for (int lane = 0; sums != NULL && lane < b->count[v]; lane++)
        stopping |= (unsigned)(sums[v * LANES + lane] / (double)p->samples <= p->stop_loss) << lane;
    stopping &= ~b->stopped[v] & ~b->diverged[v];
    ISA(mark)(s->stopped_at + b->at[v], stopping, epoch);
    ISA(move)(wide, p, s, b, v, stopping, 1);
    b->stopped[v] |= stopping;
}

FUNCTION void ISA(write_down)(const int wide, const problem *p, const state *s, block *b,
                              const int v, const unsigned right, const double *sums,
                              const long long epoch)
{
    const unsigned newly_lost = b->solved[v] & ~right & ~b->lost[v] & ~b->stopped[v];
    const unsigned newly_solved = right & ~b->solved[v];
    const unsigned stopping = p->stop_solved ? right : 0;
    if (newly_lost | newly_solved | stopping || sums != NULL)
        ISA(note)(wide, p, s, b, v, newly_solved, newly_lost, stopping, sums, epoch);
}
#define write_down ISA(write_down)

/* Write down of which seeds a weight is no finite number any more. */
FUNCTION void ISA(mark_broken)(const int wide, const problem *p, const state *s, block *b,
                               const known k, const int v, const long long epoch)
{
    lanes check = all(0.0); /* 0 times what is not finite is nan */
    if (!wide) {
        const size_t size = start_of(0, p, k, layers_of(p, k));
        for (size_t i = 0; i < size; i++)
            check += 0.0 * b->weights[v][i];
    } else
        for (int l = 0; l < p->layers; l++) {
            const int each = vectors_of(1, p->layer[l].width);
            const lanes *w = b->weights[0] + start_of(1, p, k, l);
            for (int row = 0; row < p->layer[l].fan_in + p->layer[l].bias; row++, w += each) {
                for (int j = 0; j + 1 < each; j++)
                    check += 0.0 * w[j];
                check += 0.0 * (lanes)((bits)w[each - 1] & (bits)*b->valid[l]);
            }
        }
    const unsigned fine = which_less(check, all(1.0));
    const unsigned broken = wide ? fine != ALL_OF(LANES) : ALL_OF(b->count[v]) & ~fine;
    const unsigned fresh = broken & ~b->diverged[v] & ~b->stopped[v];
    if (fresh) {
        ISA(mark)(s->diverged_at + b->at[v], fresh, epoch);
        b->diverged[v] |= fresh;
    }
}
#define mark_broken ISA(mark_broken)

/* --- steps: `hsig.engines.optimizers` --- */

/* What the gradient is multiplied by so that its norm is not above `clip`; the mean over so many
   rows is taken first. */
static TARGET __attribute__((noinline)) void ISA(average)(const int wide, const problem *p,
                                                          block *b, const int v, const int rows)
{
    const size_t size = start_of(wide, p, (known){0}, p->layers);
    lanes *g = b->gradient[v];
    if (rows > 1)
        for (size_t i = 0; i < size; i++)
            g[i] = g[i] / (double)rows;
    if (p->clip > DBL_MAX)
        return;
    lanes sum = all(0.0);
    if (!wide)
        for (size_t i = 0; i < size; i++)
            sum += g[i] * g[i];
    else {
        double total = 0.0;
        for (int l = 0; l < p->layers; l++) {
            const int units = p->layer[l].width;
            const double *from = (const double *)(g + start_of(1, p, (known){0}, l));
            for (int row = 0; row < p->layer[l].fan_in + p->layer[l].bias; row++) {
                for (int u = 0; u < units; u++)
                    total += from[u] * from[u];
                from += numbers_of(1, vectors_of(1, units));
            }
        }
        sum = all(total);
    }
    const lanes ratio = p->clip / (root(sum) + 1e-6), one = all(1.0);
    const lanes scale = where_less(one, ratio, one, ratio);
    for (size_t i = 0; i < size; i++)
        g[i] = g[i] * scale;
}

static TARGET __attribute__((noinline)) void ISA(step)(const int wide, const problem *p, block *b,
                                                       const int v, const int rows)
{
    ISA(average)(wide, p, b, v, rows);
    const size_t size = start_of(wide, p, (known){0}, p->layers);
    lanes *w = b->weights[v], *g = b->gradient[v], *m = b->memory[v], *square = m + size;
    const double rate = p->rate, first = p->settings[0], second = p->settings[1];
    const double epsilon = p->settings[p->optimizer == RMSPROP ? 1 : 2];
    if (p->decay != 0.0 && p->optimizer == ADAMW) {
        const double shrunk = 1.0 - rate * p->decay;
        for (size_t i = 0; i < size; i++)
            w[i] = w[i] * shrunk;
    } else if (p->decay != 0.0)
        for (size_t i = 0; i < size; i++)
            g[i] = g[i] + p->decay * w[i];
    switch (p->optimizer) {
    case SGD:
        for (size_t i = 0; i < size; i++)
            w[i] -= rate * g[i];
        break;
    case MOMENTUM:
        for (size_t i = 0; i < size; i++)
            m[i] = first * m[i] + g[i], w[i] -= rate * m[i];
        break;
    case NESTEROV:
        for (size_t i = 0; i < size; i++)
            m[i] = first * m[i] + g[i], w[i] -= rate * (g[i] + first * m[i]);
        break;
    case RMSPROP:
        for (size_t i = 0; i < size; i++) {
            m[i] = first * m[i] + (1.0 - first) * (g[i] * g[i]);
            w[i] -= rate * (g[i] / (root(m[i]) + epsilon));
        }
        break;
    default: { /* ADAM, ADAMW */
        lanes *power = square + size;
        power[0] = power[0] * first, power[1] = power[1] * second;
        lanes by_mean = rate / (1.0 - power[0]), by_square = 1.0 / root(1.0 - power[1]);
        if (wide)
            by_mean = all(by_mean[0]), by_square = all(by_square[0]);
        for (size_t i = 0; i < size; i++) {
            m[i] = m[i] + (1.0 - first) * (g[i] - m[i]);
            square[i] = second * square[i] + (1.0 - second) * (g[i] * g[i]);
            w[i] -= by_mean * (m[i] / (root(square[i]) * by_square + epsilon));
        }
    }
    }
}

/* --- training --- */

/* Transpose the layers but the first, as the way back takes them with units in lanes. */
static TARGET __attribute__((noinline)) void ISA(turn)(const problem *p, const block *b)
{
    for (int l = 1; l < p->layers; l++) {
        const int units = p->layer[l].width, seen = p->layer[l].fan_in;
        const ptrdiff_t from_row = numbers_of(1, vectors_of(1, units));
        const ptrdiff_t to_row = numbers_of(1, vectors_of(1, seen));
        const double *from = (const double *)(b->weights[0] + start_of(1, p, (known){0}, l));
        double *to = (double *)b->turned[l];
        for (int row = 0; row < seen; row++)
            for (int u = 0; u < units; u++)
                to[u * to_row + row] = from[row * from_row + u];
    }
}

/* Train n items, which stand at a place of the epoch. */
FUNCTION void ISA(train_items)(const int wide, const problem *p, const state *s, block *b,
                               const desk *d, const known k, const int place, const int first,
                               const int n, const int direct, const int adding,
                               ISA(looker) *look, const long long epoch, unsigned *right,
                               double *sums)
{
    const int printing = epoch == s->epoch, whole = p->batch == p->samples && sums == NULL;
    const int layers = layers_of(p, k);
    const int sides = fill(wide, p, b, d, k, place, first, n, 0);
    forward(wide, p, b, d, k, first, n, 1);
    const int outputs = vectors_of(wide, width_of(p, k, layers - 1));
    lanes *x = d->z[layers - 1], *y = d->h[layers - 1], *delta = d->delta[layers - 1];
    if (printing) {
        ISA(show)(p, d->aside, x, y, d->targets, n * outputs);
        ISA(print_losses)(wide, p, s, b, d->aside, place, first, n, s->losses, NULL);
    }
    if (place == 0 || whole) { /* the weights are still those of the beginning */
        const int judged = sums == NULL && (whole || in_order(b, k, wide ? 0 : first));
        if (judged) {
            keep_right(wide, p, d, k, first, n, right);
            if (printing)
                ISA(print_predictions)(wide, p, s, b, d->aside, place, first, n, 0);
        }
        int looking = !whole && (printing || sums != NULL);
        for (int v = first; !whole && v < first + (wide ? 1 : n); v++)
            looking |= right[v] != 0;
        if (looking)
            look(p, s, b, d->aside, first, n, right, judged ? (wide ? n : 1) : 0, printing, sums);
        if (!whole || place + (wide ? n : 1) == p->samples)
            for (int v = first; v < first + (wide ? 1 : n); v++)
                write_down(wide, p, s, b, v, right[v], sums, epoch);
    }
    const int loss = loss_of(p, k);
    for (int i = 0; i < n * outputs; i++)
        delta[i] = output_delta(loss, loss == BCE_OF_LOGIT ? y[i] : delta[i], y[i],
                                d->targets[i], sides);
    if (k.layers == 2) {
        backward_layer(wide, p, b, d, k, 1, first, n, direct, adding);
        backward_layer(wide, p, b, d, k, 0, first, n, direct, adding);
    } else
        for (int l = layers - 1; l >= 0; l--)
            backward_layer(wide, p, b, d, k, l, first, n, direct, adding);
}
#define train_items ISA(train_items)

/* Train a block for all epochs; for none, what is printed is of the weights. Called with what is
   known of a network, it is compiled for just that; a special one has GROUP vectors side by side,
   whose operations fill each other's waits. */
FUNCTION void ISA(train_block)(const int wide, const problem *of, const state *s, block *b,
                               const desk *d, const known k, const int special,
                               const int direct, ISA(looker) *look)
{
    const problem here = *of, *p = &here; /* where no store can change it */
    double sums[MOST_VECTORS * LANES], *const by_loss = p->stop_by_loss ? sums : NULL;
#define TRAIN(n)                                                                                  \
    train_items(wide, p, s, b, d, k, place, v, n, direct, place > start, look, epoch, right,      \
                by_loss)
    for (int v = 0, n = special ? 1 : b->vectors; s->epochs == 0 && v < b->vectors; v += n) {
        unsigned none[MOST_VECTORS] = {0};
        look(p, s, b, d->aside, v, n, none, 0, LOSSES_TOO, NULL);
    }
    for (long long epoch = s->epoch; epoch < s->epoch + s->epochs; epoch++) {
        unsigned right[MOST_VECTORS], going = 0;
        for (int v = 0; v < b->vectors; v++) {
            right[v] = watched(p, b, v);
            going |= ALL_OF(b->count[v]) & ~b->stopped[v];
            for (int lane = 0; p->shuffled && lane < (wide ? 1 : b->count[v]); lane++)
                shuffle(s->numbers[b->at[v] + lane], epoch, p->samples, b->order[v] + lane,
                        LANES);
        }
        if (!going && epoch > s->epoch)
            return;
        for (int start = 0; start < p->samples; start += p->batch) {
            const int stop = p->batch < p->samples - start ? start + p->batch : p->samples;
            if (wide)
                ISA(turn)(p, b);
            for (int place = start; place < stop;) {
                int n = b->vectors;
                if (wide)
                    n = d->items < stop - place ? d->items : stop - place;
                for (int v = 0; v < (wide ? 1 : b->vectors); v += n)
                    if (!special)
                        TRAIN(n);
                    else if (v + GROUP <= b->vectors)
                        TRAIN(n = GROUP);
                    else
                        TRAIN(n = 1);
                place += wide ? n : 1;
            }
            for (int v = 0; !direct && v < b->vectors; v++)
                ISA(step)(wide, p, b, v, stop - start);
        }
        for (int v = 0; v < b->vectors; v++)
            mark_broken(wide, p, s, b, k, v, epoch);
    }
#undef TRAIN
}
#define train_block ISA(train_block)

/* The question's network, 2-3-1, with what is most used in it: all in registers. */
static const int ISA(question)[] = {2, 3, 1};
#define LOOK(name, wide, ...)                                                                     \
    static TARGET __attribute__((noinline)) void ISA(name##_look)(LOOKER)                         \
    {                                                                                             \
        ISA(look)(wide, p, s, b, d, (known){__VA_ARGS__}, first, n, right, known_rows, printing,  \
                  sums);                                                                          \
    }
#define SPECIAL(name, kind, output_kind, loss)                                                    \
    LOOK(name, 0, 2, kind, output_kind, loss, ISA(question), 1)                                   \
    static TARGET __attribute__((noinline)) void ISA(name)(const problem *p, const state *s,      \
                                                           block *b, const desk *any)             \
    {                                                                                             \
        lanes x[2 * GROUP], z[3 * GROUP], h[3 * GROUP], delta[3 * GROUP];                         \
        lanes t[GROUP], u[GROUP], y[GROUP], e[GROUP];                                             \
        const desk d = {.inputs = x, .targets = t, .z = {z, u}, .h = {h, y},                      \
                        .delta = {delta, e}, .aside = any->aside};                                \
        train_block(0, p, s, b, &d, (known){2, kind, output_kind, loss, ISA(question), 1}, 1, 1,  \
                    ISA(name##_look));                                                            \
    }
SPECIAL(clip_squared, CLIP, CLIP, SQUARED)
SPECIAL(clip_bce, CLIP, CLIP, BCE)
SPECIAL(logistic_squared, LOGISTIC, LOGISTIC, SQUARED)
SPECIAL(logistic_bce, LOGISTIC, LOGISTIC, BCE_OF_LOGIT)
SPECIAL(relu_bce, CLIP, LOGISTIC, BCE_OF_LOGIT)

/* Any network; the question's shape with any activations; few seeds. */
#define GENERAL(name, wide, ...)                                                                  \
    LOOK(name, wide, __VA_ARGS__)                                                                 \
    static TARGET __attribute__((noinline)) void ISA(name)(const problem *p, const state *s,      \
                                                           block *b, const desk *d)               \
    {                                                                                             \
        train_block(wide, p, s, b, d, (known){__VA_ARGS__}, 0, is_direct(p),                      \
                    ISA(name##_look));                                                            \
    }
GENERAL(any_question, 0, 2, -1, -1, p->loss, ISA(question), 0)
GENERAL(any_seeds, 0, 0)
GENERAL(any_units, 1, 0)

/* Whether it is the question's network, in its own way of training. */
static int ISA(is_question)(const problem *p)
{
    return p->layers == 2 && p->layer[0].fan_in == 2 && p->layer[0].width == 3 &&
           p->layer[1].width == 1 && p->layer[0].bias && p->layer[1].bias &&
           p->layer[1].activation.kind != SOFTMAX;
}

static TARGET void ISA(choose)(const problem *p, const state *s, block *b, const desk *d)
{
    const activation *in = &p->layer[0].activation, *out = &output_of(p)->activation;
    const int own = ISA(is_question)(p) && in->backward == OWN && out->backward == OWN &&
                    is_direct(p) && !p->shuffled;
    if (own && in->kind == CLIP && out->kind == CLIP && p->loss == SQUARED)
        ISA(clip_squared)(p, s, b, d);
    else if (own && in->kind == CLIP && out->kind == CLIP && p->loss == BCE)
        ISA(clip_bce)(p, s, b, d);
    else if (own && in->kind == LOGISTIC && out->kind == LOGISTIC && p->loss == SQUARED)
        ISA(logistic_squared)(p, s, b, d);
    else if (own && in->kind == LOGISTIC && p->loss == BCE_OF_LOGIT)
        ISA(logistic_bce)(p, s, b, d);
    else if (own && in->kind == CLIP && p->loss == BCE_OF_LOGIT)
        ISA(relu_bce)(p, s, b, d);
    else if (ISA(is_question)(p))
        ISA(any_question)(p, s, b, d);
    else
        ISA(any_seeds)(p, s, b, d);
}

#define TAKE(type, pointer, number)                                                               \
    do {                                                                                          \
        if (memory != NULL)                                                                       \
            pointer = (type *)(memory + taken);                                                   \
        const size_t bytes = (size_t)(number) * sizeof(type);                                     \
        taken += bytes + (ALIGNMENT - bytes % ALIGNMENT) % ALIGNMENT;                             \
    } while (0)

/* Room for a block of so many vectors of seeds, or one seed, laid out from `memory` on; the bytes
   that it takes. With NULL nothing is laid out. Likewise for a desk of so many items. */
static TARGET size_t ISA(place_block)(const int wide, const problem *p, const int vectors,
                                      char *memory, block *b)
{
    size_t taken = 0;
    const size_t size = start_of(wide, p, (known){0}, p->layers);
    const size_t remembered = (size_t)means_of(p->optimizer) * size + powers_of(p->optimizer);
    for (int v = 0; v < vectors; v++) {
        TAKE(lanes, b->weights[v], size);
        if (!is_direct(p))
            TAKE(lanes, b->gradient[v], size);
        TAKE(lanes, b->memory[v], remembered);
        if (p->shuffled)
            TAKE(int32_t, b->order[v], (size_t)p->samples * LANES);
    }
    for (int l = 0; wide && l < p->layers; l++) {
        TAKE(lanes, b->valid[l], 1);
        TAKE(lanes, b->turned[l], (size_t)p->layer[l].width * vectors_of(1, p->layer[l].fan_in));
    }
    return taken;
}

static TARGET size_t ISA(place_desk)(const int wide, const problem *p, const int items,
                                     char *memory, desk *d)
{
    size_t taken = 0;
    const size_t outputs = (size_t)vectors_of(wide, output_of(p)->width);
    TAKE(lanes, d->inputs, (size_t)items * vectors_of(wide, inputs_of(p)));
    TAKE(lanes, d->targets, (size_t)items * outputs);
    TAKE(lanes, d->losses, outputs);
    for (int l = 0; l < p->layers; l++) {
        const size_t units = (size_t)items * (size_t)vectors_of(wide, p->layer[l].width);
        const program *run = p->layer[l].activation.program;
        TAKE(lanes, d->z[l], units);
        TAKE(lanes, d->h[l], units);
        TAKE(lanes, d->delta[l], units);
        if (memory != NULL)
            d->run[l] = ISA(runner_in)(memory + taken, run, (int)units);
        taken += ISA(size_of_runner)(run, (int)units);
    }
    d->items = items;
    return taken;
}
#undef TAKE

/* Train the seeds from first to last, block by block, with seeds or units in lanes. -1 if there is
   no memory. */
FUNCTION int ISA(train)(const int wide, const problem *p, const state *s, Py_ssize_t first,
                        Py_ssize_t last)
{
    const size_t size = start_of(wide, p, (known){0}, p->layers);
    int most = 1, items = 1, programs = 0;
    for (int l = 0; l < p->layers; l++)
        programs |= p->layer[l].activation.program != NULL;
    if (!wide) {
        const size_t fit = NEAREST_CACHE / (size * sizeof(lanes));
        const int wanted = programs ? MOST_VECTORS : GROUP;
        most = items = fit >= (size_t)wanted ? wanted : fit > 1 ? (int)fit : 1;
    } else {
        int widest = inputs_of(p);
        for (int l = 0; l < p->layers; l++)
            widest = widest > p->layer[l].width ? widest : p->layer[l].width;
        const int fit = NEAREST_CACHE / 4 / (vectors_of(1, widest) * (int)sizeof(lanes));
        items = fit > 64 ? 64 : fit > 8 ? fit : 8;
        items = items < p->samples ? items : p->samples;
    }
    block b = {0};
    desk aside = {0}, d = {.aside = &aside};
    const size_t of_block = ISA(place_block)(wide, p, most, NULL, &b);
    const size_t of_desk = ISA(place_desk)(wide, p, items, NULL, &d);
    char *memory = calloc(1, of_block + 2 * of_desk + ALIGNMENT);
    if (memory == NULL)
        return -1;
    char *aligned = memory + ALIGNMENT - (uintptr_t)memory % ALIGNMENT;
    ISA(place_block)(wide, p, most, aligned, &b);
    ISA(place_desk)(wide, p, items, aligned + of_block, &d);
    ISA(place_desk)(wide, p, items, aligned + of_block + of_desk, &aside);
    for (int l = 0; wide && l < p->layers; l++) {
        const int left = p->layer[l].width % LANES;
        memset(b.valid[l], 0xff, (size_t)(left > 0 ? left : LANES) * sizeof(double));
    }
    while (first < last) {
        const int lanes_used = wide ? 1 : LANES;
        /* blocks of one size, as nearly as can be */
        const Py_ssize_t left = (last - first + lanes_used - 1) / lanes_used;
        const Py_ssize_t blocks = (left + most - 1) / most;
        const int take = programs ? (int)((left + blocks - 1) / blocks) : most;
        for (b.vectors = 0; b.vectors < take && first < last; b.vectors++) {
            const int v = b.vectors;
            const int count = last - first < lanes_used ? (int)(last - first) : lanes_used;
            b.at[v] = first, b.count[v] = count, b.last_wrong[v] = 0;
            b.solved[v] = b.lost[v] = b.diverged[v] = b.stopped[v] = 0;
            for (int lane = 0; lane < count; lane++) {
                b.solved[v] |= (unsigned)(s->solved_at[first + lane] >= 0) << lane;
                b.lost[v] |= (unsigned)(s->lost_at[first + lane] >= 0) << lane;
                b.diverged[v] |= (unsigned)(s->diverged_at[first + lane] >= 0) << lane;
                b.stopped[v] |= (unsigned)(s->stopped_at[first + lane] >= 0) << lane;
            }
            ISA(move)(wide, p, s, &b, v, ALL_OF(count), 0);
            first += count;
        }
        if (wide)
            ISA(any_units)(p, s, &b, &d);
        else
            ISA(choose)(p, s, &b, &d);
        for (int v = 0; v < b.vectors; v++)
            ISA(move)(wide, p, s, &b, v, ALL_OF(b.count[v]) & ~b.stopped[v], 1);
    }
    free(memory);
    return 0;
}

static TARGET int ISA(seeds)(const problem *p, const state *s, Py_ssize_t first, Py_ssize_t last)
{
    return ISA(train)(0, p, s, first, last);
}

static TARGET int ISA(units)(const problem *p, const state *s, Py_ssize_t first, Py_ssize_t last)
{
    return ISA(train)(1, p, s, first, last);
}
#endif
