//! The numbers beside a colour bar.

use crate::attention::Scale;
use crate::vocabulary::ColorScale;

/// Two numbers are no nearer than this part of the bar, and than what keeps them from touching.
const APART: f32 = 0.075;
/// Steps that numbers go in, times a power of ten.
const STEPS: [f32; 4] = [1.0, 2.0, 2.5, 5.0];
/// Places of a number; of more, its power of ten is written.
const PLACES: usize = 4;
/// Steps from 0 to the top, about.
const COUNT: f32 = 4.0;

/// A number beside a bar, and where it is: 0 at the foot, 1 at the top.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub height: f32,
    pub text: String,
}

/// The numbers of a scale that begins at level `lowest`: 0, or −1 if it is of differences. `is_cut` says whether values
/// may lie beyond its top, `line` how high a number is, as a part of the bar.
pub fn ticks(scale: Scale, lowest: f32, is_cut: bool, line: f32) -> Vec<Tick> {
    if is_of_nothing(scale) {
        return vec![Tick { height: if lowest == 0.0 { 0.0 } else { 0.5 }, text: "0".to_owned() }];
    }
    let apart = APART.max(line);
    if lowest == 0.0 {
        let foot = match scale.curve {
            ColorScale::Linear => "0".to_owned(),
            ColorScale::Log => format!("≤{}", short(scale.bottom)),
        };
        let ends = [
            Tick { height: 0.0, text: foot },
            Tick { height: 1.0, text: end(scale.top, if is_cut { "≥" } else { "" }) },
        ];
        return ends.into_iter().chain(between(scale, apart)).collect();
    }
    let half = |tick: Tick, sign: f32| Tick {
        height: 0.5 + sign * tick.height / 2.0,
        text: format!("{}{}", if sign < 0.0 { "−" } else { "+" }, tick.text),
    };
    let end = |sign: f32| {
        let (text, [less, more]) = (end(scale.top, ""), if is_cut { ["≤", "≥"] } else { ["", ""] });
        let text = if sign < 0.0 { format!("{less}−{text}") } else { format!("{more}+{text}") };
        Tick { height: 0.5 + sign / 2.0, text }
    };
    let middle = Tick { height: 0.5, text: "0".to_owned() };
    // Each half of the bar has half its length.
    let inner = between(scale, 2.0 * apart).into_iter();
    let inner = inner.flat_map(|tick| [half(tick.clone(), -1.0), half(tick, 1.0)]);
    [end(-1.0), middle, end(1.0)].into_iter().chain(inner).collect()
}

/// Whether it is of no value but 0, as where two prompts are read alike.
pub fn is_of_nothing(scale: Scale) -> bool {
    scale.curve == ColorScale::Linear && scale.top <= f32::MIN_POSITIVE
}

/// The numbers between foot and top, so far apart from these and from each other.
fn between(scale: Scale, apart: f32) -> Vec<Tick> {
    let values: Vec<(f32, String)> = match scale.curve {
        ColorScale::Linear => {
            let (step, places) = step(scale.top);
            let values = (1..).map(|at| at as f32 * step).take_while(|value| *value < scale.top);
            let text = |value: f32| if places <= PLACES { format!("{value:.places$}") } else { short(value) };
            values.map(|value| (value, text(value))).collect()
        }
        ColorScale::Log => {
            let decades = scale.bottom.log10().floor() as i32 + 1..=scale.top.log10().floor() as i32;
            // No more of them than there is room for.
            let step = decades.clone().count().div_ceil(5).max(1);
            let values = decades.rev().step_by(step).map(|decade| 10f32.powi(decade));
            values.filter(|value| *value < scale.top).map(|value| (value, short(value))).collect()
        }
    };
    let placed = values.into_iter().map(|(value, text)| Tick { height: scale.level(value), text });
    let mut kept: Vec<Tick> = Vec::new();
    for tick in placed.filter(|tick| tick.height > apart && tick.height < 1.0 - apart) {
        let is_free = |other: &Tick| (other.height - tick.height).abs() >= apart * 0.999;
        if kept.iter().all(is_free) {
            kept.push(tick);
        }
    }
    kept
}

/// From one number to the next, and the places it needs.
fn step(top: f32) -> (f32, usize) {
    let rough = top / COUNT;
    let power = rough.log10().floor();
    let unit = 10f32.powf(power);
    let factor = STEPS.into_iter().find(|factor| factor * unit >= rough * 0.999).unwrap_or(10.0);
    let places = (-power).max(0.0) as usize + usize::from(factor == 2.5);
    (factor * unit, if factor == 10.0 { places.saturating_sub(1) } else { places })
}

/// The value at an end, and a sign for what is beyond; beyond 1 there is no attention.
fn end(top: f32, sign: &str) -> String {
    match top {
        1.0 => "1".to_owned(),
        _ if top < 0.001 => format!("{sign}{}", short(top)),
        _ => format!("{sign}{top:.3}"),
    }
}

/// A value above 0 in a few characters: `0.25`, `0.03`, `10⁻³`, `4·10⁻⁵`.
pub fn short(value: f32) -> String {
    let mut decade = value.log10().floor() as i32;
    let mut digit = (value / 10f32.powi(decade)).round() as u32;
    if digit == 10 {
        (digit, decade) = (1, decade + 1);
    }
    let is_power = (value / 10f32.powi(decade) - 1.0).abs() < 1e-3;
    if decade >= 0 {
        return format!("{:.1}", value).trim_end_matches(".0").to_owned();
    }
    if decade >= -2 && !is_power {
        return format!("{value:.places$}", places = (1 - decade) as usize);
    }
    let exponent = decade.unsigned_abs().to_string();
    let superscript =
        |digit: u8| ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][usize::from(digit - b'0')];
    let exponent: String = exponent.bytes().map(superscript).collect();
    if digit == 1 { format!("10⁻{exponent}") } else { format!("{digit}·10⁻{exponent}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::Extent;

    fn texts(curve: ColorScale, top: f32, lowest: f32) -> Vec<String> {
        of(curve, (top, true), lowest)
    }

    fn of(curve: ColorScale, (top, is_cut): (f32, bool), lowest: f32) -> Vec<String> {
        let mut ticks = ticks(Scale::new(curve, Extent { bottom: 1e-4, top }), lowest, is_cut, 0.0);
        ticks.sort_by(|a, b| a.height.total_cmp(&b.height));
        ticks.into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn numbers_are_round_and_the_ends_exact() {
        assert_eq!(texts(ColorScale::Linear, 0.676, 0.0), ["0", "0.2", "0.4", "0.6", "≥0.676"]);
        assert_eq!(texts(ColorScale::Linear, 1.0, 0.0), ["0", "0.25", "0.50", "0.75", "1"]);
        assert_eq!(texts(ColorScale::Linear, 0.031, 0.0), ["0", "0.01", "0.02", "≥0.031"]);
        assert_eq!(texts(ColorScale::Log, 0.676, 0.0), ["≤10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "≥0.676"]);
        assert_eq!(
            texts(ColorScale::Linear, 4.5, 0.0),
            ["0", "2", "4", "≥4.500"],
            "lengths of values may be beyond 1"
        );
        assert_eq!(
            texts(ColorScale::Linear, 2.2e-5, 0.0),
            ["0", "10⁻⁵", "2·10⁻⁵", "≥2·10⁻⁵"].map(str::to_owned).to_vec()
        );
        assert_eq!(
            [0.25, 0.034, 0.1, 4.2e-5, 1e-7, 9.99e-4, 12.34, 3.0].map(short),
            ["0.25", "0.034", "10⁻¹", "4·10⁻⁵", "10⁻⁷", "10⁻³", "12.3", "3"]
        );
    }

    #[test]
    fn differences_go_both_ways() {
        assert_eq!(
            texts(ColorScale::Linear, 0.6, -1.0),
            ["≤−0.600", "−0.4", "−0.2", "0", "+0.2", "+0.4", "≥+0.600"]
        );
        let whole = of(ColorScale::Linear, (0.6, false), -1.0);
        assert_eq!(whole, ["−0.600", "−0.4", "−0.2", "0", "+0.2", "+0.4", "+0.600"], "nothing is beyond");
        assert_eq!(texts(ColorScale::Linear, 0.0, -1.0), ["0"], "two prompts that are read alike");
        assert_eq!(texts(ColorScale::Linear, 0.0, 0.0), ["0"]);
    }

    proptest::proptest! {
        #[test]
        fn numbers_never_touch_at_any_top(
            top in 0.0f32..9.0, bottom in 1e-7f32..0.9, line in 0.0f32..0.2, log: bool, signed: bool,
        ) {
            let curve = if log { ColorScale::Log } else { ColorScale::Linear };
            let lowest = if signed { -1.0 } else { 0.0 };
            let mut heights: Vec<f32> =
                ticks(Scale::new(curve, Extent { bottom, top }), lowest, true, line).into_iter().map(|tick| tick.height).collect();
            heights.sort_by(f32::total_cmp);
            let least = APART.max(line);
            proptest::prop_assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= least * 0.99), "{heights:?}");
            proptest::prop_assert!(heights.len() < 16);
        }
    }
}
