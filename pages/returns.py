"""How much comes back, why, and what becomes of it?"""

from dashboard import cards, charts, frame, tables

page = frame.require("returns")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
