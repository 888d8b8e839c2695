"""Do customers get their order whole and when they were told, and why not?"""

from dashboard import cards, charts, frame, tables

page = frame.require("promise")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
