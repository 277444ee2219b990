/* The one place that knows the platform: OpenCL C, CUDA C and the host's C become one small language
 * here.
 *
 * The host chooses, for each device (see choices.py):
 *   WIDTH    lanes of a vector: 1, 2, 4, 8 or 16; CUDA and the host have 1
 *   CHAINS   vectors that go through SHA-256 in lockstep, so that a processor that executes
 *            out of order always finds work that does not depend on what it waits for
 *   ROTATE   defined: OpenCL's rotate(); else shifts, which every CPU compiler recognises
 *   AVX512   defined: the processor has AVX-512, and the driver has to be told
 *   HOST     defined: C11 for the host, where a caller counts `item` up, so that sanitizers can watch
 *   LOCAL, RESIDENT   for CUDA: items of a group, and groups that a multiprocessor must hold at once
 *
 * What the other files use:
 *   uint, vec            a 32-bit word; WIDTH of them
 *   ulong, wide          a 64-bit word; WIDTH of them
 *   flags                the result of comparing two vec: zero where false
 *   LANES                lanes of all chains: the nonces or headers that one item hashes at once
 *   LANE_NUMBERS         0, 1, ... WIDTH - 1
 *   SOME(flags)          whether any lane is true
 *   ROTR(x, n)           x, a uint or a vec, rotated right; ROTR64(x, n) the same for a wide
 *   SWAP_BYTES(x)        x with its most significant byte first in memory, and back
 *   WIDEN(x)             a vec as a wide, NARROW(x) the other way
 *   KERNEL, GLOBAL, CONSTANT, CONSTANT_DATA, INLINE, UNROLL, ITEM, atomic_inc(p), atomic_xor(p, x)
 *   WORKER               a function that does all of an item's work; it, too, is compiled in place where it can be
 *   ROUTINE              a function that is not, because the text calls it too often
 */

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define LANES (WIDTH * CHAINS)

#if defined(__CUDACC_RTC__)

#define KERNEL extern "C" __global__ __launch_bounds__(LOCAL, RESIDENT)
#define GLOBAL
#define CONSTANT const
#define CONSTANT_DATA static __device__ const
#define INLINE static __device__ __forceinline__
#define WORKER static __device__ __forceinline__
#define ROUTINE static __device__ __noinline__
#define UNROLL _Pragma("unroll")
#define ITEM (blockIdx.x * blockDim.x + threadIdx.x)
typedef unsigned int uint;
typedef unsigned long long ulong;
typedef unsigned char uchar;
#define ROTR(x, n) __funnelshift_r(x, x, n)
#define SWAP_BYTES(x) __byte_perm(x, 0, 0x0123)
#define atomic_inc(p) atomicAdd(p, 1u)
#define atomic_xor(p, x) atomicXor(p, x)

#elif defined(HOST)

#define KERNEL
#define GLOBAL
#define CONSTANT const
#define CONSTANT_DATA static const
#define INLINE static inline
#define WORKER static
#define ROUTINE static
#define UNROLL
#define ITEM item
typedef unsigned int uint;
typedef unsigned long long ulong;
typedef unsigned char uchar;
static uint item;
#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define atomic_inc(p) ((*(p))++)
#define atomic_xor(p, x) (*(p) ^= (x))

#else

#define KERNEL __kernel
#define GLOBAL __global
#define CONSTANT __constant
#define CONSTANT_DATA __constant
#define UNROLL _Pragma("unroll")
#define ITEM ((uint)get_global_id(0))
#ifdef ROTATE
#define ROTR(x, n) rotate(x, (__typeof__((x) + 0u))(32u - (n)))
#define ROTR64(x, n) rotate(x, (__typeof__(x))(64 - (n)))
#else
#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))
#endif

/* PoCL compiles for the newest processor that its LLVM knows, which may be older than the one it
 * runs on, and a kernel's own attributes get lost in its work-group function. A function that is
 * not inlined keeps them. Such a function may call no vector built-in and take or return no
 * vector: the other side would look for them in other registers. Kernels call nothing else. */
#ifdef AVX512
#define TARGET target("avx512f,avx512bw,avx512dq,avx512vl,bmi2")
#define INLINE static inline __attribute__((always_inline, TARGET))
#define WORKER static __attribute__((noinline, min_vector_width(512), TARGET))
#define ROUTINE WORKER
#else
#define INLINE static inline __attribute__((always_inline))
#define WORKER INLINE
#define ROUTINE static __attribute__((noinline))
#endif

#endif

#ifndef ROTR64
#define ROTR64(x, n) ((x) >> (n) | (x) << (64 - (n)))
#endif

#ifndef SWAP_BYTES
#define SWAP_BYTES(x) ((ROTR(x, 8) & 0xff00ff00u) | (ROTR(x, 24) & 0x00ff00ffu))
#endif

#if WIDTH == 1
typedef uint vec;
typedef ulong wide;
typedef int flags;
#define WIDEN(x) ((wide)(x))
#define NARROW(x) ((vec)(x))
#define LANE_NUMBERS 0
#define SOME(x) (x)
#else
typedef PASTE(uint, WIDTH) vec;
typedef PASTE(ulong, WIDTH) wide;
#define WIDEN(x) __builtin_convertvector(x, wide)
#define NARROW(x) __builtin_convertvector(x, vec)
typedef PASTE(int, WIDTH) flags;
#define EITHER_HALF(x) ((x).lo | (x).hi)
#if WIDTH == 2
#define LANE_NUMBERS (vec)(0, 1)
#define SOME(x) EITHER_HALF(x)
#elif WIDTH == 4
#define LANE_NUMBERS (vec)(0, 1, 2, 3)
#define SOME(x) EITHER_HALF(EITHER_HALF(x))
#elif WIDTH == 8
#define LANE_NUMBERS (vec)(0, 1, 2, 3, 4, 5, 6, 7)
#define SOME(x) EITHER_HALF(EITHER_HALF(EITHER_HALF(x)))
#elif WIDTH == 16
#define LANE_NUMBERS (vec)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define SOME(x) EITHER_HALF(EITHER_HALF(EITHER_HALF(EITHER_HALF(x))))
#endif
#endif
