"""Who is who: records compared, linked, gathered into people, and given ids that last.

`model` says what is compared, `records` brings contacts into the compared forms, `link` scores pairs with Splink,
`identifiers` links by shared identifiers, `people` makes the partition; `solve` runs these in memory, for any table.
`registry` gives ids that last, `resolve` runs all of it on the warehouse. Nothing here imports dagster.
"""
