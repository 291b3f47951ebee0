"""Timestamps and durations, and ours: ``time``."""

from __future__ import annotations

import copy
import datetime as dt
import pickle

import pytest

from airflow_provider_cloudfn import cel


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("timestamp('2024-02-29T12:30:45.123Z').getFullYear()", 2024),
        ("timestamp('2024-02-29T12:30:45.123Z').getMonth()", 1),
        ("timestamp('2024-02-29T12:30:45.123Z').getDate()", 29),
        ("timestamp('2024-02-29T12:30:45.123Z').getDayOfMonth()", 28),
        ("timestamp('2024-02-29T12:30:45.123Z').getDayOfWeek()", 4),
        ("timestamp('2024-02-29T12:30:45.123Z').getDayOfYear()", 59),
        ("timestamp('2024-02-29T12:30:45.123Z').getMilliseconds()", 123),
        ("timestamp('2024-06-30T23:00:00Z').getHours('Europe/Berlin')", 1),
        ("timestamp('2024-06-30T23:00:00Z').getDate('+02:00')", 1),
        ("timestamp('2024-06-30T23:00:00Z').getHours('-09:30')", 13),
        ("timestamp(0) + duration('1h')", dt.datetime(1970, 1, 1, 1, tzinfo=dt.UTC)),
        ("timestamp(3600) - timestamp(0)", dt.timedelta(hours=1)),
        ("timestamp('2024-01-01t00:00:00z')", dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
        ("timestamp('2024-01-01T00:00:00.123456Z')", dt.datetime(2024, 1, 1, 0, 0, 0, 123456, tzinfo=dt.UTC)),
        ("string(timestamp('2024-01-01T00:00:00.123456789Z'))", "2024-01-01T00:00:00.123456789Z"),
        ("time.iso(timestamp('1969-12-31T23:59:59.000000001Z'))", "1969-12-31T23:59:59.000000001Z"),
        ("timestamp('2024-01-01T00:00:00.000000001Z') > timestamp('2024-01-01T00:00:00Z')", True),
        ("timestamp('2024-01-01T00:00:00.000000001Z') == timestamp('2024-01-01T00:00:00Z')", False),
        ("string(timestamp('2024-01-01T00:00:00.999999999Z') + duration('1ns'))", "2024-01-01T00:00:01Z"),
        ("string(duration('1ns') - duration('2ns'))", "-0.000000001s"),
        ("string(-duration('1.000000001s'))", "-1.000000001s"),
        ("duration('1ns') > duration('0s')", True),
        ("[duration('2ns'), duration('1ns')].sort().map(x, string(x))", ["0.000000001s", "0.000000002s"]),
        ("[duration('1ns'), duration('0s'), duration('1000ns')].distinct().size()", 3),
        ("duration('-1ns').getMilliseconds()", 0),
        ("duration('1h') - duration('90m')", -dt.timedelta(minutes=30)),
        ("-duration('1s')", -dt.timedelta(seconds=1)),
        (
            "duration('1h2m3.5s4ms5us6000ns')",
            dt.timedelta(hours=1, minutes=2, seconds=3.5, milliseconds=4, microseconds=11),
        ),
        ("duration('0')", dt.timedelta(0)),
        ("duration('+.5s')", dt.timedelta(seconds=0.5)),
        ("duration('90m').getHours()", 1),
        ("duration('-90m').getHours()", -1),
        ("duration('90m').getMinutes()", 90),
        ("duration('90m').getSeconds()", 5400),
        ("duration('1.25s').getMilliseconds()", 250),
        ("duration('-1.25s').getMilliseconds()", -250),
        ("time.format(timestamp('2024-01-31T12:00:00Z'), '%Y-%m-%d %H:%M:%S %%')", "2024-01-31 12:00:00 %"),
        ("time.format(timestamp('2024-01-31T23:30:00Z'), '%d', 'Europe/Berlin')", "01"),
        ("time.format(timestamp('0099-01-01T00:00:00Z'), '%Y')", "0099"),
        ("time.iso(timestamp('2024-01-31T12:00:00+01:00'))", "2024-01-31T11:00:00Z"),
        ("time.parse('31.01.2024', '%d.%m.%Y')", dt.datetime(2024, 1, 31, tzinfo=dt.UTC)),
        ("time.parse('2024-01-31 12:00 +0100', '%Y-%m-%d %H:%M %z')", dt.datetime(2024, 1, 31, 11, tzinfo=dt.UTC)),
    ],
)
def test_a_call_gives(source, expected, gives):
    gives(source, expected)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("timestamp('2024-01-31')", "RFC 3339"),
        ("timestamp('12:30')", "RFC 3339"),
        ("timestamp('2024-W05')", "RFC 3339"),
        ("timestamp('2024-01-31 12:00:00Z')", "RFC 3339"),
        ("timestamp('2024-01-31T12:00:00')", "RFC 3339"),
        ("timestamp('2024-02-30T12:00:00Z')", "out of range"),
        ("timestamp('2024-01-31T24:00:00Z')", "out of range"),
        ("timestamp('2024-01-31T12:00:00+25:00')", "out of range"),
        ("timestamp(253402300800)", "between the years 1 and 9999"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "between the years 1 and 9999"),
        ("timestamp('9999-12-31T23:59:59Z') - timestamp(0)", "292 years"),
        ("duration('1')", "the units"),
        ("duration('1d')", "the units"),
        ("duration('')", "the units"),
        ("duration('h')", "the units"),
        ("duration('.s')", "the units"),
        ("duration('1h -1m')", "the units"),
        ("duration('320000000000s')", "10,000 years"),
        ("timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns')", "between the years 1 and 9999"),
        ("timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "between the years 1 and 9999"),
        ("timestamp(0).getHours('Mars/Olympus')", "no time zone of that name"),
        ("timestamp(0).getHours('../../etc/passwd')", "no time zone of that name"),
        ("time.format(timestamp(0), '%Y %Q')", "'%Q' is no directive"),
        ("time.format(timestamp(0), '%9Y')", "'%9' is no directive"),
        ("time.format(timestamp(0), '%Y%')", "'%' is no directive"),
        ("time.format(timestamp(0), '%-:z')", "'%-:' is no directive"),
        (
            "time.parse('1', '%s')",
            "'%s' is no directive that a format can have, as '%Y-%m-%d' has them of Python's strftime; seconds",
        ),
        (f"time.format(timestamp(0), '{'x' * 201}')", "longer than 200 characters"),
        (f"time.format(timestamp(0), '{'%d' * 201}')", "longer than 200 characters"),
        ("time.parse('x', '%Y')", "no time in the form"),
        ("timestamp(0) + timestamp(0)", "can't be applied to (timestamp, timestamp)"),
    ],
)
def test_a_call_says_what_it_needs(source, said, fails):
    fails(source, said)


@pytest.mark.parametrize("source", ["timestamp('2024-01-01T00:00:00.123456789Z')", "duration('-1.000000001s')"])
def test_nanoseconds_survive_copies_and_processes(source):
    value = cel.evaluate(source, {})
    for twin in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert cel.to_text(twin) == cel.to_text(value)


def test_a_value_with_nanoseconds_is_written_as_json_to_the_microsecond(gives):
    gives("json.encode(timestamp('2024-01-01T00:00:00.123456789Z'))", '"2024-01-01T00:00:00.123456Z"')
