//! What flags take, by name.

use std::ops::RangeInclusive;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use strum::{EnumMessage, VariantArray};

use crate::export::SCALES;

/// Reads a word of the [`vocabulary`](crate::vocabulary); each choice has its line in the help.
pub fn one_of<T>() -> impl TypedValueParser<Value = T>
where
    T: VariantArray + EnumMessage + Into<&'static str> + Copy + Send + Sync + 'static,
{
    among(T::VARIANTS)
}

/// As [`one_of`], where a command takes some of the choices only.
pub fn among<T>(choices: &'static [T]) -> impl TypedValueParser<Value = T>
where
    T: EnumMessage + Into<&'static str> + Copy + Send + Sync + 'static,
{
    let value = |choice: &T| {
        let help = choice.get_documentation().unwrap_or_default().trim_end_matches('.');
        PossibleValue::new((*choice).into()).help(help)
    };
    PossibleValuesParser::new(choices.iter().map(value)).try_map(|text| {
        let named = choices.iter().find(|choice| Into::<&str>::into(**choice) == text);
        named.copied().ok_or_else(|| format!("'{text}' is none of them"))
    })
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
}
