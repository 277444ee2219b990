/* ECDSA (SEC 1, section 4.1.4) and BIP 340, a group of WIDTH signatures an item.
 *
 * For each scheme: what is loaded gives a point P and scalars u and v, multiply_add makes u G + v P of them, and
 * what finishes looks at its coordinates. Kernels that invert take `run` groups an item, because they share an
 * inversion. Whatever the bytes are, every lane computes something, and its code says what became of it.
 */

/* Slots of a group. */
#define X 0 /* of the affine point P, then of the sum */
#define Y 1
#define Z 2 /* of the sum; of ECDSA's s before */
#define U 3
#define V 4
#define INVERSE 5

DEFINE_INVERSES(invert_scalars, multiply_scalars, ORDER_INVERSION)
DEFINE_INVERSES(invert_numbers, multiply, INVERSION)

/* y of the curve at x with the parity wanted, in the form of canonical; all bits set where there is one. */
INLINE wide lift(Number *y, const Number *square_of_y, const wide odd)
{
    Number negative, x;
    settle_number(&x, square_of_y);
    square_root(y, &x);
    square(&negative, y);
    const wide exists = is_equal(&negative, square_of_y, 2);
    canonical(y);
    negate(&negative, y, 1);
    choose_number(y, is_odd(y) ^ odd, &negative, y);
    canonical(y);
    return exists;
}

/* Keys of 9 words: x, y and the first byte; signatures of 8: r and s. */
WORKER void load_ecdsa_group(GLOBAL const ulong *keys, GLOBAL const ulong *signatures, const uint hybrid,
                             const uint low_s, GLOBAL wide *state, GLOBAL uint *codes, const uint group)
{
    Number x, y, given, side, one;
    wide prefix[4], known = ~(wide)0, given_known = ~(wide)0, ranged = ~(wide)0;
    load_below(&x, &known, P, keys, 9, 0, group);
    load_below(&given, &given_known, P, keys, 9, 4, group);
    load_words(prefix, keys, 9, 8 - 3, group); /* y, but its first word, and the first byte */
    const wide first = prefix[3];
    const wide compressed = zero_mask((first & ~(wide)1) - 2);
    const wide is_hybrid = zero_mask((first & ~(wide)1) - 6) & (0 - (wide)(hybrid != 0));
    const wide parity = 0 - (first & 1);

    right_side(&side, &x);
    const wide exists = lift(&y, &side, parity);
    square(&one, &given);
    const wide on_curve = is_equal(&one, &side, 2) & given_known;
    const wide right_parity = ~(is_odd(&given) ^ parity);
    known &= choose(compressed, exists, on_curve & (zero_mask(first - 4) | (is_hybrid & right_parity)));
    choose_number(&y, compressed, &y, &given);

    Number r, s;
    load_below(&r, &ranged, ORDER, signatures, 8, 0, group);
    load_below(&s, &ranged, ORDER, signatures, 8, 4, group);
    ranged &= ~is_nothing(&r) & ~is_nothing(&s);
    const wide high = ~is_below(&s, HALF_ORDER) & (0 - (wide)(low_s != 0));
    const wide code = choose(high, (wide)VERDICT_HIGH_S, (wide)0);
    store_codes(codes, group, choose(~known, (wide)VERDICT_KEY, choose(~ranged, (wide)VERDICT_RANGE, code)));

    set_number(&one, 1);
    choose_number(&s, ranged, &s, &one); /* a zero would spoil the inversion that others share */
    store(SLOT(state, group, X), &x);
    store(SLOT(state, group, Y), &y);
    store(SLOT(state, group, Z), &s);
}

KERNEL void load_ecdsa(GLOBAL const ulong *keys, GLOBAL const ulong *signatures, const uint hybrid,
                       const uint low_s, GLOBAL wide *state, GLOBAL uint *codes, const uint groups)
{
    if (ITEM < groups) load_ecdsa_group(keys, signatures, hybrid, low_s, state, codes, ITEM);
}

WORKER void divide_by_s_groups(GLOBAL const ulong *hashes, GLOBAL const ulong *signatures, GLOBAL wide *state,
                               const uint first, const uint end)
{
    invert_scalars(state, Z, INVERSE, first, end);
    for (uint group = first; group < end; group++) {
        Number inverse, scalar;
        wide words[4];
        load(&inverse, SLOT(state, group, INVERSE));
        load_words(words, hashes, 4, 0, group);
        unpack(&scalar, words);
        multiply_scalars(&scalar, &scalar, &inverse);
        store(SLOT(state, group, U), &scalar);
        load_words(words, signatures, 8, 0, group);
        unpack(&scalar, words);
        multiply_scalars(&scalar, &scalar, &inverse);
        store(SLOT(state, group, V), &scalar);
    }
}

/* u = hash / s and v = r / s mod n; a hash is 4 words. */
KERNEL void divide_by_s(GLOBAL const ulong *hashes, GLOBAL const ulong *signatures, GLOBAL wide *state,
                        const uint groups, const uint run)
{
    const uint first = ITEM * run;
    if (first < groups)
        divide_by_s_groups(hashes, signatures, state, first, groups - first < run ? groups : first + run);
}

/* The digits of half of v: 5 limbs of value + c1 one + c2 other + KEY_BIAS mod 2^130. */
INLINE void half_digits(wide limbs[6], const Number *value, const wide c1[5], const wide c2[5],
                        CONSTANT ulong *one, CONSTANT ulong *other)
{
    UNROLL for (int i = 0; i < 5; i++) limbs[i] = value ? value->limb[i] : 0;
    UNROLL for (int i = 0; i < 5; i++)
        UNROLL for (int j = 0; j < 5 - i; j++)
            limbs[i + j] += TIMES(c1[i], (wide)one[j]) + TIMES(c2[i], (wide)other[j]);
    add_bias(limbs, KEY_BIAS, 5);
    limbs[5] = 0;
}

/* round(v factor / 2^364) */
INLINE void rounded_product(wide r[5], const Number *v, CONSTANT ulong *factor)
{
    Number other;
    wide columns[2 * LIMBS];
    set_constant(&other, factor);
    clear(columns);
    add_product(columns, v, &other);
    columns[13] += (wide)1 << (LIMB_BITS - 1);
    CARRY(columns, 2 * LIMBS)
    UNROLL for (int i = 0; i < 5; i++) r[i] = columns[14 + i];
}

/* Splits v into a + b lambda, both of less than 2^128 and of either sign, by the lattice's basis. */
ROUTINE void split(wide a[6], wide b[6], const Number *v)
{
    wide c1[5], c2[5];
    rounded_product(c1, v, SPLIT_1);
    rounded_product(c2, v, SPLIT_2);
    half_digits(a, v, c1, c2, A1, A2);
    half_digits(b, 0, c1, c2, B1, B2);
}

#define ENTRY_WORDS (3 * PACKED)

/* 0 to 16 times the point (x, y). */
INLINE void make_table(wide *table, const Number *x, const Number *y)
{
    Point p;
    set_infinity(&p);
    for (uint i = 0; i <= 1 << (KEY_BITS - 1); i++, table += ENTRY_WORDS) {
        if (i) add_affine(&p, x, y);
        pack(table, &p.x);
        pack(table + PACKED, &p.y);
        pack(table + 2 * PACKED, &p.z);
    }
}

/* sum += digit P, or digit lambda P, which is P with x times BETA. */
INLINE void add_digit(Point *sum, const wide *table, const wide biased, const uint lambda)
{
    Point p;
    Number beta;
    wide negative, entry[ENTRY_WORDS];
    choose_entry(entry, table, magnitude_of(&negative, biased, KEY_BITS), ENTRY_WORDS);
    unpack_pairs(&p.x, entry);
    unpack_pairs(&p.y, entry + PACKED);
    unpack_pairs(&p.z, entry + 2 * PACKED);
    if (lambda) {
        set_constant(&beta, BETA);
        multiply(&p.x, &p.x, &beta);
    }
    negate_where(&p.y, negative, &p.y);
    add_point(sum, &p);
}

/* sum += u G: no doublings, because the table has a part for each digit. */
INLINE void add_generator(Point *sum, GLOBAL const ulong *generator, Number *u)
{
    add_bias(u->limb, GENERATOR_BIAS, LIMBS);
    for (uint window = 0; window < GENERATOR_WINDOWS; window++) {
        Point before = *sum;
        Number x, y;
        wide negative, words[8];
        const wide biased = u->limb[window / 2] >> (GENERATOR_BITS * (window % 2));
        const wide digit = magnitude_of(&negative, biased & (((wide)1 << GENERATOR_BITS) - 1), GENERATOR_BITS);
        choose_generator(words, generator, window, digit, 8);
        unpack(&x, words);
        unpack(&y, words + 4);
        negate_where(&y, negative, &y);
        add_affine(sum, &x, &y);
        const wide nothing = zero_mask(digit);
        choose_number(&sum->x, nothing, &before.x, &sum->x);
        choose_number(&sum->y, nothing, &before.y, &sum->y);
        choose_number(&sum->z, nothing, &before.z, &sum->z);
    }
}

WORKER void multiply_add_group(GLOBAL const ulong *generator, GLOBAL wide *state, const uint group)
{
    Number x, y, scalar;
    wide table[((1 << (KEY_BITS - 1)) + 1) * ENTRY_WORDS], a[6], b[6];
    load(&x, SLOT(state, group, X));
    load(&y, SLOT(state, group, Y));
    make_table(table, &x, &y);
    load(&scalar, SLOT(state, group, V));
    split(a, b, &scalar);

    Point sum;
    set_infinity(&sum);
    for (uint digit = KEY_DIGITS; digit-- > 0;) {
        for (uint i = 0; i < KEY_BITS && digit < KEY_DIGITS - 1; i++) double_point(&sum);
        add_digit(&sum, table, digit_at(a, KEY_BITS * digit, KEY_BITS), 0);
        add_digit(&sum, table, digit_at(b, KEY_BITS * digit, KEY_BITS), 1);
    }
    load(&scalar, SLOT(state, group, U));
    add_generator(&sum, generator, &scalar);
    store(SLOT(state, group, X), &sum.x);
    store(SLOT(state, group, Y), &sum.y);
    store(SLOT(state, group, Z), &sum.z);
}

/* (X : Y : Z) = u G + v P */
KERNEL void multiply_add(GLOBAL const ulong *generator, GLOBAL wide *state, const uint groups)
{
    if (ITEM < groups) multiply_add_group(generator, state, ITEM);
}

WORKER void finish_ecdsa_group(GLOBAL const ulong *signatures, GLOBAL wide *state, GLOBAL uint *codes,
                               const uint group)
{
    Number x, z, r, larger, product;
    wide wraps = ~(wide)0;
    load(&x, SLOT(state, group, X));
    load(&z, SLOT(state, group, Z));
    load_below(&r, &wraps, P_MINUS_N, signatures, 8, 0, group); /* then x may be r + n too */
    set_constant(&larger, ORDER);
    add(&larger, &larger, &r);
    multiply(&product, &r, &z);
    wide holds = is_equal(&product, &x, 1);
    multiply(&product, &larger, &z);
    holds |= is_equal(&product, &x, 1) & wraps;
    settle_codes(codes, group, holds & ~is_zero(&z));
}

KERNEL void finish_ecdsa(GLOBAL const ulong *signatures, GLOBAL wide *state, GLOBAL uint *codes,
                         const uint groups)
{
    if (ITEM < groups) finish_ecdsa_group(signatures, state, codes, ITEM);
}

/* Words, as the hash counts them, of a number's four words of 64 bits. */
INLINE void hash_words(vec words[8][CHAINS], const wide number[4])
{
    UNROLL for (int i = 0; i < 4; i++) {
        words[2 * i][0] = NARROW(number[3 - i] >> 32);
        words[2 * i + 1][0] = NARROW(number[3 - i] & (wide)0xffffffff);
    }
}

/* The hash of TAG, TAG, r, key and message (BIP 340), as words of 64 bits, least significant first. */
INLINE void challenge(wide words[4], const wide r[4], const wide key[4], GLOBAL const uchar *messages,
                      GLOBAL const ulong *offsets, const uint group)
{
    vec hash[8][CHAINS], w[16][CHAINS];
    initialise(hash);
    UNROLL for (int i = 0; i < 16; i++) w[i][0] = (uint)CHALLENGE_TAG[i & 7];
    compress(hash, w);
    hash_words(w, r);
    hash_words(w + 8, key);
    compress(hash, w);
    ulong blocks = 0;
    for (uint lane = 0; lane < WIDTH; lane++) {
        const ulong own = (offsets[group * WIDTH + lane + 1] - offsets[group * WIDTH + lane] + 72) / 64;
        if (own > blocks) blocks = own;
    }
    for (ulong block = 0; block < blocks; block++) {
        vec next[8][CHAINS], live;
        copy(next, hash);
        for (uint lane = 0; lane < WIDTH; lane++) {
            const ulong start = offsets[group * WIDTH + lane], length = offsets[group * WIDTH + lane + 1] - start;
            const ulong last = (length + 8) / 64, bits = 8 * (128 + length);
            for (uint i = 0; i < 16; i++) {
                uint word = (uint)padded_word(messages + start, length, 64 * block + 4 * i, 4);
                if (block == last && i == 14) word = (uint)(bits >> 32);
                if (block == last && i == 15) word = (uint)bits;
                ((uint *)w[i])[lane] = word;
            }
            ((uint *)&live)[lane] = block <= last ? 0xffffffffu : 0;
        }
        compress(next, w);
        UNROLL for (int i = 0; i < 8; i++) hash[i][0] ^= live & (hash[i][0] ^ next[i][0]);
    }
    UNROLL for (int i = 0; i < 4; i++)
        words[i] = WIDEN(hash[6 - 2 * i][0]) << 32 | WIDEN(hash[7 - 2 * i][0]);
}

WORKER void load_schnorr_group(GLOBAL const ulong *keys, GLOBAL const ulong *signatures,
                               GLOBAL const uchar *messages, GLOBAL const ulong *offsets, GLOBAL wide *state,
                               GLOBAL uint *codes, const uint group)
{
    Number x, y, r, s, e, side;
    wide known = ~(wide)0, ranged = ~(wide)0, key[4], r_words[4], hash[4];
    load_below(&x, &known, P, keys, 4, 0, group);
    right_side(&side, &x);
    known &= lift(&y, &side, ~(wide)0); /* of the key the even y is meant, and its negative is needed */
    load_below(&r, &ranged, P, signatures, 8, 0, group);
    load_below(&s, &ranged, ORDER, signatures, 8, 4, group);
    store_codes(codes, group, choose(~known, (wide)VERDICT_KEY, choose(~ranged, (wide)VERDICT_RANGE, (wide)0)));

    load_words(key, keys, 4, 0, group);
    load_words(r_words, signatures, 8, 0, group);
    challenge(hash, r_words, key, messages, offsets, group);
    unpack(&e, hash);
    set_number(&side, 1);
    multiply_scalars(&e, &e, &side);
    multiply_scalars(&s, &s, &side); /* below n even where it was refused */
    store(SLOT(state, group, X), &x);
    store(SLOT(state, group, Y), &y);
    store(SLOT(state, group, U), &s);
    store(SLOT(state, group, V), &e);
}

/* Keys of 4 words; message i lies at offsets[i] to before offsets[i + 1]. */
KERNEL void load_schnorr(GLOBAL const ulong *keys, GLOBAL const ulong *signatures, GLOBAL const uchar *messages,
                         GLOBAL const ulong *offsets, GLOBAL wide *state, GLOBAL uint *codes, const uint groups)
{
    if (ITEM < groups) load_schnorr_group(keys, signatures, messages, offsets, state, codes, ITEM);
}

WORKER void finish_schnorr_groups(GLOBAL const ulong *signatures, GLOBAL wide *state, GLOBAL uint *codes,
                                  const uint first, const uint end)
{
    Number one, x, y, z, r;
    set_number(&one, 1);
    for (uint group = first; group < end; group++) { /* infinity, as U, and a z to invert */
        load(&z, SLOT(state, group, Z));
        const wide infinite = is_zero(&z);
        choose_number(&z, infinite, &one, &z);
        store(SLOT(state, group, Z), &z);
        EACH_LIMB z.limb[i] = infinite & 1;
        store(SLOT(state, group, U), &z);
    }
    invert_numbers(state, Z, INVERSE, first, end);
    for (uint group = first; group < end; group++) {
        wide words[4];
        load(&z, SLOT(state, group, INVERSE));
        load(&x, SLOT(state, group, X));
        load(&y, SLOT(state, group, Y));
        multiply(&x, &x, &z);
        multiply(&y, &y, &z);
        canonical(&y);
        load_words(words, signatures, 8, 0, group);
        unpack(&r, words);
        load(&z, SLOT(state, group, U));
        settle_codes(codes, group, is_nothing(&z) & is_equal(&x, &r, 1) & ~is_odd(&y));
    }
}

KERNEL void finish_schnorr(GLOBAL const ulong *signatures, GLOBAL wide *state, GLOBAL uint *codes,
                           const uint groups, const uint run)
{
    const uint first = ITEM * run;
    if (first < groups)
        finish_schnorr_groups(signatures, state, codes, first, groups - first < run ? groups : first + run);
}
