/* The elementary functions of the kernel, compiled once for each instruction set: `_kernel.c`
   includes this with LANES, TARGET and ISA(name) defined.

   They are made of sums, products, quotients, square roots and choices of bits alone, in an order
   that is written down: the same bits in any lane, and with any instruction set. Each says its
   largest error in units of the last place, as tests/test_kernel.py and tests/test_programs.py hold
   it against mpmath; the sign of a zero is nobody's promise. */

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

/* In each lane: yes where a stands so to b, no where it does not or where either is nan. */
#if LANES == 8
#define WHERE(relation, code)                                                                     \
    {                                                                                             \
        return (lanes)_mm512_mask_blend_pd(_mm512_cmp_pd_mask((__m512d)a, (__m512d)b, code),      \
                                           (__m512d)no, (__m512d)yes);                            \
    }
#elif LANES == 4
#define WHERE(relation, code)                                                                     \
    {                                                                                             \
        return (lanes)_mm256_blendv_pd((__m256d)no, (__m256d)yes, (__m256d)(a relation b));       \
    }
#else
#define WHERE(relation, code)                                                                     \
    {                                                                                             \
        const bits chosen = (bits)(a relation b);                                                 \
        return (lanes)((chosen & (bits)yes) | (~chosen & (bits)no));                              \
    }
#endif
FUNCTION lanes ISA(where_less)(lanes a, lanes b, lanes yes, lanes no) WHERE(<, _CMP_LT_OQ)
FUNCTION lanes ISA(where_less_equal)(lanes a, lanes b, lanes yes, lanes no) WHERE(<=, _CMP_LE_OQ)
FUNCTION lanes ISA(where_equal)(lanes a, lanes b, lanes yes, lanes no) WHERE(==, _CMP_EQ_OQ)
#undef WHERE
#define where_less ISA(where_less)
#define where_less_equal ISA(where_less_equal)
#define where_equal ISA(where_equal)

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

#if LANES != 8
/* A bit for each lane, of a comparison. */
FUNCTION unsigned ISA(which)(bits compared)
{
#if LANES == 4
    return (unsigned)_mm256_movemask_pd((__m256d)compared);
#elif defined __x86_64__
    return (unsigned)_mm_movemask_pd((__m128d)compared);
#else
    return (unsigned)(compared[0] & 1) | (unsigned)(compared[1] & 2);
#endif
}
#endif

/* A bit for each lane in which a < b; and for each that is nan. */
FUNCTION unsigned ISA(which_less)(lanes a, lanes b)
{
#if LANES == 8
    return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ);
#else
    return ISA(which)((bits)(a < b));
#endif
}
#define which_less ISA(which_less)

FUNCTION unsigned ISA(which_nan)(lanes x)
{
#if LANES == 8
    return _mm512_cmp_pd_mask((__m512d)x, (__m512d)x, _CMP_UNORD_Q);
#else
    return ISA(which)((bits)(x != x));
#endif
}
#define which_nan ISA(which_nan)

#define SIGN ((bits){0} + ((uint64_t)1 << 63))
#define magnitude(x) ((lanes)((bits)(x) & ~SIGN))
#define with_sign_of(x, other) ((lanes)(((bits)(x) & ~SIGN) | ((bits)(other) & SIGN)))

/* --- exponential and logarithm --- */

#define ROUND 0x1.8p52 /* added and taken away, it leaves a whole number */
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define LEAST_EXPONENT -708.0 /* exp(x) is a normal number down to it */

/* 2**k for a whole k from -1022 to 1023 to which ROUND was added: by its exponent. */
#define power_of_2(rounded) ((lanes)((bits)((rounded) + 1023.0) << 52))

/* exp(x) = (1 + tail) * 2**k, with k + ROUND in rounded, for x from -746 to 711. nan gives a tail
   that is nan.

   r = x - k log 2 lies within log(2)/2 of 0; log 2 is taken in two parts, of which the first times
   k is exact. The polynomial is (exp(r) - 1 - r) / r**2 through Chebyshev's points, off by at most
   1.3e-17 of exp(r). */
FUNCTION lanes ISA(quadratic_of_exp)(lanes r)
{
    const lanes square = r * r;
    lanes q = 0x1.289185613a3d6p-22 + 0x1.af38a9b0ec855p-26 * r;
    q = (0x1.a019b90d2ae7ap-16 + 0x1.71de0dae63bb3p-19 * r) + square * q;
    q = (0x1.6c16c1788bd90p-10 + 0x1.a01a01a7c41d5p-13 * r) + square * q;
    q = (0x1.5555555553d63p-5 + 0x1.11111111109b3p-7 * r) + square * q;
    q = (0x1.0000000000001p-1 + 0x1.5555555555556p-3 * r) + square * q;
    return square * q;
}

FUNCTION lanes ISA(reduce_exp)(lanes x, lanes *rounded)
{
    *rounded = x * 0x1.71547652b82fep0 + ROUND;
    const lanes k = *rounded - ROUND, r = (x - k * LN2_HIGH) - k * LN2_LOW;
    return r + ISA(quadratic_of_exp)(r);
}

/* The same with 2**k itself, for x from -708 to 709. */
FUNCTION lanes ISA(split_exp)(lanes x, lanes *power)
{
    lanes rounded;
    const lanes tail = ISA(reduce_exp)(x, &rounded);
    *power = power_of_2(rounded);
    return tail;
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

/* exp(x) / 2**down for any x and a whole down from 0 to 52: the power of 2 in two parts, so that it
   goes down to the least number and up beyond the largest. */
FUNCTION lanes ISA(scaled_exp)(lanes x, const double down)
{
    lanes rounded;
    const lanes tail =
        ISA(reduce_exp)(lesser(all(711.0), greater(all(-746.0), x)), &rounded);
    const lanes k = rounded - ROUND, half = 0.5 * k + ROUND;
    return (1.0 + tail) * power_of_2(half) * power_of_2((k - (half - ROUND)) - down + ROUND);
}
#define scaled_exp ISA(scaled_exp)

/* exp(x) for any x, below 1 ulp; it underflows by degrees, unlike the one above. */
FUNCTION lanes ISA(whole_exp)(lanes x)
{
    if (which_less(all(-LEAST_EXPONENT), magnitude(x)))
        return scaled_exp(x, 0.0);
    lanes power; /* the same bits */
    const lanes tail = split_exp(x, &power);
    return (1.0 + tail) * power;
}

/* exp(x) - 1 for x <= 0, as exact as exp where x is small too. */
FUNCTION lanes ISA(expm1)(lanes x)
{
    lanes power;
    const lanes tail = split_exp(greater(all(LEAST_EXPONENT), x), &power);
    return (power - 1.0) + power * tail;
}
#define expm1 ISA(expm1)

/* exp(x) - 1 for any x, below 2.5 ulp. */
FUNCTION lanes ISA(whole_expm1)(lanes x)
{
    lanes power;
    const lanes most = all(709.0);
    const lanes tail = split_exp(lesser(most, greater(all(LEAST_EXPONENT), x)), &power);
    const lanes y = (power - 1.0) + power * tail;
    return which_less(most, x) ? where_less(most, x, scaled_exp(x, 0.0), y) : y;
}

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

/* log(1 + x) for any x, below 2 ulp. */
FUNCTION lanes ISA(whole_log1p)(lanes x)
{
    return where_less(all(DBL_MAX), x, x, log1p(x)); /* inf */
}

FUNCTION lanes ISA(tanh)(lanes x)
{
    const lanes e = expm1(-2.0 * magnitude(x));
    return with_sign_of(e / (2.0 + e), x);
}
#define tanh ISA(tanh)

/* --- exact operations --- */

/* a * b, but 0 times infinite is 0: a formula's limit, where the product of its factors has none. */
FUNCTION lanes ISA(limit_of_product)(lanes a, lanes b)
{
    const lanes product = a * b, none = all(0.0);
    /* a sum of 0 and infinite is a number, one with nan is not */
    const lanes where_nan = where_equal(a + b, a + b, none, product);
    return where_equal(product, product, product, where_nan);
}
#define limit_of_product ISA(limit_of_product)

/* The smaller and the larger; nan where either is. */
FUNCTION lanes ISA(minimum)(lanes a, lanes b) { return where_equal(a, a, lesser(a, b), a); }
FUNCTION lanes ISA(maximum)(lanes a, lanes b) { return where_equal(a, a, greater(a, b), a); }

/* -1, 0 or 1; nan where x is. */
FUNCTION lanes ISA(sign)(lanes x)
{
    return where_less(all(0.0), x, all(1.0), where_less(x, all(0.0), all(-1.0), x));
}

FUNCTION lanes ISA(root)(lanes x)
{
#if LANES == 8
    return (lanes)_mm512_sqrt_pd((__m512d)x);
#elif LANES == 4
    return (lanes)_mm256_sqrt_pd((__m256d)x);
#elif defined __x86_64__
    return (lanes)_mm_sqrt_pd((__m128d)x);
#else
    return (lanes){__builtin_sqrt(x[0]), __builtin_sqrt(x[1])};
#endif
}
#define root ISA(root)

/* The largest whole number that is not above x. */
FUNCTION lanes ISA(floor)(lanes x)
{
    const lanes whole = all(0x1p52), size = magnitude(x); /* from there on every number is */
    const lanes nearest = with_sign_of((size + whole) - whole, x);
    const lanes y = where_less(x, nearest, nearest - 1.0, nearest);
    return where_less(size, whole, y, x);
}
#define floor ISA(floor)
