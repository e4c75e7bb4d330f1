"""The check every YAML document carries: a document that cannot be read is a red asset, and the rest loads."""

import dagster as dg

VALID = "document_is_valid"


def validity_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check that says whether the document behind the asset `key` can be used."""
    return dg.AssetCheckSpec(VALID, asset=key, description="The YAML document can be read and names only what exists.")


def valid(key: dg.AssetKey) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=VALID, asset_key=key, passed=True)


def invalid(key: dg.AssetKey, *, file: str, line: int | None, message: str) -> dg.AssetCheckResult:
    """The red result that names the document's file and line."""
    where = f"{file}:{line}" if line else file
    return dg.AssetCheckResult(
        check_name=VALID, asset_key=key, passed=False, metadata={"where": where, "what": message}
    )


def broken_asset(key: dg.AssetKey, *, group: str, file: str, line: int | None, message: str) -> dg.AssetsDefinition:
    """An asset that stands for a document nobody can use: it does nothing but show the red check."""

    @dg.multi_asset(
        name=f"broken_{'_'.join(key.path)}",
        specs=[dg.AssetSpec(key, group_name=group, description=f"Not in use: {message}", skippable=True)],
        check_specs=[validity_check(key)],
    )
    def broken(context: dg.AssetExecutionContext):
        context.log.error(f"{file}:{line}: {message}")
        yield invalid(key, file=file, line=line, message=message)

    return broken
