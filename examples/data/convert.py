"""Makes earthquakes.json from the USGS feed that vega-datasets carries.

    npm pack vega-datasets@3.2.1
    tar xzf vega-datasets-3.2.1.tgz package/data/earthquakes.json
    python3 convert.py package/data/earthquakes.json > earthquakes.json

Keeps every event and seven of its columns; changes no value but the time,
which becomes UTC text in whole seconds instead of milliseconds since 1970.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def row(event):
    properties = event["properties"]
    longitude, latitude, depth = event["geometry"]["coordinates"]
    when = EPOCH + timedelta(milliseconds=properties["time"])
    return {
        "id": event["id"],
        "time": when.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "magnitude": properties["mag"],
        "place": properties["place"],
        "kind": properties["type"],
        "lon": longitude,
        "lat": latitude,
        "depth_km": depth,
    }


with open(sys.argv[1], encoding="utf-8") as feed:
    rows = [row(event) for event in json.load(feed)["features"]]

rows.sort(key=lambda r: (r["time"], r["id"]))
lines = (json.dumps(r, separators=(",", ":"), ensure_ascii=False) for r in rows)
print("[\n" + ",\n".join(lines) + "\n]")
