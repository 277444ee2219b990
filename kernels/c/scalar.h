/* Arithmetic mod ORDER, that of the group of either curve; the constants come from curves.py.
 *
 * A scalar is a Number whose limbs have 26 bits; results are below ORDER.
 */

/* r = x mod ORDER, for x of 20 limbs: Barrett's reduction (Handbook of Applied Cryptography, 14.42), with
 * limbs as digits, RECIPROCAL = floor(2^520 / ORDER), and one limb more than a scalar has. */
INLINE void reduce_scalar(Number *r, wide x[2 * LIMBS])
{
    wide quotient[2 * LIMBS + 2], rest[LIMBS + 1];
    UNROLL for (int i = 0; i < 2 * LIMBS + 2; i++) quotient[i] = 0;
    UNROLL for (int i = 0; i <= LIMBS; i++)
        UNROLL for (int j = 0; j <= LIMBS; j++) quotient[i + j] += TIMES(x[LIMBS - 1 + i], (wide)RECIPROCAL[j]);
    CARRY(quotient, 2 * LIMBS + 2)
    UNROLL for (int i = 0; i <= LIMBS; i++) rest[i] = 0;
    UNROLL for (int i = 0; i <= LIMBS; i++)
        UNROLL for (int j = 0; j <= LIMBS - i; j++) rest[i + j] += TIMES(quotient[LIMBS + 1 + i], (wide)ORDER[j]);
    CARRY(rest, LIMBS + 1)
    wide borrow = 0;
    UNROLL for (int i = 0; i <= LIMBS; i++) {
        const wide limb = x[i] - (rest[i] & LIMB_MASK) - borrow;
        rest[i] = limb & LIMB_MASK;
        borrow = limb >> 63;
    }
    /* The quotient may have been too small by two. */
    for (int times = 0; times < 2; times++) {
        wide less[LIMBS + 1];
        borrow = 0;
        UNROLL for (int i = 0; i <= LIMBS; i++) {
            const wide limb = rest[i] - ORDER[i] - borrow;
            less[i] = limb & LIMB_MASK;
            borrow = limb >> 63;
        }
        UNROLL for (int i = 0; i <= LIMBS; i++) rest[i] = choose(0 - borrow, rest[i], less[i]);
    }
    SET_MAGNITUDE(r, 1);
    EACH_LIMB r->limb[i] = rest[i];
}

/* r = a * b, for limbs of 26 bits and values up to 2^260. */
ROUTINE void multiply_scalars(Number *r, const Number *a, const Number *b)
{
    wide columns[2 * LIMBS];
    clear(columns);
    add_product(columns, a, b);
    CARRY(columns, 2 * LIMBS)
    reduce_scalar(r, columns);
}

/* Makes the digits of `bits` bits each of limbs + bias, from 0 on, stand for digits from -2^(bits - 1) on. */
INLINE void add_bias(wide *limbs, CONSTANT ulong *bias, const int count)
{
    UNROLL for (int i = 0; i < count; i++) limbs[i] += bias[i];
    CARRY(limbs, count)
    limbs[count - 1] &= LIMB_MASK;
}

/* A digit between limbs: `bits` bits from the bit `position` on, of a number with a limb of 0 after its last. */
INLINE wide digit_at(const wide *limbs, const uint position, const uint bits)
{
    const uint limb = position / LIMB_BITS, shift = position % LIMB_BITS;
    const wide both = limbs[limb] | limbs[limb + 1] << LIMB_BITS;
    return (both >> shift) & (((wide)1 << bits) - 1);
}

/* Takes the signed digit apart that a biased one stands for: its magnitude, and all bits set where negative. */
INLINE wide magnitude_of(wide *negative, const wide biased, const uint bits)
{
    const wide digit = biased - ((wide)1 << (bits - 1));
    *negative = 0 - (digit >> 63);
    return (digit ^ *negative) - *negative;
}
