/* SHA-256 (FIPS 180-4) of LANES messages at once: CHAINS vectors of WIDTH lanes in lockstep.
 *
 * A word of the standard is here a `vec x[CHAINS]`. Everything is unrolled with constant indices,
 * so that words live in registers and the compiler drops what a caller does not need: padding is
 * folded into the round constants, what does not depend on the nonce leaves the loop over nonces,
 * and of a digest of which only the last word is read, the last three rounds are never computed.
 *
 * The rounds and the message schedule are macros on the names `s`, the working variables, and `w`, the
 * last sixteen words of the schedule, for `w` has one of two types: `vec w[16][CHAINS]`, or where all
 * lanes of all chains have the same block, `uint w[16][1]`.
 */

#define EACH_CHAIN UNROLL for (int c = 0; c < CHAINS; c++)
#define COLUMNS(w) (int)(sizeof(w[0]) / sizeof(w[0][0]))
#define EACH_COLUMN UNROLL for (int c = 0; c < COLUMNS(w); c++)

/* Section 4.1.2. */
#define Ch(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define Maj(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))
#define Sigma0(x) (ROTR(x, 2) ^ ROTR(x, 13) ^ ROTR(x, 22))
#define Sigma1(x) (ROTR(x, 6) ^ ROTR(x, 11) ^ ROTR(x, 25))
#define sigma0(x) (ROTR(x, 7) ^ ROTR(x, 18) ^ (x) >> 3)
#define sigma1(x) (ROTR(x, 17) ^ ROTR(x, 19) ^ (x) >> 10)

/* Section 6.2.2. The working variables a to h do not move through s: their names do, one place a
 * round. The constants are those of section 4.2.2. */
#define NAMED(i, t) s[((i) - (t)) & 7][c]
#define ROUND(t, K)                                                                             \
    EACH_CHAIN {                                                                                \
        const vec a = NAMED(0, t), b = NAMED(1, t), c_ = NAMED(2, t);                           \
        const vec e = NAMED(4, t), f = NAMED(5, t), g = NAMED(6, t), h = NAMED(7, t);           \
        const vec T1 = (h + (w[(t) & 15][c % COLUMNS(w)] + K)) + (Sigma1(e) + Ch(e, f, g));     \
        NAMED(3, t) += T1;                                                                      \
        NAMED(7, t) = T1 + Sigma0(a) + Maj(a, b, c_);                                           \
    }
#define FOUR_ROUNDS(t, K0, K1, K2, K3) ROUND(t, K0) ROUND(t + 1, K1) ROUND(t + 2, K2) ROUND(t + 3, K3)

/* Replaces word t - 16 of the schedule by word t. */
#define NEXT_WORD(t)                                                                            \
    EACH_COLUMN w[(t) & 15][c] +=                                                               \
        sigma1(w[((t) - 2) & 15][c]) + w[((t) - 7) & 15][c] + sigma0(w[((t) - 15) & 15][c]);

/* Each word where it is needed: a processor has its rotations and its logic done in different places,
 * and sixteen words in a row would keep only one of them busy. */
#define NEXT_FOUR_ROUNDS(t, K0, K1, K2, K3)                                                     \
    NEXT_WORD(t) ROUND(t, K0) NEXT_WORD(t + 1) ROUND(t + 1, K1)                                 \
    NEXT_WORD(t + 2) ROUND(t + 2, K2) NEXT_WORD(t + 3) ROUND(t + 3, K3)

#define ROUNDS_0_TO_3 FOUR_ROUNDS(0, 0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u)
#define ROUNDS_4_TO_15                                                                          \
    FOUR_ROUNDS(4, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u)                          \
    FOUR_ROUNDS(8, 0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u)                          \
    FOUR_ROUNDS(12, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u)
#define WORDS_16_TO_19 NEXT_WORD(16) NEXT_WORD(17) NEXT_WORD(18) NEXT_WORD(19)
#define ROUNDS_16_TO_19 FOUR_ROUNDS(16, 0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu)
#define ROUNDS_20_TO_63                                                                         \
    NEXT_FOUR_ROUNDS(20, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau)                    \
    NEXT_FOUR_ROUNDS(24, 0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u)                    \
    NEXT_FOUR_ROUNDS(28, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u)                    \
    NEXT_FOUR_ROUNDS(32, 0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u)                    \
    NEXT_FOUR_ROUNDS(36, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u)                    \
    NEXT_FOUR_ROUNDS(40, 0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u)                    \
    NEXT_FOUR_ROUNDS(44, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u)                    \
    NEXT_FOUR_ROUNDS(48, 0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u)                    \
    NEXT_FOUR_ROUNDS(52, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u)                    \
    NEXT_FOUR_ROUNDS(56, 0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u)                    \
    NEXT_FOUR_ROUNDS(60, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u)

/* Pads the last block of a message of `bytes` bytes after its first `words` words; section 5.1.1. */
#define PAD(words, bytes)                                                                   \
    EACH_COLUMN {                                                                           \
        UNROLL for (int i = words; i < 15; i++) w[i][c] = i == words ? 0x80000000u : 0;     \
        w[15][c] = 8 * bytes;                                                               \
    }

INLINE void copy(vec to[8][CHAINS], vec from[8][CHAINS])
{
    UNROLL for (int i = 0; i < 8; i++) EACH_CHAIN to[i][c] = from[i][c];
}

INLINE void add_words(vec to[8][CHAINS], vec from[8][CHAINS])
{
    UNROLL for (int i = 0; i < 8; i++) EACH_CHAIN to[i][c] += from[i][c];
}

/* Adds one block to the hash. The words of the block are used up. */
INLINE void compress(vec hash[8][CHAINS], vec w[16][CHAINS])
{
    vec s[8][CHAINS];
    copy(s, hash);
    ROUNDS_0_TO_3 ROUNDS_4_TO_15
    WORDS_16_TO_19 ROUNDS_16_TO_19 ROUNDS_20_TO_63
    add_words(hash, s);
}

/* The hash of nothing yet; section 5.3.3. */
INLINE void initialise(vec hash[8][CHAINS])
{
    EACH_CHAIN {
        hash[0][c] = 0x6a09e667u;
        hash[1][c] = 0xbb67ae85u;
        hash[2][c] = 0x3c6ef372u;
        hash[3][c] = 0xa54ff53au;
        hash[4][c] = 0x510e527fu;
        hash[5][c] = 0x9b05688cu;
        hash[6][c] = 0x1f83d9abu;
        hash[7][c] = 0x5be0cd19u;
    }
}
