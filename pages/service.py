"""What do contacts with customer service cost, and which could be avoided?"""

from dashboard import cards, charts, frame, tables

page = frame.require("service")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
