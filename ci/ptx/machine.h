/* What a kernel's C stands on: a launch, its arrays, and checks of every access to them. */

#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

/* Who used a byte in this launch, for each use: nobody (0), one thread (its number plus 1) or several. */
typedef struct {
    u32 by[3];
} Users;
enum { READ, WRITE, ATOMIC };
#define SEVERAL 0xffffffffu

/* Array i lies at (i + 1) << ARRAY_SHIFT in the address space of the kernel, so that no array is within reach
 * of another one's end, and neither null nor an address cut to 32 bits is anywhere. */
typedef struct {
    u8 *data;
    Users *users;
    u64 bytes;
    u64 writable;
} Array;

/* In the order of FAULTS in run.py. */
enum { FINE, OUTSIDE, MISALIGNED, READ_ONLY, RACE, ENDLESS };

typedef struct {
    u32 blocks, threads; /* of the grid; of a block */
    const u64 *parameters;
    const Array *arrays;
    u64 array_count;
    u64 junk;       /* different in every order of the threads */
    u64 most_jumps; /* of a thread; more than that and it will not end */
    u32 line, thread; /* of the fault */
    u64 address;
} Launch;

static u32 fault(Launch *launch, u32 kind, u32 line, u32 thread, u64 address)
{
    launch->line = line;
    launch->thread = thread;
    launch->address = address;
    return kind;
}

static int others_than(u32 thread, u32 by) { return by && by != thread + 1; }

/* No thread of a launch waits for another, so two of them at one byte are in no order, whatever the order that
 * they run in here. */
static int is_race(Users users, u32 use, u32 thread)
{
    return others_than(thread, users.by[WRITE]) || (use != READ && others_than(thread, users.by[READ])) ||
           (use != ATOMIC && others_than(thread, users.by[ATOMIC]));
}

/* Points `at` to memory for an access of `size` bytes, a power of 2. */
static u32 reach(Launch *launch, u32 line, u32 thread, u32 use, u64 address, u32 size, u8 **at)
{
    const u64 array = (address >> ARRAY_SHIFT) - 1, offset = address & (((u64)1 << ARRAY_SHIFT) - 1);
    if (array >= launch->array_count) return fault(launch, OUTSIDE, line, thread, address);
    const Array *in = &launch->arrays[array];
    if (offset >= in->bytes || size > in->bytes - offset) return fault(launch, OUTSIDE, line, thread, address);
    if (offset % size) return fault(launch, MISALIGNED, line, thread, address);
    if (use != READ && !in->writable) return fault(launch, READ_ONLY, line, thread, address);
    for (u32 i = 0; i < size; i++) {
        Users *users = &in->users[offset + i];
        if (is_race(*users, use, thread)) return fault(launch, RACE, line, thread, address);
        users->by[use] = others_than(thread, users->by[use]) ? SEVERAL : thread + 1;
    }
    *at = in->data + offset;
    return FINE;
}

/* What register `number` of so many bits holds before anything is written to it. */
#define JUNK(number, bits) ((launch->junk ^ (number) * 0x9e3779b97f4a7c15u) >> (64 - (bits)))

/* Bytes of b and a, chosen by the nibbles of s; a nibble's top bit asks for the byte's sign instead. */
static inline u32 permute(u32 a, u32 b, u32 s)
{
    const u64 bytes = (u64)b << 32 | a;
    u32 result = 0;
    for (u32 i = 0; i < 4; i++) {
        const u32 choice = s >> 4 * i;
        u32 byte = bytes >> 8 * (choice & 7) & 0xff;
        if (choice & 8) byte = byte & 0x80 ? 0xff : 0;
        result |= byte << 8 * i;
    }
    return result;
}

u32 kernel(Launch *launch, u32 thread);

/* Runs the threads one after another; the first fault ends it. */
u32 run(Launch *launch, const u32 *order)
{
    const u64 threads = (u64)launch->blocks * launch->threads;
    u32 kind = FINE;
    for (u64 i = 0; i < threads && kind == FINE; i++) kind = kernel(launch, order[i]);
    return kind;
}
