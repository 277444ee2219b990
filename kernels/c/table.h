/* Signed digits of each lane, and what they choose from tables. */

/* Words that pack a number of magnitude 1, two limbs each, where lanes read them one by one. */
#define PACKED (LIMBS / 2)

INLINE void pack(wide *to, const Number *a)
{
    CHECK(MAGNITUDE(a) == 1);
    UNROLL for (int i = 0; i < PACKED; i++) to[i] = a->limb[2 * i] | a->limb[2 * i + 1] << 32;
}

INLINE void unpack_pairs(Number *r, const wide *from)
{
    SET_MAGNITUDE(r, 1);
    EACH_LIMB r->limb[i] = (i & 1 ? from[i / 2] >> 32 : from[i / 2] & (wide)0xffffffff);
}

/* Copies each lane's own entry, of `words` words, of a table of vectors. */
INLINE void choose_entry(wide *to, const wide *table, const wide entry, const uint words)
{
    for (uint lane = 0; lane < WIDTH; lane++) {
        const ulong *from = (const ulong *)(table + ((const ulong *)&entry)[lane] * words) + lane;
        for (uint i = 0; i < words; i++) ((ulong *)&to[i])[lane] = from[i * WIDTH];
    }
}

/* Copies the words of each lane's own multiple of the generator in a window; those of 1 where it is 0. */
INLINE void choose_generator(wide *to, GLOBAL const ulong *table, const uint window, const wide multiple_of,
                             const uint words)
{
    const wide entry = multiple_of - 1 - zero_mask(multiple_of) + GENERATOR_ENTRIES * window;
    for (uint lane = 0; lane < WIDTH; lane++) {
        GLOBAL const ulong *from = table + ((const ulong *)&entry)[lane] * words;
        for (uint i = 0; i < words; i++) ((ulong *)&to[i])[lane] = from[i];
    }
}

/* r = -a where the mask has all bits set, else a, of magnitude 2, for an a of magnitude 1. */
INLINE void negate_where(Number *r, const wide mask, const Number *a)
{
    Number negative;
    negate(&negative, a, 1);
    choose_number(r, mask, &negative, a);
}
