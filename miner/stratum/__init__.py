"""Stratum v1: work from a mining pool.

`address` knows where a pool is, `lines` what a line of bytes says, `jobs` what work it describes, `protocol`
the conversation without any socket. `connection` is one connection from its opening to its end, `failover`
keeps one to the best pool that is well, `loop` is where they live, `tally` counts, and `pool` is the source of
work made of all that.
"""
