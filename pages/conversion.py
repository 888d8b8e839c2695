"""Do visits in one channel become sales in another?"""

from dashboard import cards, charts, frame, tables

page = frame.require("conversion")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
