"""quorate devices: what can compute here, and why something cannot."""

from __future__ import annotations

from .options import Json


def devices(as_json: Json = False) -> None:
    """Show what can compute here, and why something cannot."""
    from ..kernels import catalog
    from . import show

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
    rows = [(d.name, d.family, d.description, d.driver) for d in found if d.available]
    show.table(("device", "source family", "description", "driver"), rows)
    for device in found:
        if not device.available:
            show.line(f"\n{device.name} is not available: {device.reason}")
