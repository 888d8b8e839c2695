"""How much is given away in markdowns, and where?"""

from dashboard import cards, charts, frame, tables

page = frame.require("markdowns")
cards.show(page)
charts.show(page)
tables.show(page)
