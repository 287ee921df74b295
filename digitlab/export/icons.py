"""The page's icon: the stored drawing of a five, in white ink on black."""

import io

from PIL import Image, ImageDraw

from digitlab.drawings import stored_drawing

SIDES = (192, 512)  # pixels: the sizes that browsers require before they offer to install a page
_PEN = 0.09  # share of the side: wider than on the pad, because icons are small


def icon_png(side: int) -> bytes:
    """Draw the icon, `side` pixels wide and high, as a PNG file.

    Some systems crop icons to a circle of 80 % of their width: the ink stays inside it.
    """
    large = 4 * side  # shrunk at the end, so that edges are smooth
    image = Image.new("L", (large, large))
    draw = ImageDraw.Draw(image)
    pen = _PEN * large
    for stroke in stored_drawing(5, large):
        points = [(x, y) for x, y in (0.9 * stroke + 0.05 * large).tolist()]
        draw.line(points, 255, round(pen), joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), 255)
    file = io.BytesIO()
    image.resize((side, side), Image.Resampling.LANCZOS).save(file, "png", optimize=True)
    return file.getvalue()
