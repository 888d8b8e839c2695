"""Can the models be trusted?"""

from dashboard import cards, charts, frame, tables

page = frame.require("models")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
