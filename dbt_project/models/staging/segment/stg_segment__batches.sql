{{ current_batches('segment', ['events']) }}
