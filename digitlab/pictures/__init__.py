"""Pictures: photos, scans and screenshots of digits.

`brightness` reads a picture. `ink` finds what is written in it: `sheet` removes the desk, `boxes`,
`combs` and `ruling` what is printed, and underlines. `digit` brings a single digit to MNIST's
geometry; `digitlab.numbers` cuts numbers apart.
"""
