"""Real headers of Bitcoin's mainnet with their published nonces: work whose answer is known.

Sources: heights 0 to 10,236 from Floresta's headers (vinteumorg/Floresta, MIT), the later ones from the
test data of ckb-bitcoin-spv (EthanYuan/ckb-bitcoin-spv-testdata, WTFPL); both are plain chain data.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BundledHeader:
    height: int
    header: bytes
    """80 bytes in wire order."""

    @property
    def nonce(self) -> int:
        """The published nonce."""
        return int.from_bytes(self.header[76:], "little")


BUNDLED = tuple(
    BundledHeader(height, bytes.fromhex(header))
    for height, header in (
        (
            0,
            "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd"
            "7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
        ),
        (
            1,
            "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd"
            "1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299",
        ),
        (
            170,
            "0100000055bd840a78798ad0da853f68974f3d183e2bd1db6a842c1feecf222a00000000ff104ccb"
            "05421ab93e63f8c3ce5c2c2e9dbb37de2764b3a3175c8166562cac7d51b96a49ffff001d283e9e70",
        ),
        (
            2016,
            "010000006397bb6abd4fc521c0d3f6071b5650389f0b4551bc40b4e6b067306900000000ace470ae"
            "cda9c8818c8fe57688cd2a772b5a57954a00df0420a7dd546b6d2c576b0e7f49ffff001d33f0192f",
        ),
        (
            822528,
            "00e0ff3f82f7aacf60fac3873b0beade61d0701639090ae5f47800000000000000000000acbc1b33"
            "81c671b2b7753bb2252d3ebd6900486ec8153ceb10e954a86e3f9e1468788665b3e80317f5171649",
        ),
        (
            830592,
            "0000c020b2cb69cc115008758a88ecb3b5008cfdcb9aaf88335b0000000000000000000063e2d64b"
            "85a8d99b0b0d7ff88ec0b3c41d5d0267df09426ad7ec57549059c0cfae22ce65b1710317584f2594",
        ),
    )
)
