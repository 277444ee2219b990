/* Arithmetic mod p = 2^P_BITS - c for the prime of either curve; the constants come from curves.py.
 *
 * A result is not reduced to less than p, but has the magnitude (limbs.h) that stands at each function. What
 * goes into products may have magnitudes whose product, summed over the products, is at most 300: a column has
 * 10 terms of at most (2^26 + 2^22)^2 a unit, and with it remains below 2^64 - 2^56.
 */

#define TOP_BITS (P_BITS - LIMB_BITS * (LIMBS - 1))
#define TOP_MASK (((wide)1 << TOP_BITS) - 1)
#define MOST 300

/* Limbs of magnitude 1 from ten columns, each below 2^64 - 2^38, the last below 2^63. */
INLINE void settle(Number *r, wide columns[LIMBS])
{
    CARRY(columns, LIMBS)
    const wide over = columns[LIMBS - 1] >> TOP_BITS; /* < 2^43 */
    columns[LIMBS - 1] &= TOP_MASK;
    columns[0] += over * C0; /* < 2^53 */
    columns[1] += over * C1 + (columns[0] >> LIMB_BITS);
    columns[0] &= LIMB_MASK;
    columns[2] += columns[1] >> LIMB_BITS; /* by less than 2^22 + 2^2 */
    columns[1] &= LIMB_MASK;
    SET_MAGNITUDE(r, 1);
    EACH_LIMB r->limb[i] = columns[i];
}

/* r = a, magnitude 1, for an a of magnitude at most 50. */
INLINE void settle_number(Number *r, const Number *a)
{
    CHECK(MAGNITUDE(a) <= 50);
    wide columns[LIMBS];
    EACH_LIMB columns[i] = a->limb[i];
    settle(r, columns);
}

/* The same from the columns of a sum of products; 2^260 = FOLD0 + 2^26 FOLD1 mod p. */
INLINE void reduce(Number *r, wide columns[2 * LIMBS])
{
    wide *const high = columns + LIMBS;
    high[LIMBS - 1] = 0;
    CARRY(high, LIMBS) /* the last one stays below 2^32, as limb 9 is small */
    EACH_LIMB columns[i] += TIMES(high[i], (wide)FOLD0) + (i ? high[i - 1] * FOLD1 : 0);
    columns[LIMBS - 1] += (high[LIMBS - 1] * FOLD1) << LIMB_BITS;
    settle(r, columns);
}

/* r = a * b, magnitude 1. */
INLINE void multiply(Number *r, const Number *a, const Number *b)
{
    CHECK(MAGNITUDE(a) * MAGNITUDE(b) <= MOST);
    wide columns[2 * LIMBS];
    clear(columns);
    add_product(columns, a, b);
    reduce(r, columns);
}

/* r = a * a, magnitude 1. */
INLINE void square(Number *r, const Number *a)
{
    CHECK(MAGNITUDE(a) * MAGNITUDE(a) <= MOST && MAGNITUDE(a) <= 25);
    wide columns[2 * LIMBS];
    clear(columns);
    add_square(columns, a);
    reduce(r, columns);
}

/* r = a * b + c * d, magnitude 1. */
INLINE void multiply_two(Number *r, const Number *a, const Number *b, const Number *c, const Number *d)
{
    CHECK(MAGNITUDE(a) * MAGNITUDE(b) + MAGNITUDE(c) * MAGNITUDE(d) <= MOST);
    wide columns[2 * LIMBS];
    clear(columns);
    add_product(columns, a, b);
    add_product(columns, c, d);
    reduce(r, columns);
}

/* r = a + b; magnitudes add up. */
INLINE void add(Number *r, const Number *a, const Number *b)
{
    SET_MAGNITUDE(r, MAGNITUDE(a) + MAGNITUDE(b));
    EACH_LIMB r->limb[i] = a->limb[i] + b->limb[i];
}

/* r = a - b for a b of magnitude at most m <= 8; the magnitude is a's and m + 1. */
INLINE void subtract(Number *r, const Number *a, const Number *b, const uint m)
{
    CHECK(MAGNITUDE(b) <= m && m <= 8);
    SET_MAGNITUDE(r, MAGNITUDE(a) + m + 1);
    EACH_LIMB r->limb[i] = a->limb[i] + (P[i] * (m + 1) - b->limb[i]);
}

/* r = -a for an a of magnitude at most m <= 8; the magnitude is m + 1. */
INLINE void negate(Number *r, const Number *a, const uint m)
{
    CHECK(MAGNITUDE(a) <= m && m <= 8);
    SET_MAGNITUDE(r, m + 1);
    EACH_LIMB r->limb[i] = P[i] * (m + 1) - a->limb[i];
}

/* r = factor * a; so is the magnitude. */
INLINE void multiple(Number *r, const uint factor, const Number *a)
{
    SET_MAGNITUDE(r, factor * MAGNITUDE(a));
    EACH_LIMB r->limb[i] = factor * a->limb[i];
}

/* r = a * factor for magnitude times factor up to 1000; magnitude 1. */
INLINE void scale(Number *r, const Number *a, const uint factor)
{
    CHECK(MAGNITUDE(a) * factor <= 1000);
    wide columns[LIMBS];
    EACH_LIMB columns[i] = TIMES(a->limb[i], (wide)factor);
    settle(r, columns);
}

/* The one representation with limbs of 26 bits and a value below p, of a number of magnitude at most 50. */
ROUTINE void canonical(Number *r)
{
    settle_number(r, r); /* below 2 p */
    wide sum[LIMBS];
    EACH_LIMB sum[i] = r->limb[i];
    sum[0] += C0;
    sum[1] += C1;
    CARRY(sum, LIMBS)
    const wide over = sum[LIMBS - 1] >> TOP_BITS; /* 1 if p or more, else 0 */
    r->limb[0] += over * C0;
    r->limb[1] += over * C1;
    CARRY(r->limb, LIMBS)
    r->limb[LIMBS - 1] &= TOP_MASK;
}

/* All bits set where a = 0 mod p. */
INLINE wide is_zero(const Number *a)
{
    Number x = *a;
    canonical(&x);
    return is_nothing(&x);
}

/* All bits set where a = b mod p, for a b of magnitude at most m. */
INLINE wide is_equal(const Number *a, const Number *b, const uint m)
{
    Number difference;
    subtract(&difference, a, b, m);
    return is_zero(&difference);
}

/* All bits set where a number with limbs of 26 bits is below the constant. */
INLINE wide is_below(const Number *a, CONSTANT ulong *limit)
{
    wide borrow = 0;
    EACH_LIMB borrow = (a->limb[i] - limit[i] - borrow) >> 63;
    return 0 - borrow;
}

INLINE wide is_odd(const Number *canonical_one) { return 0 - (canonical_one->limb[0] & 1); }

/* r = a^(2^times) * b, magnitude 1, for a and b of magnitude 1. */
ROUTINE void square_and_multiply(Number *r, const Number *a, const uint times, const Number *b)
{
    Number x = *a;
    for (uint i = 0; i < times; i++) square(&x, &x);
    multiply(r, &x, b);
}
