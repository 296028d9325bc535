//! JSON Schemas of what commands print with `-o json`.

use failover::status::Status;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::check::Document;

/// Of `hactl status -o json` and `GET /api/v1/status`. Within v1 keys are only added, so others are allowed.
pub(crate) fn status() -> Value {
    of::<Status>()
}

/// Of `hactl check -o json`.
pub(crate) fn check() -> Value {
    of::<Document>()
}

fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
