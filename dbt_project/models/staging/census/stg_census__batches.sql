{{ current_batches('census', ['areas']) }}
