"""How much comes back, why, and what becomes of it?"""

from dashboard import cards, charts, frame, tables

page = frame.require("returns")
cards.show(page)
charts.show(page)
tables.show(page)
