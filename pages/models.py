"""Can the models be trusted?"""

from dashboard import cards, charts, frame, tables

page = frame.require("models")
cards.show(page)
charts.show(page)
tables.show(page)
