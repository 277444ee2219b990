/* Ed25519 (RFC 8032, section 5.1.7, and ZIP 215), a group of WIDTH signatures an item.
 *
 * What is loaded gives the point A of the key and the scalars S and k, multiply_subtract makes S B - k A of them,
 * and what finishes compares it with R by either rule. Whatever the bytes are, every lane computes something,
 * and its code says what became of it.
 */

/* Slots of a group. */
#define X 0 /* of -A, affine; then of the difference */
#define Y 1
#define Z 2 /* of the difference */
#define S 3 /* the scalar; then t of the difference */
#define T 3
#define K 4
#define INVERSE 5

DEFINE_INVERSES(invert_numbers, multiply, INVERSION)

/* The hash of R, key and message mod L. */
INLINE void challenge(Number *k, const wide r[4], const wide key[4], GLOBAL const uchar *messages,
                      GLOBAL const ulong *offsets, const uint group)
{
    wide hash[8], w[16], limbs[2 * LIMBS];
    UNROLL for (int i = 0; i < 8; i++) hash[i] = SHA512_START[i];
    ulong blocks = 0;
    for (uint lane = 0; lane < WIDTH; lane++) {
        const ulong own = (offsets[group * WIDTH + lane + 1] - offsets[group * WIDTH + lane] + 80) / 128 + 1;
        if (own > blocks) blocks = own;
    }
    for (ulong block = 0; block < blocks; block++) {
        const uint first = block ? 0 : 8; /* R and the key are half of the first block */
        wide next[8], live;
        UNROLL for (int i = 0; i < 4; i++) {
            w[i] = swap_bytes(r[i]);
            w[4 + i] = swap_bytes(key[i]);
        }
        for (uint lane = 0; lane < WIDTH; lane++) {
            const ulong start = offsets[group * WIDTH + lane], length = offsets[group * WIDTH + lane + 1] - start;
            const ulong last = (length + 80) / 128;
            for (uint i = first; i < 16; i++) {
                ulong word = padded_word(messages + start, length, 128 * block + 8 * i - 64, 8);
                if (block == last && i == 15) word = 8 * (64 + length);
                ((ulong *)&w[i])[lane] = word;
            }
            ((ulong *)&live)[lane] = block <= last ? ~(ulong)0 : 0;
        }
        UNROLL for (int i = 0; i < 8; i++) next[i] = hash[i];
        compress512(next, w);
        UNROLL for (int i = 0; i < 8; i++) hash[i] = choose(live, next[i], hash[i]);
    }
    UNROLL for (int i = 0; i < 8; i++) hash[i] = swap_bytes(hash[i]);
    unpack_words(limbs, 2 * LIMBS, hash, 7);
    reduce_scalar(k, limbs);
}

WORKER void load_ed25519_group(GLOBAL const ulong *keys, GLOBAL const ulong *signatures,
                               GLOBAL const uchar *messages, GLOBAL const ulong *offsets, const uint strict,
                               GLOBAL wide *state, GLOBAL uint *codes, const uint group)
{
    Point a;
    Number s, k;
    wide key[4], r[4], ranged = ~(wide)0;
    load_words(key, keys, 4, 0, group);
    const wide known = decode(&a, key, strict);
    load_below(&s, &ranged, ORDER, signatures, 8, 4, group);
    store_codes(codes, group, choose(~known, (wide)VERDICT_KEY, choose(~ranged, (wide)VERDICT_RANGE, (wide)0)));
    load_words(r, signatures, 8, 0, group);
    challenge(&k, r, key, messages, offsets, group);
    negate(&a.x, &a.x, 1);
    settle_number(&a.x, &a.x);
    store(SLOT(state, group, X), &a.x);
    store(SLOT(state, group, Y), &a.y);
    store(SLOT(state, group, S), &s);
    store(SLOT(state, group, K), &k);
}

/* Keys are 4 words, signatures 8; message i lies at offsets[i] to before offsets[i + 1]. */
KERNEL void load_ed25519(GLOBAL const ulong *keys, GLOBAL const ulong *signatures, GLOBAL const uchar *messages,
                         GLOBAL const ulong *offsets, const uint strict, GLOBAL wide *state, GLOBAL uint *codes,
                         const uint groups)
{
    if (ITEM < groups) load_ed25519_group(keys, signatures, messages, offsets, strict, state, codes, ITEM);
}

#define ENTRY_WORDS (4 * PACKED)

/* 0 to 16 times the point. */
INLINE void make_table(wide *table, const Point *point)
{
    Point p;
    Addend one, entry;
    make_addend(&one, point);
    set_neutral(&p);
    for (uint i = 0; i <= 1 << (KEY_BITS - 1); i++, table += ENTRY_WORDS) {
        if (i) add_point(&p, &one);
        make_addend(&entry, &p);
        pack(table, &entry.sum);
        pack(table + PACKED, &entry.difference);
        pack(table + 2 * PACKED, &entry.twice_z);
        pack(table + 3 * PACKED, &entry.multiple_of_t);
    }
}

INLINE void add_digit(Point *sum, const wide *table, const wide biased)
{
    Addend addend;
    wide negative, entry[ENTRY_WORDS];
    choose_entry(entry, table, magnitude_of(&negative, biased, KEY_BITS), ENTRY_WORDS);
    unpack_pairs(&addend.sum, entry);
    unpack_pairs(&addend.difference, entry + PACKED);
    unpack_pairs(&addend.twice_z, entry + 2 * PACKED);
    unpack_pairs(&addend.multiple_of_t, entry + 3 * PACKED);
    negate_addend_where(&addend, negative);
    add_point(sum, &addend);
}

/* sum += s B: no doublings, because the table has a part for each digit. */
INLINE void add_base_point(Point *sum, GLOBAL const ulong *base, Number *s)
{
    Number one, zero;
    set_number(&one, 1);
    set_number(&zero, 0);
    add_bias(s->limb, GENERATOR_BIAS, LIMBS);
    for (uint window = 0; window < GENERATOR_WINDOWS; window++) {
        Addend addend;
        wide negative, words[12];
        const wide biased = s->limb[window / 2] >> (GENERATOR_BITS * (window % 2));
        const wide digit = magnitude_of(&negative, biased & (((wide)1 << GENERATOR_BITS) - 1), GENERATOR_BITS);
        const wide nothing = zero_mask(digit);
        choose_generator(words, base, window, digit, 12);
        unpack(&addend.sum, words);
        unpack(&addend.difference, words + 4);
        unpack(&addend.multiple_of_t, words + 8);
        set_number(&addend.twice_z, 2);
        choose_number(&addend.sum, nothing, &one, &addend.sum);
        choose_number(&addend.difference, nothing, &one, &addend.difference);
        choose_number(&addend.multiple_of_t, nothing, &zero, &addend.multiple_of_t);
        negate_addend_where(&addend, negative);
        add_point(sum, &addend);
    }
}

WORKER void multiply_subtract_group(GLOBAL const ulong *base, GLOBAL wide *state, const uint group)
{
    Number scalar;
    Point sum;
    wide table[((1 << (KEY_BITS - 1)) + 1) * ENTRY_WORDS], digits[LIMBS + 1];
    load(&sum.x, SLOT(state, group, X));
    load(&sum.y, SLOT(state, group, Y));
    set_number(&sum.z, 1);
    multiply(&sum.t, &sum.x, &sum.y);
    make_table(table, &sum);
    load(&scalar, SLOT(state, group, K));
    EACH_LIMB digits[i] = scalar.limb[i];
    add_bias(digits, KEY_BIAS, LIMBS);
    digits[LIMBS] = 0;

    set_neutral(&sum);
    for (uint digit = KEY_DIGITS; digit-- > 0;) {
        for (uint i = KEY_BITS; i-- > 0 && digit < KEY_DIGITS - 1;) double_point(&sum, i == 0);
        add_digit(&sum, table, digit_at(digits, KEY_BITS * digit, KEY_BITS));
    }
    load(&scalar, SLOT(state, group, S));
    add_base_point(&sum, base, &scalar);
    store(SLOT(state, group, X), &sum.x);
    store(SLOT(state, group, Y), &sum.y);
    store(SLOT(state, group, Z), &sum.z);
    store(SLOT(state, group, T), &sum.t);
}

/* (X : Y : Z : T) = S B - k A */
KERNEL void multiply_subtract(GLOBAL const ulong *base, GLOBAL wide *state, const uint groups)
{
    if (ITEM < groups) multiply_subtract_group(base, state, ITEM);
}

WORKER void finish_rfc8032_groups(GLOBAL const ulong *signatures, GLOBAL wide *state, GLOBAL uint *codes,
                                  const uint first, const uint end)
{
    invert_numbers(state, Z, INVERSE, first, end);
    for (uint group = first; group < end; group++) {
        Number x, y, inverse;
        wide words[4], different = 0;
        load(&inverse, SLOT(state, group, INVERSE));
        load(&x, SLOT(state, group, X));
        load(&y, SLOT(state, group, Y));
        multiply(&x, &x, &inverse);
        multiply(&y, &y, &inverse);
        canonical(&x);
        canonical(&y);
        load_words(words, signatures, 8, 0, group);
        different = (x.limb[0] & 1) ^ words[3] >> 63;
        words[3] &= 0x7ffffffffffffffful;
        unpack(&inverse, words);
        EACH_LIMB different |= y.limb[i] ^ inverse.limb[i];
        settle_codes(codes, group, zero_mask(different));
    }
}

/* Whether the difference is encoded as R. */
KERNEL void finish_rfc8032(GLOBAL const ulong *signatures, GLOBAL wide *state, GLOBAL uint *codes,
                           const uint groups, const uint run)
{
    const uint first = ITEM * run;
    if (first < groups)
        finish_rfc8032_groups(signatures, state, codes, first, groups - first < run ? groups : first + run);
}

WORKER void finish_zip215_group(GLOBAL const ulong *signatures, GLOBAL wide *state, GLOBAL uint *codes,
                                const uint group)
{
    Point r, difference;
    Addend addend;
    wide words[4];
    load_words(words, signatures, 8, 0, group);
    const wide known = decode(&r, words, 0);
    make_addend(&addend, &r);
    negate_addend_where(&addend, ~(wide)0);
    load(&difference.x, SLOT(state, group, X));
    load(&difference.y, SLOT(state, group, Y));
    load(&difference.z, SLOT(state, group, Z));
    load(&difference.t, SLOT(state, group, T));
    add_point(&difference, &addend);
    for (uint i = 0; i < 3; i++) double_point(&difference, 0);
    const wide neutral = is_zero(&difference.x) & is_equal(&difference.y, &difference.z, 1);
    settle_codes(codes, group, known & neutral);
}

/* Whether eight times the difference is 8 R. */
KERNEL void finish_zip215(GLOBAL const ulong *signatures, GLOBAL wide *state, GLOBAL uint *codes,
                          const uint groups)
{
    if (ITEM < groups) finish_zip215_group(signatures, state, codes, ITEM);
}
