/* Runs a kernel of the C family on the host: the items of a launch, one after the other.
 *
 *     search|search_versions ITEMS START COUNT STEPS TOP CAPACITY ROOM
 *     fingerprint ITEMS START COUNT STEPS
 *     hash_headers ITEMS COUNT
 *
 * Comes after the text of the kernels. Headers come in by stdin, after them the versions, and what the
 * kernel wrote goes out by stdout. Every buffer is as large as the kernels are promised and no larger, so
 * that a sanitizer sees a step outside; ROOM, in candidates, is for a test that promises too much. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint *words(const size_t count)
{
    uint *memory = calloc(count, sizeof(uint));
    if (!memory) exit(3);
    return memory;
}

static uint *receive(const size_t count)
{
    uint *memory = words(count);
    if (fread(memory, sizeof(uint), count, stdin) != count) exit(4);
    return memory;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 9) return 2;
    const char *kernel = argv[1];
    uint number[9] = {0};
    for (int i = 2; i < argc; i++) number[i] = (uint)strtoul(argv[i], NULL, 10);
    const uint items = number[2], start = number[3], count = number[4], steps = number[5];
    const uint top = number[6], capacity = number[7], room = number[8];

    uint *input, *versions = NULL, *output;
    size_t written;
    if (!strcmp(kernel, "hash_headers")) {
        const uint headers = number[3];
        input = receive(20 * (size_t)headers);
        output = words(written = 8 * (size_t)headers);
        for (item = 0; item < items; item++) hash_headers(input, headers, output);
    } else {
        input = receive(20);
        if (!strcmp(kernel, "fingerprint")) {
            output = words(written = 8);
            for (item = 0; item < items; item++) fingerprint(input, start, count, steps, output);
        } else if (!strcmp(kernel, "search")) {
            output = words(written = 1 + (size_t)room);
            for (item = 0; item < items; item++) search(input, start, count, steps, top, output, capacity);
        } else if (!strcmp(kernel, "search_versions")) {
            versions = receive(LANES);
            output = words(written = 1 + (size_t)room);
            for (item = 0; item < items; item++)
                search_versions(input, start, count, steps, top, output, capacity, versions);
        } else
            return 2;
    }
    if (fwrite(output, sizeof(uint), written, stdout) != written) return 5;
    free(input);
    free(versions);
    free(output);
    return 0;
}
