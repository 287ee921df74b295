"""Numbers: several digits in one drawing or picture, cut apart and read.

Writing consists of *pieces*, each of which belongs to only one character: strokes, or parts of a
picture's ink. `pieces` defines their interface; `stroke_pieces` and `ink_pieces` make them. `rows`
sorts them into rows, also along tilted lines. `candidates` lists the groups of pieces that may be a
character, and what their shape and place say about that; the recognizer adds its answers. `search`
finds the best way to assign each piece to one group. `reading` runs all of these steps.
"""
