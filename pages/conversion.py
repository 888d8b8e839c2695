"""Do visits in one channel become sales in another?"""

from dashboard import cards, charts, frame, tables

page = frame.require("conversion")
cards.show(page)
charts.show(page)
tables.show(page)
