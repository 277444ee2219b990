/* What is known about the signatures of a group, WIDTH of them, one a lane: SLOTS numbers in global memory; and
 * the inversion of one slot of many groups at once.
 */

#define SLOTS 6
#define SLOT(state, group, slot) ((state) + ((group) * SLOTS + (slot)) * LIMBS)

INLINE void load(Number *r, GLOBAL const wide *from)
{
    SET_MAGNITUDE(r, 1);
    EACH_LIMB r->limb[i] = from[i];
}

INLINE void store(GLOBAL wide *to, const Number *a)
{
    CHECK(MAGNITUDE(a) == 1);
    EACH_LIMB to[i] = a->limb[i];
}

/* Four words from `offset` on of the rows that the lanes of a group have in memory. */
INLINE void load_words(wide words[4], GLOBAL const ulong *rows, const uint row_words, const uint offset,
                       const uint group)
{
    for (uint lane = 0; lane < WIDTH; lane++) {
        GLOBAL const ulong *row = rows + (group * WIDTH + lane) * row_words + offset;
        for (uint i = 0; i < 4; i++) ((ulong *)&words[i])[lane] = row[i];
    }
}

/* A number below the limit; where it is not, `in_range` loses the lane. */
INLINE void load_below(Number *r, wide *in_range, CONSTANT ulong *limit, GLOBAL const ulong *rows,
                       const uint row_words, const uint offset, const uint group)
{
    wide words[4];
    load_words(words, rows, row_words, offset, group);
    unpack(r, words);
    *in_range &= is_below(r, limit);
}

INLINE void store_codes(GLOBAL uint *codes, const uint group, const wide values)
{
    for (uint lane = 0; lane < WIDTH; lane++) codes[group * WIDTH + lane] = (uint)((const ulong *)&values)[lane];
}

INLINE wide load_codes(GLOBAL const uint *codes, const uint group)
{
    wide values;
    for (uint lane = 0; lane < WIDTH; lane++) ((ulong *)&values)[lane] = codes[group * WIDTH + lane];
    return values;
}

/* Keeps what is wrong already, else notes where the equation does not hold. */
INLINE void settle_codes(GLOBAL uint *codes, const uint group, const wide holds)
{
    const wide before = load_codes(codes, group);
    store_codes(codes, group, choose(zero_mask(before) & ~holds, (wide)VERDICT_EQUATION, before));
}

/* Defines a function that puts the inverse of slot `from` of the groups from `first` to before `end` into slot
 * `to`, by one inversion (Montgomery's trick) with Fermat's exponent; none of them may be 0. */
#define DEFINE_INVERSES(name, multiply, exponent)                                                                \
    ROUTINE void name(GLOBAL wide *state, const uint from, const uint to, const uint first, const uint end)       \
    {                                                                                                            \
        Number all, one, inverse;                                                                                \
        set_number(&all, 1);                                                                                     \
        for (uint group = first; group < end; group++) {                                                         \
            store(SLOT(state, group, to), &all);                                                                 \
            load(&one, SLOT(state, group, from));                                                                \
            multiply(&all, &all, &one);                                                                          \
        }                                                                                                        \
        set_number(&inverse, 1);                                                                                 \
        for (int bit = 255; bit >= 0; bit--) {                                                                   \
            multiply(&inverse, &inverse, &inverse);                                                              \
            if (exponent[bit / 64] >> (bit % 64) & 1) multiply(&inverse, &inverse, &all);                        \
        }                                                                                                        \
        for (uint group = end; group-- > first;) {                                                               \
            load(&all, SLOT(state, group, to));                                                                  \
            load(&one, SLOT(state, group, from));                                                                \
            multiply(&all, &all, &inverse);                                                                      \
            multiply(&inverse, &inverse, &one);                                                                  \
            store(SLOT(state, group, to), &all);                                                                 \
        }                                                                                                        \
    }
