"""Import OpenVINO without its telemetry."""

from __future__ import annotations

import sys
import threading
from types import ModuleType

_TELEMETRY = "openvino_telemetry"
_lock = threading.Lock()


def import_openvino() -> ModuleType:
    """Import openvino so that it reports nothing; ImportError if it is not installed.

    OpenVINO reports each import to its maker without asking. No variable stops this, but it runs
    without the package that reports, which is hidden while openvino is imported. An application
    that imports openvino first decides for itself.
    """
    with _lock:
        if "openvino" not in sys.modules:
            loaded = sys.modules.get(_TELEMETRY)
            sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # an import of it fails
            try:
                import openvino
            finally:
                del sys.modules[_TELEMETRY]
                if loaded is not None:
                    sys.modules[_TELEMETRY] = loaded
        import openvino

        return openvino
