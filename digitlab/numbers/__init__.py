"""Numbers: several digits in one drawing or picture, cut apart and read.

Writing comes as *pieces*, none of which belongs to two characters: strokes, or parts of a picture's
ink. `pieces` says what is asked of them, `stroke_pieces` and `ink_pieces` make them. `rows` sorts
them into rows, along tilted lines too. `candidates` lists the groups of pieces that may be a
character, and what their shape and place say about that; the recognizer says the rest. `search`
finds the best way to have each piece in one group. `reading` goes through all of this.
"""
