"""Models, devices and published figures as data, each with its source and the date on which it was read."""

from kvlab.catalog.devices import (
    Accelerator,
    Processor,
    accelerators,
    device,
    fitting_level,
    processor,
    processors,
)
from kvlab.catalog.models import CatalogModel, all_models, find, model, unknown_model

__all__ = [
    "Accelerator",
    "CatalogModel",
    "Processor",
    "accelerators",
    "all_models",
    "device",
    "find",
    "fitting_level",
    "model",
    "processor",
    "processors",
    "unknown_model",
]
