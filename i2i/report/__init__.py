"""What runs did, as one page that opens without a network."""

from i2i.report.writing import report as report
