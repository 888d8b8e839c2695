"""Do customers get their order whole and when they were told, and why not?"""

from dashboard import cards, charts, frame, tables

page = frame.require("promise")
cards.show(page)
charts.show(page)
tables.show(page)
