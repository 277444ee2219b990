/* Runs the kernels that verify signatures on the host: the items of each launch, one after the other.
 *
 *     ecdsa COUNT RUN MESSAGE_BYTES HYBRID LOW_S      (built with SECP256K1 defined)
 *     schnorr COUNT RUN MESSAGE_BYTES
 *     rfc8032|zip215 COUNT RUN MESSAGE_BYTES          (built without)
 *
 * Comes after the text of the kernels. The table, keys, signatures and hashes or messages and offsets come in by
 * stdin, and the codes go out by stdout. Every buffer is as large as the kernels are promised and no larger, so
 * that a sanitizer sees a step outside. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *memory(const size_t bytes)
{
    void *found = malloc(bytes);
    if (!found) exit(3);
    memset(found, 0xa5, bytes);
    return found;
}

static void *receive(const size_t bytes)
{
    void *found = memory(bytes);
    if (fread(found, 1, bytes, stdin) != bytes) exit(4);
    return found;
}

#define LAUNCH(items, call) for (item = 0; item < (items); item++) call

int main(int argc, char **argv)
{
    if (argc < 5) return 2;
    const char *scheme = argv[1];
    const uint count = (uint)atoi(argv[2]), run = (uint)atoi(argv[3]), bytes = (uint)atoi(argv[4]);
    const uint runs = (count + run - 1) / run;
    wide *state = memory(SLOTS * LIMBS * sizeof(wide) * count);
    uint *codes = memory(sizeof(uint) * count);
#ifdef SECP256K1
    ulong *table = receive(GENERATOR_WINDOWS * GENERATOR_ENTRIES * 8 * sizeof(ulong)), *keys, *signatures;
    if (!strcmp(scheme, "ecdsa")) {
        if (argc < 7) return 2;
        keys = receive(9 * sizeof(ulong) * count);
        signatures = receive(8 * sizeof(ulong) * count);
        ulong *hashes = receive(4 * sizeof(ulong) * count);
        const uint hybrid = (uint)atoi(argv[5]), low_s = (uint)atoi(argv[6]);
        LAUNCH(count + 1, load_ecdsa(keys, signatures, hybrid, low_s, state, codes, count));
        LAUNCH(runs + 1, divide_by_s(hashes, signatures, state, count, run));
        LAUNCH(count + 1, multiply_add(table, state, count));
        LAUNCH(count + 1, finish_ecdsa(signatures, state, codes, count));
        free(hashes);
    } else {
        keys = receive(4 * sizeof(ulong) * count);
        signatures = receive(8 * sizeof(ulong) * count);
        uchar *messages = receive(bytes);
        ulong *offsets = receive(sizeof(ulong) * (count + 1));
        LAUNCH(count + 1, load_schnorr(keys, signatures, messages, offsets, state, codes, count));
        LAUNCH(count + 1, multiply_add(table, state, count));
        LAUNCH(runs + 1, finish_schnorr(signatures, state, codes, count, run));
        free(messages);
        free(offsets);
    }
#else
    ulong *table = receive(GENERATOR_WINDOWS * GENERATOR_ENTRIES * 12 * sizeof(ulong));
    const uint strict = !strcmp(scheme, "rfc8032");
    ulong *keys = receive(4 * sizeof(ulong) * count), *signatures = receive(8 * sizeof(ulong) * count);
    uchar *messages = receive(bytes);
    ulong *offsets = receive(sizeof(ulong) * (count + 1));
    LAUNCH(count + 1, load_ed25519(keys, signatures, messages, offsets, strict, state, codes, count));
    LAUNCH(count + 1, multiply_subtract(table, state, count));
    if (strict)
        LAUNCH(runs + 1, finish_rfc8032(signatures, state, codes, count, run));
    else
        LAUNCH(count + 1, finish_zip215(signatures, state, codes, count));
    free(messages);
    free(offsets);
#endif
    if (fwrite(codes, sizeof(uint), count, stdout) != count) return 5;
    free(table);
    free(keys);
    free(signatures);
    free(state);
    free(codes);
    return 0;
}
