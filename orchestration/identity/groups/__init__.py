"""Groups of people, found apart from people themselves: `households` at one place, `accounts` of companies.

`lasting` gives groups ids that last, `keeping` reads, keeps and serves them.
"""
