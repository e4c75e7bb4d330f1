{{ current_batches('telemetry', ['readings']) }}
