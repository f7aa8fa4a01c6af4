"""GTFS feeds -> the timetable of one day as plain tables, with a count of everything odd in them."""

from siteplan.inputs.gtfs.feed import Feed
from siteplan.inputs.gtfs.reader import read_gtfs
from siteplan.inputs.gtfs.report import summary

__all__ = ["Feed", "read_gtfs", "summary"]
