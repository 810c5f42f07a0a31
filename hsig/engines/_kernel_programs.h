/* Programs of vector operations: what a formula has become (`hsig.formulas.program`).

   Each step is done for a row of vectors before the next one begins, so that choosing what to do
   costs little beside doing it. `_kernel.c` includes the first half once, and the second half, with
   LANES, TARGET and ISA(name) defined, once for each instruction set. */

#ifndef LANES

/* Every operation by its name in `hsig.formulas.primitives`, with how many it takes. */
#define OPERATIONS(EACH)                                                                           \
    EACH(ADD, "add", 2) EACH(SUBTRACT, "subtract", 2) EACH(MULTIPLY, "multiply", 2)                \
    EACH(DIVIDE, "divide", 2) EACH(NEGATIVE, "negative", 1) EACH(ABSOLUTE, "absolute", 1)          \
    EACH(SIGN_OF, "sign", 1) EACH(SQRT, "sqrt", 1) EACH(FLOOR, "floor", 1)                         \
    EACH(MINIMUM, "minimum", 2) EACH(MAXIMUM, "maximum", 2) EACH(EXP, "exp", 1)                    \
    EACH(EXPM1, "expm1", 1) EACH(LOG, "log", 1) EACH(LOG1P, "log1p", 1) EACH(TANH, "tanh", 1)      \
    EACH(SINH, "sinh", 1) EACH(COSH, "cosh", 1) EACH(ASINH, "asinh", 1) EACH(ATAN, "atan", 1)      \
    EACH(SIN, "sin", 1) EACH(COS, "cos", 1) EACH(ERF, "erf", 1) EACH(SIGMOID, "sigmoid", 1)        \
    EACH(SOFTPLUS, "softplus", 1) EACH(POWER, "power", 2)                                          \
    EACH(WHERE_LESS, "where_less", 4) EACH(WHERE_LESS_EQUAL, "where_less_equal", 4)                \
    EACH(WHERE_EQUAL, "where_equal", 4)

#define OPERATION_CODE(code, name, arity) code,
#define OPERATION_ARITY(code, name, arity) arity,
enum { OPERATIONS(OPERATION_CODE) NO_OPERATION };
static const int arities[] = {OPERATIONS(OPERATION_ARITY)};

enum {
    WORDS = 6, /* of a row of code: operation, target, four operands */
    MOST_STEPS = 1 << 16, MOST_REGISTERS = 1 << 12, MOST_CONSTANTS = 1 << 16,
};

typedef struct {
    int operation, target, operands[4]; /* those that an operation does not take are 0 */
    int by[4]; /* from one vector of an operand to the next: 0 if it is a constant */
} step;

/* Operands are numbered: 0 is x, up to `registers` come what steps write, and then constants. */
typedef struct {
    int count, value_count; /* of steps: all make value and slope, the first few the value alone */
    int registers, constants, value_at, slope_at;
    const char *numbers; /* the constants, doubles at any address */
    step steps[];
} program;

/* Whether an operand is there, and has been written if it is a register. */
static int is_readable(const program *p, const char *written, int operand)
{
    return operand >= 0 && operand < p->registers + p->constants &&
           (operand >= p->registers || written[operand]);
}

/* Whether nothing is read that has not been written, and nothing is out of bounds. */
static int is_sound(const program *p, char *written)
{
    written[0] = 1;
    for (int i = 0; i < p->count; i++) {
        const step *s = &p->steps[i];
        if (i == p->value_count && !is_readable(p, written, p->value_at))
            return 0;
        if (s->operation < 0 || s->operation >= NO_OPERATION || s->target < 1 ||
            s->target >= p->registers || (i >= p->value_count && s->target == p->value_at))
            return 0;
        for (int k = 0; k < 4; k++)
            if (k < arities[s->operation] ? !is_readable(p, written, s->operands[k])
                                          : s->operands[k] != 0)
                return 0;
        written[s->target] = 1;
    }
    return is_readable(p, written, p->value_at) && is_readable(p, written, p->slope_at);
}

/* A program from its code: a row of value steps, registers, value, slope, 0, 0, then one for each
   step. NULL if there is none; *wrong says whether what is there is not a program, or there is no
   memory for it. */
static program *program_of(const Py_buffer *code, const Py_buffer *constants, int *wrong)
{
    const Py_ssize_t row = WORDS * sizeof(int32_t), rows = code->len / row;
    if (code->len == 0 && constants->len == 0)
        return NULL;
    *wrong = 1;
    if (rows < 1 || rows > MOST_STEPS + 1 || code->len % row || constants->len % 8 ||
        constants->len / 8 > MOST_CONSTANTS)
        return NULL;
    int32_t head[WORDS];
    memcpy(head, code->buf, row);
    if (head[0] < 0 || head[0] > rows - 1 || head[1] < 1 || head[1] > MOST_REGISTERS ||
        head[4] != 0 || head[5] != 0)
        return NULL;
    program *p = PyMem_Malloc(sizeof(program) + (size_t)rows * sizeof(step));
    char *written = PyMem_Calloc((size_t)head[1], 1);
    if (p != NULL && written != NULL) {
        p->count = (int)rows - 1, p->value_count = head[0], p->registers = head[1];
        p->constants = (int)(constants->len / 8), p->value_at = head[2], p->slope_at = head[3];
        p->numbers = constants->buf;
        for (int i = 0; i < p->count; i++) {
            int32_t words[WORDS];
            memcpy(words, (const char *)code->buf + (i + 1) * row, row);
            step *s = &p->steps[i];
            s->operation = words[0], s->target = words[1];
            for (int k = 0; k < 4; k++)
                s->operands[k] = words[2 + k], s->by[k] = words[2 + k] < p->registers;
        }
        *wrong = !is_sound(p, written);
    } else
        PyErr_NoMemory();
    PyMem_Free(written);
    if (*wrong) {
        PyMem_Free(p);
        p = NULL;
    }
    return p;
}

/* --- from here on once for each instruction set -------------------------------------------- */

#else

/* Do the first so many steps of a program for n vectors; place says where each operand is. */
static TARGET __attribute__((noinline)) void ISA(run)(const program *p, const int steps,
                                                      lanes *const *place, const int n)
{
    for (const step *s = p->steps, *end = s + steps; s < end; s++) {
        const lanes *a = place[s->operands[0]], *b = place[s->operands[1]], *c, *d;
        const ptrdiff_t by_a = s->by[0], by_b = s->by[1];
        lanes *to = place[s->target], *const stop = to + n;
        switch (s->operation) {
#define OF_1(code, result)                                                                        \
    case code:                                                                                    \
        for (; to < stop; to++, a += by_a)                                                        \
            *to = result;                                                                         \
        break;
#define OF_2(code, result)                                                                        \
    case code:                                                                                    \
        _Pragma("GCC unroll 4")                                                                   \
        for (; to < stop; to++, a += by_a, b += by_b)                                             \
            *to = result;                                                                         \
        break;
#define OF_4(code, result)                                                                        \
    case code:                                                                                    \
        c = place[s->operands[2]], d = place[s->operands[3]];                                     \
        _Pragma("GCC unroll 4")                                                                   \
        for (; to < stop; to++, a += by_a, b += by_b, c += s->by[2], d += s->by[3])               \
            *to = result;                                                                         \
        break;
            OF_2(ADD, *a + *b)
            OF_2(SUBTRACT, *a - *b)
            OF_2(DIVIDE, *a / *b)
            OF_1(NEGATIVE, -*a)
            OF_1(ABSOLUTE, magnitude(*a))
            OF_1(SIGN_OF, ISA(sign)(*a))
            OF_1(SQRT, root(*a))
            OF_1(FLOOR, floor(*a))
            OF_2(MINIMUM, ISA(minimum)(*a, *b))
            OF_2(MAXIMUM, ISA(maximum)(*a, *b))
            OF_1(EXP, exp(*a))
            OF_1(EXPM1, ISA(whole_expm1)(*a))
            OF_1(LOG, log(*a))
            OF_1(LOG1P, ISA(whole_log1p)(*a))
            OF_1(TANH, tanh(*a))
            OF_1(SINH, ISA(sinh)(*a))
            OF_1(COSH, ISA(cosh)(*a))
            OF_1(ASINH, ISA(asinh)(*a))
            OF_1(ATAN, ISA(atan)(*a))
            OF_1(SIN, turned(*a, 0))
            OF_1(COS, turned(*a, 1))
            OF_1(ERF, ISA(erf)(*a))
            OF_2(POWER, ISA(power)(*a, *b))
            OF_1(SIGMOID, logistic(*a))
            OF_4(WHERE_LESS, where_less(*a, *b, *c, *d))
            OF_4(WHERE_LESS_EQUAL, where_less_equal(*a, *b, *c, *d))
            OF_4(WHERE_EQUAL, where_equal(*a, *b, *c, *d))
#undef OF_1
#undef OF_2
#undef OF_4
        case SOFTPLUS: /* in two goes, for one alone is too long to be begun before the last ends */
            while (to < stop) {
                lanes e[8];
                const ptrdiff_t count = stop - to < 8 ? stop - to : 8;
                for (ptrdiff_t i = 0; i < count; i++)
                    e[i] = exp(-magnitude(a[i * by_a]));
                for (ptrdiff_t i = 0; i < count; i++, a += by_a)
                    *to++ = softplus_of(*a, e[i]);
            }
            break;
        default: /* MULTIPLY: four at a time, since it is seldom that one of them is nan */
            for (; to + 4 <= stop; to += 4, a += 4 * by_a, b += 4 * by_b) {
                const lanes a0 = a[0], a1 = a[by_a], a2 = a[2 * by_a], a3 = a[3 * by_a];
                const lanes b0 = b[0], b1 = b[by_b], b2 = b[2 * by_b], b3 = b[3 * by_b];
                to[0] = a0 * b0, to[1] = a1 * b1, to[2] = a2 * b2, to[3] = a3 * b3;
                if (which_nan((to[0] + to[1]) + (to[2] + to[3]))) {
                    to[0] = limit_of_product(a0, b0), to[1] = limit_of_product(a1, b1);
                    to[2] = limit_of_product(a2, b2), to[3] = limit_of_product(a3, b3);
                }
            }
            for (; to < stop; to++, a += by_a, b += by_b)
                *to = limit_of_product(*a, *b);
        }
    }
}
#define run ISA(run)

/* A program with a place for all that it needs: x, value and slope are elsewhere. */
typedef struct {
    const program *program;
    lanes **place, *registers;
    int room; /* for so many vectors at a time */
} ISA(runner);
#define runner ISA(runner)

enum { ISA(NEAR) = 16 * 1024, ISA(LEAST_ROOM) = 8 };

/* How many vectors it treats at a time, of n, so that its registers stay near. */
static int ISA(room_for)(const program *p, const int n)
{
    const int near = ISA(NEAR) / (int)sizeof(lanes) / p->registers;
    const int room = near > ISA(LEAST_ROOM) ? near : ISA(LEAST_ROOM);
    return n < room ? n : room;
}

/* The bytes that it takes, a multiple of ALIGNMENT. */
static size_t ISA(size_of_runner)(const program *p, const int n)
{
    if (p == NULL)
        return 0;
    const size_t operands = (size_t)p->registers + (size_t)p->constants;
    const size_t vectors = (size_t)p->registers * ISA(room_for)(p, n) + (size_t)p->constants;
    const size_t bytes = vectors * sizeof(lanes) + operands * sizeof(lanes *);
    return bytes + ALIGNMENT - bytes % ALIGNMENT;
}

static TARGET runner ISA(runner_in)(char *memory, const program *p, const int n)
{
    runner r = {p, NULL, NULL, 0};
    if (p == NULL)
        return r;
    r.room = ISA(room_for)(p, n), r.registers = (lanes *)memory;
    lanes *constants = r.registers + (size_t)p->registers * r.room;
    r.place = (lanes **)(constants + p->constants);
    for (int i = 0; i < p->registers; i++)
        r.place[i] = r.registers + (size_t)i * r.room;
    for (int i = 0; i < p->constants; i++) {
        double number;
        memcpy(&number, p->numbers + 8 * (size_t)i, sizeof number);
        constants[i] = all(number);
        r.place[p->registers + i] = &constants[i];
    }
    return r;
}

/* Where a result of n vectors that no step wrote to its end is: x itself, or a constant. */
static TARGET void ISA(copy)(const program *p, const int operand, lanes *const *place, lanes *to,
                             const int n)
{
    for (int i = 0; i < n; i++)
        to[i] = place[operand][operand < p->registers ? i : 0];
}

/* The value of an activation at n vectors x and, unless NULL, the slope. */
static TARGET void ISA(run_all)(const runner *r, lanes *x, const int n, lanes *y, lanes *slope)
{
    const program *p = r->program;
    const int steps = slope == NULL ? p->value_count : p->count;
    const int writes_value = p->value_at > 0 && p->value_at < p->registers;
    const int writes_slope =
        p->slope_at > 0 && p->slope_at < p->registers && p->slope_at != p->value_at;
    lanes *own_slope = r->registers + (size_t)p->slope_at * r->room;
    for (int from = 0; from < n; from += r->room) {
        const int count = n - from < r->room ? n - from : r->room;
        r->place[0] = x + from;
        if (writes_slope)
            r->place[p->slope_at] = slope != NULL ? slope + from : own_slope;
        if (writes_value)
            r->place[p->value_at] = y + from;
        run(p, steps, r->place, count);
        if (!writes_value)
            ISA(copy)(p, p->value_at, r->place, y + from, count);
        if (slope != NULL && !writes_slope)
            ISA(copy)(p, p->slope_at, r->place, slope + from, count);
    }
}
#define run_all ISA(run_all)

#endif
