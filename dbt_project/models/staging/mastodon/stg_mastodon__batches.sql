{{ current_batches('mastodon', ['accounts', 'statuses', 'mentions', 'reactions']) }}
