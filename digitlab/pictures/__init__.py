"""Pictures: photos, scans and screenshots of digits.

`brightness` reads a picture. `ink` finds what is written in it. `sheet` removes the desk; `boxes`,
`combs` and `ruling` remove what is printed, and underlines; `rings` removes rings around digits.
`digit` brings a single digit to MNIST's geometry; `digitlab.numbers` cuts numbers apart.
"""
