//! The settings in layers, the stronger over the weaker, and all mistakes in them at once. What a mistake means in
//! words and where it stands is told by `locate`.

use figment::error::Kind;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::locate::{self, Source};
use super::problem::{ConfigError, Problem};
use super::raw::RawConfig;

/// Mistakes that are told at once; whoever has more has mistaken the file.
const PROBLEMS_MAX: usize = 20;

/// The name of the file's layer; the others are called by their variable.
pub(super) const FILE: &str = "file";

/// The file, or one variable.
pub(super) struct Layer {
    name: &'static str,
    settings: Dict,
}

impl Layer {
    pub(super) fn of_file(text: &str, source: &Source) -> Result<Self, Box<Problem>> {
        let data = Toml::string(text).data();
        let mut data = data.map_err(|error| Box::new(locate::figment_problem(&error, source)))?;
        Ok(Self { name: FILE, settings: data.remove(&Profile::Default).unwrap_or_default() })
    }

    pub(super) fn of_variable(name: &'static str, section: &str, key: &str, value: Value) -> Self {
        let section_of_one = Dict::from([(key.to_owned(), value)]);
        Self { name, settings: Dict::from([(section.to_owned(), section_of_one.into())]) }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> figment::error::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.settings.clone()))
    }
}

/// Reads `layers`, the last one strongest. A value that cannot be read is told and then taken out, so that the
/// next one is found as well; `problems` are those known before.
pub(super) fn extract(
    mut layers: Vec<Layer>,
    source: &Source,
    mut problems: Vec<Problem>,
) -> Result<RawConfig, ConfigError> {
    let mut taken = Vec::new();
    while problems.len() < PROBLEMS_MAX {
        let figment = layers.iter().fold(Figment::new(), |figment, layer| figment.merge(layer));
        let error = match figment.extract() {
            Ok(raw) if problems.is_empty() => return Ok(raw),
            Ok(_) => break,
            Err(error) => error,
        };
        // What is missing because it was taken out was told already.
        let told = matches!(error.kind, Kind::MissingField(_))
            && taken.iter().any(|path: &Vec<String>| path.starts_with(&error.path));
        if !told {
            problems.push(locate::figment_problem(&error, source));
        }
        let mut gone = false;
        for layer in &mut layers {
            gone |= take_out(&mut layer.settings, &error.path);
        }
        if !gone {
            break;
        }
        taken.push(error.path);
    }
    Err(ConfigError::new(problems))
}

/// Takes the value at `path` out. A list goes as a whole, so that what is left keeps its place.
fn take_out(settings: &mut Dict, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    let inner = match (settings.get_mut(first), rest) {
        (Some(Value::Dict(_, inner)), [_, ..]) => Some((inner, rest)),
        (Some(Value::Array(_, items)), [index, rest @ ..]) if !rest.is_empty() => {
            match index.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                Some(Value::Dict(_, inner)) => Some((inner, rest)),
                Some(_) | None => None,
            }
        }
        _ => None,
    };
    match inner {
        Some((inner, rest)) => take_out(inner, rest),
        None => settings.remove(first).is_some(),
    }
}
