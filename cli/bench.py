"""quorate bench: rates, side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Json, open_devices


def bench(
    devices: Annotated[
        str | None, typer.Option(metavar="NAME[,NAME...]", help="Devices to measure. [default: all that are here]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Measurements of each kind.")] = 5,
    as_json: Json = False,
) -> None:
    """Measure hash rates of devices side by side.

    A hash is the double SHA-256 of a header. Shown are medians over rounds that take the devices in
    turn; a device may be a whole processor with several cores. `reference` is hashlib on one core.
    """
    from ..kernels.catalog import usable
    from ..miner.bench import bench as run
    from . import show

    show.log_to_stderr()
    backends = open_devices(devices if devices is not None else ",".join(d.name for d in usable()))
    with show.progress("measuring", 3 * len(backends) * rounds) as update:
        rates = run(backends, rounds, lambda done: update(done, ""))
    if as_json:
        show.document(
            {
                "rounds": rounds,
                "unit": "hashes per second",
                "results": [
                    {
                        "device": r.device.name,
                        "work": r.work,
                        "median": r.median,
                        "lowest": min(r.samples),
                        "highest": max(r.samples),
                    }
                    for r in rates
                ],
            }
        )
        return
    yardstick = {r.work: r.median for r in rates if r.device.name == "reference"}
    show.table(
        ("device", "work", "rate", "spread", "× reference"),
        [
            (
                r.device.name,
                r.work,
                show.rate(r.median),
                f"{100 * r.spread:.0f} %",
                f"{r.median / yardstick[r.work]:.1f}" if r.work in yardstick else "",
            )
            for r in rates
        ],
        right=("rate", "spread", "× reference"),
    )
