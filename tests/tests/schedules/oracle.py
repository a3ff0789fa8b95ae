"""Answers what Prefect makes of schedules: one JSON question a line, one JSON answer a line."""

import datetime
import json
import signal
import sys
import warnings
import zoneinfo

warnings.simplefilter("ignore")

from prefect.client.schemas.schedules import RRuleSchedule as ClientRRule  # noqa: E402
from prefect.server.schemas.schedules import (  # noqa: E402
    CronSchedule,
    IntervalSchedule,
    RRuleSchedule,
)

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
# Seconds of the processor for one question.
LIMIT = 0.5


def moment(micros):
    return EPOCH + micros * MICROSECOND


def micros_of(date):
    # Dates are of a library's own class, whose difference is not a standard one.
    utc = date.astimezone(UTC)
    plain = datetime.datetime(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, UTC)
    return (plain - EPOCH) // MICROSECOND


def schedule(kind, spec):
    if kind == "cron":
        return CronSchedule(**spec)
    if kind == "interval":
        spec = dict(spec)
        spec["anchor_date"] = moment(spec["anchor_date"])
        spec["interval"] = datetime.timedelta(seconds=spec["interval"])
        return IntervalSchedule(**spec)
    # Prefect's client gives a rule its start before the server sees it.
    ClientRRule(**spec)
    return RRuleSchedule(**spec)


def answer(question):
    kind = question["kind"]
    if kind == "offsets":
        zone = zoneinfo.ZoneInfo(question["zone"])
        at = (moment(micros).astimezone(zone) for micros in question["at"])
        return {"offsets": [int(t.utcoffset().total_seconds()) for t in at]}
    made = schedule(kind, question["spec"])
    if "start" not in question:
        return {}
    found = made._get_dates_generator(n=question["n"], start=moment(question["start"]))
    return {"dates": sorted(micros_of(date) for date in found)}


class Slow(BaseException):
    """Is raised when a schedule keeps dateutil busy until the end of the calendar."""


def give_up(signum, frame):
    raise Slow


signal.signal(signal.SIGVTALRM, give_up)
for line in sys.stdin:
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        reply = answer(json.loads(line))
    except Slow:
        reply = {"slow": True}
    except Exception as error:
        reply = {"error": str(error).splitlines()[0] if str(error) else type(error).__name__}
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    print(json.dumps(reply), flush=True)
