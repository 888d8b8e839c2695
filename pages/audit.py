"""Do our systems agree?"""

from dashboard import cards, charts, examples, frame, tables

page = frame.require("audit")
cards.show(page)
charts.show(page)
examples.show(page)
tables.show(page)
