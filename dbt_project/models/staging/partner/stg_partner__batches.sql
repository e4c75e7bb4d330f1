{{ current_batches('partner', ['customers']) }}
