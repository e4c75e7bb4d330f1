{{ current_batches('helpdesk', ['users', 'tickets', 'calls', 'ratings']) }}
