/* Double SHA-256 of Bitcoin's 80-byte headers, and which digests are worth a report.
 *
 * A header is 20 words in memory as it is on the wire.
 */

/* The second hash, over the first. */
INLINE void hash_again(vec hash[8][CHAINS])
{
    vec w[16][CHAINS];
    UNROLL for (int i = 0; i < 8; i++) EACH_CHAIN w[i][c] = hash[i][c];
    PAD(8, 32)
    initialise(hash);
    compress(hash, w);
}

/* What no nonce changes, so that an item computes it once. Without this split every compiler tried
 * finds most of it by itself; with it NVRTC's loop over the nonces is 3 % shorter. */
typedef struct {
    vec midstate[8][CHAINS]; /* the hash of the first block, bytes 0 to 63 of the header */
    vec state[8][CHAINS];    /* in the second block, after four rounds, as if the nonce were 0 */
    uint words[4];           /* words 16 to 19 of its schedule, as if the nonce were 0 */
} Job;

/* For the header with these versions instead of its own. */
INLINE void prepare(Job *job, GLOBAL const uint *header, vec versions[CHAINS])
{
    vec block[16][CHAINS];
    EACH_CHAIN block[0][c] = SWAP_BYTES(versions[c]);
    UNROLL for (int i = 1; i < 16; i++) EACH_CHAIN block[i][c] = SWAP_BYTES(header[i]);
    initialise(job->midstate);
    compress(job->midstate, block);

    uint w[16][1];
    UNROLL for (int i = 0; i < 3; i++) w[i][0] = SWAP_BYTES(header[16 + i]);
    w[3][0] = 0;
    PAD(4, 80)
    vec s[8][CHAINS];
    copy(s, job->midstate);
    ROUNDS_0_TO_3
    copy(job->state, s);
    WORDS_16_TO_19
    UNROLL for (int i = 0; i < 4; i++) job->words[i] = w[i][0];
}

/* From the nonces in w[3], and in the same type of w, the digests. */
#define HASH_SECOND_BLOCK                                                                   \
    vec s[8][CHAINS];                                                                       \
    PAD(4, 80)                                                                              \
    copy(s, job->state);                                                                    \
    EACH_CHAIN { /* round 3 has the nonce in what become a and e */                        \
        s[0][c] += w[3][c % COLUMNS(w)];                                                    \
        s[4][c] += w[3][c % COLUMNS(w)];                                                    \
    }                                                                                       \
    ROUNDS_4_TO_15                                                                          \
    EACH_COLUMN {                                                                           \
        w[0][c] = job->words[0];                                                            \
        w[1][c] = job->words[1];                                                            \
        w[2][c] = job->words[2] + sigma0(w[3][c]);                                          \
        w[3][c] = job->words[3] + w[3][c];                                                  \
    }                                                                                       \
    ROUNDS_16_TO_19 ROUNDS_20_TO_63                                                         \
    copy(digest, job->midstate);                                                            \
    add_words(digest, s);                                                                   \
    hash_again(digest);

/* Reports `first` + lane for each of the first `lanes` lanes (at least one) whose digest has `top` or
 * less as its most significant 32 bits, in no order: found[0] is their number, even if that is more
 * than `capacity`, and the first `capacity` of them follow. */
INLINE void report(vec digest[8][CHAINS], const uint first, const uint lanes, const uint top,
                   GLOBAL uint *found, const uint capacity)
{
    vec value[CHAINS];
    flags candidate = 0;
    EACH_CHAIN value[c] = SWAP_BYTES(digest[7][c]);
    EACH_CHAIN candidate |= value[c] <= top;
    /* One branch for all chains: with one for each, LLVM moves the whole second chain behind the
     * first chain's branch, and the lockstep is gone. */
    if (SOME(candidate)) {
        const uint *values = (const uint *)value;
        uint lane = 0;
        do
            if (values[lane] <= top) {
                const uint slot = atomic_inc(found);
                if (slot < capacity) (found + 1)[slot] = first + lane;
            }
        while (++lane < LANES && lane < lanes);
    }
}
