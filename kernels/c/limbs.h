/* Numbers of 260 bits, one in each lane: 10 limbs of 26 bits, so that a limb's product leaves room for the sum
 * of a column and nothing has to be carried before a product is complete.
 *
 * The host checks what the other builds rely on: every Number carries its magnitude there, which is the same
 * for all inputs, so that one run of a formula proves its bounds. A number has magnitude m if limbs 0 to 8 are
 * at most m * (2^26 + 2^22) and limb 9 is at most m * (2^22 + 2^20); its limbs then fit 32 bits for m up to 50.
 */

#define LIMBS 10
#define LIMB_BITS 26
#define LIMB_MASK ((wide)0x3ffffff)
#define EACH_LIMB UNROLL for (int i = 0; i < LIMBS; i++)

/* The product of a * b < 2^32 each. The masks cost nothing: they tell the compiler that 32 bits count. */
#define TIMES(a, b) (((a) & (wide)0xffffffff) * ((b) & (wide)0xffffffff))

#ifdef HOST
#include <assert.h>
typedef struct { wide limb[LIMBS]; uint magnitude; } Number;
#define MAGNITUDE(x) ((x)->magnitude)
#define SET_MAGNITUDE(r, m) ((r)->magnitude = (m))
#define CHECK(condition) assert(condition)
#else
typedef struct { wide limb[LIMBS]; } Number;
#define SET_MAGNITUDE(r, m)
#define CHECK(condition)
#endif

/* All bits set where x is 0, no bit where it is not. */
INLINE wide zero_mask(const wide x) { return ((x | (0 - x)) >> 63) - 1; }

/* a where the mask has all bits set, b where it has none. */
INLINE wide choose(const wide mask, const wide a, const wide b) { return b ^ (mask & (a ^ b)); }

INLINE void choose_number(Number *r, const wide mask, const Number *a, const Number *b)
{
    SET_MAGNITUDE(r, MAGNITUDE(a) > MAGNITUDE(b) ? MAGNITUDE(a) : MAGNITUDE(b));
    EACH_LIMB r->limb[i] = choose(mask, a->limb[i], b->limb[i]);
}

INLINE void set_number(Number *r, const uint value)
{
    SET_MAGNITUDE(r, 1);
    EACH_LIMB r->limb[i] = i == 0 ? value : 0;
}

INLINE void set_constant(Number *r, CONSTANT ulong *limbs)
{
    SET_MAGNITUDE(r, 1);
    EACH_LIMB r->limb[i] = limbs[i];
}

/* `count` limbs of a number in words of 64 bits, least significant first. */
INLINE void unpack_words(wide *limbs, const int count, const wide *words, const int last)
{
    UNROLL for (int i = 0; i < count; i++) {
        const int word = LIMB_BITS * i / 64, shift = LIMB_BITS * i % 64;
        limbs[i] = (words[word] >> shift) & LIMB_MASK;
        if (shift > 64 - LIMB_BITS && word < last) limbs[i] |= (words[word + 1] << (64 - shift)) & LIMB_MASK;
    }
}

INLINE void unpack(Number *r, const wide words[4])
{
    SET_MAGNITUDE(r, 1);
    unpack_words(r->limb, LIMBS, words, 3);
}

/* All bits set where all limbs are 0. */
INLINE wide is_nothing(const Number *a)
{
    wide any = 0;
    EACH_LIMB any |= a->limb[i];
    return zero_mask(any);
}

/* Makes `count` limbs of 26 bits out of columns; what is left over goes into the last one. */
#define CARRY(columns, count)                                                                                    \
    UNROLL for (int k = 0; k < (count) - 1; k++) {                                                               \
        (columns)[k + 1] += (columns)[k] >> LIMB_BITS;                                                           \
        (columns)[k] &= LIMB_MASK;                                                                               \
    }

/* Adds the columns of a * b to 19 columns. */
INLINE void add_product(wide columns[2 * LIMBS], const Number *a, const Number *b)
{
    UNROLL for (int i = 0; i < LIMBS; i++)
        UNROLL for (int j = 0; j < LIMBS; j++) columns[i + j] += TIMES(a->limb[i], b->limb[j]);
}

INLINE void add_square(wide columns[2 * LIMBS], const Number *a)
{
    wide mixed[2 * LIMBS - 1]; /* doubled as sums, for compilers would double the products of doubled factors */
    UNROLL for (int k = 0; k < 2 * LIMBS - 1; k++) mixed[k] = 0;
    UNROLL for (int i = 0; i < LIMBS; i++)
        UNROLL for (int j = i + 1; j < LIMBS; j++) mixed[i + j] += TIMES(a->limb[i], a->limb[j]);
    UNROLL for (int k = 0; k < 2 * LIMBS - 1; k++) columns[k] += mixed[k] + mixed[k];
    EACH_LIMB columns[2 * i] += TIMES(a->limb[i], a->limb[i]);
}

INLINE void clear(wide columns[2 * LIMBS])
{
    UNROLL for (int k = 0; k < 2 * LIMBS; k++) columns[k] = 0;
}
