"""Does omnichannel pay for itself?"""

from dashboard import cards, charts, frame, tables

page = frame.require("roi")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
