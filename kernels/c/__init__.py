"""The C family: one text for OpenCL drivers and for NVRTC."""
