"""Pictures as SVG text: frozen records in, text out; nothing is read, written or asked, and no library draws.

The report, the documents, Dagster's metadata and web pages show the same ones (docs/pictures.md).

slot_chart  panels of slot series over one local time axis
flow        power between a site's parts at this moment
gauge       a state of charge with its reserve
level       a value between two ends, with its bounds and where it is wanted
scope       what a synchroniser sees, against its window
bars        money of days
ranking     what comes most often
whiskers    figures with their intervals
sparkline   one series without axes
inline      a picture by itself: a file, an image in Markdown

What they are made of:

panel       what a panel of a slot chart shows        legend  its head: label, unit, names
plotted     what is drawn within it                   marks   instants marked over all panels
time_axis   instants to places, hours and days        foot    hours and days below the panels
scale       round numbers for an axis                 paths   series as short paths, gaps kept
palette     names of colours, for light and dark      words   what a picture writes of its own accord
glyphs      small signs of a site's parts             svg     elements, escaped
"""
