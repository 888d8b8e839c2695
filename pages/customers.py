"""Do customers come back, and what are they worth?"""

from dashboard import cards, charts, frame, tables

page = frame.require("customers")
cards.show(page)
charts.show(page)
tables.show(page)
