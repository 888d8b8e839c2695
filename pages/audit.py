"""Do our systems agree?"""

from dashboard import cards, charts, examples, frame, tables

page = frame.require("audit")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
examples.show(page)
tables.show(page)
