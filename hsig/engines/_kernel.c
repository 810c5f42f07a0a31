/* Gradient descent on many small networks at once: `hsig.engines.compiled` in C.

   Seeds are vector lanes: every operation below is done for 8, 4 or 2 seeds at a time, each in its
   own lane, in the order of `hsig.engines.reference`. There are no fused multiply-adds and no
   reordered sums (-ffp-contract=off, no fast-math), so a seed has the same bits in any lane, beside
   any others, and with any instruction set.

   The second half of this file, the kernel, is compiled once for each instruction set: the first
   half includes it with LANES, TARGET and ISA(name) defined, and chooses at run time. Elementary
   functions are in `_kernel_functions.h`, what runs a formula is in `_kernel_programs.h`. */

#ifndef LANES

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <fenv.h>
#include <float.h>
#include <limits.h>
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
   functions of losses and the rules of updates, each by its name in hsig. The code of a name is its
   place. */
#define ACTIVATIONS(EACH)                                                                          \
    EACH(LOGISTIC, "logistic") EACH(CLIP, "clipped line") EACH(PROGRAM, "program")
#define BACKWARDS(EACH)                                                                            \
    EACH(OWN, "own") EACH(FROM_LOGISTIC, "logistic") EACH(FROM_OUTPUT, "output")                   \
    EACH(CONSTANT, "straight_through")
#define LOSSES(EACH)                                                                               \
    EACH(SQUARED, "squared") EACH(BCE, "bce") EACH(BCE_OF_LOGIT, "bce_of_logit")                   \
    EACH(BCE_NAIVE, "bce_naive")
#define UPDATES(EACH) EACH(ONLINE, "online") EACH(BATCH, "batch")

#include "_kernel_functions.h"
#include "_kernel_programs.h"

#define CODE(code, name) code,
#define NAME(code, name) name,
enum { ACTIVATIONS(CODE) LEAKY }; /* LEAKY is a CLIP whose leak is not 0 */
enum { BACKWARDS(CODE) SLOPES };
enum { LOSSES(CODE) NO_LOSS };
enum { UPDATES(CODE) NO_UPDATE };

typedef struct {
    int kind, backward;
    double constant;                      /* the slope of CONSTANT */
    double slope, shift, low, high, leak; /* of CLIP and LEAKY: see `ClippedLine` */
    double start, stop, inside, outside;  /* their slope: `inside` from start to stop, closed */
    const program *program;               /* of PROGRAM; else NULL */
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

enum { GROUP = 4, MOST_VECTORS = 16, ALIGNMENT = 64, NEAREST_CACHE = 24 * 1024 };

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

#define ALL_OF(count) ((1u << (count)) - 1)
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
       HIDDEN_ACTIVATION, OUTPUT_ACTIVATION, SIZED, HIDDEN_CODE = SIZED, HIDDEN_CONSTANTS,
       OUTPUT_CODE, OUTPUT_CONSTANTS, BUFFERS };

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

/* Whether every buffer has the size that the others say it must have, at an address at which its
   numbers may lie: nothing is read beyond. The last epoch is a number as well. */
static int fits(const problem *p, const state *s, const Py_buffer *b)
{
    if (p->inputs < 1 || p->hidden < 1 || p->samples < 1 || s->seeds < 1 || s->epochs < 1 ||
        s->epoch < 0 || s->epoch > LLONG_MAX - s->epochs)
        return 0;
    /* as doubles, which do not overflow, and are exact as far as memory goes */
    const double inputs = p->inputs, hidden = p->hidden, samples = p->samples;
    const double seeds = (double)s->seeds;
    const double numbers[SIZED] = {
        [HIDDEN] = (inputs + 1) * hidden * seeds,
        [OUTPUT] = (hidden + 1) * seeds,
        [SOLVED_AT] = seeds, [LOST_AT] = seeds, [DIVERGED_AT] = seeds,
        [PREDICTIONS] = samples * seeds, [PRINTED] = samples * seeds,
        [ROWS] = samples * inputs, [TARGETS] = samples,
        [HIDDEN_ACTIVATION] = 12, [OUTPUT_ACTIVATION] = 12,
    };
    for (int i = 0; i < SIZED; i++)
        if ((double)b[i].len != numbers[i] * 8)
            return 0;
    for (int i = 0; i < BUFFERS; i++)
        if ((uintptr_t)b[i].buf % 8 != 0)
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
            arguments, "sw*w*w*w*w*w*w*y*y*y*y*y*y*y*y*iiiiiiddnLLnn", &name, &b[HIDDEN],
            &b[OUTPUT], &b[SOLVED_AT], &b[LOST_AT], &b[DIVERGED_AT], &b[PREDICTIONS],
            &b[PRINTED], &b[ROWS], &b[TARGETS], &b[HIDDEN_ACTIVATION], &b[OUTPUT_ACTIVATION],
            &b[HIDDEN_CODE], &b[HIDDEN_CONSTANTS], &b[OUTPUT_CODE], &b[OUTPUT_CONSTANTS],
            &p.inputs, &p.hidden,
            &p.samples, &p.update, &p.loss, &p.printed, &p.rate, &p.solved_within, &s.seeds,
            &s.epoch, &s.epochs, &first, &last))
        return NULL;
    path found[3], *chosen = NULL;
    for (int i = find_paths(found) - 1; i >= 0; i--)
        if (strcmp(found[i].name, name) == 0)
            chosen = &found[i];
    int done = -1, wrong = 0;
    program *in = program_of(&b[HIDDEN_CODE], &b[HIDDEN_CONSTANTS], &wrong);
    program *out = program_of(&b[OUTPUT_CODE], &b[OUTPUT_CONSTANTS], &wrong);
    if (PyErr_Occurred())
        ; /* no memory */
    else if (wrong)
        PyErr_SetString(PyExc_ValueError, "not a program, or one that is too large");
    else if (chosen == NULL)
        PyErr_Format(PyExc_ValueError, "this processor has no path '%s'", name);
    else if (!fits(&p, &s, b) || first < 0 || first > last || last > s.seeds)
        PyErr_SetString(PyExc_ValueError, "the sizes or places of the arrays, or the epochs, do not go together");
    else {
        p.hidden_activation = activation_of(b[HIDDEN_ACTIVATION].buf, in);
        p.output_activation = activation_of(b[OUTPUT_ACTIVATION].buf, out);
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
    PyMem_Free(in);
    PyMem_Free(out);
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
                   ADD_NAMES("activations", ACTIVATIONS) < 0 ||
                   ADD_NAMES("backwards", BACKWARDS) < 0 || ADD_NAMES("losses", LOSSES) < 0 ||
                   ADD_NAMES("updates", UPDATES) < 0 || add_operations(self) < 0
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

/* The slope of a sample's loss in the output's pre-activation, where the prediction is y and the
   slope of the output's activation is as given; with BCE_OF_LOGIT it is not asked for. */
FUNCTION lanes ISA(output_delta)(const int loss, lanes slope, lanes y, const double target)
{
    if (loss == BCE_OF_LOGIT)
        return y - target;
    if (loss == SQUARED)
        return 2.0 * (y - target) * slope;
    if (loss == BCE_NAIVE)
        return (-target / y + (1.0 - target) / (1.0 - y)) * slope;
    const lanes none = all(0.0);
    const lanes one = target > 0.0 ? -target / y : none;
    const lanes zero = target < 1.0 ? (1.0 - target) / (1.0 - y) : none;
    /* a slope of 0 teaches nothing, unless the prediction is nan; one that is nan stays */
    return where_less(none, magnitude(slope), (one + zero) * slope, slope * y);
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

/* Weights: (inputs + 1) rows of hidden units, then hidden + 1 for the output; biases last. */

/* The pre-activation of a hidden unit. */
FUNCTION lanes ISA(into_unit)(const int inputs, const int hidden, const int u, const double *row,
                              const lanes *weights)
{
    lanes sum = row[0] * weights[u];
    for (int k = 1; k < inputs; k++)
        sum += row[k] * weights[k * hidden + u];
    return sum + weights[inputs * hidden + u];
}
#define into_unit ISA(into_unit)

/* The output's pre-activation, where the hidden units are h. */
FUNCTION lanes ISA(into_output)(const int inputs, const int hidden, const lanes *h,
                                const lanes *weights)
{
    const lanes *output = weights + (inputs + 1) * hidden;
    lanes sum = h[0] * output[0];
    for (int u = 1; u < hidden; u++)
        sum += h[u] * output[u];
    return sum + output[hidden];
}
#define into_output ISA(into_output)

/* The output's pre-activation; what the hidden layer makes of a row is left in z and h. */
FUNCTION lanes ISA(forward)(const problem *p, const int inputs, const int hidden, const int kind,
                            const double *row, const lanes *weights, lanes *z, lanes *h)
{
    for (int u = 0; u < hidden; u++) {
        z[u] = into_unit(inputs, hidden, u, row, weights);
        h[u] = value(kind, &p->hidden_activation, z[u]);
    }
    return into_output(inputs, hidden, h, weights);
}
#define forward ISA(forward)

/* Some seeds, a few vectors of them, held close while they are trained. */
typedef struct {
    lanes *weights[MOST_VECTORS], *gradient[MOST_VECTORS];
    int vectors;
    Py_ssize_t at[MOST_VECTORS];  /* the first seed of each vector */
    int count[MOST_VECTORS];      /* how many seeds it has */
    unsigned solved[MOST_VECTORS], lost[MOST_VECTORS], diverged[MOST_VECTORS]; /* bits for lanes */
    int last_wrong[MOST_VECTORS]; /* a sample, not the first, that was wrong when looked at */
} ISA(block);
#define block ISA(block)

/* For each layer what runs it if it is a program, and room for the numbers of a sample: of units,
   of outputs, and of units that are looked at in between. */
typedef struct {
    runner in, out;
    lanes *z, *h, *slopes, *x, *y, *slope;
    lanes *other_z, *other_h;
} ISA(desk);
#define desk ISA(desk)

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

/* The step that a sample asks for, or its part of the epoch's: `deltas` are the slopes of its loss
   in the pre-activations of the hidden units, `delta` that in the output's. */
FUNCTION void ISA(learn)(const problem *p, block *b, const int v, lanes *weights,
                         const int sample, const double *row, const lanes *deltas, const lanes *h,
                         lanes delta, const int inputs, const int hidden, const int batch)
{
    lanes *output = weights + (inputs + 1) * hidden;
    if (!batch) {
        for (int u = 0; u < hidden; u++) {
            for (int k = 0; k < inputs; k++)
                weights[k * hidden + u] -= p->rate * (row[k] * deltas[u]);
            weights[inputs * hidden + u] -= p->rate * deltas[u];
            output[u] -= p->rate * (h[u] * delta);
        }
        output[hidden] -= p->rate * delta;
        return;
    }
    lanes *sum = b->gradient[v], *of_output = sum + (inputs + 1) * hidden;
#define ADD_TO(total, term) total = sample == 0 ? (term) : total + (term)
    for (int u = 0; u < hidden; u++) {
        for (int k = 0; k < inputs; k++)
            ADD_TO(sum[k * hidden + u], row[k] * deltas[u]);
        ADD_TO(sum[inputs * hidden + u], deltas[u]);
        ADD_TO(of_output[u], h[u] * delta);
    }
    ADD_TO(of_output[hidden], delta);
#undef ADD_TO
    if (sample + 1 == p->samples)
        for (int i = 0; i < (inputs + 1) * hidden + hidden + 1; i++)
            weights[i] -= p->rate * (sum[i] / (double)p->samples);
}
#define learn ISA(learn)

/* Write down of which seeds a weight is no finite number any more. */
FUNCTION void ISA(mark_broken)(const state *s, block *b, const int v, const int size,
                               const long long epoch)
{
    lanes check = all(0.0); /* 0 times what is not finite is nan */
    for (int i = 0; i < size; i++)
        check += 0.0 * b->weights[v][i];
    const unsigned broken = ALL_OF(b->count[v]) & ~which_less(check, all(1.0));
    if (broken & ~b->diverged[v]) {
        ISA(mark)(s->diverged_at + b->at[v], broken & ~b->diverged[v], epoch);
        b->diverged[v] |= broken;
    }
}
#define mark_broken ISA(mark_broken)

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

                const lanes slope =
                    loss == BCE_OF_LOGIT ? y /* not asked for */
                                         : training_slope(output_kind, output_backward,
                                                          &p->output_activation, x, y);
                const lanes delta = output_delta(loss, slope, y, target);
                for (int u = 0; u < hidden; u++) /* z becomes the slope of the loss in it */
                    z[u] = delta * output[u] *
                           training_slope(kind, backward, &p->hidden_activation, z[u], h[u]);

                learn(p, b, v, weights, sample, row, z, h, delta, inputs, hidden, batch);
            }

        for (int v = 0; v < b->vectors; v++)
            mark_broken(s, b, v, size, epoch);
    }
}
#define train_block ISA(train_block)

/* The question's network, 2-3-1, with what is most used in it: all in registers. */
#define SPECIAL(name, kind, output_kind, loss)                                                    \
    static TARGET __attribute__((noinline)) void ISA(name)(const problem *p, const state *s,      \
                                                           block *b)                              \
    {                                                                                             \
        lanes z[3], h[3], other_z[3], other_h[3];                                                 \
        train_block(p, s, b, z, h, other_z, other_h, 2, 3, kind, OWN, output_kind, OWN,        \
                    loss);                                                                        \
    }
SPECIAL(clip_squared, CLIP, CLIP, SQUARED)
SPECIAL(clip_bce, CLIP, CLIP, BCE)
SPECIAL(logistic_squared, LOGISTIC, LOGISTIC, SQUARED)
SPECIAL(logistic_bce, LOGISTIC, LOGISTIC, BCE_OF_LOGIT)
SPECIAL(relu_bce, CLIP, LOGISTIC, BCE_OF_LOGIT)

static TARGET __attribute__((noinline)) void ISA(any)(const problem *p, const state *s, block *b,
                                                      const desk *d)
{
    train_block(p, s, b, d->z, d->h, d->other_z, d->other_h, p->inputs, p->hidden,
                p->hidden_activation.kind, p->hidden_activation.backward,
                p->output_activation.kind, p->output_activation.backward, p->loss);
}

static TARGET void ISA(choose)(const problem *p, const state *s, block *b, const desk *d)
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
        ISA(any)(p, s, b, d);
}

/* --- networks with a program in a layer: each layer of a whole block in one go --- */

/* The value of a layer's activation at n vectors x and, unless NULL, the slope in training. */
FUNCTION void ISA(activate_own)(const int kind, const activation *a, const lanes *x, const int n,
                                lanes *y, lanes *slope)
{
    for (int i = 0; i < n; i++)
        y[i] = value(kind, a, x[i]);
    for (int i = 0; slope != NULL && i < n; i++)
        slope[i] = training_slope(kind, a->backward, a, x[i], y[i]);
}

static TARGET void ISA(activate)(const runner *r, const activation *a, lanes *x, const int n,
                                 lanes *y, lanes *slope)
{
    if (r->program != NULL)
        run_all(r, x, n, y, slope);
    else if (a->kind == LOGISTIC)
        ISA(activate_own)(LOGISTIC, a, x, n, y, slope);
    else
        ISA(activate_own)(a->kind, a, x, n, y, slope);
}
#define activate ISA(activate)

/* As `right_on_all`, for all vectors at once, each at the sample at which it stands. */
FUNCTION void ISA(all_right_on_all)(const problem *p, const state *s, block *b, const desk *d,
                                    unsigned *right, const int printing, const int inputs,
                                    const int hidden)
{
    int at[MOST_VECTORS], which[MOST_VECTORS];
    lanes x[MOST_VECTORS], y[MOST_VECTORS];
    for (int v = 0; v < b->vectors; v++)
        at[v] = b->last_wrong[v];
    for (int looked = 1; looked < p->samples; looked++) {
        int n = 0;
        for (int v = 0; v < b->vectors; v++)
            if (right[v] || printing)
                which[n++] = v;
        if (n == 0)
            return;
        for (int i = 0; i < n; i++)
            for (int u = 0; u < hidden; u++)
                d->other_z[i * hidden + u] =
                    into_unit(inputs, hidden, u, p->rows + (size_t)at[which[i]] * inputs,
                              b->weights[which[i]]);
        activate(&d->in, &p->hidden_activation, d->other_z, n * hidden, d->other_h, NULL);
        for (int i = 0; i < n; i++)
            x[i] = into_output(inputs, hidden, d->other_h + i * hidden, b->weights[which[i]]);
        activate(&d->out, &p->output_activation, x, n, y, NULL);
        for (int i = 0; i < n; i++) {
            const int v = which[i], sample = at[v];
            right[v] &= which_less(magnitude(y[i] - p->targets[sample]), all(p->solved_within));
            if (printing)
                ISA(store)(s->predictions + sample * s->seeds + b->at[v], y[i], b->count[v]);
            if (!right[v])
                b->last_wrong[v] = sample;
            at[v] = sample + 1 < p->samples ? sample + 1 : 1;
        }
    }
}
#define all_right_on_all ISA(all_right_on_all)

/* As `train_block`: the same operations for each seed, in the same order. */
FUNCTION void ISA(train_layers)(const problem *of, const state *s, block *b, const desk *d,
                                const int inputs, const int hidden)
{
    const problem here = *of, *p = &here; /* where no store can change it */
    const int size = (inputs + 1) * hidden + hidden + 1, batch = p->update == BATCH;
    lanes *const slope = p->loss == BCE_OF_LOGIT ? NULL : d->slope;
    for (long long epoch = s->epoch; epoch < s->epoch + s->epochs; epoch++) {
        const int printing = epoch == s->epoch;
        unsigned right[MOST_VECTORS] = {0};
        for (int sample = 0; sample < p->samples; sample++) {
            const double *row = p->rows + (size_t)sample * inputs, target = p->targets[sample];
            for (int v = 0; v < b->vectors; v++)
                for (int u = 0; u < hidden; u++)
                    d->z[v * hidden + u] = into_unit(inputs, hidden, u, row, b->weights[v]);
            activate(&d->in, &p->hidden_activation, d->z, b->vectors * hidden, d->h, d->slopes);
            for (int v = 0; v < b->vectors; v++)
                d->x[v] = into_output(inputs, hidden, d->h + v * hidden, b->weights[v]);
            activate(&d->out, &p->output_activation, d->x, b->vectors, d->y, slope);

            if (sample == 0 || batch) { /* the weights are still those of the beginning */
                for (int v = 0; v < b->vectors; v++) {
                    right[v] =
                        (sample == 0 ? watched(b, v) : right[v]) &
                        which_less(magnitude(d->y[v] - target), all(p->solved_within));
                    if (printing)
                        ISA(store)(s->predictions + sample * s->seeds + b->at[v], d->y[v],
                                   b->count[v]);
                }
                if (!batch)
                    all_right_on_all(p, s, b, d, right, printing, inputs, hidden);
                for (int v = 0; v < b->vectors && (!batch || sample + 1 == p->samples); v++)
                    write_down(s, b, v, right[v], epoch);
            }
            for (int v = 0; v < b->vectors; v++) {
                if (printing)
                    ISA(print_loss)(p->printed, (double *)&d->x[v], (double *)&d->y[v], target,
                                    s->losses + sample * s->seeds + b->at[v], b->count[v]);
                lanes *weights = b->weights[v];
                const lanes *output = weights + (inputs + 1) * hidden, *h = d->h + v * hidden;
                lanes *deltas = d->slopes + v * hidden;
                const lanes delta = output_delta(p->loss, d->slope[v], d->y[v], target);
                for (int u = 0; u < hidden; u++)
                    deltas[u] = delta * output[u] * deltas[u];
                learn(p, b, v, weights, sample, row, deltas, h, delta, inputs, hidden, batch);
            }
        }
        for (int v = 0; v < b->vectors; v++)
            mark_broken(s, b, v, size, epoch);
    }
}
#define train_layers ISA(train_layers)

static TARGET __attribute__((noinline)) void ISA(layers_of_question)(const problem *p,
                                                                     const state *s, block *b,
                                                                     const desk *d)
{
    train_layers(p, s, b, d, 2, 3);
}

static TARGET __attribute__((noinline)) void ISA(any_layers)(const problem *p, const state *s,
                                                             block *b, const desk *d)
{
    train_layers(p, s, b, d, p->inputs, p->hidden);
}

/* Train the seeds from first to last, block by block. -1 if there is no memory. */
static TARGET int ISA(train)(const problem *p, const state *s, Py_ssize_t first, Py_ssize_t last)
{
    const program *in = p->hidden_activation.program, *out = p->output_activation.program;
    const size_t size = weights_of(p), fit = NEAREST_CACHE / (size * sizeof(lanes));
    const int by_layers = in != NULL || out != NULL, wanted = by_layers ? MOST_VECTORS : GROUP;
    const int few = by_layers && fit > 1 ? (int)fit : 1; /* of large networks */
    const int most = fit >= (size_t)wanted ? wanted : few, units = most * p->hidden;
    const size_t for_in = ISA(size_of_runner)(in, units), for_out = ISA(size_of_runner)(out, most);
    const size_t vectors = 2 * most * size + 5 * (size_t)units + 3 * (size_t)most;
    char *memory = malloc(for_in + for_out + vectors * sizeof(lanes) + ALIGNMENT);
    if (memory == NULL)
        return -1;
    char *aligned = memory + ALIGNMENT - (uintptr_t)memory % ALIGNMENT;
    lanes *next = (lanes *)(aligned + for_in + for_out);
    block b;
    for (int v = 0; v < most; v++, next += 2 * size)
        b.weights[v] = next, b.gradient[v] = next + size;
    desk d = {ISA(runner_in)(aligned, in, units), ISA(runner_in)(aligned + for_in, out, most),
              .z = next};
    d.h = d.z + units, d.slopes = d.h + units, d.other_z = d.slopes + units;
    d.other_h = d.other_z + units, d.x = d.other_h + units, d.y = d.x + most, d.slope = d.y + most;
    memset(d.slope, 0, (size_t)most * sizeof(lanes)); /* where it is not asked for */

    while (first < last) {
        /* blocks of one size, as nearly as can be */
        const Py_ssize_t left = (last - first + LANES - 1) / LANES;
        const Py_ssize_t blocks = (left + most - 1) / most;
        const int take = by_layers ? (int)((left + blocks - 1) / blocks) : most;
        for (b.vectors = 0; b.vectors < take && first < last; b.vectors++) {
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
        if (!by_layers)
            ISA(choose)(p, s, &b, &d);
        else if (p->inputs == 2 && p->hidden == 3)
            ISA(layers_of_question)(p, s, &b, &d);
        else
            ISA(any_layers)(p, s, &b, &d);
        for (int v = 0; v < b.vectors; v++)
            for (size_t i = 0; i < size; i++)
                memcpy(weight(p, s, i) + b.at[v], &b.weights[v][i],
                       (size_t)b.count[v] * sizeof(double));
    }
    free(memory);
    return 0;
}
#endif
