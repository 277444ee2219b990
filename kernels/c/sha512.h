/* SHA-512 (FIPS 180-4) of WIDTH messages at once. The constants are derived in curves.py. */

/* Section 6.4.2. The schedule's last sixteen words take turns in w, which is used up. */
ROUTINE void compress512(wide hash[8], wide w[16])
{
    wide a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    for (uint round = 0; round < 80; round++) {
        const uint t = round & 15;
        if (round >= 16) {
            const wide early = w[(t + 1) & 15], late = w[(t + 14) & 15];
            w[t] += (ROTR64(early, 1) ^ ROTR64(early, 8) ^ early >> 7) + w[(t + 9) & 15]
                    + (ROTR64(late, 19) ^ ROTR64(late, 61) ^ late >> 6);
        }
        const wide t1 = h + (ROTR64(e, 14) ^ ROTR64(e, 18) ^ ROTR64(e, 41)) + (g ^ (e & (f ^ g)))
                        + SHA512_K[round] + w[t];
        const wide t2 = (ROTR64(a, 28) ^ ROTR64(a, 34) ^ ROTR64(a, 39)) + ((a & b) | (c & (a | b)));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
    hash[5] += f;
    hash[6] += g;
    hash[7] += h;
}

/* The word with its bytes in the other order. */
INLINE wide swap_bytes(wide x)
{
    x = (x & 0x00ff00ff00ff00fful) << 8 | (x >> 8 & 0x00ff00ff00ff00fful);
    x = (x & 0x0000ffff0000fffful) << 16 | (x >> 16 & 0x0000ffff0000fffful);
    return ROTR64(x, 32);
}
