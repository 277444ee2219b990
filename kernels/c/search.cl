/* The kernels search, fingerprint and hash_headers.
 *
 * An item of `search` and `fingerprint` does `steps` steps of LANES consecutive nonces each; places in
 * the window at `count` or later are computed where a vector spans the end, but never reported.
 */

INLINE void prepare_own_version(Job *job, GLOBAL const uint *header)
{
    vec versions[CHAINS];
    EACH_CHAIN versions[c] = header[0];
    prepare(job, header, versions);
}

/* Digests of the header with LANES nonces from `nonce` on. */
INLINE void hash_nonces(vec digest[8][CHAINS], Job *job, const uint nonce)
{
    vec w[16][CHAINS];
    EACH_CHAIN {
        const vec nonces = nonce + WIDTH * c + LANE_NUMBERS;
        w[3][c] = SWAP_BYTES(nonces);
    }
    HASH_SECOND_BLOCK
}

WORKER void search_steps(GLOBAL const uint *header, const uint start, const uint count, const uint place,
                         const uint steps, const uint top, GLOBAL uint *found, const uint capacity)
{
    if (place >= count) return;
    const uint own = count - place < steps * LANES ? count - place : steps * LANES;
    const uint first = start + place, end = first + own;
    /* One counter, and `!=` because the last nonce may be the last of all, and 0 comes after it. */
    const uint stop = first + (own + LANES - 1) / LANES * LANES;

    Job job;
    prepare_own_version(&job, header);
    for (uint nonce = first; nonce != stop; nonce += LANES) {
        vec digest[8][CHAINS];
        hash_nonces(digest, &job, nonce);
        report(digest, nonce, end - nonce, top, found, capacity);
    }
}

/* Candidates among the nonces of the window. */
KERNEL void search(GLOBAL const uint *header, const uint start, const uint count, const uint steps,
                   const uint top, GLOBAL uint *found, const uint capacity)
{
    search_steps(header, start, count, ITEM * steps * LANES, steps, top, found, capacity);
}

WORKER void fingerprint_steps(GLOBAL const uint *header, const uint start, const uint count, uint place,
                              const uint steps, GLOBAL uint *sum)
{
    Job job;
    prepare_own_version(&job, header);
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
    PAD(4, 80)
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
