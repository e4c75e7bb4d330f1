{{ current_batches('hubspot', ['contacts', 'companies', 'deals', 'owners']) }}
