//! A colour, and how well text can be read on it.

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Colours as people write them: `0x08306b`.
    pub const fn table<const COUNT: usize>(hex: [u32; COUNT]) -> [Self; COUNT] {
        let mut colors = [Self(0, 0, 0); COUNT];
        let mut at = 0;
        while at < COUNT {
            let [_, red, green, blue] = hex[at].to_be_bytes();
            colors[at] = Self(red, green, blue);
            at += 1;
        }
        colors
    }

    /// Relative luminance as WCAG defines it.
    pub(super) fn luminance(self) -> f32 {
        let linear = |channel: u8| {
            let c = f32::from(channel) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Contrast ratio as WCAG defines it, from 1 to 21.
    pub fn contrast(self, other: Self) -> f32 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    /// Whether black is easier to read on it than white.
    pub fn is_light(self) -> bool {
        self.contrast(Rgb(0, 0, 0)) > self.contrast(Rgb(255, 255, 255))
    }

    /// The colour of text on it: black or white.
    pub fn text(self) -> Self {
        if self.is_light() { Rgb(0, 0, 0) } else { Rgb(255, 255, 255) }
    }

    /// As SVG and CSS spell it: `#08306b`.
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}
