"""JSON Schema of every mapping file, so that editors complete and check them while they are written."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from connector.agreement.shapes.examples import ExampleShape
from connector.agreement.shapes.lifecycle import AttemptsShape, LifecycleShape
from connector.agreement.shapes.paper import AgreementShape, TextsShape
from connector.agreement.shapes.scoring import IcpShape, PersonasShape, ScoringShape, SignalsShape
from connector.agreement.shapes.wiring import WiringShape, WriteBackShape
from connector.crms import CRMS


def json_schemas() -> dict[str, object]:
    """One JSON Schema per file, by file name."""
    shapes: dict[str, Any] = {
        "agreement": AgreementShape,
        "scoring": ScoringShape,
        "signals": SignalsShape,
        "icp": IcpShape,
        "personas": PersonasShape,
        "lifecycle": LifecycleShape,
        "attempts": AttemptsShape,
        "write_back": WriteBackShape,
        **dict.fromkeys(CRMS, WiringShape),
        "texts": TextsShape,
        "examples": dict[str, ExampleShape],
    }
    return {name: TypeAdapter(shape).json_schema(by_alias=True) for name, shape in shapes.items()}
