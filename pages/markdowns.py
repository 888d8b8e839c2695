"""How much is given away in markdowns, and where?"""

from dashboard import cards, charts, frame, tables

page = frame.require("markdowns")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
