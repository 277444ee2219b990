"""Runs the PTX of CUDA kernels on the processor, thread after thread, so that CI tests it without a GPU.

`parse` reads PTX, `translate` turns it into C, and `run` compiles that with gcc and launches kernels on numpy
arrays:

    from ptx.run import load
    kernels = load(text)
    kernels["hash_headers"].launch(4, 256, headers, len(headers), digests, order="descending")

It knows what Quorate's kernels need, as NVVM up to PTX 9.5 writes it: 32 and 64-bit integers, branches, global
memory and atomics in one dimension. Anything else it refuses by name rather than guess. What a GPU would leave
to chance, it reports: accesses outside the arrays passed, misaligned ones, writes to read-only arrays, and races,
which are two threads at the same byte, one of them writing, and not both by atomics. Registers that nothing was
written to hold junk that changes with the order of the threads, so results that depend on it do not repeat.

Source: NVIDIA, "Parallel Thread Execution ISA", version 9.
"""
