"""Pictures: photos, scans and screenshots of digits.

`brightness` reads a picture. `ink` finds what is written in it. `sheet` removes the desk, `edges`
fingers and other objects at the edge; `dots`, `boxes`, `combs` and `ruling` remove what is printed,
with the help of `lines`; `underlines` and `rings` remove lines below digits and rings around them.
`digit` brings a single digit to MNIST's geometry; `digitlab.numbers` cuts numbers apart.
"""
