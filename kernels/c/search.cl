/* Double SHA-256 of Bitcoin's 80-byte headers: search, fingerprint, hash_headers.
 *
 * A header is 20 words in memory as it is on the wire. An item of `search` and `fingerprint` does
 * `steps` steps of LANES consecutive nonces each; places in the window at `count` or later are
 * computed where a vector spans the end, but never reported.
 */

/* The second hash, over the first. */
INLINE void hash_again(vec hash[8][CHAINS])
{
    vec w[16][CHAINS];
    UNROLL for (int i = 0; i < 8; i++) EACH_CHAIN w[i][c] = hash[i][c];
    pad(w, 8, 32);
    initialise(hash);
    compress(hash, w);
}

/* What no nonce changes, so that an item computes it once. Without this split every compiler tried
 * finds most of it by itself; with it NVRTC's loop over the nonces is 2 % shorter. */
typedef struct {
    vec midstate[8][CHAINS]; /* the hash of the first block, bytes 0 to 63 of the header */
    vec state[8][CHAINS];    /* in the second block, after the three rounds before the nonce's */
    vec words[4][CHAINS];    /* words 16 to 19 of the second block's schedule, as if the nonce were 0 */
} Job;

INLINE void prepare(Job *job, GLOBAL const uint *header)
{
    vec w[16][CHAINS];
    UNROLL for (int i = 0; i < 16; i++) EACH_CHAIN w[i][c] = SWAP_BYTES((vec)header[i]);
    initialise(job->midstate);
    compress(job->midstate, w);

    UNROLL for (int i = 0; i < 3; i++) EACH_CHAIN w[i][c] = SWAP_BYTES((vec)header[16 + i]);
    EACH_CHAIN w[3][c] = 0;
    pad(w, 4, 80);
    copy(job->state, job->midstate);
    rounds_0_to_2(job->state, w);
    extend_first_4(w);
    UNROLL for (int i = 0; i < 4; i++) EACH_CHAIN job->words[i][c] = w[i][c];
}

/* Digests of the header with LANES nonces from `nonce` on. */
INLINE void hash_nonces(vec digest[8][CHAINS], Job *job, const uint nonce)
{
    vec w[16][CHAINS], s[8][CHAINS];
    EACH_CHAIN {
        const vec nonces = nonce + WIDTH * c + LANE_NUMBERS;
        w[3][c] = SWAP_BYTES(nonces);
    }
    pad(w, 4, 80);
    copy(s, job->state);
    rounds_3_to_15(s, w);
    EACH_CHAIN {
        w[0][c] = job->words[0][c];
        w[1][c] = job->words[1][c];
        w[2][c] = job->words[2][c] + sigma0(w[3][c]);
        w[3][c] = job->words[3][c] + w[3][c];
    }
    extend_last_12(w);
    finish_rounds(s, w);
    copy(digest, job->midstate);
    add(digest, s);
    hash_again(digest);
}

WORKER void search_steps(GLOBAL const uint *header, const uint start, const uint count, uint place,
                         const uint steps, const uint top, GLOBAL uint *found, const uint capacity)
{
    Job job;
    prepare(&job, header);

    for (uint step = 0; step < steps && place < count; step++, place += LANES) {
        vec digest[8][CHAINS];
        hash_nonces(digest, &job, start + place);
        vec value[CHAINS];
        flags candidate = 0;
        EACH_CHAIN value[c] = SWAP_BYTES(digest[7][c]);
        EACH_CHAIN candidate |= value[c] <= top;
        /* One branch for all chains: with one for each, LLVM moves the whole second chain behind
         * the first chain's branch, and the lockstep is gone. */
        if (SOME(candidate)) {
            const uint *values = (const uint *)value;
            for (uint lane = 0; lane < LANES && place + lane < count; lane++)
                if (values[lane] <= top) {
                    const uint slot = atomic_inc(found);
                    if (slot < capacity) found[1 + slot] = start + place + lane;
                }
        }
    }
}

/* Nonces whose digest has `top` or less as its most significant 32 bits, in no order: found[0] is
 * their number, even if that is more than `capacity`, and the first `capacity` of them follow. */
KERNEL void search(GLOBAL const uint *header, const uint start, const uint count, const uint steps,
                   const uint top, GLOBAL uint *found, const uint capacity)
{
    search_steps(header, start, count, ITEM * steps * LANES, steps, top, found, capacity);
}

WORKER void fingerprint_steps(GLOBAL const uint *header, const uint start, const uint count, uint place,
                              const uint steps, GLOBAL uint *sum)
{
    Job job;
    prepare(&job, header);
    vec total[8];
    UNROLL for (int i = 0; i < 8; i++) total[i] = 0;

    for (uint step = 0; step < steps && place < count; step++, place += LANES) {
        vec digest[8][CHAINS];
        hash_nonces(digest, &job, start + place);
        EACH_CHAIN {
            const vec places = place + WIDTH * c + LANE_NUMBERS;
            UNROLL for (int i = 0; i < 8; i++) total[i] ^= places < count ? digest[i][c] : (vec)0;
        }
    }
    for (int i = 0; i < 8; i++) {
        const vec bytes = SWAP_BYTES(total[i]);
        for (int lane = 0; lane < WIDTH; lane++) atomic_xor(sum + i, ((const uint *)&bytes)[lane]);
    }
}

/* XORs the digests of the window into the 8 words of `sum`. */
KERNEL void fingerprint(GLOBAL const uint *header, const uint start, const uint count, const uint steps,
                        GLOBAL uint *sum)
{
    fingerprint_steps(header, start, count, ITEM * steps * LANES, steps, sum);
}

WORKER void hash_lanes(GLOBAL const uint *headers, const uint count, const uint first, GLOBAL uint *digests)
{
    vec words[20][CHAINS];
    for (uint lane = 0; lane < LANES; lane++) {
        const uint header = first + lane < count ? first + lane : count - 1;
        for (uint i = 0; i < 20; i++) ((uint *)words[i])[lane] = headers[20 * header + i];
    }
    vec hash[8][CHAINS], w[16][CHAINS];
    initialise(hash);
    UNROLL for (int i = 0; i < 16; i++) EACH_CHAIN w[i][c] = SWAP_BYTES(words[i][c]);
    compress(hash, w);
    UNROLL for (int i = 0; i < 4; i++) EACH_CHAIN w[i][c] = SWAP_BYTES(words[16 + i][c]);
    pad(w, 4, 80);
    compress(hash, w);
    hash_again(hash);
    for (int i = 0; i < 8; i++) EACH_CHAIN {
        const vec bytes = SWAP_BYTES(hash[i][c]);
        for (uint lane = 0; lane < WIDTH; lane++) {
            const uint header = first + WIDTH * c + lane;
            if (header < count) digests[8 * header + i] = ((const uint *)&bytes)[lane];
        }
    }
}

/* Digests of `count` headers, LANES an item; 20 words in and 8 words out for each. */
KERNEL void hash_headers(GLOBAL const uint *headers, const uint count, GLOBAL uint *digests)
{
    const uint first = ITEM * LANES;
    if (first < count) hash_lanes(headers, count, first, digests);
}
