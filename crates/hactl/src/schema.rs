//! JSON Schemas of what commands print with `-o json`.

use failover::status::{ExitList, Status};
use hactld::admin::{Changed, Explained};
use hactld::incident::Incident;
use hactld::journal::Entry;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::check::Document;
use crate::refusal;

/// Of `hactl status -o json` and `GET /api/v1/status`. Within v1 keys are only added, so others are allowed.
pub(crate) fn status() -> Value {
    of::<Status>()
}

/// Of `hactl check -o json`.
pub(crate) fn check() -> Value {
    of::<Document>()
}

/// Of `hactl explain -o json`.
pub(crate) fn explain() -> Value {
    of::<Explained>()
}

/// Of each line of `hactl events -o json`.
pub(crate) fn event() -> Value {
    of::<Entry>()
}

/// Of each line of `hactl events --incidents -o json`.
pub(crate) fn incident() -> Value {
    of::<Incident>()
}

/// Of `hactl exits -o json`.
pub(crate) fn exits() -> Value {
    of::<ExitList>()
}

/// Of `-o json` of all commands that order something.
pub(crate) fn change() -> Value {
    of::<Changed>()
}

/// Of `-o json` of all commands that fail.
pub(crate) fn error() -> Value {
    of::<refusal::Document<'_>>()
}

fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
