"""Do customers come back, and what are they worth?"""

from dashboard import cards, charts, frame, tables

page = frame.require("customers")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
