"""The Python family: device code written in Python, compiled by Numba for the CPU and for CUDA."""
