"""What do contacts with customer service cost, and which could be avoided?"""

from dashboard import cards, charts, frame, tables

page = frame.require("service")
cards.show(page)
charts.show(page)
tables.show(page)
