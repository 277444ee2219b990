"""quorate devices: what can compute here, and why something cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import Json

if TYPE_CHECKING:
    from ..kernels.backend import Device


def devices(
    calibrate: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME...]",
            help="First measure which kernel is fastest on these devices, and save it for this machine.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what can compute here, and why something cannot."""
    from ..kernels import catalog
    from . import show

    show.log_to_stderr()
    for name in calibrate.split(",") if calibrate is not None else ():
        rates = catalog.calibrate(name)
        show.note(f"{name}: " + ", ".join(f"{way} {show.rate(rate)}" for way, rate in rates.items()))
    found = catalog.devices()
    if as_json:
        show.document(
            {
                "devices": [
                    {
                        "name": device.name,
                        "kind": device.kind,
                        "family": device.family,
                        "available": device.available,
                        "reason": device.reason,
                        "searches": device.searches,
                        "verifies": device.verifies,
                        "description": device.description,
                        "driver": device.driver,
                        "hardware": device.hardware,
                        "simulator": device.simulator,
                    }
                    for device in found
                ]
            }
        )
        return
    rows = [
        (d.name, _work(d), d.family, d.description + "; used only when named" * d.simulator, d.driver)
        for d in found
        if d.available
    ]
    show.table(("device", "can", "source family", "description", "driver"), rows)
    for device in found:
        if not device.available:
            show.line(f"\n{device.name} is not available: {device.reason}")


def _work(device: Device) -> str:
    return ", ".join(word for word, can in (("search", device.searches), ("verify", device.verifies)) if can)
