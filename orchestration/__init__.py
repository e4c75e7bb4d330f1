"""Tessera's orchestration: when, in what order and with which resource; plus what is not a query.

Nothing that phones home may start: the switches of every tool are set here, before any of them is imported.
"""

import os

for _switch, _off in {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "GX_ANALYTICS_ENABLED": "false",
}.items():
    os.environ.setdefault(_switch, _off)
