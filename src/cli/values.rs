//! What flags take, by name.

use std::ops::RangeInclusive;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::attention::alignment::Granularity;
use crate::attention::{ColorScale, LayerKind, Normalisation, Pooling};
use crate::export::SCALES;
use crate::model::{DeviceChoice, Engine, Precision};
use crate::theme::Background;

/// What `--engine` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Own kernels on the CPU, tensor operations elsewhere
    Auto,
    /// Tensor operations everywhere: what a GPU runs
    Generic,
}

/// What `--dtype` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DtypeName {
    /// f32 on the CPU, bf16 on a GPU, where experts stay packed
    Auto,
    /// 32 bits
    F32,
    /// bfloat16; on a GPU, experts unpacked to it once
    Bf16,
    /// IEEE half; on a GPU
    F16,
}

/// What `--layers` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LayerKindName {
    /// Those that see a window of keys
    Sliding,
    /// Those that see all keys
    Full,
}

impl From<LayerKindName> for LayerKind {
    fn from(name: LayerKindName) -> Self {
        match name {
            LayerKindName::Sliding => LayerKind::Sliding,
            LayerKindName::Full => LayerKind::Full,
        }
    }
}

impl From<EngineName> for Engine {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Auto => Engine::Auto,
            EngineName::Generic => Engine::Generic,
        }
    }
}

impl From<DtypeName> for Precision {
    fn from(name: DtypeName) -> Self {
        match name {
            DtypeName::Auto => Precision::Auto,
            DtypeName::F32 => Precision::F32,
            DtypeName::Bf16 => Precision::Bf16,
            DtypeName::F16 => Precision::F16,
        }
    }
}

/// Reads the name of one of several, each with what is said of it in the help.
pub fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
    about: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let value = move |value: &T| PossibleValue::new(name(*value)).help(about(*value));
    PossibleValuesParser::new(all.iter().map(value)).try_map(move |text| {
        let named = all.iter().copied().find(|value| name(*value) == text);
        named.ok_or_else(|| format!("'{text}' is none of them"))
    })
}

/// What is said of a normalisation.
pub fn about_normalisation(normalisation: Normalisation) -> &'static str {
    match normalisation {
        Normalisation::Raw => "Nothing: a row and its sink sum to 1",
        Normalisation::Renormalised => "Their sum without the sink",
        Normalisation::WithoutFirst => "Their sum without the sink and the first token",
    }
}

/// What is said of pieces and words.
pub fn about_granularity(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Pieces => "The smallest pieces that both have whole tokens of",
        Granularity::Words => "Whole words",
    }
}

/// What is said of a curve.
pub fn about_curve(curve: ColorScale) -> &'static str {
    match curve {
        ColorScale::Linear => "In proportion",
        ColorScale::Log => "By their logarithm, from the smallest above 0 on",
    }
}

/// What is said of a pooling.
pub fn about_pooling(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::Largest => "The largest of them",
        Pooling::Mean => "Their mean",
    }
}

/// What is said of a background.
pub fn about_background(background: Background) -> &'static str {
    match background {
        Background::Light => "Dark text on white",
        Background::Dark => "Light text on black",
    }
}

/// Reads a whole number; what is wrong says what it should be, and from where to where it goes.
pub fn whole<T: TryFrom<u64>>(
    what: &'static str,
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.and_then(|number: u64| number.try_into().ok()).ok_or_else(|| {
            let (least, most) = range.clone().into_inner();
            let most = if most == u64::MAX { "up".to_owned() } else { format!("to {most}") };
            format!("'{text}' is no {what}: use a whole number from {least} {most}")
        })
    }
}

/// Reads one of several numbers that commas separate.
pub fn listed<T: TryFrom<u64>>(
    what: &'static str,
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    let read = whole(what, range);
    move |text| read(text.trim()).map_err(|error| format!("{error}, several with commas between: 1,2,3"))
}

/// Reads the name of a device.
pub fn parse_device(text: &str) -> Result<DeviceChoice, String> {
    let known = match text {
        "auto" => Some(DeviceChoice::Auto),
        "cpu" => Some(DeviceChoice::Cpu),
        "cuda" => Some(DeviceChoice::Cuda(0)),
        "metal" => Some(DeviceChoice::Metal),
        _ => text.strip_prefix("cuda:").and_then(|number| number.parse().ok()).map(DeviceChoice::Cuda),
    };
    known.ok_or_else(|| format!("'{text}' is no device: use auto, cpu, cuda, cuda:N or metal"))
}

/// Reads how large a bitmap is.
pub fn parse_scale(text: &str) -> Result<f32, String> {
    let known = text.parse().ok().filter(|scale: &f32| SCALES.contains(scale));
    known.ok_or_else(|| format!("'{text}' is no scale: use a number from 0.25 to 8"))
}

/// Reads a temperature.
pub fn parse_temperature(text: &str) -> Result<f64, String> {
    let known = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
    known.ok_or_else(|| format!("'{text}' is no temperature: use a number from 0 up"))
}

/// Reads the probability of the tokens that are drawn from.
pub fn parse_top_p(text: &str) -> Result<f64, String> {
    let known = text.parse().ok().filter(|value: &f64| *value > 0.0 && *value <= 1.0);
    known.ok_or_else(|| format!("'{text}' is no probability to draw from: use a number above 0, up to 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_say_what_they_should_be() {
        assert_eq!(whole::<u16>("width", 1..=1000)("7"), Ok(7));
        let wrong = |text: &str| whole::<usize>("width", 1..=1000)(text).unwrap_err();
        for text in ["0", "1001", "-1", "x", "", "1.5", "99999999999999999999"] {
            assert_eq!(wrong(text), format!("'{text}' is no width: use a whole number from 1 to 1000"));
        }
        let error = listed::<usize>("position", 0..=u64::MAX)("x").unwrap_err();
        assert_eq!(
            error,
            "'x' is no position: use a whole number from 0 up, several with commas between: 1,2,3"
        );
    }

    #[test]
    fn devices_by_name() {
        assert_eq!(parse_device("cuda"), Ok(DeviceChoice::Cuda(0)));
        assert_eq!(parse_device("metal"), Ok(DeviceChoice::Metal));
        assert!(parse_device("cuda:x").is_err());
    }
}
