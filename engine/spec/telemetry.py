"""The ``telemetry`` block of a target: where traces go."""

from __future__ import annotations

from pydantic import Field

from engine.secrets.template import Template
from engine.spec.model import SpecModel


class Telemetry(SpecModel):
    """Where traces are sent, and how many. OpenTelemetry's own variables win, where they are set."""

    otlp_endpoint: Template = Field(
        description="Address of an OpenTelemetry collector that takes OTLP over HTTP: http://collector:4318. "
        "OTEL_EXPORTER_OTLP_ENDPOINT wins."
    )
    share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of traces that are sent; those that fail always are. OTEL_TRACES_SAMPLER_ARG wins.",
    )

    def variables(self) -> dict[str, str]:
        """The same as OpenTelemetry's variables.

        Raises:
            UnresolvedReference: a reference in the address.
        """
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.otlp_endpoint.resolved(),
            "OTEL_TRACES_SAMPLER_ARG": str(self.share),
        }
