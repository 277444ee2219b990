/* Messages of any length, a lane each, as words of the blocks of a hash. */

/* `bytes` bytes from `place` on, big-endian, of a message that ends with the bit 1 and zeros. */
INLINE ulong padded_word(GLOBAL const uchar *message, const ulong length, const ulong place, const uint bytes)
{
    ulong word = 0;
    for (uint i = 0; i < bytes; i++) {
        const ulong at = place + i;
        word = word << 8 | (at < length ? message[at] : at == length ? 0x80 : 0);
    }
    return word;
}
