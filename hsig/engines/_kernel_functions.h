/* The elementary functions of the kernel. `_kernel.c` includes the first half once, and the second
   half, with LANES, TARGET and ISA(name) defined, once for each instruction set.

   They are made of sums, products, quotients, square roots and choices of bits alone, in an order
   that is written down: the same bits in any lane, and with any instruction set. Each says its
   largest error in units of the last place, which tests/test_kernel.py and tests/test_programs.py
   hold against mpmath. The sign of a zero is nobody's promise. */

#ifndef LANES

/* The bits of 2/pi after the point, from the 65th of the table on. */
static const uint32_t two_over_pi[] = {
    0x00000000, 0x00000000, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599,
    0x3c439041, 0xfe5163ab, 0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c,
    0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639,
    0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f,
    0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7,
    0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20,
};

#define HALF_PI 0x1.921fb54442d18p0
#define HALF_PI_REST 0x1.1a62633145c07p-54

/* x from 2**20 on as quarters of a turn and a rest, high + low, from -pi/4 to pi/4; the number of
   quarters modulo 4. By the method of Payne and Hanek: of x times 2/pi only what whole turns leave
   is computed, which takes 192 of the bits of 2/pi, as whole numbers. */
static unsigned far_angle(double x, double *high, double *low)
{
    uint64_t word;
    memcpy(&word, &x, sizeof word);
    const int exponent = (int)(word >> 52 & 0x7ff);
    if (exponent == 0x7ff) {
        *high = *low = x - x; /* nan */
        return 0;
    }
    /* |x| = m 2**(exponent - 1075); from that bit of 2/pi on that makes 2 m quarters of it */
    const uint64_t m = (word & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    uint32_t found[6], product[6]; /* the least first; in units of 2**-190 of a quarter */
    for (int i = 0; i < 6; i++) {
        const int at = exponent - 1075 + 62 + 32 * i;
        const uint64_t two = (uint64_t)two_over_pi[at / 32] << 32 | two_over_pi[at / 32 + 1];
        found[5 - i] = (uint32_t)(two >> (32 - at % 32));
    }
    uint64_t carried = 0;
    for (int i = 0; i < 6; i++) {
        carried += found[i] * (m & UINT32_MAX);
        product[i] = (uint32_t)carried, carried >>= 32;
    }
    carried = 0;
    for (int i = 0; i < 5; i++) {
        carried += found[i] * (m >> 32) + product[i + 1];
        product[i + 1] = (uint32_t)carried, carried >>= 32;
    }
    unsigned quarters = product[5] >> 30;
    const int beyond = product[5] >> 29 & 1; /* of the middle: the next quarter is nearer */
    if (beyond) {
        quarters++, carried = 1;
        for (int i = 0; i < 6; i++) {
            carried += (uint32_t)~product[i];
            product[i] = (uint32_t)carried, carried >>= 32;
        }
    }
    product[5] &= 0x3fffffff;
    double sum = 0.0, rest = 0.0, unit = 0x1p-30;
    for (int i = 5; i >= 0; i--, unit *= 0x1p-32) { /* the sum, and what it loses by rounding */
        const double term = product[i] * unit, next = sum + term, added = next - sum;
        rest += (sum - (next - added)) + (term - added), sum = next;
    }
    const double whole = sum + rest, part = (sum - whole) + rest;
    /* times pi/2: the product of two halves of a number is exact */
    const double split = whole * 0x1.0000002p27, w1 = split - (split - whole), w2 = whole - w1;
    const double h1 = 0x1.921fb58p0, h2 = HALF_PI - h1, times = whole * HALF_PI;
    const double lost = ((w1 * h1 - times) + w1 * h2 + w2 * h1) + w2 * h2;
    const double more = lost + (whole * HALF_PI_REST + part * HALF_PI);
    const double sign = beyond != (x < 0.0) ? -1.0 : 1.0, y = times + more;
    *high = sign * y, *low = sign * ((times - y) + more);
    return (x < 0.0 ? 4 - quarters : quarters) & 3;
}

/* --- from here on once for each instruction set -------------------------------------------- */

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

/* exp(x) for any x, below 1.1 ulp; it underflows by degrees. */
FUNCTION lanes ISA(exp)(lanes x)
{
    if (which_less(all(-LEAST_EXPONENT), magnitude(x)))
        return scaled_exp(x, 0.0);
    lanes power; /* the same bits */
    const lanes tail = split_exp(x, &power);
    return (1.0 + tail) * power;
}
#define exp ISA(exp)

/* exp(x) - 1 for x <= 0, below 1.5 ulp. */
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

/* 1 + f from sqrt(1/2) to sqrt(2), where x = 2**k (1 + f), for any x above 0 that is finite. */
FUNCTION lanes ISA(significand)(lanes x, lanes *k)
{
    const lanes tiny = all(DBL_MIN), scaled = where_less(x, tiny, x * 0x1p54, x);
    /* the exponent, counted from sqrt(1/2) on, as a double by way of the bits of 2**52 */
    const bits from_root = (bits)scaled - (bits)all(0x1.6a09e667f3bcdp-1);
    const bits shift = (from_root + ((uint64_t)1023 << 52)) & ((uint64_t)0xfff << 52);
    *k = (lanes)((shift >> 52) | (bits)all(0x1p52)) - (0x1p52 + 1023.0);
    *k = where_less(x, tiny, *k - 54.0, *k);
    return (lanes)((bits)scaled - (shift - ((uint64_t)1023 << 52)));
}
#define significand ISA(significand)

/* log(x), by the method and with the numbers of fdlibm's e_log.c (Sun Microsystems 1993), whose
   error is below 1 ulp. */
FUNCTION lanes ISA(log)(lanes x)
{
    const lanes none = all(0.0);
    lanes k;
    const lanes f = significand(x, &k) - 1.0;
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

/* log(1 + x) for x >= -1 that is finite, below 2 ulp: what 1 + x loses by rounding is given back to
   first order. */
FUNCTION lanes ISA(log1p)(lanes x)
{
    const lanes u = 1.0 + x, y = log(u);
    return where_less(all(0.0), u, y + (x - (u - 1.0)) / u, y);
}
#define log1p ISA(log1p)

/* 1 / (1 + exp(-x)), below 2.5 ulp. */
FUNCTION lanes ISA(logistic)(lanes x)
{
    const lanes e = exp(-magnitude(x));
    return where_less(all(0.0), x, all(1.0), e) / (1.0 + e);
}
#define logistic ISA(logistic)

/* log(1 + exp(x)), below 2 ulp. */
FUNCTION lanes ISA(softplus_of)(lanes x, lanes e) /* exp(-|x|) */
{
    return greater(all(0.0), x) + log1p(e);
}
#define softplus_of ISA(softplus_of)

FUNCTION lanes ISA(softplus)(lanes x) { return softplus_of(x, exp(-magnitude(x))); }
#define softplus ISA(softplus)

/* log(1 + x) for any x, below 2 ulp. */
FUNCTION lanes ISA(whole_log1p)(lanes x)
{
    return where_less(all(DBL_MAX), x, x, log1p(x)); /* inf */
}

/* tanh(x), below 3 ulp. */
FUNCTION lanes ISA(tanh)(lanes x)
{
    const lanes e = expm1(-2.0 * magnitude(x));
    return with_sign_of(e / (2.0 + e), x);
}
#define tanh ISA(tanh)

/* --- exact operations --- */

/* a * b, but 0 times infinite is 0: what a formula's derivative comes to, mostly, far out. */
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

/* --- more functions, for formulas --- */

/* sinh(x), below 2 ulp: a polynomial in x**2 where exp(x) and exp(-x) are of a size. */
FUNCTION lanes ISA(sinh)(lanes x)
{
    const lanes z = x * x, one = all(1.0), half = scaled_exp(magnitude(x), 1.0);
    lanes q = 0x1.ae777c36fd5b6p-41 + 0x1.99f0806c2628dp-49 * z;
    q = 0x1.ae6456792a77fp-26 + z * (0x1.612467ccb2260p-33 + z * q);
    q = 0x1.a01a01a01a001p-13 + z * (0x1.71de3a556f96cp-19 + z * q);
    q = 0x1.5555555555555p-3 + z * (0x1.1111111111111p-7 + z * q);
    const lanes far = with_sign_of(half - 0.25 / half, x);
    return where_less(magnitude(x), one, x + x * (z * q), far);
}

/* cosh(x), below 1.5 ulp. */
FUNCTION lanes ISA(cosh)(lanes x)
{
    const lanes half = scaled_exp(magnitude(x), 1.0);
    return half + 0.25 / half;
}

/* asinh(x), below 2 ulp: log(x + sqrt(x**2 + 1)), as log(1 + t) with a small t, or log(2 x). */
FUNCTION lanes ISA(asinh)(lanes x)
{
    const lanes size = magnitude(x), square = size * size, far = all(0x1p28);
    const lanes t = size + square / (1.0 + root(1.0 + square));
    const lanes u = where_less(size, far, 1.0 + t, size);
    const lanes rest = where_less(size, far, (t - (u - 1.0)) / u, all(0x1.62e42fefa39efp-1));
    return with_sign_of(log(u) + rest, x);
}

/* atan(x), below 1 ulp: that of a centre c, 0, 1/2, 1, 3/2 or infinite, with the rest in two parts,
   and of t = (x - c) / (1 + c x), which is below 7/16. */
FUNCTION lanes ISA(atan)(lanes x)
{
    const lanes size = magnitude(x);
    lanes up = all(-1.0), down = size, high = all(HALF_PI), low = all(HALF_PI_REST);
#define CENTRE(stop, c, its_high, its_low)                                                        \
    up = where_less(size, all(stop), size - c, up);                                               \
    down = where_less(size, all(stop), 1.0 + c * size, down);                                     \
    high = where_less(size, all(stop), all(its_high), high);                                      \
    low = where_less(size, all(stop), all(its_low), low);
    CENTRE(2.4375, 1.5, 0x1.f730bd281f69bp-1, 0x1.007887af0cbbdp-56)
    CENTRE(1.1875, 1.0, 0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55)
    CENTRE(0.6875, 0.5, 0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56)
    CENTRE(0.4375, 0.0, 0.0, 0.0)
#undef CENTRE
    const lanes t = up / down, z = t * t;
    lanes q = 0x1.6ffb4e901f5dbp-5 + z * (-0x1.0f54730d6c30ep-5 + z * 0x1.e3ddb8d3850abp-7);
    q = -0x1.110c9a0c8644ap-4 + z * (0x1.e1704532a7e28p-5 + z * (-0x1.ab582fd05ec97p-5 + z * q));
    q = 0x1.c71c71bd21787p-4 + z * (-0x1.745d154ac3da3p-4 + z * (0x1.3b1375a0eb258p-4 + z * q));
    q = -0x1.5555555555555p-2 + z * (0x1.99999999998c4p-3 + z * (-0x1.2492492485417p-3 + z * q));
    return with_sign_of(high + (t + (low + t * (z * q))), x);
}

/* x as quarters of a turn, of which the last bits of `rounded` are the number, and a rest, high +
   low, from -pi/4 to pi/4. pi/2 is taken in four parts, of which the first three have 33 bits, so
   that their products with fewer than 2**20 quarters are exact. */
FUNCTION lanes ISA(angle)(lanes x, lanes *low, lanes *rounded)
{
    *rounded = x * 0x1.45f306dc9c883p-1 + ROUND;
    const lanes k = *rounded - ROUND;
    lanes sum = x - k * 0x1.921fb544p0, rest = all(0.0);
#define TAKE_AWAY(term)                                                                           \
    {                                                                                             \
        const lanes less = sum - (term), by = less - sum; /* what is lost by rounding is kept */  \
        rest += (sum - (less - by)) - ((term) + by);                                              \
        sum = less;                                                                               \
    }
    TAKE_AWAY(k * 0x1.0b4611a6p-34)
    TAKE_AWAY(k * 0x1.3198a2ep-69)
#undef TAKE_AWAY
    rest -= k * 0x1.b839a252049c1p-104;
    lanes high = sum + rest;
    *low = (sum - high) + rest;
    const unsigned far = which_less(all(0x1p20), magnitude(x));
    for (int lane = 0; far >> lane; lane++)
        if (far >> lane & 1) {
            double its_high, its_low;
            (*rounded)[lane] = ROUND + far_angle(x[lane], &its_high, &its_low);
            high[lane] = its_high, (*low)[lane] = its_low;
        }
    return high;
}

/* sin(x) or, as that of a quarter more, cos(x) for any x, below 1 ulp; nan unless x is finite. */
FUNCTION lanes ISA(turned)(lanes x, const int quarters)
{
    lanes low, rounded;
    const lanes y = ISA(angle)(x, &low, &rounded), z = y * y, square = z * z, half = 0.5 * z;
    lanes s = (0x1.71de379654304p-19 + z * (-0x1.ae600aca92c64p-26 + z * 0x1.5e0b05bff20f2p-33));
    s = -0x1.5555555555555p-3 + z * (0x1.1111111110bb2p-7 + z * (-0x1.a01a019e83816p-13 + z * s));
    lanes c = (-0x1.27e4fa17bf139p-22 + z * (0x1.1eeb68cd22f56p-29 + z * -0x1.907d8f29fe831p-37));
    c = 0x1.5555555555555p-5 + z * (-0x1.6c16c16c16967p-10 + z * (0x1.a01a019f4e9b4p-16 + z * c));
    const lanes one = all(1.0), first = one - half;
    const lanes sine = y + (low * first + (y * z) * s);
    const lanes cosine = first + (((one - first) - half) + (square * c - y * low));
    const bits turns = (bits)rounded + (uint64_t)quarters, odd = -(turns & 1);
    const bits found = (odd & (bits)cosine) | (~odd & (bits)sine);
    return (lanes)(found ^ (turns & 2) << 62);
}
#define turned ISA(turned)

/* erf(x), below 1.5 ulp: below 1 a polynomial, from there on 1 - exp(-x**2) times another, which is
   through erfc(x) exp(x**2) in (x - 2) / (x + 2) and closer where exp(-x**2) is large. */
FUNCTION lanes ISA(erf)(lanes x)
{
    const lanes one = all(1.0), size = magnitude(x);
    const unsigned near = which_less(size, one);
    lanes y = x;
    if (near) {
        const lanes z = x * x;
        lanes q = -0x1.389d4f2641625p-30 + z * 0x1.05ffd737fb32ep-34;
        q = -0x1.5f1ecb6f0764cp-23 + z * (0x1.f7b4bf3b13964p-27 + z * q);
        q = -0x1.f4d1e3183f7aep-17 + z * (0x1.b9df224ca4b97p-20 + z * q);
        q = -0x1.c02db3dac435fp-11 + z * (0x1.f9a321d5b8e1ep-14 + z * q);
        q = -0x1.b82ce31284e00p-6 + z * (0x1.565bcd0dbaa38p-8 + z * q);
        q = 0x1.ce2f21a042b30p-4 + z * q;
        y = x + x * (0x1.06eba8214db69p-3 + z * (-0x1.812746b0379e6p-2 + z * q));
    }
    if (near != ALL_OF(LANES)) {
        const lanes m = lesser(all(6.0), size), t = (m - 2.0) / (m + 2.0);
        lanes q = -0x1.be2cac468d90dp-16 + t * -0x1.a7ba3316bcc4dp-17;
        q = 0x1.6d8206abc644dp-13 + t * (0x1.cf86d60b27be6p-16 + t * q);
        q = -0x1.016b549d43417p-10 + t * (0x1.6d33dc0442614p-15 + t * q);
        q = 0x1.ca95ed89d79c3p-8 + t * (-0x1.bc258d421cc8ap-11 + t * q);
        q = -0x1.437f0b68cd5ffp-4 + t * (0x1.e947158ae16cbp-9 + t * q);
        q = 0x1.eeea7dc8a78ccp-3 + t * q;
        q = 0x1.058671b52c776p-2 + t * (-0x1.b57034efd3f55p-2 + t * q);
        y = where_less(size, one, y, with_sign_of(1.0 - exp(-(m * m)) * q, x));
    }
    return y;
}

#define first_half(x) ((lanes)((bits)(x) & ~(((uint64_t)1 << 27) - 1))) /* times another: exact */

/* log2(x) in two parts, the first with half the bits, to some 2**-65 of it, for any x above 0 that
   is finite: 2/(3 log 2) s (3 + s**2 + ...), where s = f / (2 + f). */
FUNCTION lanes ISA(split_log2)(lanes x, lanes *rest)
{
    lanes k;
    const lanes g = significand(x, &k), f = g - 1.0, below = g + 1.0, s = f / below;
    const lanes s1 = first_half(s), below1 = first_half(below), below2 = g - (below1 - 1.0);
    const lanes s2 = ((f - s1 * below1) - s1 * below2) / below, z = s * s, square = s1 * s1;
    lanes q = 0x1.d89d60bb25922p-3 + z * (0x1.99a52bd708da3p-3 +
              z * (0x1.679d96ac7bbebp-3 + z * 0x1.6822d3ff5dac6p-3));
    q = 0x1.3333333333333p-1 + z * (0x1.b6db6db6db7b2p-2 +
        z * (0x1.555555552ff8cp-2 + z * (0x1.1745d19bf0840p-2 + z * q)));
    const lanes more = z * z * q + s2 * (s1 + s);
    const lanes t1 = first_half(3.0 + square + more), t2 = more - ((t1 - 3.0) - square);
    const lanes u = s1 * t1, v = s2 * t1 + t2 * s, p1 = first_half(u + v), p2 = v - (p1 - u);
    const lanes w1 = 0x1.ec709ep-1 * p1;
    const lanes w2 = -0x1.e2fe0145b01f5p-28 * p1 + 0x1.ec709dc3a03fdp-1 * p2;
    const lanes y = first_half(k + (w1 + w2));
    *rest = w2 - ((y - k) - w1);
    return y;
}

/* a**b as C has it, below 1 ulp: 2**(b log2(a)), of which the exponent is kept in two parts. */
FUNCTION lanes ISA(power)(lanes a, lanes b)
{
    const lanes none = all(0.0), one = all(1.0), most = all(0x1p70), end = all(1100.0);
    const lanes size = magnitude(a), infinite = one / none;
    lanes rest;
    const lanes log2 = ISA(split_log2)(size, &rest);
    /* beyond 2**70 every power but those of 1 has overflowed or underflowed */
    const lanes times = lesser(most, greater(-most, b)), times1 = first_half(times);
    lanes p1 = times1 * log2, p2 = (times - times1) * log2 + times * rest;
    lanes p = p1 + p2;
    p1 = where_less(end, magnitude(p), with_sign_of(end, p), p1);
    p2 = where_less(end, magnitude(p), none, p2), p = p1 + p2;
    const lanes rounded = p + ROUND, k = rounded - ROUND, half = 0.5 * k + ROUND, t = p1 - k;
    const lanes t1 = first_half(t + p2), t2 = p2 - (t1 - t), e1 = t1 * 0x1.62e43p-1;
    const lanes e2 = t2 * 0x1.62e42fefa39efp-1 + t1 * -0x1.05c610ca86c39p-29;
    const lanes e = e1 + e2, lost = e2 - (e - e1);
    lanes y = 1.0 + (e + (ISA(quadratic_of_exp)(e) + (lost + e * lost)));
    y = y * power_of_2(half) * power_of_2((k - (half - ROUND)) + ROUND);

    y = where_equal(size, none, where_less(b, none, infinite, none), y);
    y = where_equal(size, infinite, where_less(b, none, none, infinite), y);
    /* below 0: the sign by whether b is odd; nan where it is not whole */
    const lanes middle = 0.5 * b, even = where_equal(floor(middle), middle, y, -y);
    const lanes whole = where_equal(floor(b), b, even, where_equal(size, infinite, y, none / none));
    y = where_less(a, none, whole, where_equal(floor(b), b, where_less(one / a, none, even, y), y));
    y = where_equal(a, a, where_equal(b, b, y, b), a);
    return where_equal(b, none, one, where_equal(a, one, one, y));
}

#endif
